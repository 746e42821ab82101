"""What is secret and particular in one image: the account's password and the SSH host key.

Made once per image name and kept in the state directory, so that an image that is built again answers with
the same identity, and its media are the same bytes.
"""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field
from pathlib import Path

from lab.images import keys
from lab.images.keys import HostKey
from lab.places import Places

LENGTH = 20
USER = "lab"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The local account and the host key of an image."""

    password: str = field(repr=False)
    host_key: HostKey
    user: str = USER


def ensure(places: Places, name: str, scratch: Path) -> Identity:
    """The identity of the image `name`, made on first use; `scratch` is for the key's making."""
    directory = _directory(places, name)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    secret, private, public = (directory / one for one in ("password", "host_key", "host_key.pub"))
    if not (secret.is_file() and private.is_file() and public.is_file()):
        made = keys.host_key(scratch, f"lab-{name}")
        for path, text in ((secret, _password()), (private, made.private), (public, made.public)):
            path.touch(mode=0o600)
            path.write_text(text, encoding="ascii")
    return Identity(
        password=secret.read_text(encoding="ascii"),
        host_key=HostKey(private.read_text(encoding="ascii"), public.read_text(encoding="ascii")),
    )


def password(places: Places, name: str) -> str:
    """The account's password in the image `name`, or "" where the lab did not make the account."""
    file = _directory(places, name) / "password"
    return file.read_text(encoding="ascii") if file.is_file() else ""


def _directory(places: Places, name: str) -> Path:
    return places.state / "keys" / "windows" / name


def _password() -> str:
    """Long enough for every password policy, of the four kinds of characters they ask for."""
    letters = string.ascii_letters + string.digits
    return "".join(secrets.choice(letters) for _ in range(LENGTH)) + "aA1."


def computer_name(image: str) -> str:
    """A NetBIOS name: at most 15 letters, digits and hyphens."""
    words = "".join(one if one.isalnum() else "-" for one in image.upper())
    return f"LAB-{words}"[:15].rstrip("-")
