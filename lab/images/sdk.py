"""What builds kernel modules and small programs for exactly one kernel: a chroot in a tarball.

Made together with the image, because the archive moves on and an image's kernel headers disappear from
it. Kept in `cache/sdk/SUITE-KERNEL_RELEASE/`. The packages are unpacked, not configured: the few things
their maintainer scripts would have done are done here. It compiles; what it compiles is the caller's.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab import clock, codec, proc
from lab.errors import ArtefactError, BuildError, InfraError
from lab.images import bootstrap, digest, tools, workshop
from lab.images.progress import Progress
from lab.places import Places

PACKAGES = (
    "gcc",
    "make",
    "libc6-dev",
    "libc-bin",
    "bash",
    "dash",
    "coreutils",
    "sed",
    "grep",
    "mawk",
    "findutils",
    "kmod",
    "xz-utils",
)
"""Beside the kernel's headers; what kbuild and a C compiler call."""
NEEDS = (*bootstrap.NEEDS, tools.ZSTD)
ROOM_MIB = 1600
TARBALL = "sdk.tar.zst"
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkProvenance:
    """provenance.json of an SDK."""

    schema: int = 1
    kernel_release: str
    suites: tuple[str, ...]
    built: str
    sha256: str
    packages: dict[str, str] = field(default_factory=dict)


def directory_name(suite: str, kernel_release: str) -> str:
    """The SDK's name in the cache."""
    return f"{suite}-{kernel_release}"


def path(places: Places, name: str) -> Path | None:
    """The tarball of the SDK `name`, or None when it is not in the cache."""
    tarball = places.cache / "sdk" / name / TARBALL
    return tarball if name and tarball.is_file() else None


def ensure(places: Places, suites: Sequence[str], kernel_release: str, progress: Progress) -> Path:
    """The SDK for a kernel, made when it is not there; parallel-safe.

    :raise BuildError: packages could not be had, or there is no room.
    """
    name = directory_name(suites[0], kernel_release)
    home = places.cache / "sdk"
    with workshop.turn(home / ".locks" / name, progress):
        if (home / name / TARBALL).is_file():
            return home / name / TARBALL
        tools.require(NEEDS, "making an SDK")
        with workshop.scratch(home / ".scratch", name, need_mib=ROOM_MIB) as scratch:
            draft = _make(tuple(suites), kernel_release, scratch, progress)
            workshop.publish(draft, home / name)
    return home / name / TARBALL


def _make(suites: tuple[str, ...], release: str, scratch: Path, progress: Progress) -> Path:
    progress.stage(f"making the SDK for {release}")
    spec = bootstrap.Bootstrap(
        suites=suites,
        variant="extract",
        packages=(*PACKAGES, f"linux-headers-{release}"),
        setup=(bootstrap.script("merged_usr"),),
        hooks=(bootstrap.script("sdk", RELEASE=release),),
    )
    out = bootstrap.run(spec, scratch, progress)
    packages = dict(
        line.split(" ", 1) for line in (out / "packages").read_text(encoding="utf-8").splitlines()
    )
    draft = scratch / "draft"
    draft.mkdir()
    progress.stage("compressing the SDK")
    made, kept = str(out / "sdk.tar"), str(draft / TARBALL)
    command = ["zstd", "-q", "-3", "-T0", "--rm", made, "-o", kept]
    proc.checked(command, timeout_s=600, what=f"sdk {release!r}")
    provenance = SdkProvenance(
        kernel_release=release,
        suites=suites,
        built=clock.wall(),
        sha256=digest.of_file(draft / TARBALL),
        packages=packages,
    )
    codec.write(provenance, draft / "provenance.json")
    return draft


def build_in(
    sdk_tarball: Path,
    source_dir: Path,
    command: Sequence[str],
    outputs: Sequence[str],
    *,
    timeout_s: float = 300,
) -> dict[str, bytes]:
    """Run `command` on a copy of `source_dir` inside the SDK and return the files `outputs`.

    The command runs in `/src`, with KERNEL_RELEASE and KDIR (the kernel's build directory) in its
    environment. Everything is removed afterwards, whatever happened.

    :param outputs: paths relative to the source directory.
    :raise ArtefactError: the SDK is not in the cache.
    :raise BuildError: the command failed or left out an output; `log` has what it printed.
    """
    if not sdk_tarball.is_file():
        raise ArtefactError(
            f"{sdk_tarball}: no such file (wanted the SDK of an image)",
            hint="lab image build NAME --force makes the image and its SDK again",
        )
    tools.require([tools.ZSTD], "unpacking an SDK")
    with _unpacked(sdk_tarball) as root:
        inside = root / "src"
        shutil.copytree(source_dir, inside, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        release = (root / "etc/kernel-release").read_text(encoding="utf-8").strip()
        kdir = f"/usr/src/linux-headers-{release}"
        words = ["env", "-i", "PATH=/usr/bin:/usr/sbin", "HOME=/tmp", "LC_ALL=C.UTF-8", "SOURCE_DATE_EPOCH=0"]
        words += [f"KERNEL_RELEASE={release}", f"KDIR={kdir}", "/bin/sh", "-c", 'cd /src && exec "$@"', "sh"]
        done = proc.run(_in_root(root, [*words, *command]), timeout_s=timeout_s)
        log = (done.stdout + done.stderr).decode("utf-8", "replace")
        if not done.ok:
            last = next((line for line in reversed(log.splitlines()) if "rror" in line), "no output")
            what = (
                f"build for {release!r}: {' '.join(command)!r} exited with {done.exit_code}: {last.strip()}"
            )
            raise BuildError(what, log=log)
        return {name: _output(inside, name, release, log) for name in outputs}


def _output(inside: Path, name: str, release: str, log: str) -> bytes:
    try:
        return (inside / name).read_bytes()
    except OSError as error:
        raise BuildError(f"build for {release!r}: {name!r} was not made by the command", log=log) from error


@contextlib.contextmanager
def _unpacked(tarball: Path) -> Iterator[Path]:
    """The SDK as a directory; in a user namespace its files belong to mapped ids, hence `remove_tree`."""
    directory = Path(tempfile.mkdtemp(prefix="lab-sdk-"))
    try:
        done = proc.run(
            _mapped(
                ["tar", "--extract", "--zstd", "--file", tarball, "--directory", directory, "--no-same-owner"]
            ),
            timeout_s=300,
        )
        if not done.ok:
            raise ArtefactError(
                f"{tarball}: cannot be unpacked: {done.error_text.splitlines()[-1]}",
                hint="remove its directory, then `lab image build NAME --force`",
            )
        yield directory
    finally:
        workshop.remove_tree(directory)
        if directory.exists():
            raise InfraError(f"{directory}: could not be removed (wanted to clean up an SDK)")


ENTER = """
mkdir -p "$0/dev" "$0/proc" && : >>"$0/dev/null" &&
mount --bind /dev/null "$0/dev/null" && mount --rbind /proc "$0/proc" &&
exec chroot "$0" "$@"
"""
"""A plain file in place of /dev/null would not do: kbuild compiles from it and gcc writes to it. The objtool
of Linux 7 reads /proc/self/limits."""


def _in_root(root: Path, words: Sequence[str]) -> list[str]:
    """The command in a mount namespace of its own, where the chroot has the host's /dev/null and /proc."""
    return _mapped(["unshare", "--mount", "sh", "-c", ENTER, root, *words])


def _mapped(words: Sequence[str | Path]) -> list[str]:
    """The command as root, for other users inside a namespace where their own id is root."""
    plain = [str(word) for word in words]
    return plain if os.geteuid() == 0 else ["unshare", "--map-root-user", *plain]
