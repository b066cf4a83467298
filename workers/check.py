"""`python -m workers.check`: whether this machine can run the worker; one line says what it found.

The node asks it as a process of its own, because the node itself loads no torch.
"""

from __future__ import annotations

import sys

from models.bundle import SPINE_CT, load_bundle
from models.device import choose_device
from node.domain.errors import NodeError
from node.settings import load_settings


def main() -> int:
    """Load the configured network on the configured device and say what came of it."""
    try:
        settings = load_settings()
        device = choose_device(settings.workers.device)
        bundle = load_bundle(settings.workers.bundle or SPINE_CT, device)
    except NodeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    card = bundle.card
    sys.stdout.write(f"{card.name} {card.version} ({card.intended_use}) on {device}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
