"""One kernel report while it is read: what belongs to it, whose fault it names, what it is called.

Refuses to decide where reports begin; that is console.py's.
"""

from __future__ import annotations

import re

from lab.detect.lines import Line
from lab.detect.linux.frames import Frame, guilty, pointer, stack_frame
from lab.detect.linux.patterns import Pattern, Role
from lab.model import EvidenceRef, Finding, FindingKind, Signature

SERIAL = "serial.log"
MOST_FRAMES = 64

BODY = re.compile(
    r"(?:RIP|EIP|RSP|ESP|EFLAGS|R[A-D]X|E[A-D]X|RSI|RDI|RBP|R\d\d|[CDEFG]S|CR\d|DR\d|PKRU|ORIG_RAX|"
    r"pc|lr|sp|pstate|x\d{1,2}|epc|ra|gp|tp|status|NIP|LR|PC|Code|Stack|Backtrace|Tainted|"
    r"Hardware name|Workqueue|"
    r"Call [Tt]race|Modules linked in|CPU|Comm|PGD|PMD|PUD|pgd|\[[0-9a-f]{8,16}\] pgd|Mem abort info|"
    r"ESR|EC|SET|EA|ISV|CM|"
    r"Data abort info|swapper pgtable|user pgtable|Internal error|Oops|#PF|note|Kernel Offset|"
    r"Kernel Version|Memory Limit|"
    r"Rebooting in|Kernel panic|Dumping ftrace|Sending NMI|NMI backtrace|rcu|INFO|BUG|WARNING|KASAN|"
    r"Tasks? dump|task|"
    r"irq event stamp|hardirqs|softirqs|SMP|Starting crashdump|Kernel stack|Last (?:potentially|"
    r"user)|Second to last|"
    r"Read of size|Write of size|The buggy address|Allocated by|Freed by|Memory state|page|flags|raw|"
    r"Object|Disabling lock|"
    r"allocated by|freed by|kfence|head|which belongs|Mem-Info|Node|DMA|Normal|active_anon|"
    r"Tasks state|oom-kill|"
    r"Out of memory|Memory cgroup out|Killed process|oom_reaper|\[ *pid *\]|lowmem_reserve|Total swap|"
    r"Thread overran|stack guard|watchdog|invalid opcode|general protection|Fixing recursive|Aiee|Unable|"
    r"Showing all locks|\d+ locks? held|Future hung task|sysctl|Preemption disabled|Trap|unwind)\b"
    r"|<(?:/?TASK|/?IRQ|/?NMI|/?SOFTIRQ|EOI|IRQ|NMI|#DF)>|---\[|-{8}|={8}|[ >]?(?:[0-9a-f]{2} ){4}|"
    r"\"echo 0 >|"
    r"(?:\[<[0-9a-f]{8,16}>\])|\?+ |(?:[0-9a-f]{8,16} ?){2}|#\d+: |\[ *\d+\] |[(>\t ]*\^"
)
LAST = re.compile(r"---\[ end Kernel panic", re.ASCII)
ENDED = re.compile(r"---\[ end trace", re.ASCII)
ACCESS = re.compile(r"(?P<access>Read|Write) (?:of size|at addr)", re.ASCII)
HISTORY = re.compile(
    r"(?:Allocated|Freed) by|Last potentially|Second to last|allocated by|freed by", re.ASCII
)
KILLED = re.compile(
    r"(?:Memory cgroup o|O)ut of memory.{0,40}: Killed process \d+ \((?P<what>[^)]{1,64})\)", re.ASCII
)

NUMBERS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b0x[0-9a-f]+\b|\b(?=[0-9a-f]*\d)[0-9a-f]{8,16}\b", re.ASCII), "ADDR"),
    (re.compile(r"\b\d+\b", re.ASCII), "NUM"),
)
PANIC_TAIL = re.compile(r"(?:! exitcode| exitcode|:? CPU: ).*$|[\s.!]+$", re.ASCII)
"""What a panic's reason carries that differs from one time to the next."""


class Report:
    """Begins with the line that `pattern` matched."""

    def __init__(self, pattern: Pattern, match: re.Match[str], line: Line) -> None:
        self.pattern = pattern
        self.t_s, self.start, self.end = line.t_s, line.start, line.end
        self.over = False
        """Its last line was read."""
        self.closed = False
        """No line will be added."""
        self.size = 1
        groups = match.groupdict()
        self._what = (groups.get("what") or "").strip()
        self._named = Frame("")
        if groups.get("function"):
            self._named = Frame(groups["function"].split(".")[0], groups.get("module") or "")
        self._pointer: Frame | None = None
        self._frames: list[Frame] = []
        self._access = ""
        self._reason: str | None = None
        self._ended = False
        self._history = False
        self._victim(line.text)

    @property
    def panicked(self) -> bool:
        return self._reason is not None

    @property
    def fatal(self) -> bool:
        return self.pattern.fatal or self.panicked

    @property
    def ready(self) -> bool:
        """Whether its kind and title will not get much better: time to tell the live watcher."""
        if self.closed or self.panicked or not self.pattern.in_function:
            return True
        if self.pattern.access and not self._access:
            return False
        found = self._guilty()
        return found is not None and not found.carrier

    def absorbs(self, pattern: Pattern) -> bool:
        """Whether what `pattern` begins is a part of this. What is fatal never hides in what is not."""
        if pattern.fatal and not self.fatal:
            return False
        if pattern.role is Role.HEADER or (pattern is self.pattern and not pattern.in_function):
            return True
        return self.pattern.role in (Role.CRASH, Role.HEADER) and not self._ended

    def belongs(self, text: str) -> bool:
        """Whether a line looks like a part of a kernel report."""
        return bool(BODY.match(text)) or stack_frame(text) is not None

    def panic(self, reason: str) -> None:
        """This report brought the kernel down; the first reason counts."""
        if self._reason is None:
            self._reason = reason
        self.closed = False

    def take(self, line: Line) -> None:
        """Add a line that belongs to it."""
        self.end, self.size = line.end, self.size + 1
        text = line.text
        if LAST.match(text):
            self.over = True
        elif ENDED.match(text):
            self._ended = True
        elif HISTORY.match(text):
            self._history = True
        elif not self._ended and not self._history:
            self._look(text)
        self._victim(text)

    def close(self) -> None:
        self.closed = True

    def finding(self) -> Finding:
        """What is known of it by now."""
        found = self._guilty()
        function = found.function if found else ""
        title = normalise(self._title())
        place = f" in {function}" if function and self.pattern.in_function else ""
        alts = tuple(f"{alt}{place}" for alt in self.pattern.alts if place)
        return Finding(
            kind=self._kind(),
            signature=Signature(title=f"{title}{place}", alt_titles=alts),
            fatal=self.fatal,
            t_s=self.t_s,
            evidence=(EvidenceRef(path=SERIAL, start=self.start, end=self.end),),
            channels=("serial",),
            function=function,
            module=found.module if found else "",
            detail=self._detail(),
            corrupted="no function in the report" if self.pattern.in_function and not function else "",
        )

    def _kind(self) -> FindingKind:
        return FindingKind.PANIC if self.panicked else self.pattern.kind

    def _title(self) -> str:
        if self.pattern.id == "panic":
            reason = PANIC_TAIL.sub("", self._what)
            return f"kernel panic: {reason}" if reason else "kernel panic"
        if self.pattern.id == "oom":
            return f"out of memory: killed {self._what}" if self._what else "out of memory"
        return " ".join(self.pattern.title.format(what=self._what, access=self._access).split())

    def _detail(self) -> str:
        if self._reason is None or self.pattern.id == "panic":
            return ""
        return f"ended in a kernel panic: {self._reason}" if self._reason else "ended in a kernel panic"

    def _guilty(self) -> Frame | None:
        if not self.pattern.in_function and not self._pointer:
            return guilty(self._frames)
        heads = [seen for seen in (self._named, self._pointer) if seen is not None and seen.function]
        return guilty([*heads, *self._frames])

    def _look(self, text: str) -> None:
        access = ACCESS.match(text)
        if access and not self._access:
            self._access = access["access"]
        at = pointer(text)
        if at is not None:
            self._pointer = self._pointer or at
            return
        seen = stack_frame(text)
        if seen is not None and len(self._frames) < MOST_FRAMES:
            self._frames.append(seen)

    def _victim(self, text: str) -> None:
        killed = KILLED.match(text)
        if killed and self.pattern.id == "oom":
            self._what = killed["what"]


def normalise(title: str) -> str:
    """A title without what differs from one time to the next: addresses and numbers."""
    for pattern, word in NUMBERS:
        title = pattern.sub(word, title)
    return title[:300]
