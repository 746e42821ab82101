"""All mutations of one content, each once, in an order that never changes."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

from lab.agents.content import Content, ContentFormat, read
from lab.faults.content.cuts import cuts
from lab.faults.content.envelope import header, whole
from lab.faults.content.fields import counted, misencoded, valued
from lab.faults.content.mutation import Damage, Mutation, MutationKind, variants

FLIPS = 16


def mutations(form: ContentFormat, data: bytes, *, seed: int = 1, flips: int = FLIPS) -> tuple[Mutation, ...]:
    """Everything that can be done to `data`; what would give the same bytes twice is there once.

    :param seed: of the bits that are flipped; all else is the same for every seed.
    :param flips: how many bits are flipped, one in each mutation.
    :raise ArtefactError: `data` does not follow `form`, so it is no content to start from.
    """
    content = read(form, data)
    made = (one for damage in _damage(content, seed, flips) for one in variants(form, damage))
    return tuple(_distinct(made, data))


def _damage(content: Content, seed: int, flips: int) -> Iterator[Damage]:
    yield from whole(content)
    yield from header(content)
    yield from counted(content)
    yield from valued(content)
    yield from misencoded(content)
    yield from cuts(content)
    yield from _flips(content, seed, flips)


def _flips(content: Content, seed: int, count: int) -> Iterator[Damage]:
    data = content.data
    bits = range(len(data) * 8)
    for bit in sorted(random.Random(seed).sample(bits, min(count, len(bits)))):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        yield Damage(
            name=f"flip-bit-{bit}",
            kind=MutationKind.FLIP,
            sentence=f"bit {bit % 8} of byte {bit // 8} is flipped",
            data=bytes(changed),
        )


def _distinct(made: Iterable[Mutation], original: bytes) -> Iterator[Mutation]:
    seen = {original}
    for one in made:
        if one.data not in seen:
            seen.add(one.data)
            yield one
