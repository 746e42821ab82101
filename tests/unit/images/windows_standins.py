"""Stand-ins for media of Windows and virtio-win: the files that the lab looks at, and no Windows in them."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pycdlib

from lab.images import catalogue
from lab.images.recipe import WindowsRecipe
from lab.images.windows.editions import CORE
from lab.images.windows.media import DRIVERS
from lab.images.windows.releases import RELEASES, Product, Release

SHIPPED = Path(__file__).parents[3] / "images"
LABEL = "STAND-IN FOR WINDOWS"
ESP = b"STAND-IN: an EFI boot image without a program".ljust(4096, b"\0")
INFS = {"NetKVM": "netkvm.inf", "vioserial": "vioser.inf", "Balloon": "balloon.inf"}


def recipe(name: str, **changes: Any) -> WindowsRecipe:
    """A shipped recipe, with other values in places."""
    found = catalogue.load(SHIPPED)[name]
    assert isinstance(found, WindowsRecipe)
    return replace(found, **changes)


def image_xml(
    index: int, name: str, edition: str, build: int, *, kind: str = "Client", display: str = "",
    language: str = "en-US", arch: int = 9, size: int = 9 << 30,
) -> str:  # fmt: skip
    """One IMAGE of a WIM's XML, as Microsoft's media have it."""
    return (
        f'<IMAGE INDEX="{index}"><TOTALBYTES>{size}</TOTALBYTES><NAME>{name}</NAME>'
        f"<DISPLAYNAME>{display or name}</DISPLAYNAME><WINDOWS><ARCH>{arch}</ARCH>"
        f"<EDITIONID>{edition}</EDITIONID><INSTALLATIONTYPE>{kind}</INSTALLATIONTYPE>"
        f"<LANGUAGES><LANGUAGE>{language}</LANGUAGE><DEFAULT>{language}</DEFAULT></LANGUAGES>"
        f"<VERSION><MAJOR>10</MAJOR><MINOR>0</MINOR><BUILD>{build}</BUILD><SPBUILD>1</SPBUILD></VERSION>"
        "</WINDOWS></IMAGE>"
    )


def images_of(release: Release, *, evaluation: bool = False, language: str = "en-US") -> list[str]:
    """The images that media of a release hold, with the names Microsoft gives them."""
    build, words, end = release.media_builds[0], release.image_words, "Eval" if evaluation else ""
    if release.product is Product.SERVER:
        data, desktop = "Datacenter", "(Desktop Experience)"
        rows = [
            (f"{words} SERVERSTANDARDCORE", f"ServerStandard{end}", CORE, f"{words} Standard"),
            (f"{words} SERVERSTANDARD", f"ServerStandard{end}", "Server", f"{words} Standard {desktop}"),
            (f"{words} SERVERDATACENTERCORE", f"ServerDatacenter{end}", CORE, f"{words} {data}"),
            (f"{words} SERVERDATACENTER", f"ServerDatacenter{end}", "Server", f"{words} {data} {desktop}"),
        ]  # fmt: skip
    elif "ltsc" in release.key:
        rows = [(f"{words} Enterprise LTSC", f"EnterpriseS{end}", "Client", "")]
    else:
        pairs = (("Education", "Education"), ("Enterprise", "Enterprise"), ("Pro", "Professional"))
        rows = [(f"{words} {name}", f"{edition}{end}", "Client", "") for name, edition in pairs]
    return [
        image_xml(number, name, edition, build, kind=kind, display=display, language=language)
        for number, (name, edition, kind, display) in enumerate(rows, start=1)
    ]


def wim(images: Sequence[str], *, parts: int = 1) -> bytes:
    """A WIM file with a header and XML, and nothing that could be installed."""
    xml = f"<WIM><TOTALBYTES>0</TOTALBYTES>{''.join(images)}</WIM>".encode("utf-16")
    head = bytearray(208)
    head[:8] = b"MSWIM\0\0\0"
    struct.pack_into("<IIIIH", head, 8, 208, 0x10D00, 2, 32768, 0)
    struct.pack_into("<HHI", head, 40, 1, parts, len(images))
    struct.pack_into("<QQQ", head, 72, len(xml) | 2 << 56, 208, len(xml))
    return bytes(head) + xml


def windows_files(release: Release, **options: Any) -> dict[str, bytes]:
    """What the lab looks for on media of Windows."""
    return {
        "sources/install.wim": wim(images_of(release, **options)),
        "sources/boot.wim": wim([]),
        "setup.exe": b"STAND-IN: no program",
        "bootmgr": b"STAND-IN: no boot loader",
        "boot/etfsboot.com": b"STAND-IN".ljust(2048, b"\0"),
        "efi/boot/efisys.bin": ESP,
    }


def virtio_files(release: Release, without: Sequence[str] = ()) -> dict[str, bytes]:
    """What the lab looks for on virtio-win media."""
    files = {"guest-agent/qemu-ga-x86_64.msi": b"STAND-IN for an MSI", "virtio-win_license.txt": b"-"}
    for name in DRIVERS:
        for file in (INFS.get(name, f"{name}.inf"), f"{name.lower()}.sys", f"{name.lower()}.pdb"):
            files[f"{name}/{release.driver_directory}/amd64/{file}"] = f"STAND-IN: {file}".encode()
    return {path: data for path, data in files.items() if path.split("/")[0] not in without}


def make_iso(
    path: Path, files: Mapping[str, bytes], *, udf: bool, label: str = LABEL, boots: bool = True
) -> Path:
    """An ISO by pycdlib: UDF as Windows media are, or Joliet as virtio-win media are."""
    iso = pycdlib.PyCdlib()
    iso.new(
        interchange_level=3,
        vol_ident=label[:32] if udf else label[:16],
        udf="2.60" if udf else None,
        joliet=None if udf else 3,
    )
    names: dict[str, str] = {"": ""}

    def short(path: str) -> str:
        parent, _, _ = path.rpartition("/")
        if path not in names:
            names[path] = f"{names.get(parent) or (short(parent) if parent else '')}/N{len(names)}"
        return names[path]

    key = "udf_path" if udf else "joliet_path"
    for directory in sorted({str(up) for name in files for up in Path(name).parents} - {"."}):
        iso.add_directory(short(directory), **{key: f"/{directory}"})
    for name, data in sorted(files.items()):
        iso.add_fp(io.BytesIO(data), len(data), f"{short(name)}.;1", **{key: f"/{name}"})
    if udf and boots:
        iso.add_eltorito(f"{short('boot/etfsboot.com')}.;1", "/BOOT.CAT;1", platform_id=0)
        iso.add_eltorito(f"{short('efi/boot/efisys.bin')}.;1", efi=True)
    iso.write(str(path))
    iso.close()
    return path


def windows_iso(directory: Path, release: str, **options: Any) -> Path:
    """A stand-in ISO of a release."""
    return make_iso(directory / f"{release}.iso", windows_files(RELEASES[release], **options), udf=True)


def virtio_iso(directory: Path, release: str, without: Sequence[str] = ()) -> Path:
    """A stand-in for virtio-win media."""
    files = virtio_files(RELEASES[release], without)
    return make_iso(directory / "virtio-win.iso", files, udf=False, label="virtio-win-0.1")
