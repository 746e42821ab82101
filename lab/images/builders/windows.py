"""Builder of `kind: windows`: from the user's ISO to an image; the parts are in lab.images.windows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import codec, proc
from lab.errors import BuildError, HostError, LabError
from lab.images import digest, tools
from lab.images.builders import Job, Made
from lab.images.recipe import WindowsRecipe
from lab.images.windows import identity, inputs, installing, preparing, setup_machine, stages, verdict
from lab.images.windows.inputs import Inputs
from lab.images.windows.preparing import Prepared
from lab.images.windows.setup_machine import Kernel, SetupMachine
from lab.machine.probe import remembered

COPY_S = 3600.0
LIFETIME_SPARE_S = 3600.0


@dataclass(frozen=True, slots=True)
class WindowsBuilder:
    """Builder of `kind: windows`."""

    stand_in: Kernel | None = None
    """For tests without Windows: a kernel that is started in the place of the ISO."""
    version: int = 1
    needs: tuple[tools.Tool, ...] = (tools.QEMU_IMG, tools.SSH_KEYGEN)
    room_mib: int = 512
    """At least; what a build really takes is known when its media have been read."""

    def build(self, recipe: WindowsRecipe, job: Job) -> Made:
        job.progress.stage("checking the media")
        given = inputs.check(recipe, job.scratch)
        how = accelerator(job)
        prepared = self.prepare(recipe, given, job, how, job.scratch / "media")
        report = self._install(recipe, given, prepared, job, how)
        secret = identity.ensure(job.places, recipe.name, job.scratch)
        wrong = verdict.differences(report, given, recipe.wanted, host_key=secret.host_key.public)
        if wrong:
            raise BuildError(
                f"{recipe.name}: the installed guest is not what was asked for: {'; '.join(wrong[:4])}",
                hint=f"its whole report is in {_failures(recipe, job)}",
                log="\n".join(wrong),
            )
        job.progress.stage("packing the disk")
        target = job.draft / "disk.qcow2"
        argv: list[str | Path] = ["qemu-img", "convert", "-O", "qcow2", prepared.disk, target]
        proc.checked(argv, timeout_s=COPY_S, what="system disk")
        prepared.disk.unlink()
        return _made(recipe, given, report, secret.host_key.public)

    def prepare(self, recipe: WindowsRecipe, given: Inputs, job: Job, how: str, directory: Path) -> Prepared:
        """The media of the installation, verified, in `directory`."""
        job.progress.stage("writing the answer medium")
        hardware = setup_machine.profile(recipe, given)
        secret = identity.ensure(job.places, recipe.name, job.scratch)
        said = preparing.answers_for(
            recipe,
            given,
            secret,
            accelerator=how,
            vcpus=hardware.vcpus,
            memory_mib=hardware.memory_mib,
        )
        return preparing.prepare(recipe, given, secret, job.keys, said, directory)

    def _install(
        self, recipe: WindowsRecipe, given: Inputs, prepared: Prepared, job: Job, how: str
    ) -> dict[str, Any]:
        """Start Setup and follow it; the guest's own report.

        :raise BuildError: it failed; what is known of it was kept outside of the scratch directory.
        """
        whole = stages.whole_s(accelerator=how, updates=len(given.updates))
        order = setup_machine.order(
            recipe, prepared, setup_machine.profile(recipe, given), accelerator=how,
            lifetime_s=whole + LIFETIME_SPARE_S,
        )  # fmt: skip
        discs = (given.windows.path.absolute(), prepared.answers_iso)
        machine = SetupMachine(order, job.places, prepared, discs, self.stand_in)
        pace = installing.Pace(accelerator=how, updates=len(given.updates))

        def keep(picture: bytes) -> None:
            (prepared.directory / "last.png").write_bytes(picture)

        failures = _failures(recipe, job)
        try:
            machine.create()
            machine.resume()
            follower = installing.Follower(machine, pace, job.progress, keep)
            report = follower.follow()
            failures.mkdir(parents=True, exist_ok=True)
            codec.replace_text(failures / "report.json", json.dumps(report, indent=1) + "\n")
            return report
        except LabError as error:
            machine.close()
            kept = installing.keep_evidence(prepared.directory, prepared.disk, job.scratch, failures)
            log = getattr(error, "log", "")
            where = f"{failures} has {', '.join(kept)}" if kept else "nothing could be kept"
            raise BuildError(f"{recipe.name}: {error.message}; {where}", hint=error.hint, log=log) from error
        finally:
            machine.close()


def accelerator(job: Job) -> str:
    """What guests run with on this machine; where that will take long, it is said.

    :raise HostError: no guest runs on it.
    """
    decided = remembered("embed", job.places)
    if decided.accelerator == "none":
        raise HostError(f"no guest runs here: {decided.reason}", hint="lab doctor")
    if decided.accelerator == "tcg":
        job.progress.stage("no KVM here: under emulation an installation takes many hours")
    return decided.accelerator


def _failures(recipe: WindowsRecipe, job: Job) -> Path:
    """Where what is known of the last installation of this image is kept."""
    return job.places.state / "windows" / f"{recipe.name}.last"


def _made(recipe: WindowsRecipe, given: Inputs, report: dict[str, Any], host_key: str) -> Made:
    system = report["os"]
    build = f"{system['build']}.{system['revision']}"
    notes = [
        f"edition {system['edition']}, language {recipe.language}",
        f"virtio-win media {given.virtio.label}",
    ]
    notes += [f"update {path.name}: sha256 {digest.of_file(path)}" for path in given.updates]
    expires = verdict.expires(given, report)
    if expires:
        notes.append(f"evaluation media: ends on {expires}")
    return Made(
        release=f"{recipe.release}, build {build}",
        kernel_release=build,
        kernel_build=f"{system['product']} {system['version']}",
        cmdline="",
        host_key=host_key if given.ssh else "",
        channels=("agent", "ssh", "winrm") if given.ssh else ("agent", "winrm"),
        user=identity.USER,
        packages={str(one): "" for one in report.get("hotfixes") or ()},
        notes=tuple(notes),
        expires=expires,
        winrm_thumbprint=str(report.get("winrm_thumbprint", "")),
    )
