r"""Paths in Windows: which the lab takes, and the form that the SSH server's file service wants.

Pure. Takes drive paths only (`C:\dir\file`, with either slash): what else a name may mean to Windows
(devices, streams, relative to a drive) is refused rather than guessed.
"""

from __future__ import annotations

import re

_FILE = re.compile(
    r"[A-Za-z]:[\\/](?:[^\\/:*?\"<>|\x00-\x1f]+[\\/])*[^\\/:*?\"<>|\x00-\x1f]*[^\\/:*?\"<>|\x00-\x1f .]"
)


def checked(path: str) -> str:
    r"""`path` with backslashes.

    :raise ValueError: it is no absolute path of a file on a drive.
    """
    if not _FILE.fullmatch(path):
        raise ValueError(
            f"guest path {path!r}: not usable (wanted the absolute path of a file, such as 'C:\\dir\\file')"
        )
    return path.replace("/", "\\")


def part_of(to: str, token: str) -> str:
    """Where a file is collected before it takes its name, on the same volume."""
    return f"{checked(to)}.part-{token}"


def sftp(path: str) -> str:
    r"""`/C:/dir/file`, as Win32-OpenSSH's sftp-server names `C:\dir\file`."""
    return "/" + checked(path).replace("\\", "/")
