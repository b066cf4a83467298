"""`python -m workers.check`: whether this machine can run the worker; one line says what it found.

The node asks it as a process of its own, because the node itself loads no torch.
"""

from __future__ import annotations

import sys

from models.choice import load_classifier, load_spine_model
from models.device import choose_device
from node.domain.errors import NodeError
from node.settings import load_settings


def main() -> int:
    """Load the configured networks on the configured device and say what came of it."""
    try:
        settings = load_settings()
        device = choose_device(settings.workers.device)
        identities = load_spine_model(device, settings.workers.networks).identities
        choice = settings.workers.second_answer
        if choice is not None:
            identities = (*identities, load_classifier(device, choice).card.identity)
    except NodeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    told = ", ".join(f"{model.name} {model.version} ({model.intended_use})" for model in identities)
    sys.stdout.write(f"{told} on {device}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
