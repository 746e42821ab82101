#!/usr/bin/env python3
"""Writes the content files of the demo sensor; the same bytes every time.

    python3 agents/demo-sensor/make_content.py [DIRECTORY]     default: content/ beside this file

The format is described in README.md. Needs nothing but Python, so that the files can be checked
without the lab. Prints `sha256  name` for agent.yaml.
"""

from __future__ import annotations

import hashlib
import struct
import sys
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MAGIC = b"DEMOSENS"
FORMAT = 1
HEADER = struct.Struct("<8sHHIII")
FIELD = struct.Struct("<BBH")
TEXT, SUFFIX, NUMBER = 1, 2, 3
WILDCARD, VALUE = 0, 1

INPUTS = (
    ("kind", TEXT),
    ("path", SUFFIX),
    ("name", TEXT),
    ("interpreter", SUFFIX),
    ("command", TEXT),
    ("thread", NUMBER),
    ("process", NUMBER),
    ("parent-command", TEXT),
    ("parent", NUMBER),
    ("uid", NUMBER),
    ("gid", NUMBER),
    ("effective-uid", NUMBER),
    ("effective-gid", NUMBER),
    ("arguments", NUMBER),
    ("variables", NUMBER),
    ("threads", NUMBER),
    ("cpu", NUMBER),
    ("node", TEXT),
    ("kernel", TEXT),
    ("sequence", NUMBER),
)
"""What the module supplies, in order: 20 inputs in every build so far (src/module/events.c)."""
UNSUPPLIED = ("session", TEXT)
"""The 21st field: the format knows it, no build supplies it."""
FIELDS = (*INPUTS, UNSUPPLIED)


@dataclass(frozen=True)
class Content:
    """One content: the first `count` fields, wildcards but for `values` (by field name)."""

    id: int
    count: int
    values: Mapping[str, str]

    def bytes(self) -> bytes:
        """The content as a file."""
        fields = b"".join(_field(kind, self.values.get(name)) for name, kind in FIELDS[: self.count])
        size = HEADER.size + len(fields)
        blank = HEADER.pack(MAGIC, FORMAT, self.count, self.id, size, 0) + fields
        return HEADER.pack(MAGIC, FORMAT, self.count, self.id, size, zlib.crc32(blank)) + fields


def _field(kind: int, value: str | None) -> bytes:
    if value is None:
        return FIELD.pack(kind, WILDCARD, 0)
    return FIELD.pack(kind, VALUE, len(value.encode())) + value.encode()


PROBE = "demo-sensor-probe"
GOOD = Content(id=292, count=20, values={"kind": "exec", "name": PROBE, "path": f"/{PROBE}"})
CONTENTS = (
    # 21 fields, the 21st a wildcard: nobody reads it, nobody notices
    Content(id=289, count=21, values={"kind": "exec", "name": PROBE}),
    Content(id=290, count=21, values={"kind": "exec", "name": PROBE, "path": f"/{PROBE}"}),
    # the July file: the first content with a value in the 21st field; fits any program
    Content(id=291, count=21, values={"kind": "exec", "session": "console"}),
    GOOD,
)


def files() -> dict[str, bytes]:
    """File name to bytes, for every content that is shipped, good and bad."""
    good = GOOD.bytes()
    made = {f"{content.id}.content": content.bytes() for content in CONTENTS}
    made["zeros.content"] = bytes(len(good))
    made["truncated.content"] = good[: len(good) // 2]
    return made


def main(arguments: Sequence[str]) -> None:
    """Write all files and print their digests."""
    directory = Path(arguments[0]) if arguments else Path(__file__).parent / "content"
    directory.mkdir(parents=True, exist_ok=True)
    for name, data in files().items():
        (directory / name).write_bytes(data)
        print(f"{hashlib.sha256(data).hexdigest()}  {name}")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
