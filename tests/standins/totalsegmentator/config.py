"""Settings of the package, in a file beside the weights."""

import json
import os
from pathlib import Path


def get_weights_dir() -> Path:
    """Where weights lie."""
    return Path(os.environ["TOTALSEG_WEIGHTS_PATH"])


def setup_totalseg(totalseg_id: str | None = None) -> dict[str, object]:
    """Write the settings that the package starts with, where there are none."""
    if not _file().exists():
        _file().write_text(json.dumps({"send_usage_stats": True}))
    settings: dict[str, object] = json.loads(_file().read_text())
    return settings


def set_config_key(key_name: str, value: object) -> None:
    """Change a setting."""
    _file().write_text(json.dumps(setup_totalseg() | {key_name: value}))


def _file() -> Path:
    return get_weights_dir() / "config.json"
