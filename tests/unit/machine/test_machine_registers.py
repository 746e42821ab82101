"""QEMU's text about registers is read for where each CPU is, whatever else it says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lab.machine.registers import EXAMPLE, CpuState, parse

TWO = """\

CPU#0
RAX=ffffffff81a59180 RBX=0000000000000000
RIP=ffffffff81a592eb RFL=00000206 [-----P-] CPL=0 II=0 A20=1 SMM=0 HLT=1
CS =0010 0000000000000000 ffffffff 00af9b00 DPL=0 CS64 [-RA]

CPU#1
RAX=0000000000000001 RBX=00007ffef619d7b8
RIP=000000000047b7a0 RFL=00000202 [-------] CPL=3 II=0 A20=1 SMM=0 HLT=0
"""


def test_each_cpu_has_its_pointer_whether_it_waits_and_where_it_is() -> None:
    assert parse(TWO.replace("\n", "\r\n")) == (
        CpuState(cpu=0, ip=0xFFFFFFFF81A592EB, halted=True, where="kernel"),
        CpuState(cpu=1, ip=0x47B7A0, halted=False, where="user"),
    )


def test_the_example_is_one_cpu_in_the_kernel() -> None:
    (cpu,) = parse(EXAMPLE)
    assert (cpu.halted, cpu.where) == (True, "kernel")


def test_a_32_bit_guest_and_a_text_without_a_heading_are_read_too() -> None:
    assert parse("EAX=00000000\nEIP=000f3a62 EFL=00000046 [---Z-P-] CPL=0 II=0 A20=1 SMM=1 HLT=0\n") == (
        CpuState(cpu=0, ip=0xF3A62, halted=False, where="firmware"),
    )


def test_what_is_not_said_is_not_known() -> None:
    assert parse("CPU#3\nsomething else\n") == (CpuState(cpu=3, ip=None, halted=None, where=""),)
    assert parse("") == ()


@given(st.text(alphabet="CPU#0123 RIP=HLTSM\r\nabf", max_size=200))
def test_no_text_is_too_strange(text: str) -> None:
    for cpu in parse(text):
        assert cpu.ip is None or cpu.ip >= 0
