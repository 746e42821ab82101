"""Lines of stacks and registers: which function, of which module. x86, arm, arm64, riscv, s390, powerpc.

Refuses to say whose fault it is; that is blame.py's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lab.detect.linux.demangle import demangle

ADDRESS = r"\[?<?(?:0x)?(?:[0-9a-f]{8,16}|\(ptrval\)|\(____ptrval____\))>?\]?"
SYMBOL = r"(?P<function>[A-Za-z_][\w.$]{0,300})\+0x[0-9a-f]{1,8}(?:/0x[0-9a-f]{1,8})?"
MODULE = r"(?: \[(?P<module>[\w-]{1,64})[^\]]{0,80}\])?"

FRAME = re.compile(
    r"[( ]{0,3}(?:"
    + ADDRESS
    + r" ?){0,2}[( ]{0,3}(?P<unsure>\?+ )?"
    + SYMBOL
    + MODULE
    + r"\)?(?P<doubt> ?\(unreliable\))?",
    re.ASCII,
)
"""`demo_match+0x1c2/0x210 [demo_sensor]`, with `[<ffffffff81234567>]` before Linux 4.10 and on arm, two
addresses on powerpc."""
DOUBTED = re.compile(r"(?:" + ADDRESS + r" ?)?\?+ " + SYMBOL + MODULE, re.ASCII)
"""` ? vfs_write+0xbc/0x3d0`."""
ARM_FRAME = re.compile(
    r"(?:\[<[0-9a-f]{8}>\] )?\(?(?P<callee>[A-Za-z_][\w.$]{0,300})(?:\+0x\S+)?\)? from "
    r"(?:\[<[0-9a-f]{8}>\] )?\(?" + SYMBOL + MODULE,
    re.ASCII,
)
"""arm: ` [<c1abe4cc>] (dump_backtrace) from [<c1abe718>] (show_stack+0x20/0x24)`."""

POINTER = re.compile(
    r"(?:RIP:? +(?:00(?:10|08):)?|EIP:? (?:00(?:10|60|08):)?|EIP is at |IP: |NIP(?: \[[0-9a-f]+\])?:? |"
    r"(?:e?pc|epc) ?: |PC is at |Krnl PSW : [0-9a-f]{16} [0-9a-f]{16} )"
    r"(?:(?:" + ADDRESS + r"|\[?<? *\(null\)>?\]?) *){0,2}[( ]{0,2}"
    r"(?:" + SYMBOL + MODULE + r"|(?P<nowhere>0x[0-9a-f]+|\(null\)|$))",
    re.ASCII,
)
"""The instruction pointer in kernel mode: x86 `RIP: 0010:`, arm64 `pc : `, arm `PC is at `, riscv `epc : `,
powerpc `NIP `, s390 `Krnl PSW : `."""
USER_POINTER = re.compile(r"(?:RIP: (?:0033|0023|002b)|EIP: (?:0073|0023))", re.ASCII)

STACK = re.compile(r"(?:Call [Tt]race|Backtrace|backtrace\b)", re.ASCII)
"""What begins the stack that led here."""
HISTORY = re.compile(
    r"(?:Allocated(?: by task \d+)?:|Freed(?: by task \d+)?:|Last potentially related|Second to last|"
    r"Uninit was (?:stored|created)|Local variable .{1,100} created at|allocated by task|freed by task|"
    r"page last (?:free|allocated)|INFO: (?:Allocated|Freed) in )",
    re.ASCII,
)
"""What begins the stack of something that happened before."""
INTERRUPTED = re.compile(
    r"(?:</IRQ>|<EOI>|.*(?:apic_timer_interrupt|Exception stack|el1h_64_irq|el1_irq|sysvec_\w+interrupt|"
    r"handle_arch_irq|ret_from_exception|__irq_svc|asm_common_interrupt|--- interrupt|"
    r"hypervisor_callback)\b)",
    re.ASCII,
)
"""Below this line of a stack is what the interrupt came upon."""

SUFFIX = re.compile(r"\.(?:isra|constprop|part|cold|llvm|lto_priv|localalias)\b.*$|\.\d+$", re.ASCII)
PREFIX = re.compile(
    r"^(?:__x64_|__ia32_|__arm64_|__arm_|__riscv_|__s390x?_|__powerpc_)(?=(?:compat_)?sys_)|"
    r"^(?:compat_SYSC_|compat_SyS_|SYSC_|SyS_|sys_|____sys_|___sys_|__sys_|__do_sys_|__se_sys_|"
    r"ksys_)(?=[a-z])",
    re.ASCII,
)
"""A system call has several functions; what is left is its name. `__x64_sys_mount` leaves `sys_mount`."""
WRAPPER = re.compile(r"^(?:__(?:x64|ia32|arm64|se|do)_)(?=sys_)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Frame:
    """One function of a stack; `module` is "" for the kernel itself."""

    function: str
    module: str = ""

    @property
    def also(self) -> tuple[str, ...]:
        """Other names of the same system call."""
        return tuple(name for name in names(self.function)[1:] if name)


def names(function: str) -> tuple[str, ...]:
    """How `function` is called in titles, best first: without what compilers and system calls add."""
    plain = SUFFIX.sub("", function) or function
    best = PREFIX.sub("", plain, count=1)
    middle = WRAPPER.sub("", plain, count=1)
    bare = PREFIX.sub("", middle, count=1)
    return tuple(dict.fromkeys((best, plain, middle, bare)))


def frame(function: str, module: str | None) -> Frame:
    """Without what the compiler appended: `.isra.0`, `.constprop.3`, `.cold`."""
    plain = SUFFIX.sub("", function) or function
    if plain.startswith(("_R", "_Z")):
        plain = demangle(plain)
    return Frame(plain, module or "")


def stack_frame(text: str) -> Frame | None:
    """The frame a line of a call trace names, unless the unwinder marked it unreliable."""
    found = FRAME.match(text) or ARM_FRAME.match(text)
    if found is None:
        return None
    groups = found.groupdict()
    if groups.get("unsure") or groups.get("doubt"):
        return None
    return frame(groups["function"], groups["module"])


def frames(text: str) -> list[Frame]:
    """Like `stack_frame`; on arm a line names the callee too, which no other line may."""
    found = ARM_FRAME.match(text)
    if found is not None:
        return [frame(found["callee"], None), frame(found["function"], found["module"])]
    one = stack_frame(text)
    return [one] if one is not None else []


def pointer(text: str) -> Frame | None:
    """The function a line gives the instruction pointer in, in kernel mode only. An empty name: the
    kernel jumped to where no function is."""
    if USER_POINTER.match(text):
        return None
    found = POINTER.match(text)
    if found is None:
        return None
    if found["function"] is None:
        return Frame("")
    return frame(found["function"], found["module"])
