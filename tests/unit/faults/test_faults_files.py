"""Damaged files are always different from what they were."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.faults.files import flipped, torn, truncated

DATA = st.binary(min_size=1, max_size=10000)
SHARE = st.floats(0, 1)


@settings(max_examples=100)
@given(data=DATA, share=SHARE)
def test_a_torn_file_begins_as_it_did_and_ends_in_zeros_or_early(data: bytes, share: float) -> None:
    changed = torn(data, share)
    assert changed != data
    kept = next(
        (at for at, (old, new) in enumerate(zip(data, changed, strict=False)) if old != new), len(changed)
    )
    assert not any(changed[kept:])


@settings(max_examples=100)
@given(data=DATA, share=SHARE)
def test_a_truncated_file_is_a_shorter_beginning(data: bytes, share: float) -> None:
    changed = truncated(data, share)
    assert len(changed) < len(data)
    assert data.startswith(changed)


@settings(max_examples=100)
@given(data=DATA, bits=st.integers(1, 64), seed=st.integers())
def test_so_many_bits_are_flipped_as_asked(data: bytes, bits: int, seed: int) -> None:
    changed = flipped(data, bits, random.Random(seed))
    differing = sum((old ^ new).bit_count() for old, new in zip(data, changed, strict=True))
    assert differing == min(bits, len(data) * 8)


def test_a_large_file_is_torn_at_a_page() -> None:
    data = bytes(range(1, 255)) * 100
    changed = torn(data, 0.5)
    assert len(changed) == len(data)
    assert changed[:12288] == data[:12288]
    assert not any(changed[12288:])
