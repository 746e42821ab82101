"""What `load.sh look` and `load.ps1 look` print, read: one text form for both families.

state running | starting | gone | ended deadline | ended stopped | ended killed
state ended unusable WHY     this guest cannot do it
state ended failed WHY       it began, and its tool broke off
boot ID                      the boot it was started in
now_ns N                     the guest's monotonic clock
cpu HUNDREDTHS PROCESSES     of everything that runs for it
available_kib N              memory that can be had now
round N                      a finished round, up to `end N`
begin_ns N / end_ns N        on the guest's monotonic clock
seconds N                    that the round was to last
available_kib N              the least memory that could be had in it
exit_code N                  of the tool
ops N / errors N / worst_us N / sum_us N / bin UPPER_US COUNT
said COUNT WORDS             what failed operations said, the most frequent first
text LINE / report LINE      what the tool printed, and its report
end N
more                         there are more rounds than fit
stuck PID...                 what could not be killed (`stop`)
log LINE                     what the runner itself complained of
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from lab.workloads.latency import Latency

NS_PER_S = 1e9
NS_PER_US = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One finished round as the guest wrote it down; what its report means is the tool's module's matter."""

    number: int
    begin_ns: int
    end_ns: int
    wanted_s: int
    available_mib: int | None
    """The least in the round; None when nobody looked."""
    exit_code: int
    ops: int
    """Operations timed one by one, without the tool's."""
    errors: int
    latency: Latency
    said: tuple[str, ...]
    text: str
    report: str

    @property
    def seconds(self) -> float:
        return (self.end_ns - self.begin_ns) / NS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at a load in its guest."""

    state: str
    """`starting`, `running`, `ended` or `gone`."""
    reason: str
    """Why it has ended: `deadline`, `stopped`, `killed`, or `failed` or `unusable` and words."""
    boot: str
    now_ns: int
    cpu_s: float
    processes: int
    available_mib: int
    rounds: tuple[Round, ...]
    more: bool
    stuck: str
    """Processes that could not be killed."""
    log: str


def parse(text: str) -> Look:
    """Lines that are not of the form are passed over: a guest under load may tear its output."""
    heads: dict[str, str] = {}
    log: list[str] = []
    rounds: list[Round] = []
    lines = iter(text.splitlines())
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "round":
            read = _round(rest, lines)
            rounds += [read] if read is not None else []
        elif word == "log":
            log.append(rest)
        else:
            heads[word] = rest
    state, _, reason = heads.get("state", "gone").partition(" ")
    hundredths, processes = [*heads.get("cpu", "").split(), "0", "0"][:2]
    return Look(
        state=state,
        reason=reason,
        boot=heads.get("boot", ""),
        now_ns=_number(heads.get("now_ns", "")),
        cpu_s=_number(hundredths) / 100,
        processes=_number(processes),
        available_mib=_number(heads.get("available_kib", "")) // 1024,
        rounds=tuple(rounds),
        more="more" in heads,
        stuck=heads.get("stuck", ""),
        log="\n".join(log),
    )


def _round(number: str, lines: Iterator[str]) -> Round | None:
    """A round up to its `end`; None when the text ends before that."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "end" and rest == number:
            break
        found[word].append(rest)
    else:
        return None

    def one(name: str) -> int:
        return _number(found[name][0]) if found[name] else 0

    bins = (row.split() for row in found["bin"])
    latency = Latency(
        bins={int(edge) * NS_PER_US: int(count) for edge, count in bins}, worst_ns=one("worst_us") * NS_PER_US
    )
    return Round(
        number=int(number),
        begin_ns=one("begin_ns"),
        end_ns=one("end_ns"),
        wanted_s=one("seconds"),
        available_mib=one("available_kib") // 1024 or None,
        exit_code=one("exit_code"),
        ops=one("ops"),
        errors=one("errors"),
        latency=latency,
        said=tuple(found["said"]),
        text="\n".join(found["text"]),
        report="\n".join(found["report"]),
    )


def _number(text: str) -> int:
    digits = text.strip()
    return int(digits) if digits.lstrip("-").isdigit() else 0
