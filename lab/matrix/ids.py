"""Cell ids: readable, file-name safe, and different for different cells.

`debian-12_bios-1cpu_content-update_candidate`, and where an axis has several values also
`-b1.1-c292` (versions of the arm), `_s2` (seed), `_r2` (repetition). Names hold no `_` and versions
are escaped, so an id tells its axes without doubt.
"""

from __future__ import annotations

import re

from lab.errors import InputError
from lab.model import AgentVersion, Arm, CellId

LONGEST = 200
"""Bytes. File systems end at 255 and recordings append to the id."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
_PLAIN = re.compile(r"[A-Za-z0-9.+-]")


def is_name(text: str) -> bool:
    """Whether `text` can be an axis value: letters, digits, dot and hyphen."""
    return _NAME.fullmatch(text) is not None


def cell_id(
    image: str,
    profile: str,
    scenario: str,
    arm: Arm,
    *,
    version: AgentVersion | None = None,
    seed: int | None = None,
    repetition: int | None = None,
) -> CellId:
    """The id of a cell; None leaves out an axis that has one value only.

    :raise InputError: longer than a file name can be.
    """
    text = f"{image}_{profile}_{scenario}_{arm}"
    if version is not None:
        text += version_suffix(version)
    if seed is not None:
        text += f"_s{seed}"
    if repetition is not None:
        text += f"_r{repetition}"
    if len(text) > LONGEST:
        raise InputError(f"cell id {text!r} is too long (at most {LONGEST} characters)")
    return CellId(text)


def version_suffix(version: AgentVersion) -> str:
    """`-b1.1-c292`.

    The `-c` that ends the build is the first one: inside a build it is written `~2dc`.
    """
    build = _escaped(version.build).replace("-c", "~2dc")
    return f"-b{build}-c{_escaped(version.content)}"


def _escaped(text: str) -> str:
    """Everything but letters, digits, `.`, `+` and `-` as `~` and two hexadecimal digits per UTF-8 byte."""
    return "".join(one if _PLAIN.fullmatch(one) else _bytes(one) for one in text)


def _bytes(character: str) -> str:
    return "".join(f"~{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))
