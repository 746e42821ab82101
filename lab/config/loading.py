"""lab.yaml to `Lab`: read, validate, fill in defaults, make paths absolute.

Checks what the file alone can tell. Whether an image, profile or scenario exists is asked by
lab.matrix, which has the catalogue; `Lab.where` lets it answer with a place.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from lab.config import models, models_guests, models_judging, values
from lab.config.located import parse_document, unknown
from lab.config.marked import Document, Steps, located, read
from lab.config.types import Clones, Exclude, HostSpec, Include, Lab, Matrix, Media, Override, Ring
from lab.errors import InputError
from lab.model import (
    DEFAULT_MARGINS,
    AgentVersion,
    Arm,
    EvidencePolicy,
    GatePolicy,
    KnownIssue,
    Profile,
    SoakPlan,
    TestPlan,
    Timeouts,
)
from lab.places import Places, places


def load(path: Path, *, candidate: Mapping[str, str] | None = None) -> Lab:
    """The lab that the file at `path` describes.

    :param candidate: `build` and/or `content` to test instead of those of the candidate arm.
    :raise ConfigError: all that is wrong with the file, each with file:line:column.
    :raise InputError: `candidate` has another key, or a value that is no version.
    """
    replaced = _candidate(candidate or {})
    document = read(path)
    model = parse_document(models.LabModel, document)
    root = path.absolute().parent
    return Lab(
        path=path.absolute(),
        root=root,
        agent=model.agent,
        installed=AgentVersion(build=model.installed.build, content=model.installed.content),
        arms=_arms(model.arms, replaced),
        matrix=_matrix(model.matrix),
        profiles={name: _profile(name, profile) for name, profile in model.profiles.items()},
        overrides=tuple(_override(one) for one in model.overrides),
        hosts=tuple(
            HostSpec(name=host.name, uri=host.uri, slots=host.slots, memory_mib=host.memory)
            for host in model.hosts
        ),
        rings=tuple(
            Ring(name=r.name, select=r.select, stop_on_failure=r.stop_on_failure) for r in model.rings
        ),
        timeouts=Timeouts(**_seconds(model.timeouts)),
        loop_resets=model.loop_resets,
        gate=_gate(model.gate),
        compare=_compare(model.compare),
        evidence=_evidence(model.evidence),
        soak=SoakPlan(for_s=model.soak.duration, every_s=model.soak.every or 0.0, uptime_s=model.soak.uptime),
        clones=Clones(
            use=model.clones.use,
            warm=model.clones.warm,
            cache_mib=model.clones.cache,
            identity=model.clones.identity,
        ),
        places=_places(model.places, root),
        reports=_below(root, model.reports),
        census=dict(model.census),
        media={pattern: _media(one, root) for pattern, one in model.media.items()},
        tools={name: _below(root, path) for name, path in model.tools.items()},
        where=_where(document, replaced),
    )


def load_media(path: Path) -> dict[str, Media]:
    """A file that holds the value of `media:` alone: the user's own, for all labs of a machine.

    :raise ConfigError: all that is wrong with it, each with file:line:column.
    """
    document = read(path)
    parsed: dict[str, models_guests.MediaModel] = parse_document(
        dict[values.Glob, models_guests.MediaModel], document
    )
    return {pattern: _media(one, path.absolute().parent) for pattern, one in parsed.items()}


def parse_candidate(text: str) -> dict[str, str]:
    """`build=1.1,content=292`, as `--candidate` takes it, to a mapping for `load`.

    :raise InputError: not of that form.
    """
    pairs: dict[str, str] = {}
    for part in text.split(","):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not key or key in pairs:
            raise InputError(
                f"candidate {text!r} cannot be read (wanted build=B,content=C or one of them)",
                hint="lab run --candidate build=1.1,content=292",
            )
        pairs[key] = value
    return _candidate(pairs)


def _candidate(given: Mapping[str, str]) -> dict[str, str]:
    adapter: TypeAdapter[str] = TypeAdapter(values.Version)
    for key, value in given.items():
        if key not in ("build", "content"):
            raise InputError(f"candidate: {unknown('key', key, ['build', 'content'])}")
        try:
            adapter.validate_python(value)
        except ValidationError as error:
            message = f"candidate {key} {value!r} is no version (letters, digits and . + ~ : -, at most 40)"
            raise InputError(message) from error
    return dict(given)


def _arms(model: models.ArmsModel, replaced: Mapping[str, str]) -> dict[Arm, tuple[AgentVersion, ...]]:
    candidate = {"build": model.candidate.build, "content": model.candidate.content}
    candidate |= {key: (value,) for key, value in replaced.items()}
    return {
        Arm.BASELINE: _versions(model.baseline.build, model.baseline.content),
        Arm.CANDIDATE: _versions(candidate["build"], candidate["content"]),
    }


def _versions(builds: tuple[str, ...], contents: tuple[str, ...]) -> tuple[AgentVersion, ...]:
    return tuple(
        AgentVersion(build=build, content=content) for build, content in itertools.product(builds, contents)
    )


def _matrix(model: models.MatrixModel) -> Matrix:
    return Matrix(
        images=model.images,
        profiles=model.profiles,
        scenarios=model.scenarios,
        seeds=model.seeds,
        repetitions=model.repetitions,
        include=tuple(
            Include(
                image=one.image or (),
                profile=one.profile or (),
                scenario=one.scenario or (),
                arm=one.arm or (),
                seed=one.seed or (),
                reason=one.reason,
            )
            for one in model.include
        ),
        exclude=tuple(Exclude(select=one.select, reason=one.reason) for one in model.exclude),
    )


def _profile(name: str, model: models_guests.ProfileModel) -> Profile:
    return Profile(
        name=name,
        vcpus=model.vcpus,
        memory_mib=model.memory,
        firmware=model.firmware,
        tpm=model.tpm,
        disk_bus=model.disk_bus,
        nic=model.nic,
        secure_boot=model.secure_boot,
        video=model.video,
        network=model.network,
        time_warp=model.time_warp,
    )


def _override(model: models.OverrideModel) -> Override:
    return Override(
        select=model.select,
        timeouts=_seconds(model.timeouts),
        memory_mib=model.memory,
        vcpus=model.vcpus,
        repetitions=model.repetitions,
        count_loops=model.count_loops,
        reason=model.reason,
    )


def _seconds(model: models.TimeoutsModel | models.SomeTimeoutsModel) -> dict[str, float]:
    """`boot` -> `boot_s`, without those that are not given."""
    return {f"{name}_s": value for name, value in model.model_dump().items() if value is not None}


def _compare(compare: models_judging.CompareModel) -> TestPlan:
    return TestPlan(
        level=compare.level,
        power=compare.power,
        sequential=compare.most > 0,
        most=compare.most,
        crash_margin=compare.crashes,
        slope_margin=compare.leak,
        margins={**compare.figures, **_others(DEFAULT_MARGINS, compare.figures)},
    )


def _others(margins: Mapping[str, float], given: Mapping[str, float]) -> dict[str, float]:
    return {pattern: margin for pattern, margin in margins.items() if pattern not in given}


def _evidence(evidence: models_guests.EvidenceModel) -> EvidencePolicy:
    return EvidencePolicy(
        memory_dump=evidence.memory_dump,
        max_size_mib=evidence.max_size,
        most=evidence.most,
        guest_dump_wait_s=evidence.guest_dump_wait,
        dump_disk_mib=evidence.dump_disk or 0,
    )


def _gate(model: models_judging.GateModel) -> GatePolicy:
    return GatePolicy(
        min_cells=model.min_cells,
        allow_flaky=model.allow_flaky,
        allow_inconclusive=model.allow_inconclusive,
        allow_unrunnable=model.allow_unrunnable,
        require_baseline=model.require_baseline,
        require_comparison=model.require_comparison,
        known_issues=tuple(
            KnownIssue(title=one.title, images=one.images, until=one.until, link=one.link)
            for one in model.known_issues
        ),
    )


def _places(model: models_guests.PlacesModel, root: Path) -> Places:
    return places(
        cache=_below(root, model.cache) if model.cache else None,
        state=_below(root, model.state) if model.state else None,
        runtime=_below(root, model.runtime) if model.runtime else None,
    )


def _media(model: models_guests.MediaModel, root: Path) -> Media:
    def path(text: str | None) -> Path | None:
        return None if text is None else _below(root, text)

    return Media(
        iso=path(model.iso),
        virtio=path(model.virtio),
        openssh=path(model.openssh),
        edition=model.edition,
        language=model.language,
        updates=None if model.updates is None else tuple(_below(root, one) for one in model.updates),
    )


def _below(root: Path, text: str) -> Path:
    return root / Path(text).expanduser()


def _where(document: Document, replaced: Mapping[str, str]) -> dict[str, str]:
    places_by_path = {
        _dotted(steps): located(document.name, at) for steps, at in document.values.items() if steps
    }
    return places_by_path | {f"arms.candidate.{key}": "--candidate" for key in replaced}


def _dotted(steps: Steps) -> str:
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
