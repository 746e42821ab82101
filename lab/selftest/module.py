"""The crash-provoking kernel module, compiled for the kernel of an image and kept.

Owns where its sources are and what comes out; compiling and keeping is `lab.agents.compiling`. It never
puts the module into a guest by itself.
"""

from __future__ import annotations

from pathlib import Path

from lab.agents.compiling import Workbench
from lab.agents.manifest import CompileSpec, OutputSpec
from lab.errors import ArtefactError
from lab.images.built import BuiltImage
from lab.images.sdk import build_in
from lab.places import Places

SOURCE = Path(__file__).parent / "crasher"
NAME = "lab_crasher"
BUILT = f"out/{NAME}.ko"
IN_GUEST = f"/run/{NAME}.ko"
CONTROL = f"/proc/{NAME}"
COMPILE_S = 300.0
SPEC = CompileSpec(
    source=SOURCE,
    command="make",
    outputs=(OutputSpec(path=BUILT, to=BUILT, mode=0o644),),
    timeout_s=COMPILE_S,
)


def compiled(places: Places, image: BuiltImage) -> Path:
    """`lab_crasher.ko` for the image's kernel; compiled once (about 20 s), then from the cache.

    :raise ArtefactError: the image has no SDK for its kernel.
    :raise BuildError: compiling failed; `log` has what it printed.
    """
    if image.sdk is None:
        raise ArtefactError(
            f"image {image.name!r}: no SDK in the cache (wanted to compile {NAME} for its kernel)",
            hint=f"lab image build {image.name}",
        )
    bench = Workbench(home=places.artefacts / NAME, agent=NAME, build_in=build_in)
    return bench.outputs(SPEC, build="1", kernel_release=image.kernel_release, sdk=image.sdk)[BUILT]


def load(what: str = "") -> str:
    """Shell text that loads it; `what` provokes that fault while it loads."""
    return f"insmod {IN_GUEST} what={what}" if what else f"insmod {IN_GUEST}"


def provoke(fault: str) -> str:
    """Shell text that provokes a fault once the module is loaded."""
    return f"echo {fault} > {CONTROL}"
