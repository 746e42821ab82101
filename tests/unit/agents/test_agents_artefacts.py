from __future__ import annotations

import dataclasses
import tarfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

import pytest
from agent_fakes import FakeImage, places_in, write_agent

from lab import agents
from lab.agents.artefacts import Artefact, ArtefactStore, bundle
from lab.agents.compiling import tree_digest
from lab.errors import ArtefactError, BuildError
from lab.model import AgentVersion, Family

READY = AgentVersion(build="1.0", content="290")
COMPILED = AgentVersion(build="1.1", content="291")


class Compiler:
    """Stands in for the SDK: remembers what it was asked and returns numbered bytes."""

    def __init__(self, error: BuildError | None = None) -> None:
        self.calls: list[tuple[Path, Path, tuple[str, ...], tuple[str, ...], float]] = []
        self._error = error

    def __call__(
        self,
        sdk_tarball: Path,
        source_dir: Path,
        command: Sequence[str],
        outputs: Sequence[str],
        *,
        timeout_s: float,
    ) -> Mapping[str, bytes]:
        self.calls.append((sdk_tarball, source_dir, tuple(command), tuple(outputs), timeout_s))
        if self._error:
            raise self._error
        return {name: f"compiled {len(self.calls)}".encode() for name in outputs}


@pytest.fixture
def image(tmp_path: Path) -> FakeImage:
    sdk = tmp_path / "sdk.tar.zst"
    sdk.write_bytes(b"compiler")
    return FakeImage(sdk=sdk)


def store_of(tmp_path: Path, compiler: Compiler | None = None) -> ArtefactStore:
    manifest = agents.load(write_agent(tmp_path / "agents/demo"))
    return ArtefactStore(places_in(tmp_path), manifest, build_in=compiler or Compiler())


def test_files_are_resolved_by_axis_with_their_digests(tmp_path: Path, image: FakeImage) -> None:
    found = store_of(tmp_path).resolve(READY, image)
    assert [one.name for one in found.common] == ["demo.sh"]
    assert [one.name for one in found.build] == ["builds/1.0/bin"]
    assert [one.name for one in found.content] == ["content/290"]
    assert len(found.files) == 3
    assert all(len(one.sha256) == 64 and one.path.is_file() for one in found.files)


def test_a_file_with_another_digest_is_named_with_both_and_the_remedy(
    tmp_path: Path, image: FakeImage
) -> None:
    store = store_of(tmp_path)
    (tmp_path / "agents/demo/290.content").write_bytes(b"tampered")
    with pytest.raises(
        ArtefactError, match=r"290\.content: sha256 is [0-9a-f]{64}, agent\.yaml says [0-9a-f]{64}"
    ) as caught:
        store.resolve(READY, image)
    assert "put its sha256 into" in str(caught.value.hint)


def test_a_content_file_that_is_missing_is_named(tmp_path: Path, image: FakeImage) -> None:
    store = store_of(tmp_path)
    (tmp_path / "agents/demo/290.content").unlink()
    with pytest.raises(ArtefactError, match=r"290\.content: cannot be read: No such file or directory"):
        store.resolve(READY, image)


def test_an_unknown_content_lists_the_known_ones(tmp_path: Path, image: FakeImage) -> None:
    with pytest.raises(ArtefactError, match=r"unknown content '29l' \(closest is '29[01]'\)") as caught:
        store_of(tmp_path).resolve(AgentVersion(build="1.0", content="29l"), image)
    assert "families.linux.contents: 290, 291" in str(caught.value.hint)


def test_an_unknown_build_lists_the_known_ones(tmp_path: Path, image: FakeImage) -> None:
    with pytest.raises(ArtefactError, match="unknown build '7'"):
        store_of(tmp_path).resolve(AgentVersion(build="7", content="290"), image)


def test_a_build_is_compiled_once_for_a_kernel(tmp_path: Path, image: FakeImage) -> None:
    compiler = Compiler()
    first = store_of(tmp_path, compiler).resolve(COMPILED, image)
    second = store_of(tmp_path, compiler).resolve(COMPILED, image)
    assert len(compiler.calls) == 1
    assert first == second
    _, source, command, outputs, timeout_s = compiler.calls[0]
    assert source == tmp_path / "agents/demo/src"
    assert command == ("make", "BUILD=1.1", "KERNEL=6.1.0-9-amd64")
    assert (outputs, timeout_s) == (("out/bin",), 900)
    assert first.build[0].mode == 0o755
    assert first.build[0].path.read_bytes() == b"compiled 1"


@pytest.mark.parametrize("change", ["kernel", "source", "sdk"])
def test_a_build_is_compiled_again_for_another_kernel_source_or_sdk(
    tmp_path: Path, image: FakeImage, change: str
) -> None:
    compiler = Compiler()
    store = store_of(tmp_path, compiler)
    store.resolve(COMPILED, image)
    if change == "kernel":
        image = dataclasses.replace(image, kernel_release="6.12.1-amd64")
    elif change == "source":
        (tmp_path / "agents/demo/src/main.c").write_text("int other;\n")
    else:
        assert image.sdk
        image.sdk.write_bytes(b"another compiler")
    store.resolve(COMPILED, image)
    assert len(compiler.calls) == 2


@pytest.mark.parametrize("damage", [b"flipped", None])
def test_a_cached_build_that_changed_or_went_is_compiled_again(
    tmp_path: Path, image: FakeImage, damage: bytes | None
) -> None:
    compiler = Compiler()
    store = store_of(tmp_path, compiler)
    path = store.resolve(COMPILED, image).build[0].path
    path.write_bytes(damage) if damage else path.unlink()
    again = store.resolve(COMPILED, image).build[0]
    assert len(compiler.calls) == 2
    assert again.path.read_bytes() == b"compiled 2"


def test_a_failed_build_names_agent_build_and_kernel_and_keeps_the_log(
    tmp_path: Path, image: FakeImage
) -> None:
    compiler = Compiler(BuildError("make exited with 2", log="main.c:1: error: no"))
    with pytest.raises(
        BuildError, match=r"agent 'demo' build '1\.1' for kernel 6\.1\.0-9-amd64: make exited with 2"
    ) as caught:
        store_of(tmp_path, compiler).resolve(COMPILED, image)
    assert caught.value.log == "main.c:1: error: no"
    assert not [one for one in (tmp_path / "cache/artefacts/demo").iterdir() if not one.name.startswith(".")]


def test_an_image_without_an_sdk_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="image 'debian-12' has no SDK") as caught:
        store_of(tmp_path).resolve(COMPILED, FakeImage(sdk=None))
    assert "lab image build debian-12" in str(caught.value.hint)


def test_sources_that_are_missing_are_named(tmp_path: Path, image: FakeImage) -> None:
    store = store_of(tmp_path)
    (tmp_path / "agents/demo/src/main.c").unlink()
    (tmp_path / "agents/demo/src").rmdir()
    with pytest.raises(ArtefactError, match=r"src: no such folder \(compile\.source\)"):
        store.resolve(COMPILED, image)


def test_a_bundle_holds_names_modes_and_bytes_and_is_always_the_same(
    tmp_path: Path, image: FakeImage
) -> None:
    files = store_of(tmp_path).resolve(READY, image).files
    packed = bundle(files)
    assert packed == bundle(files)
    with tarfile.open(fileobj=BytesIO(packed), mode="r:gz") as archive:
        assert [(one.name, one.mode) for one in archive.getmembers()] == [
            ("demo.sh", 0o755),
            ("builds/1.0/bin", 0o644),
            ("content/290", 0o644),
        ]


def test_a_file_that_changes_after_it_was_resolved_is_not_packed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"new")
    with pytest.raises(ArtefactError, match="changed while it was used"):
        bundle([Artefact(name="file", path=path, mode=0o644, sha256="0" * 64)])


def test_a_tree_digest_depends_on_names_and_bytes_only(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub/file").write_bytes(b"x")
    assert tree_digest(tmp_path / "a") == tree_digest(tmp_path / "b")
    (tmp_path / "b/sub/file").rename(tmp_path / "b/sub/other")
    assert tree_digest(tmp_path / "a") != tree_digest(tmp_path / "b")


def test_a_check_looks_at_ready_made_files_and_compiles_nothing(tmp_path: Path) -> None:
    compiler = Compiler()
    found = store_of(tmp_path, compiler).check(COMPILED, Family.LINUX)
    assert [one.name for one in found.files] == ["demo.sh", "content/291"]
    assert compiler.calls == []
