"""All benchmarks, one after the other: `python -m tests.bench` prints the page `docs/benchmarks.md`.

Each benchmark is a program of its own, `python -m tests.bench.NAME`, that prints a Markdown table. None is a test:
speed is stated as a ratio against a peer, side by side in one run, and never decides whether the tests pass.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
_HEAD = """# Benchmarks

Made by `make bench`; every table by the program that it names. Medians; times in seconds unless said otherwise.

Machine: {cores} cores, {memory:.0f} GiB memory, {system}, Python {python}.
"""


def main() -> int:
    """Run the benchmarks named on the command line, or all; write each table as soon as it is there."""
    names = sys.argv[1:] or sorted(each.stem for each in HERE.glob("[a-z]*.py"))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    sys.stdout.write(
        _HEAD.format(
            cores=os.cpu_count(),
            memory=memory,
            system=platform.system(),
            python=platform.python_version(),
        )
    )
    failed = 0
    for name in names:
        sys.stderr.write(f"{name} ...\n")
        told = subprocess.run([sys.executable, "-m", f"tests.bench.{name}"], stdout=subprocess.PIPE, check=False)
        sys.stdout.write(f"\n## `python -m tests.bench.{name}`\n\n{told.stdout.decode()}")
        sys.stdout.flush()
        failed += told.returncode != 0
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
