"""Small labelled corpora for tests, in the four formats of docs/scoring.md; all text is the tests' own."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

OOPS = b"""\
[    5.000001] BUG: kernel NULL pointer dereference, address: 0000000000000000
[    5.000002] #PF: supervisor read access in kernel mode
[    5.000003] Oops: 0000 [#1] PREEMPT SMP PTI
[    5.000004] CPU: 0 PID: 41 Comm: sensord Not tainted 6.1.0 #1
[    5.000005] RIP: 0010:demo_sensor_match+0x1c/0x60 [demo_sensor]
[    5.000006] Call Trace:
[    5.000007]  <TASK>
[    5.000008]  demo_sensor_write+0x44/0x90 [demo_sensor]
[    5.000009]  vfs_write+0xb2/0x3d0
[    5.000010]  </TASK>
[    5.000011] ---[ end trace 0000000000000000 ]---
"""
HEALTHY = b"""\
[    0.000000] Linux version 6.1.0 (builder@example) #1 SMP
[    0.500000] EXT4-fs (vda): mounted filesystem
[    1.000000] systemd[1]: Started sensord.

debian login: \n"""
NOT_READ = b"""\
[    5.000001] general protection fault, probably for non-canonical address
"""


def png(colour: tuple[int, int, int] = (30, 30, 30)) -> bytes:
    """A picture of one colour."""
    out = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(out, "PNG")
    return out.getvalue()


def console_corpus(directory: Path) -> Path:
    """Two logs: one with a title, one healthy."""
    reports = directory / "consoles" / "report"
    reports.mkdir(parents=True)
    title = "BUG: unable to handle kernel NULL pointer dereference in demo_sensor_match"
    (reports / "1").write_bytes(f"TITLE: {title}\r\n\r\n".encode() + OOPS + b"\nREPORT:\nexpected words\n")
    (reports / "2").write_bytes(b"TITLE: \n\n" + HEALTHY)
    columns = ["file", "title", "alt", "corrupted", "suppressed", "lab_class", "lab_fatal"]
    rows = [
        ["report/1", title, "bad-access in demo_sensor_match", "0", "0", "oops", "Y"],
        ["report/2", "", "", "0", "0", "none", "-"],
    ]
    table(directory / "consoles" / "labels.tsv", columns, rows)
    return directory


def serial_corpus(directory: Path) -> Path:
    """A crash, a healthy log, and one that nobody can decide."""
    serial = directory / "serial"
    serial.mkdir(parents=True)
    (serial / "crash.log").write_bytes(HEALTHY + OOPS)
    (serial / "healthy.log").write_bytes(HEALTHY)
    (serial / "unclear.log").write_bytes(NOT_READ)
    rows = [
        ["crash.log", "oops", "crash", "Y"],
        ["healthy.log", "healthy", "healthy", "N"],
        ["unclear.log", "odd", "ambiguous", "N"],
    ]
    table(serial / "index.tsv", ["file", "label", "verdict", "fatal"], rows)
    return directory


def screen_corpus(directory: Path) -> Path:
    """A grey picture that nobody would call a crash, under a label that says so."""
    screens = directory / "screens"
    (screens / "negative").mkdir(parents=True)
    (screens / "negative" / "grey.png").write_bytes(png())
    columns = ["file", "label", "origin", "stop_text"]
    table(screens / "index.tsv", columns, [["negative/grey.png", "blank", "synthetic", ""]])
    return directory


def dump_corpus(directory: Path) -> Path:
    """A user-mode minidump's first bytes: no kernel crash."""
    dumps = directory / "dumps"
    dumps.mkdir(parents=True)
    (dumps / "user.dmp").write_bytes(b"MDMP\x93\xa7\x00\x00" + bytes(64))
    table(dumps / "index.tsv", ["file", "label", "bugcheck"], [["user.dmp", "negative", ""]])
    return directory


def table(path: Path, columns: list[str], rows: list[list[str]]) -> None:
    path.write_text("".join("\t".join(row) + "\n" for row in [columns, *rows]), encoding="utf-8")
