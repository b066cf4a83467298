"""Names of the values, those of the real package where it has them."""

from tests.builders.structures import NAMES

class_map = {"total": dict(NAMES)}
