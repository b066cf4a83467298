#!/bin/sh
# Installs the Debian packages that only the tests' real peers need, where that is allowed. Never fails: a test that
# misses its peer says so, and fails where CI=true.
missing=
for pair in Orthanc:orthanc dcmdump:dcmtk dciodvfy:dicom3tools redis-server:redis-server; do
    program=${pair%%:*}
    # the virtual environment has a redis-server and tools named like DCMTK's of its own
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin command -v "$program" >/dev/null 2>&1 \
        || missing="$missing ${pair##*:}"
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null 2>&1; then
    echo "tests that need$missing will be skipped: there is no apt-get to install them with"
    exit 0
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root=sudo
    else
        echo "tests that need$missing will be skipped: install them with: sudo apt-get install$missing"
        exit 0
    fi
fi
# RUNLEVEL=1 keeps Debian from starting the servers: the tests start their own, on free ports
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 sh -c \
    "apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing" >/dev/null \
    || echo "could not install$missing: tests that need them will be skipped"
exit 0
