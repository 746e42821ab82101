"""What a synthetic guest says: the console of a crash, and a screen full of text."""

from __future__ import annotations

import io
from functools import lru_cache

from PIL import Image, ImageDraw

REBOOTING = b"[   10.801102] Rebooting in 1 seconds..\r\n"


def console(kernel: str, boots: int = 1) -> tuple[bytes, list[tuple[int, int]]]:
    """The console of a guest that crashes once a boot, and the byte range of each crash."""
    text, ranges = b"", []
    for _ in range(boots):
        text += (
            f"[    0.000000] Linux version {kernel} (gcc) #1 SMP PREEMPT_DYNAMIC\r\n"
            "[    0.412233] virtio_blk virtio1: [vda] 4194304 512-byte logical blocks (2.15 GB/2.00 GiB)\r\n"
            "[    1.803311] EXT4-fs (vda1): mounted filesystem with ordered data mode\r\n"
            "\x1b[0;1;32m[  OK  ]\x1b[0m Started \x1b[0;1;39mssh.service\x1b[0m - Secure Shell server.\r\n"
            "\x1b[0;1;32m[  OK  ]\x1b[0m Reached target \x1b[0;1;39mmulti-user.target\x1b[0m.\r\n"
            "[    9.118204] demo_sensor: loading out-of-tree module taints kernel.\r\n"
            "[    9.120018] demo_sensor: build 1.0 ready, 20 fields\r\n"
            "[    9.764410] demo_sensor: content 291: 21 fields declared\r\n"
        ).encode()
        start = len(text)
        text += (
            "[    9.764981] BUG: unable to handle page fault for address: ffffb1e4c0a53000\r\n"
            "[    9.765208] #PF: supervisor read access in kernel mode\r\n"
            "[    9.765391] #PF: error_code(0x0000) - not-present page\r\n"
            "[    9.765702] Oops: 0000 [#1] PREEMPT SMP NOPTI\r\n"
            f"[    9.765911] CPU: 0 PID: 412 Comm: demo-sensord Tainted: G           OE      {kernel} #1\r\n"
            "[    9.766250] RIP: 0010:demo_sensor_match+0x4c/0xb0 [demo_sensor]\r\n"
            "[    9.766480] Code: 48 8b 04 d5 00 00 00 00 48 85 c0 74 2e 8b 00 39 c1 75 24 83 c2 01 39 d6\r\n"
            "[    9.767102] Call Trace:\r\n"
            "[    9.767230]  <TASK>\r\n"
            "[    9.767350]  demo_sensor_event+0x71/0x120 [demo_sensor]\r\n"
            "[    9.767511]  do_syscall_64+0x5c/0xc0\r\n"
            "[    9.767644]  entry_SYSCALL_64_after_hwframe+0x62/0xcc\r\n"
            "[    9.767811]  </TASK>\r\n"
            "[    9.768404] Kernel panic - not syncing: Fatal exception\r\n"
            "[    9.768590] Kernel Offset: 0x1c000000 from 0xffffffff81000000\r\n"
        ).encode()
        ranges.append((start, len(text)))
        text += REBOOTING
    return text, ranges


@lru_cache(maxsize=64)
def screen(lines: tuple[str, ...]) -> bytes:
    picture = Image.new("RGB", (720, 400), "black")
    draw = ImageDraw.Draw(picture)
    for row, line in enumerate(lines):
        draw.text((4, 4 + row * 16), line[:110], fill=(170, 170, 170))
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()
