"""From a person's words (an image, a profile, with the agent or without) to the order of a template.

Refuses what can never become one (another firmware, no TPM, no room) before anything is built or booted.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.config.located import unknown
from lab.errors import InputError
from lab.images.built import BuiltImage
from lab.machine.host import HostReport
from lab.matrix.capacity import misfit, obstacle
from lab.model import ImageInfo, Profile
from lab.running.order import HostChoice
from lab.running.templating import TemplateOrder, Warm
from lab.setting import Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateRequest:
    """Which template."""

    image: str
    profile: str = ""
    """A profile of lab.yaml; "" takes the first that fits the image."""
    warm: bool = False
    """With the agent that lab.yaml says is installed."""
    force: bool = False


def host_choice(host: HostReport) -> HostChoice:
    """The host as attempts and templates are told it."""
    assert host.acceleration is not None
    return HostChoice(
        name=host.name,
        uri=host.uri,
        accelerator=host.acceleration.accelerator,
        factor=host.acceleration.factor,
        libvirt=host.libvirt,
        qemu=host.qemu,
        cpu=host.cpu,
    )


def profile_for(request: TemplateRequest, setting: Setting, image: ImageInfo) -> Profile:
    """The profile that was asked for, or the first of lab.yaml that the image starts on.

    :raise InputError: there is none, or it does not fit.
    """
    profiles = setting.lab.profiles
    if request.profile:
        if request.profile not in profiles:
            hint = "lab.yaml names the profiles under profiles:"
            raise InputError(unknown("profile", request.profile, sorted(profiles)), hint=hint)
        chosen = profiles[request.profile]
    else:
        fitting = [profile for profile in profiles.values() if not misfit(image, profile)]
        if not fitting:
            raise InputError(
                f"image {image.name}: none of {len(profiles)} profiles fits it ({image.firmware} firmware)",
                hint="add a profile to lab.yaml, or name one with --profile",
            )
        chosen = fitting[0]
    reason = misfit(image, chosen)
    if reason:
        raise InputError(reason, hint="another --profile, or leave it out")
    return chosen


def template_order(request: TemplateRequest, setting: Setting, image: BuiltImage) -> TemplateOrder:
    """The order, on the first usable host.

    :raise InputError: this image on this profile cannot be run here; the hint mends it.
    """
    infos = setting.plannable_images() if request.warm else setting.image_infos()
    info = infos[request.image]
    profile = profile_for(request, setting, info)
    refused = obstacle(
        info,
        profile,
        memory_mib=profile.memory_mib,
        vcpus=profile.vcpus,
        hosts=setting.host_facts(),
    )
    if refused is not None:
        raise InputError(refused.reason, hint=refused.hint or None)
    lab = setting.lab
    warm = Warm(root=lab.root.resolve(), agent=lab.agent, version=lab.installed) if request.warm else None
    return TemplateOrder(
        image=image,
        profile=profile,
        host=host_choice(setting.usable_hosts()[0]),
        places=lab.places,
        timeouts=lab.timeouts,
        warm=warm,
        dump_disk_mib=lab.evidence.dump_disk_mib,
        force=request.force,
    )
