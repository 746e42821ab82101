"""SDKs: made once per kernel, found again, and what a build in one says when it fails."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lab import codec, proc
from lab.errors import ArtefactError, BuildError
from lab.images import bootstrap, sdk, tools
from lab.images.progress import Progress

sys.path.insert(0, str(Path(__file__).parent))
from images_samples import places

RELEASE = "6.1.0-40-amd64"
SUITES = ("bookworm", "bookworm-security")


@pytest.fixture
def specs(monkeypatch: pytest.MonkeyPatch) -> list[bootstrap.Bootstrap]:
    """mmdebstrap and zstd replaced by what they leave behind; returns what was asked for."""
    asked: list[bootstrap.Bootstrap] = []

    def run(spec: bootstrap.Bootstrap, scratch: Path, _progress: Progress) -> Path:
        asked.append(spec)
        out = scratch / bootstrap.OUT
        out.mkdir()
        (out / "packages").write_text("gcc 4:12.2.0-3\nmake 4.3-4.1\n")
        (out / "sdk.tar").write_bytes(b"tar")
        return out

    def checked(argv, **_rest):
        Path(argv[-1]).write_bytes(b"zstd " + Path(argv[-3]).read_bytes())

    monkeypatch.setattr(bootstrap, "run", run)
    monkeypatch.setattr(proc, "checked", checked)
    monkeypatch.setattr(tools, "missing", lambda _tools: ())
    monkeypatch.setattr(sdk, "ROOM_MIB", 1)
    return asked


def test_an_sdk_has_the_headers_of_exactly_its_kernel(
    tmp_path: Path, specs: list[bootstrap.Bootstrap]
) -> None:
    tarball = sdk.ensure(places(tmp_path), SUITES, RELEASE, Progress("tiny"))
    assert tarball == tmp_path / "cache/sdk/bookworm-6.1.0-40-amd64/sdk.tar.zst"
    assert f"linux-headers-{RELEASE}" in specs[0].packages
    provenance = codec.read(sdk.SdkProvenance, tarball.parent / "provenance.json")
    assert provenance.packages == {"gcc": "4:12.2.0-3", "make": "4.3-4.1"}
    assert provenance.kernel_release == RELEASE


def test_an_sdk_is_made_once(tmp_path: Path, specs: list[bootstrap.Bootstrap]) -> None:
    for _ in range(2):
        sdk.ensure(places(tmp_path), SUITES, RELEASE, Progress("tiny"))
    assert len(specs) == 1


def test_a_failed_sdk_leaves_nothing(
    tmp_path: Path, specs: list[bootstrap.Bootstrap], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_rest: object) -> None:
        raise BuildError("no headers")

    monkeypatch.setattr(proc, "checked", fail)
    with pytest.raises(BuildError, match="no headers"):
        sdk.ensure(places(tmp_path), SUITES, RELEASE, Progress("tiny"))
    assert sdk.path(places(tmp_path), sdk.directory_name("bookworm", RELEASE)) is None
    assert [path for path in (tmp_path / "cache/sdk/.scratch").iterdir() if path.is_dir()] == []


def test_only_an_sdk_that_is_there_has_a_path(tmp_path: Path) -> None:
    own = places(tmp_path)
    assert sdk.path(own, "") is None
    assert sdk.path(own, "bookworm-6.1.0-40-amd64") is None


def test_building_without_an_sdk_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="wanted the SDK of an image") as caught:
        sdk.build_in(tmp_path / "sdk.tar.zst", tmp_path, ["make"], ["a.ko"])
    assert "lab image build" in (caught.value.hint or "")


@pytest.fixture
def chroot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, proc.Completed]:
    """An SDK whose commands answer what the test says; keyed by the program."""
    answers = {"tar": proc.Completed(exit_code=0), "unshare": proc.Completed(exit_code=0)}

    def run(argv, **_rest):
        words = [str(word) for word in argv]
        if words[0] == "tar":
            root = Path(words[words.index("--directory") + 1])
            (root / "etc").mkdir()
            (root / "etc/kernel-release").write_text(RELEASE)
        return answers[words[0]]

    monkeypatch.setattr(proc, "run", run)
    monkeypatch.setattr(tools, "missing", lambda _tools: ())
    monkeypatch.setattr(sdk.os, "geteuid", lambda: 0)
    monkeypatch.setattr(sdk.tempfile, "tempdir", str(tmp_path))
    return answers


def source(tmp_path: Path) -> tuple[Path, Path]:
    directory = tmp_path / "module"
    directory.mkdir()
    (directory / "made.ko").write_bytes(b"module")
    (tmp_path / "sdk.tar.zst").write_bytes(b"")
    return tmp_path / "sdk.tar.zst", directory


def left(tmp_path: Path) -> list[Path]:
    return list(tmp_path.glob("lab-sdk-*"))


def test_outputs_come_back_as_bytes_and_the_chroot_goes(
    tmp_path: Path, chroot: dict[str, proc.Completed]
) -> None:
    tarball, directory = source(tmp_path)
    assert sdk.build_in(tarball, directory, ["make"], ["made.ko"]) == {"made.ko": b"module"}
    assert left(tmp_path) == []


def test_a_failed_command_brings_its_output_and_names_the_kernel(
    tmp_path: Path, chroot: dict[str, proc.Completed]
) -> None:
    chroot["unshare"] = proc.Completed(
        exit_code=2, stdout=b"CC x.o\nx.c:3: error: expected ';'\nmake: *** stop\n"
    )
    tarball, directory = source(tmp_path)
    with pytest.raises(BuildError) as caught:
        sdk.build_in(tarball, directory, ["make", "modules"], ["made.ko"])
    assert (
        caught.value.message
        == f"build for '{RELEASE}': 'make modules' exited with 2: x.c:3: error: expected ';'"
    )
    assert "CC x.o" in caught.value.log
    assert left(tmp_path) == []


def test_an_output_that_was_not_made_is_named(tmp_path: Path, chroot: dict[str, proc.Completed]) -> None:
    tarball, directory = source(tmp_path)
    with pytest.raises(BuildError, match=r"'other\.ko' was not made by the command"):
        sdk.build_in(tarball, directory, ["make"], ["made.ko", "other.ko"])


def test_a_torn_sdk_is_an_artefact_error(tmp_path: Path, chroot: dict[str, proc.Completed]) -> None:
    chroot["tar"] = proc.Completed(exit_code=2, stderr=b"tar: Unexpected EOF in archive\n")
    tarball, directory = source(tmp_path)
    with pytest.raises(ArtefactError, match="cannot be unpacked: tar: Unexpected EOF in archive"):
        sdk.build_in(tarball, directory, ["make"], ["made.ko"])
    assert left(tmp_path) == []
