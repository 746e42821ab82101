"""Texts as Windows' EMS, boot manager and debugger print them, written by the tests: no Windows made them.

The wording of single phrases is Windows' own (there is no other way to recognise them); codes,
addresses, modules and everything around are made up.
"""

from __future__ import annotations

from itertools import pairwise

from lab.detect.lines import LineStream
from lab.detect.windows.console import WindowsConsole
from lab.model import Finding, SerialChunk

EMS = (
    b"\r\nSAC>\a\a\a<?xml>\a<BP>\r\n"
    b'<INSTANCE CLASSNAME="BLUESCREEN">\r\n'
    b'<PROPERTY NAME="STOPCODE" TYPE="string"><VALUE>"0x7E"</VALUE></PROPERTY>\r\n'
    b"<machine-info>\r\n<name>WIN-TEST</name>\r\n</machine-info>\r\n"
    b"</INSTANCE>\r\n</BP>\a\n\r!SAC>"
)
TEXT_SCREEN = (
    b"A problem has been detected and Windows has been shut down to prevent damage\r\n"
    b"to your computer.\r\n\r\n"
    b"The problem seems to be caused by the following file: testflt.sys\r\n\r\n"
    b"DRIVER_IRQL_NOT_LESS_OR_EQUAL\r\n\r\n"
    + b"advice that fills the screen\r\n"
    * 22
    + b"Technical information:\r\n*** STOP: 0x000000D1 (0x00000010,0x00000002,0x00000001,0x8F3C1A20)\r\n\r\n"
    b"***  testflt.sys - Address 8F3C1A20 base at 8F3BF000, DateStamp 5a1b2c3d\r\n\r\n"
    b"Beginning dump of physical memory\r\nPhysical memory dump complete.\r\n"
)
DEBUGGER = (
    b"KDTARGET: Refreshing KD connection\n\n*** Fatal System Error: 0x00000050\n"
    b"                       (0xFFFFA30000001000,0x0000000000000000,0xFFFFF8055C1A20EE,0x2)\n\n"
    b"Driver at fault: testflt.sys.\nBreak instruction exception - code 80000003 (first chance)\n\n"
    b"A fatal system error has occurred.\n"
    b"Debugger entered on first try; Bugcheck callbacks have not been invoked.\n"
)
ANALYSIS = (
    b"*******************************************************************************\n"
    b"*                        Bugcheck Analysis                                    *\n"
    b"*******************************************************************************\n\n"
    b"SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (7e)\nArguments:\n"
    b"Arg1: ffffffffc0000005, the exception\nArg2: fffff8055c1a20ee, where\nArg3: ffff930812345678, record\n"
    b"Arg4: ffff930812344eb0, context\n\nMODULE_NAME: testflt\n\nIMAGE_NAME:  testflt.sys\n"
)
POST_MORTEM = b"Loading Dump File [C:\\Windows\\MEMORY.DMP]\nKernel Bitmap Dump File\n\n" + ANALYSIS
BOOT_MANAGER = (
    b"\x1b[2J\x1b[01;01H\x1b[0m\x1b[01;30HWindows Boot Manager"
    b"\x1b[03;01HWindows failed to start. A recent hardware or software change might be the"
    b"\x1b[04;01Hcause. To fix the problem:"
    b"\x1b[06;05HFile: \\Windows\\system32\\drivers\\testflt.sys\x1b[08;05HStatus: 0xc0000428"
    b"\x1b[10;05HInfo: Windows cannot verify the digital signature for this file.\x1b[24;01HENTER=Continue"
)
RUN_TOGETHER = (
    b"                 Windows Boot Manager               Windows failed to start. "
    b"A recent hardware or software change might be thecause.File: \\Boot\\BCDStatus: 0xc000000fInfo: "
    b"An error occurred while attempting to read the boot configuration data."
)
REPAIR = (
    b"Recovery\r\n\r\nYour PC/Device needs to be repaired\r\n\r\nA required file is missing.\r\n\r\n"
    b"File: \\Windows\\system32\\winload.efi\r\nError code: 0xc000000f\r\n"
)
SAC_SESSION = (
    b"Computer is booting, SAC started and initialized.\r\n\r\n"
    b'Use the "ch -?" command for information about using channels.\r\n'
    b"SAC>\a\a\a<?xml>\a<machine-info>\r\n<name>WIN-TEST</name>\r\n</machine-info>\r\n"
    b"EVENT: The CMD command is now available.\r\nSAC>ch\r\nChannel List\r\n0 (AV)    SAC\r\n"
)
SETUP_LOG = (
    b"2024-07-19 04:09:12, Info                  CBS    Loaded Servicing Stack v10.0.20348.1\r\n"
    b"2024-07-19 04:09:13, Error                 CSI    (F) STATUS_OBJECT_NAME_NOT_FOUND #12# 0xc0000034\r\n"
    b"2024-07-19 04:09:14, Info                  CBS    Windows failed to start earlier: no\r\n"
) * 20
FIRMWARE = (
    b'BdsDxe: loading Boot0001 "Windows Boot Manager" from HD(1,GPT)/EFI/Microsoft/Boot/bootmgfw.efi\r\n'
)


def read(data: bytes, cuts: tuple[int, ...] = ()) -> list[Finding]:
    """The findings of a console, its bytes arriving in pieces that end at `cuts`."""
    stream, console = LineStream(), WindowsConsole()
    edges = sorted({0, len(data), *(cut for cut in cuts if 0 < cut < len(data))})
    for start, end in pairwise(edges):
        block = stream.feed(SerialChunk(t_s=0.0, start=start, data=data[start:end]))
        if block is not None:
            console.feed(block)
    block = stream.finish()
    if block is not None:
        console.feed(block)
    console.finish()
    return [report.finding() for report in console.reports]
