"""The lab itself as one more peer: a process that starts a guest, runs `true`, and ends it. No sensors.

    python -m benchmarks.peers.lab_guest ORDER.json

The order is a `TemplateOrder`, and the template beside it when the guest is to be a clone.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import guests
from lab import codec
from lab.running.templating import TemplateOrder
from lab.templates import Template


def main() -> int:
    """One guest, from nothing to closed."""
    path = Path(sys.argv[1])
    beside = path.with_suffix(".template")
    template = codec.read(Template, beside) if beside.exists() else None
    subject = guests.Subject(order=codec.read(TemplateOrder, path))
    guests.first_command(subject, path.parent / path.stem, template)
    return 0


if __name__ == "__main__":
    sys.exit(main())
