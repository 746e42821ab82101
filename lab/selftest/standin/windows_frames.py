"""The pictures of the Windows stand-in guest (lab/images/stand_in/frames): painted here, kept there.

    python -m lab.selftest.standin.windows_frames

The image's builder may not import this room, and a guest cannot paint; so what is painted is in the tree,
and a test compares it with what would be painted now.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path

from lab.images import stand_in
from lab.selftest.standin import frames
from lab.selftest.standin.steps import Show

WHERE = Path(stand_in.__file__).parent / "frames"
SIZE = (1024, 768)
MODULE = "standsens.sys"
"""The driver of `agents/standin-sensor`; no product has one of this name."""
PARAMETERS = (0xFFFFA10C5E800000, 0, 0x5E800000, 0)
STOPS: Mapping[int, str] = {0x50: MODULE, 0x7E: MODULE, 0x80: ""}
"""Stop code -> what the screen blames."""


def painted() -> dict[str, bytes]:
    """File name -> content."""
    made = {"splash": Show("splash", decoy=True), "desktop": Show("blue-desktop", decoy=True)}
    found = {name: _frame(show, 0, "") for name, show in made.items()}
    for code, module in STOPS.items():
        found[f"stop-{code:x}"] = _frame(Show("10", progress=0), code, module)
        found[f"stop-{code:x}-dumped"] = _frame(Show("10", progress=100), code, module)
    return {f"{name}.z": content for name, content in found.items()}


def _frame(show: Show, code: int, module: str) -> bytes:
    picture = frames.paint(show, SIZE, code=code, module=module, parameters=PARAMETERS)
    return zlib.compress(frames.encoded(picture), 9)


def main() -> None:
    WHERE.mkdir(exist_ok=True)
    for name, content in painted().items():
        (WHERE / name).write_bytes(content)


if __name__ == "__main__":
    main()
