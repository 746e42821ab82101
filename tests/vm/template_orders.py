"""What a template on this host is ordered as in tests: emulated, and four times as slow as the reference."""

from __future__ import annotations

from lab.images.built import BuiltImage
from lab.model import Profile, Timeouts
from lab.places import Places
from lab.running.order import HostChoice
from lab.running.templating import TemplateOrder


def template_order(
    image: BuiltImage, places: Places, *, memory_mib: int, profile: str = "small"
) -> TemplateOrder:
    return TemplateOrder(
        image=image,
        profile=Profile(name=profile, memory_mib=memory_mib),
        host=HostChoice(name="here", uri="embed", accelerator="tcg", factor=4.0, libvirt="9", qemu="7"),
        places=places,
        timeouts=Timeouts(),
    )
