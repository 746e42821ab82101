"""The link in the QR code of Linux's panic screen: a kernel log, compressed, as decimal digits.

Sources: drivers/gpu/drm/drm_panic.c and drm_panic_qr.rs of Linux 6.12 (`zl=`, 13 bits as 4 digits) and of
6.15 (`z=`, 7 bytes as 17 digits, the FIDO 2.2 way). Only writes; reading is the detector's.
"""

from __future__ import annotations

import zlib

ADDRESS = "https://kdj0c.github.io/panic_report/"
"""The kernel's own example for CONFIG_DRM_PANIC_SCREEN_QR_CODE_URL."""
DIGITS_OF_BYTES = (0, 3, 5, 8, 10, 13, 15, 17)
TOO_NARROW = (4, 7, 10)
"""Left-over bits for which Linux 6.12 counts one digit too few; a log that ends so is made longer here."""


def old_link(log: str) -> str:
    """As Linux 6.12 to 6.14 write it."""
    packed = zlib.compress(log.encode(), 9)
    while len(packed) * 8 % 13 in TOO_NARROW:
        log += "\n"
        packed = zlib.compress(log.encode(), 9)
    bits, left = int.from_bytes(packed, "big"), len(packed) * 8
    digits = ""
    while left:
        part = min(13, left)
        left -= part
        width = 1 if part == 1 else (part + 1) // 3
        digits += f"{bits >> left & (1 << part) - 1:0{width}d}"
    return f"{ADDRESS}?a=x86_64&v=6.12.9&zl={digits}"


def new_link(log: str) -> str:
    """As Linux 6.15 and later write it."""
    packed = zlib.compress(log.encode(), 9)
    digits = ""
    for at in range(0, len(packed), 7):
        part = packed[at : at + 7]
        digits += f"{int.from_bytes(part, 'little'):0{DIGITS_OF_BYTES[len(part)]}d}"
    return f"{ADDRESS}?a=x86_64&v=6.15.2&z={digits}"
