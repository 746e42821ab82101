"""What a stand-in can be told to do, as values, and the script its program reads. Runs nothing itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Show:
    """Paint a screen: a layout of `painting.LAYOUTS`, or one of `painting.DECOYS` when `decoy`."""

    layout: str
    progress: int = 0
    decoy: bool = False


@dataclass(frozen=True, slots=True)
class Say:
    """Print text on the serial port; lines end with CR LF as Windows' do."""

    text: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Let the guest's clock go on by `s` seconds."""

    s: float


@dataclass(frozen=True, slots=True)
class TellPanicDevice:
    """Write to the pvpanic device, as its Windows driver does: QEMU sends GUEST_PANICKED."""


@dataclass(frozen=True, slots=True)
class Dump:
    """Write a crash dump of `mib` to the dump disk, painting `layout` with its progress meanwhile.

    The header comes last, as the thing that makes a dump whole.
    """

    layout: str
    mib: int = 16
    steps: int = 5
    pause_s: float = 0.4


@dataclass(frozen=True, slots=True)
class Reset:
    """Reset by the chipset's register: QEMU sends RESET, and the next boot follows."""


@dataclass(frozen=True, slots=True)
class PowerOff:
    """Switch the machine off."""


@dataclass(frozen=True, slots=True)
class Stay:
    """Do nothing more, with the screen as it is."""


Step = Show | Say | Wait | TellPanicDevice | Dump | Reset | PowerOff | Stay
Boots = tuple[tuple[Step, ...], ...]
"""The steps of each boot; those of the last one serve every later boot too."""

DUMP_HEADER = "dump-header"


@dataclass(frozen=True, slots=True)
class Script:
    """The text that the guest's program obeys, and the files it names."""

    text: str
    frames: dict[str, Show]
    """File name -> what it shows."""
    texts: dict[str, str]

    @property
    def needs_dump_disk(self) -> bool:
        return "dump-disk" in self.text.splitlines()


def script(boots: Boots, greeting: str) -> Script:
    """`boots` in the program's own words, each boot beginning with `greeting` on the serial port."""
    writer = _Writer()
    for number, steps in enumerate(boots, start=1):
        writer.lines += [f"boot {number}", f"say {writer.text(greeting)}"]
        if any(isinstance(step, Dump) for step in steps):
            writer.lines.append("dump-disk")
        for step in steps:
            writer.lines += writer.words(step)
    return Script("\n".join(writer.lines) + "\n", writer.frames, writer.texts)


class _Writer:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.frames: dict[str, Show] = {}
        self.texts: dict[str, str] = {}

    def frame(self, show: Show) -> str:
        name = f"frame-{show.layout}-{show.progress}"
        self.frames[name] = show
        return name

    def text(self, text: str) -> str:
        for name, known in self.texts.items():
            if known == text:
                return name
        name = f"text-{len(self.texts)}"
        self.texts[name] = text
        return name

    def words(self, step: Step) -> Sequence[str]:
        match step:
            case Show():
                return [f"show {self.frame(step)}"]
            case Say():
                return [f"say {self.text(step.text)}"]
            case Wait():
                return [f"wait {round(step.s * 1000)}"]
            case Dump():
                return self._dump(step)
            case TellPanicDevice():
                return ["panicked"]
            case Reset():
                return ["reset"]
            case PowerOff():
                return ["off"]
            case Stay():
                return ["stay"]

    def _dump(self, step: Dump) -> list[str]:
        words = []
        part = step.mib * MIB // step.steps
        for number in range(step.steps):
            shown = Show(step.layout, progress=100 * number // step.steps)
            words += [f"show {self.frame(shown)}", f"fill {number * part} {part}"]
            words.append(f"wait {round(step.pause_s * 1000)}")
        words += [f"put {DUMP_HEADER} 0", f"show {self.frame(Show(step.layout, progress=100))}"]
        return words
