"""A template's key, for tests of what is kept by it."""

from __future__ import annotations

from lab.model import Profile
from lab.templates import TemplateKey

KEY = TemplateKey(
    image="debian-12",
    image_digest="a" * 64,
    profile=Profile(name="bios-1cpu", vcpus=1, memory_mib=512),
    accelerator="tcg",
    qemu="7.2.0",
    libvirt="9.0.0",
    hardware="c" * 64,
)
