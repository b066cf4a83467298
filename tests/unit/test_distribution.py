"""The distribution owns its top-level package names alone."""

from importlib import metadata

import pytest


@pytest.mark.parametrize("package", ["node", "workers", "models", "training"])
def test_no_other_distribution_owns_our_package_name(package):
    owners = set(metadata.packages_distributions().get(package, []))

    assert owners <= {"osteonode"}
