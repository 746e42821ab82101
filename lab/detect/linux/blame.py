"""Whose function it was: from the lines of one report to the function that names the bug.

A crash in memcpy or in a lock is the caller's; a stall seen from the timer interrupt belongs to
what was interrupted; a hung task hangs in what called the wait. Refuses to guess across
unreliable (`? `) frames.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from lab.detect.linux.carriers import CROSS_CALL, DISPATCHERS, GATHERED, WAITING, carries
from lab.detect.linux.frames import DOUBTED, HISTORY, INTERRUPTED, STACK, Frame, frame, frames, names, pointer
from lab.detect.linux.patterns.pattern import Blame, Pattern

MOST = 1000
"""Frames of one stack that are looked at: endless recursion has hundreds above what began it."""
SCHEDULING = re.compile(r".*(?:schedule|context_switch|switch_to|apic_timer_interrupt)", re.ASCII)
"""Where every task stops that does not run."""
REACH = 12
"""Lines after which a place that lockdep announced is not coming any more."""
TRAPS = re.compile(
    r"(?:exc_|asm_|__die|show_|page_fault|kernelmode_fixup|do_user_addr|search_|fixup_|do_kern_addr|__bad_area|"
    r"bad_area|no_context|crash_|oops_|__pfx_|__cfi_|vprintk|_?printk|do_page_fault|async_page_fault|"
    r"el1|do_mem_abort|do_translation|die_kernel|asm_call)",
    re.ASCII,
)
"""What lies on every stack by the time that a fault is reported."""
ENDLESS = 8
"""Times that a function is on a stack which calls itself without end."""
ENTRIES = re.compile(
    r"(?:secondary_startup|start_secondary|start_kernel|x86_64_start|entry_|ret_from_fork|do_syscall_64|"
    r"x64_sys_call|kthread$|cpu_startup_entry|asm_)",
    re.ASCII,
)
"""Where all stacks begin: no culprit, if there is any other word on it."""
NEAR = 6
"""Lines after the interrupt's entry within which its registers are printed."""
ENTRY = re.compile(r"(?:\[<[0-9a-f]+>\] )?[\w.]*(?:interrupt|_irq|_svc)\b", re.ASCII)
CROSS_CALL_NAME = "smp_call_function"
HELD_AT = re.compile(
    r"(?:.*\bat: )?(?:\[<[0-9a-f]{8,16}>\] ?)?(?P<function>[A-Za-z_][\w.$]{0,200})"
    r"\+0x[0-9a-f]+(?:/0x[0-9a-f]+)?"
    r"(?: \[(?P<module>[\w-]{1,64}))?",
    re.ASCII,
)
"""`(&lock){+.+.}, at: [<ffffffff81177332>] demo_add+0x36/0x55`; old kernels go on in the next line."""


def blamed(
    pattern: Pattern, named: Frame | None, lines: Sequence[str], *, guess: bool = True
) -> Frame | None:
    """The function to blame, named as titles name it.

    :param named: what the report's first line named.
    :param lines: the lines after the first, decoration taken off.
    :param guess: take a function that only carries the news rather than none.
    """
    if pattern.blame is Blame.NOBODY:
        return None
    seen = [*islice(_candidates(pattern, named, lines), MOST)]
    found: Frame | None
    match pattern.blame:
        case Blame.STALL | Blame.INTERRUPTED:
            found = dispatched(seen, pattern.skip)
        case Blame.HANG:
            found = hung(seen)
        case _:
            found = guilty(seen, pattern.skip)
    if guess and not any(one.function and not ENTRIES.match(one.function) for one in seen):
        found = guilty(doubted(lines)) or found
    if found is None and guess:
        first = [named] if named is not None else []
        found = guilty(seen, SCHEDULING) or next((one for one in [*first, *seen] if one.function), None)
    return Frame(names(found.function)[0], found.module) if found else None


def _candidates(pattern: Pattern, named: Frame | None, lines: Sequence[str]) -> Iterator[Frame]:
    """The frames that come into question, best first."""
    heads = [named] if named is not None and named.function else []
    match pattern.blame:
        case Blame.NAMED:
            yield from heads
            yield from stack(lines, headless=True)
        case Blame.STACK:
            yield from stack(*_after(pattern, lines))
            yield from heads
        case Blame.LOCK | Blame.CHAIN:
            yield from locked(pattern, lines)
        case Blame.HANG:
            yield from stack(lines)
        case Blame.INTERRUPTED:
            yield from interrupted(pattern, lines)
        case _:
            yield from pointed(lines)
            yield from heads


def guilty(seen: Iterable[Frame], skip: re.Pattern[str] | None = None) -> Frame | None:
    """The first frame that does not only carry the news."""
    for one in seen:
        if one.function and not _excused(one, skip):
            return one
    return None


def _excused(one: Frame, skip: re.Pattern[str] | None) -> bool:
    """Whether a function only carries the news, always or (`skip`) this sort of it. In a module a word in
    its name is not enough."""
    if carries(one.function, one.module):
        return True
    return bool(skip and (skip.fullmatch if one.module else skip.match)(one.function))


def _after(pattern: Pattern, lines: Sequence[str]) -> tuple[Sequence[str], bool]:
    """The lines after the words that announce the stack that counts; all where they never come."""
    if pattern.after is not None:
        for number, text in enumerate(lines):
            if pattern.after.match(text):
                return lines[number + 1 :], True
    return lines, False


def stack(lines: Iterable[str], headless: bool = False) -> Iterator[Frame]:
    """The frames of the first stack, up to the next one or to what happened before.

    :param headless: whether the stack may begin without `Call Trace`, as KFENCE and KMSAN print it.
    """
    inside, seen = headless, False
    for text in lines:
        if STACK.match(text):
            if seen:
                return
            inside = True
        elif HISTORY.match(text):
            if seen:
                return
            inside = False
        elif inside:
            for one in frames(text):
                seen = True
                yield one


def doubted(lines: Sequence[str]) -> Iterator[Frame]:
    """The frames that the unwinder doubts: return addresses that lay on the stack, of whenever."""
    for text in lines:
        if HISTORY.match(text):
            return
        found = DOUBTED.match(text)
        if found is not None and not TRAPS.match(found["function"]):
            yield frame(found["function"], found["module"])


def pointed(lines: Sequence[str]) -> Iterator[Frame]:
    """The instruction pointer, then the frames below it; the first stack where there is no pointer."""
    for number, text in enumerate(lines):
        at = pointer(text)
        if at is not None:
            yield at
            yield from stack(lines[number + 1 :], headless=True)
            return
    yield from stack(lines)


def locked(pattern: Pattern, lines: Sequence[str]) -> Iterator[Frame]:
    """Where the lock in question was taken, then the stack; for a chain of locks, where the other one is
    held, then how the chain came about."""
    rest, announced = _after(pattern, lines)
    wanted = 2 if pattern.blame is Blame.CHAIN else 1
    for number, text in enumerate(rest[:REACH] if announced or pattern.after is None else ()):
        found = HELD_AT.match(text)
        if found is not None:
            yield frame(found["function"], found["module"])
            wanted -= 1
        if wanted == 0:
            if pattern.blame is Blame.CHAIN:
                yield from stack(rest[number + 1 :], headless=True)
            break
    yield from stack(lines)


def interrupted(pattern: Pattern, lines: Sequence[str]) -> Iterator[Frame]:
    """What the interrupt came upon that found the stall; the whole stack where that cannot be told."""
    for number, text in enumerate(lines):
        if INTERRUPTED.match(text):
            below = [*islice(_came_upon(lines[number + 1 :]), MOST)]
            if dispatched(below, pattern.skip) is not None:
                yield from below
                return
            break
    yield from pointed(lines)


def _came_upon(lines: Sequence[str]) -> Iterator[Frame]:
    start = 0
    for number, text in enumerate(lines[:NEAR]):
        if pointer(text) is not None:
            yield from pointed(lines[number:])
            return
        if INTERRUPTED.match(text) or ENTRY.match(text):
            start = number + 1
    yield from stack(lines[start:], headless=True)


def dispatched(seen: Iterable[Frame], skip: re.Pattern[str] | None) -> Frame | None:
    """The frame inside the innermost dispatcher: what it had called; of a module, the way into it.

    A stall is found at a random place of a long way round; only what was asked for is the same each time.
    """
    inner: Frame | None = None
    modules: list[Frame] = []
    for one in seen:
        name = names(one.function)[0]
        if DISPATCHERS.match(name) or DISPATCHERS.match(one.function):
            if modules:
                return _entered(modules)
            return Frame(CROSS_CALL_NAME) if CROSS_CALL.match(name) else inner or one
        if one.module and one.function:
            modules.append(one)
        if not _excused(one, skip):
            inner = one
    return None


def _entered(modules: Sequence[Frame]) -> Frame:
    """What the kernel called of a module, or what in it calls itself without end."""
    often, times = Counter(modules).most_common(1)[0]
    return often if times >= ENDLESS else modules[-1]


def hung(seen: Iterable[Frame]) -> Frame | None:
    """The first frame that does not merely wait; or the wait, where many wait for the same."""
    kept = [*seen]
    for one in kept:
        for pattern, name in GATHERED:
            if pattern.match(one.function):
                return Frame(name or one.function, one.module)
    return next(
        (one for one in kept if not WAITING.match(one.function) and not carries(one.function, one.module)),
        None,
    )
