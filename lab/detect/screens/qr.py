"""QR codes on a screen, and the kernel log in a Linux panic's code.

drm_panic (Linux 6.12 and later) paints an address whose last argument is the end of the kernel log, deflated
by zlib and written in decimal digits. Two spellings exist: `zl=` holds 13 bits in 4 digits (6.12 to 6.14),
`z=` 7 bytes, least significant first, in 17 digits (since 6.15; earlier kernels used this argument's name
for the older spelling). Both are tried, since the data tells which it was. Without an address the code holds
the log itself. Refuses to read text.

Source: drivers/gpu/drm/drm_panic_qr.rs of the kernel, and the page that its addresses lead to.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

WINDOWS = re.compile(r"(?:windows|microsoft)\.com/\S*stop\s?code|go\.microsoft\.com/fwlink", re.IGNORECASE)
ARGUMENT = re.compile(r"[?&#]zl?=(\d{16,})")
KERNEL = re.compile(
    r"Kernel panic|Call Trace|not syncing|^\s*<?\d?>?\[\s*\d+\.\d{6}\]|\bOops\b", re.MULTILINE
)
MOST_LOG = 1_000_000
"""Bytes of an unpacked log: a version 40 code holds 3 kB, which cannot honestly hold more."""
WIDTHS = (0, 4, 7, 10, 13)
"""Bits in so many digits of the older spelling."""
LARGEST_SIDE = 2200
"""Pixels; a larger picture is halved first, since its modules are large too."""


def read_qr(image: Image | NDArray[np.uint8]) -> str:
    """The text of the first QR code in a picture, "" where there is none."""
    import zxingcpp

    pixels = np.asarray(image)
    while max(pixels.shape[:2]) > LARGEST_SIDE:
        pixels = np.ascontiguousarray(pixels[::2, ::2])
    if min(pixels.shape[:2]) < 21:
        return ""
    for found in zxingcpp.read_barcodes(
        pixels, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode), try_downscale=True
    ):
        if found.text:
            return str(found.text)
        if found.bytes:
            return bytes(found.bytes).decode("latin-1")
    return ""


def kernel_log(payload: str) -> str:
    """The kernel log in a drm_panic code's text; "" for any other code."""
    match = ARGUMENT.search(payload)
    if match is None:
        return payload.strip() if KERNEL.search(payload) else ""
    for unpack in (bytes_of_17, bits_of_4):
        log = _inflate(unpack, match[1])
        if log:
            return log
    return ""


def bytes_of_17(digits: str) -> bytes:
    """17 digits hold 7 bytes, least significant first; the last group is shorter."""
    data = bytearray()
    for start in range(0, len(digits), 17):
        group = digits[start : start + 17]
        size = 7 if len(group) == 17 else len(group) * 2 // 5
        data += (int(group) & ((1 << 8 * size) - 1)).to_bytes(size, "little")
    return bytes(data)


def bits_of_4(digits: str) -> bytes:
    """4 digits hold 13 bits, most significant first; 3, 2 and 1 hold 10, 7 and 4. The last group is padded
    at its upper end."""
    total = len(digits) // 4 * 13 + WIDTHS[len(digits) % 4]
    bits = []
    for start in range(0, len(digits), 4):
        group = digits[start : start + 4]
        width = WIDTHS[len(group)] - (total % 8 if start + 4 >= len(digits) else 0)
        bits.append(format(int(group) & ((1 << width) - 1), f"0{width}b") if width > 0 else "")
    stream = "".join(bits)
    return bytes(int(stream[start : start + 8], 2) for start in range(0, len(stream) - 7, 8))


def _inflate(unpack: Callable[[str], bytes], digits: str) -> str:
    """What can be inflated; a log that was cut is better than none."""
    data = unpack(digits)
    for part in (data, data[:-4]):
        try:
            log = zlib.decompressobj().decompress(part, MOST_LOG)
        except zlib.error:
            continue
        return log.decode("utf-8", "replace").replace("\0", "").strip()
    return ""
