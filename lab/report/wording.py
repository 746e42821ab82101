"""Words and clean text for reports: what is said of kinds, outcomes and blame, and what is safe to print.

Pure. It does not know HTML, XML or markdown: each writer escapes for its own form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from lab.log import KEY_BLOCK, MASK, redact
from lab.model import Blame, Compared, Diagnosis, FindingKind, Outcome, ScreenKind

LONGEST = 2000
"""Characters of a string in report.json; longer ones are cut with an ellipsis."""

_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\)?"  # OSC: window titles, links
    r"|\x1b[P^_X][^\x1b]{0,2000}(?:\x1b\\)?"  # DCS, PM, APC, SOS
    r"|[\x1b\x9b]\[?[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor, `ESC [ 2 J`
    r"|\x1b"
)
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 (without tab and newline), C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction overrides can show text that is not there
    "\ud800-\udfff\ufffe\uffff\ufeff]"
)
_KEY_TAIL = re.compile(r"\A.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)


def plain(text: str, longest: int = LONGEST) -> str:
    """`text` without escape sequences, control and direction characters, secrets; newlines stay."""
    text = text.replace("\r\n", "\n").replace("\t", "    ")
    text = _UNPRINTABLE.sub("", _ESCAPES.sub("", text))
    text = redact(text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def mask_keys(text: str) -> str:
    """`text` with private keys masked, the number of lines unchanged, also where the start was cut off."""

    def lines_of(found: re.Match[str]) -> str:
        return MASK + "\n" * found.group().count("\n")

    text = KEY_BLOCK.sub(lines_of, text)
    return _KEY_TAIL.sub(lines_of, text)


def scrub(value: Any) -> Any:
    """The same tree of JSON types with every string made plain."""
    return _scrub(value, {}, {})


def _scrub(value: Any, texts: dict[str, str], keys: dict[str, str]) -> Any:
    """Names and keys come again and again: each text is looked at once."""
    match value:
        case str():
            if value not in texts:
                texts[value] = plain(value)
            return texts[value]
        case dict():
            for key in value:
                if key not in keys:
                    keys[key] = plain(str(key), 200)
            return {keys[key]: _scrub(item, texts, keys) for key, item in value.items()}
        case list() | tuple():
            return [_scrub(item, texts, keys) for item in value]
        case _:
            return value


def seconds(value: float | None) -> str:
    """`0.134 s`, `12.4 s`, `3 min 04 s`, `1 h 02 min`."""
    if value is None:
        return "—"
    if abs(value) < 1:
        return f"{value:.2f} s"
    if abs(value) < 100:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 100:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def age(value_s: float) -> str:
    """`40 s`, `3 min`, `5 h`, `2 days`: how long ago, as a person says it."""
    for limit, unit, word in ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if value_s < limit:
            return f"{value_s / unit:.0f} {word}"
    return f"{value_s / 86400:.0f} days"


def percent(share: float) -> str:
    """`0 %`, `< 1 %`, `62.5 %`, `100 %`: never rounded to nothing or to everything."""
    value = share * 100
    if value <= 0:
        return "0 %"
    if value < 1:
        return "< 1 %"
    if share < 1 and value > 99.9:
        return "> 99.9 %"
    return f"{value:.1f}".rstrip("0").rstrip(".") + " %"


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 cell`, `2 cells`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def listing(words: Iterable[str], most: int = 4) -> str:
    """`a, b and 3 more`."""
    every = list(words)
    shown = every if len(every) <= most + 1 else every[:most]
    text = ", ".join(shown)
    return text if len(shown) == len(every) else f"{text} and {len(every) - len(shown)} more"


def same_words(text: str) -> str:
    """`text` with its numbers taken out: reasons that differ only in figures are one reason."""
    return re.sub(r"\d+(?:[.,]\d+)*", "N", text)


KIND_WORD: dict[str, str] = {
    FindingKind.BUGCHECK: "bugcheck",
    FindingKind.PANIC: "panic",
    FindingKind.OOPS: "oops",
    FindingKind.BUG: "kernel bug",
    FindingKind.WARNING: "warning",
    FindingKind.SANITIZER: "sanitizer",
    FindingKind.LOCKDEP: "lockdep",
    FindingKind.LEAK: "leak",
    FindingKind.HUNG_TASK: "hung task",
    FindingKind.LOCKUP: "lockup",
    FindingKind.HANG: "hang",
    FindingKind.OOM: "out of memory",
    FindingKind.BOOT_LOOP: "boot loop",
    FindingKind.BOOT_FAILURE: "no boot",
    FindingKind.SLOW_BOOT: "slow boot",
    FindingKind.RECOVERY_SCREEN: "recovery",
    FindingKind.UNEXPECTED_REBOOT: "reboot",
    FindingKind.UNEXPECTED_SHUTDOWN: "shutdown",
    FindingKind.NO_OUTPUT: "no output",
    FindingKind.NO_PROGRESS: "no progress",
    FindingKind.LOST_CONNECTION: "lost",
    FindingKind.WATCHDOG: "watchdog",
    FindingKind.IO_ERROR: "I/O error",
    FindingKind.UPDATE_REFUSED: "refused",
    FindingKind.AGENT_DOWN: "agent down",
    FindingKind.REGRESSION: "regression",
}

KIND_MEANING: dict[str, str] = {
    FindingKind.BUGCHECK: "Windows stopped the whole machine with a stop code.",
    FindingKind.PANIC: "The kernel stopped the whole machine: everything on it is down until it is reset.",
    FindingKind.OOPS: "The kernel hit a fault in its own code; what it does after that cannot be trusted.",
    FindingKind.BUG: "The kernel found a mistake of its own and went on.",
    FindingKind.WARNING: "The kernel found itself in a state that its code does not expect.",
    FindingKind.SANITIZER: "A checker that is built into this kernel caught its code doing what it must not, "
    "such as using memory that is already freed.",
    FindingKind.LOCKDEP: "Locks are taken in an order, or in a place, that can end in a deadlock.",
    FindingKind.LEAK: "The kernel lost track of memory that nobody frees any more.",
    FindingKind.HUNG_TASK: "A process has been stuck in the kernel for too long.",
    FindingKind.LOCKUP: "A CPU did not leave the kernel for too long: the machine is frozen or nearly so.",
    FindingKind.HANG: "Seen from outside, nothing answers and nothing happens: the machine hangs.",
    FindingKind.OOM: "The guest ran out of memory and the kernel killed a process to go on.",
    FindingKind.BOOT_LOOP: "The guest resets again at every boot: nobody can use it without help on site.",
    FindingKind.BOOT_FAILURE: "The guest did not come up before its deadline.",
    FindingKind.SLOW_BOOT: "The guest came up, but took much longer than this OS build does on this host.",
    FindingKind.RECOVERY_SCREEN: "The guest stopped at a recovery screen and waits for a person.",
    FindingKind.UNEXPECTED_REBOOT: "The guest restarted although nothing asked it to.",
    FindingKind.UNEXPECTED_SHUTDOWN: "The guest switched itself off although nothing asked it to.",
    FindingKind.NO_OUTPUT: "The guest has gone silent.",
    FindingKind.NO_PROGRESS: "The guest still talks but gets nowhere.",
    FindingKind.LOST_CONNECTION: "The guest no longer answers on any channel.",
    FindingKind.WATCHDOG: "The watchdog fired: the guest had stopped feeding it.",
    FindingKind.IO_ERROR: "The virtual disk reported an error to the guest.",
    FindingKind.UPDATE_REFUSED: "The agent refused the update and went on with what it had: "
    "no crash, but the update does not reach these machines.",
    FindingKind.AGENT_DOWN: "The agent is not running or not healthy: the machine is up but not protected.",
    FindingKind.REGRESSION: "The candidate is measurably worse than the released version.",
}

DIAGNOSIS_WORDS: dict[str, str] = {
    Diagnosis.IDLE: "idle: its CPUs wait for something that does not come",
    Diagnosis.SPINNING: "spinning: a CPU runs in a narrow loop and gets nowhere",
    Diagnosis.BUSY: "busy: its CPUs do varied work, too much to answer in time",
    Diagnosis.BLOCKED_ON_IO: "blocked on I/O: it waits for its disk",
    Diagnosis.STOPPED_BY_HOST: "stopped by the host: no fault of the guest",
    Diagnosis.HOST_OVERLOADED: "host overloaded: no fault of the guest",
}

SCREEN_WORD: dict[str, str] = {
    ScreenKind.BUGCHECK: "stop screen",
    ScreenKind.PANIC: "kernel panic",
    ScreenKind.PANIC_QR: "kernel panic, QR code",
    ScreenKind.RECOVERY: "recovery",
    ScreenKind.BOOT_MANAGER_ERROR: "boot manager error",
    ScreenKind.NO_BOOT_DEVICE: "no boot device",
    ScreenKind.UEFI_SHELL: "UEFI shell",
    ScreenKind.FIRMWARE_SETUP: "firmware setup",
    ScreenKind.GRUB_RESCUE: "GRUB rescue shell",
    ScreenKind.EMERGENCY_SHELL: "emergency shell",
    ScreenKind.BOOT_MENU: "boot menu",
    ScreenKind.FIRMWARE: "firmware",
    ScreenKind.UPDATE: "update in progress",
    ScreenKind.INSTALLER: "installer",
    ScreenKind.LOGIN: "login",
    ScreenKind.DESKTOP: "desktop",
    ScreenKind.SPLASH: "splash",
    ScreenKind.BLANK: "blank",
    ScreenKind.TEXT: "text console",
    ScreenKind.OTHER: "other",
}

OUTCOME_WORD: dict[str, str] = {
    Outcome.FAILED: "failed",
    Outcome.INCONCLUSIVE: "no proof",
    Outcome.NOT_EXERCISED: "not used",
    Outcome.FLAKY: "flaky",
    Outcome.KNOWN_ISSUE: "known",
    Outcome.SKIPPED: "skipped",
    Outcome.PASSED: "pass",
    "not-run": "not run",
    "absent": "",
}

OUTCOME_SYMBOL: dict[str, str] = {
    Outcome.FAILED: "✕",
    Outcome.INCONCLUSIVE: "?",
    Outcome.NOT_EXERCISED: "○",
    Outcome.FLAKY: "≈",
    Outcome.KNOWN_ISSUE: "!",
    Outcome.SKIPPED: "–",
    Outcome.PASSED: "✓",
    "not-run": "–",
    "absent": "",
}
"""Shapes differ, so that the map can be read without colour."""

BLAME_WORDS: dict[str, str] = {
    Blame.CANDIDATE: "the candidate",
    Blame.BASELINE: "the released version",
    Blame.IMAGE: "the OS build (the released version fails too)",
    Blame.SCENARIO: "the scenario itself",
    Blame.LAB: "the lab",
    Blame.UNKNOWN: "not known",
    Blame.NOBODY: "nobody",
}

GAP_WORDS: dict[str, str] = {
    "inconclusive": "No proof",
    "not-exercised": "Never exercised",
    "skipped": "Skipped",
    "not-run": "Planned, not run",
    "unrunnable": "Cannot run here",
    "excluded": "Excluded by a rule",
    "unselected": "Not selected",
    "decided": "Not needed: the comparison was decided",
}
"""In the order of the report: what ran in vain first, what was never meant to run last."""

COMPARED_WORDS: dict[str, str] = {
    Compared.REGRESSION: "worse",
    Compared.NO_WORSE: "no worse",
    Compared.NOT_ENOUGH: "not enough runs",
}

ANSWER_WORDS = {"ship": "Ship", "do-not-ship": "Do not ship", "no-answer": "No answer"}


def stand_ins(images: Iterable[Mapping[str, Any]]) -> str:
    """What to say beside the answer when images of a run only look like OS builds; "" where none does."""
    names = [str(image["name"]) for image in images if image.get("stand_in")]
    if not names:
        return ""
    verb = "is a STAND-IN" if len(names) == 1 else "are STAND-INS"
    return f"{listing(names)} {verb}: no Windows ran there, and nothing is proven about any"
