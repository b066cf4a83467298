"""Settings of the package, in memory."""

import os
from pathlib import Path

#: What was set, for tests to look at.
settings: dict[str, object] = {}


def get_weights_dir() -> Path:
    """Where weights lie."""
    return Path(os.environ["TOTALSEG_WEIGHTS_PATH"])


def setup_totalseg(totalseg_id: str | None = None) -> dict[str, object]:
    """Write the settings that the package starts with."""
    settings.setdefault("send_usage_stats", True)
    return settings


def set_config_key(key_name: str, value: object) -> None:
    """Change a setting."""
    settings[key_name] = value
