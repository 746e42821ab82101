"""One kernel report while it is read: what belongs to it, what it is called, whether it can be trusted.

Refuses to decide where reports begin; that is console.py's.
"""

from __future__ import annotations

import re
from dataclasses import replace

from lab.detect.lines import Line
from lab.detect.linux.blame import blamed
from lab.detect.linux.frames import DOUBTED, Frame, names, pointer, stack_frame
from lab.detect.linux.patterns import TRUNCATED, Blame, Pattern, Role
from lab.model import EvidenceRef, Finding, FindingKind, Signature

SERIAL = "serial.log"
KEPT = 1500
"""Lines of a report that are kept until it is closed."""

BODY = re.compile(
    r"(?:RIP|EIP|RSP|ESP|EFLAGS|R[A-D]X|E[A-D]X|RSI|RDI|RBP|R\d\d|[CDEFG]S|CR\d|DR\d|PKRU|ORIG_RAX|IP|"
    r"pc|lr|sp|pstate|x\d{1,2}|r\d{1,2}|epc|ra|gp|tp|status|NIP|LR|PC|GPR\d\d|MSR|REGS|CTR|Krnl|Code|"
    r"Stack|Backtrace|"
    r"Tainted|Hardware name|Workqueue|Call [Tt]race|Modules linked in|CPU|Comm|PGD|PMD|PUD|pgd|Pid|Process|"
    r"\[[0-9a-f]{8,16}\] pgd|Mem abort info|ESR|EC|SET|EA|ISV|CM|Data abort info|swapper pgtable|"
    r"user pgtable|"
    r"Internal error|Oops|#PF|note|Kernel Offset|Kernel Version|Memory Limit|Rebooting in|Kernel panic|"
    r"Dumping ftrace|Sending NMI|NMI backtrace|rcu|INFO|BUG|WARNING|KASAN|Tasks? dump|task|irq event stamp|"
    r"hardirqs|softirqs|SMP|Starting crashdump|Kernel stack|Last (?:potentially|user)|Second to last|"
    r"Read of size|Write of size|The buggy address|Allocated by|Freed by|Memory state|page|flags|raw|Object|"
    r"Disabling lock|allocated by|freed by|kfence|head|which belongs|Mem-Info|Node|DMA|Normal|active_anon|"
    r"Tasks state|oom-kill|Out of memory|Memory cgroup out|Killed process|oom_reaper|\[ *pid *\]|"
    r"lowmem_reserve|"
    r"Total swap|Thread overran|stack guard|watchdog|invalid opcode|general protection|Fixing recursive|Aiee|"
    r"Unable|Showing all locks|\d+ locks? held|no locks held|Future hung task|sysctl|Preemption disabled|"
    r"Trap|unwind|"
    r"stack backtrace|other info|but task is|the existing dependency|which lock|is trying|"
    r"Possible unsafe|backtrace|unreferenced object|comm|hex dump|last function|"
    r"\d+ printk messages dropped)\b"
    r"|</?(?:TASK|IRQ|NMI|SOFTIRQ|EOI|#DF)>|---\[|-{8}|={8}|[ >]?(?:[0-9a-f]{2} ){4}|"
    r"\"echo 0 >|-> #\d|Register r\d|[0-9a-f]{4}:? (?: ?[0-9a-f*]{8}){2}|\*\*\* DEADLOCK|"
    r"(?:\[<[0-9a-f]{8,16}>\])|\?+ |(?:[0-9a-f]{8,16} ?){2}|#\d+: |\[ *\d+\] |[(>\t ]*\^"
)
LAST = re.compile(r"---\[ end Kernel panic", re.ASCII)
ENDED = re.compile(r"---\[ end trace", re.ASCII)
KILLED = re.compile(
    r"(?:Memory cgroup o|O)ut of memory.{0,40}: Kill(?:ed)? process \d+ \((?P<what>[^)]{1,64})\)", re.ASCII
)
ELSEWHERE = re.compile(
    r"(?:.*vmalloc: allocation failure|.*FAULT_INJECTION: forcing|.*FAULT_FLAG_ALLOW_RETRY missing|"
    r"should_fail\w*[.+]|\*\* \d+ printk messages dropped)",
    re.ASCII,
)
"""Messages with a stack of their own, and holes: in the middle of a report they make its stack doubtful."""

NO_OOPS = "a program's fault: no oops of the kernel followed it"

NO_STACK = "anybody may have said so: neither a time stamp nor a stack is the kernel's"

NUMBERS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b0x[0-9a-f]+\b|\b(?=[0-9a-f]*\d)[0-9a-f]{8,16}\b", re.ASCII), "ADDR"),
    (re.compile(r"(?<=[.][chS]):\d+\b", re.ASCII), ":LINE"),
    (re.compile(r"\b\d+\b", re.ASCII), "NUM"),
)
PANIC_TAIL = re.compile(r"(?: exitcode=.*| for \S+ --- error.*|:? CPU: .*| set \.\.\.|[\s.]+)$", re.ASCII)
"""What a panic's reason carries that differs from one time to the next."""


class Report:
    """Begins with the line that `pattern` matched."""

    def __init__(self, pattern: Pattern, match: re.Match[str], line: Line, *, suppressed: str = "") -> None:
        self.pattern = pattern
        self.t_s, self.start, self.end = line.t_s, line.start, line.end
        self.caller = line.caller
        self._dress = (line.logged, line.levelled, line.stamp is None)
        self.over = pattern.role is Role.LINE
        """Its last line was read."""
        self.closed = False
        """No line will be added."""
        self.size = 1
        self.suppressed = suppressed
        """Why it is not this guest's crash, or ""."""
        self.told = False
        """The reader of `ready` was told."""
        self.settled = False
        """Nothing can withdraw it any more."""
        self.borne_out = not pattern.prelude
        """It is the kernel's own trouble: for a fault that programs have too, an oops followed."""
        self.idle = 0
        """Lines of its own caller in a row that do not belong to it."""
        self.away = 0
        """Lines of others in a row."""
        self.interrupted = ""
        """What else was printed in the middle of it, or ""."""
        groups = match.groupdict()
        self._what = {name: (value or "").strip() for name, value in groups.items()}
        self._named = Frame(groups.get("function") or "", groups.get("module") or "")
        self._lines: list[str] = []
        self._first = line.text
        self._reason: str | None = None
        self._ended = False
        self._next_look = 0
        self._next_title = 0
        """Sizes at which it is worth reading all its lines again."""
        self._ready = False
        self._stacked = False
        """A stack was seen."""
        self.cut_by: Report | None = None
        """The report that began before this one was over."""
        self._found: Finding | None = None
        self._victim(line.text)

    @property
    def panicked(self) -> bool:
        return self._reason is not None

    @property
    def fatal(self) -> bool:
        """The kernel broke or stopped, with this report or while it was still printing it."""
        if self.pattern.fatal or self.panicked:
            return True
        return self.cut_by is not None and self.cut_by.panicked and not self.cut_by.suppressed

    @property
    def ready(self) -> bool:
        """Whether its kind and title will not get much better: time to tell the live watcher."""
        if (self.pattern.tentative and not self.settled) or not self.borne_out:
            return False
        if self.closed or self.over or self.panicked or self.pattern.blame is Blame.NOBODY:
            return True
        if self.size >= self._next_look:
            self._next_look = self.size + 1 + self.size // 4
            named = blamed(self.pattern, self._named, self._lines, guess=False)
            self._ready = named is not None and (self.pattern.detail is None or bool(self._details()))
        return self._ready

    @property
    def firm(self) -> bool:
        """Whether nothing that comes can change it: it is over, and nothing can withdraw it."""
        open_end = self.cut_by is not None and not self.cut_by.closed
        return (
            self.closed
            and not open_end
            and (not self.pattern.tentative or self.settled or bool(self.suppressed))
        )

    def hears(self, line: Line) -> bool:
        """Whether a line may go on with it: of the same caller; of any CPU where all are asked for stacks."""
        if not self.speaks_as(line):
            return False
        if not self.caller:
            return True
        if not line.caller:
            return line.stamp is not None
        return line.caller == self.caller or (self.pattern.blame is Blame.STALL and line.caller[0] == "C")

    def speaks_as(self, line: Line) -> bool:
        """Whether a line may come from where it came from: what was only shown does not go on in what this
        console's kernel prints."""
        dress = (line.logged, line.levelled, line.stamp is None)
        return not self.suppressed or self._dress == dress

    def hears_of(self, other: Report) -> bool:
        """Whether its lines cannot be told from another report's."""
        return not self.caller or self.caller == other.caller

    @property
    def named(self) -> bool:
        """Whether a stack, or what stands for it, was read."""
        return self._stacked or self.pattern.stackless

    def absorbs(self, pattern: Pattern, text: str) -> bool:
        """Whether what `pattern` begins is a part of this. What is fatal never hides in what is not."""
        if pattern.fatal and not self.fatal:
            return False
        if self.pattern.includes is not None and self.pattern.includes.match(text):
            return True
        if pattern.role is Role.HEADER or (pattern is self.pattern and pattern.blame is Blame.NOBODY):
            return True
        return self.pattern.fatal and not self._ended

    def belongs(self, text: str) -> bool:
        """Whether a line looks like a part of a kernel report."""
        return bool(BODY.match(text)) or stack_frame(text) is not None

    def panic(self, reason: str) -> None:
        """This report brought the kernel down; the first reason counts."""
        if self._reason is None:
            self._reason = reason
        self._next_title, self.closed = 0, False
        self.bear_out()

    def bear_out(self) -> None:
        """The kernel's oops or panic followed."""
        if not self.borne_out:
            self.borne_out = True
            self.suppressed = "" if self.suppressed == NO_OOPS else self.suppressed

    def take(self, line: Line) -> None:
        """Add a line that belongs to it."""
        self.end = line.end
        self.note(line.text)
        if any("messages dropped" in text for text in line.earlier):
            self.interrupted = "printk dropped messages in the middle of the report"
        if LAST.match(line.text):
            self.over = True
        elif ENDED.match(line.text):
            self._ended = True

    def note(self, text: str) -> None:
        """Keep a line that may say something about it."""
        self.size += 1
        if len(self._lines) < KEPT and not self._ended:
            self._lines.append(text)
        if not self._stacked:
            self._stacked = stack_frame(text) is not None
            if not self.caller and ELSEWHERE.match(text):
                self.interrupted = "other messages in the middle of the report"
        self._victim(text)

    def close(self) -> None:
        """It is as complete as it gets; its lines are let go."""
        self.closed = True
        if not (
            self.borne_out or self._stacked or any(at and at.function for at in map(pointer, self._lines))
        ):
            self.suppressed = self.suppressed or NO_OOPS
        self.borne_out = True
        if self.pattern.vouched and self._dress[2] and not self._stacked and not self.panicked:
            self.suppressed = self.suppressed or NO_STACK
        self._found = self._read()

    def finding(self) -> Finding:
        """What is known of it by now."""
        if self._found is None or (not self.closed and self.size >= self._next_title):
            self._next_title = self.size + 1 + self.size // 4
            self._found = self._read()
        evidence = (EvidenceRef(path=SERIAL, start=self.start, end=self.end),)
        return replace(
            self._found,
            fatal=self.fatal,
            suppressed=self.suppressed,
            evidence=evidence,
            detail=self._detail(),
        )

    def _read(self) -> Finding:
        blame = self._function()
        function = blame.function
        titles = self._titles(function)
        return Finding(
            kind=FindingKind.PANIC if self._yielded else self.pattern.kind,
            signature=Signature(title=titles[0], alt_titles=titles[1:]),
            fatal=self.fatal,
            t_s=self.t_s,
            evidence=(EvidenceRef(path=SERIAL, start=self.start, end=self.end),),
            channels=("serial",),
            function=function,
            module=blame.module,
            detail=self._detail(),
            corrupted=self._corrupted(function),
            suppressed=self.suppressed,
        )

    @property
    def _yielded(self) -> bool:
        return self.pattern.yields and bool(self._reason)

    def _function(self) -> Frame:
        return blamed(self.pattern, self._named, self._lines) or Frame("")

    def _details(self) -> dict[str, str]:
        if self.pattern.detail is None:
            return {}
        for text in self._lines:
            found = self.pattern.detail.match(text)
            if found:
                return {name: value or "" for name, value in found.groupdict().items()}
        return {}

    def _titles(self, function: str) -> tuple[str, ...]:
        words = {"what": "", "access": "", "place": "", "rest": "", **self._what, **self._details()}
        words["what"] = self._phrase(words["what"])
        others = [name for name in names(self._whole(function)) if name != function] if function else []
        titles = [f"kernel panic: {PANIC_TAIL.sub('', self._reason or '')}"] if self._yielded else []
        titles.append(_title(self.pattern.title, words, function))
        titles += [_title(self.pattern.title, words, other) for other in others]
        if function:
            titles += [_title(alt, words, name) for alt in self.pattern.alts for name in (function, *others)]
        return tuple(dict.fromkeys(normalise(title) for title in titles))

    def _whole(self, function: str) -> str:
        """The blamed function as the stack names it, with what titles leave out."""
        for text in (self._first, *self._lines):
            for found in (pointer(text), stack_frame(text)):
                if found is not None and names(found.function)[0] == function:
                    return found.function
        return function

    def _phrase(self, what: str) -> str:
        if self.pattern.role is Role.PANIC:
            return PANIC_TAIL.sub("", what)
        if self.pattern.id == "oom":
            return f"killed {what}" if what else ""
        return what

    def _detail(self) -> str:
        if self._reason is None or self.pattern.role is Role.PANIC or self._yielded:
            return ""
        return f"ended in a kernel panic: {self._reason}" if self._reason else "ended in a kernel panic"

    def _corrupted(self, function: str) -> str:
        if self.pattern.broken:
            return self.pattern.broken
        if self.pattern.role is Role.PANIC and TRUNCATED.match(self._what.get("what", "")):
            return "the report that the panic ends was lost"
        if self.pattern.stackless or self.pattern.kind is FindingKind.BOOT_FAILURE:
            return ""
        if self.interrupted:
            return self.interrupted
        if self.pattern.blame is not Blame.NOBODY and not function:
            return "no function in the report"
        if self.closed and not any(stack_frame(text) for text in self._lines):
            doubted = any(DOUBTED.match(text) for text in self._lines)
            return "only frames that the unwinder doubts" if doubted else "no stack in the report"
        return ""

    def _victim(self, text: str) -> None:
        killed = KILLED.match(text)
        if killed and self.pattern.id == "oom":
            self._what["what"] = killed["what"]


def _title(template: str, words: dict[str, str], function: str) -> str:
    text = template.format(**{**words, "function": function}) if "{" in template else template
    if function and "{function}" not in template and "{place}" not in template:
        text = f"{text} in {function}"
    return " ".join(text.replace(" in /", " in ").split()).removesuffix(" in").removesuffix(":")


def normalise(title: str) -> str:
    """A title without what differs from one time to the next: addresses and numbers."""
    for pattern, word in NUMBERS:
        title = pattern.sub(word, title)
    return title[:300]
