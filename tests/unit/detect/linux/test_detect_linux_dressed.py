"""All kinds of reports on all machines, however the console, the collector or the wire dressed them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, zip_longest

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reports_written_by_tests import WRITTEN, Written
from test_detect_linux_reports import read

from lab.model import Finding

HEALTHY = [f"demo: device {number} is ready" for number in range(6)]
EACH = pytest.mark.parametrize("report", WRITTEN, ids=lambda report: report.name)
Dress = Callable[[int, str], str]


def plain(_number: int, text: str) -> str:
    return text


def stamped(number: int, text: str) -> str:
    return f"[{100 + number / 1000:12.6f}] {text}"


def levelled(number: int, text: str) -> str:
    return f"<4>{stamped(number, text)}"


def called(number: int, text: str) -> str:
    return f"[{100 + number / 1000:12.6f}][  T412] {text}"


def on_cpu(number: int, text: str) -> str:
    return f"[{100 + number / 1000:12.6f}][   C1] {text}"


def in_syslog(_number: int, text: str) -> str:
    return f"Nov 23 05:57:54 demo-guest kernel: {text}"


def in_syslog_stamped(number: int, text: str) -> str:
    return f"Nov 23 05:57:54 demo-guest kernel: {stamped(number, text)}"


def collected(number: int, text: str) -> str:
    return f"2026-11-23T05:57:54.123456Z {stamped(number, text)}"


def collected_plain(_number: int, text: str) -> str:
    return f"2026-11-23T05:57:54.123456Z {text}"


def in_brackets(_number: int, text: str) -> str:
    return f"[2026-11-23 05:57:54] {text}"


def coloured(number: int, text: str) -> str:
    return f"\x1b[0;1;31m{stamped(number, text)}\x1b[0m\x1b[K"


DRESSES: tuple[Dress, ...] = (
    plain,
    stamped,
    levelled,
    called,
    on_cpu,
    in_syslog,
    in_syslog_stamped,
    collected,
    collected_plain,
    in_brackets,
    coloured,
)


def console(lines: list[str], dress: Dress = stamped, end: str = "\n") -> bytes:
    return "".join(dress(number, text) + end for number, text in enumerate(lines)).encode()


def said(found: list[Finding]) -> list[tuple[str, str, bool, str]]:
    return [(one.title, one.kind.value, one.fatal, one.suppressed) for one in found]


def wanted(report: Written) -> list[tuple[str, str, bool, str]]:
    return [(report.title, report.kind.value, report.fatal, "")]


@EACH
def test_a_report_is_named_and_weighed(report: Written) -> None:
    (found,) = read(console([*HEALTHY, *report.lines, *HEALTHY]))
    assert said([found]) == wanted(report)
    assert found.corrupted == ""


@EACH
@pytest.mark.parametrize("dress", DRESSES, ids=lambda dress: dress.__name__)
def test_what_stands_before_the_lines_changes_nothing(report: Written, dress: Dress) -> None:
    assert said(read(console([*HEALTHY, *report.lines], dress))) == wanted(report)
    assert said(read(console([*HEALTHY, *report.lines], dress, end="\r\n"))) == wanted(report)
    assert said(read(console([*HEALTHY, *report.lines], dress, end="\r\r\n"))) == wanted(report)


@settings(max_examples=150, deadline=None)
@given(
    report=st.sampled_from(WRITTEN),
    dress=st.sampled_from(DRESSES),
    cuts=st.lists(st.integers(0, 6000), max_size=30),
)
def test_chunks_change_nothing(report: Written, dress: Dress, cuts: list[int]) -> None:
    data = console([*HEALTHY, *report.lines, *HEALTHY], dress)
    assert read(data, cuts) == read(data)


@settings(max_examples=150, deadline=None)
@given(one=st.sampled_from(WRITTEN), two=st.sampled_from(WRITTEN))
def test_reports_of_two_tasks_are_read_apart_where_the_kernel_says_who_prints(
    one: Written, two: Written
) -> None:
    if any("Kernel panic" in text for text in (*one.lines, *two.lines)):
        return
    pairs = zip_longest(
        (f"[  T1] {text}" for text in one.lines), (f"[  T2] {text}" for text in two.lines), fillvalue=""
    )
    lines = [text for text in chain.from_iterable(pairs) if text]
    data = "".join(f"[{100 + n / 1000:12.6f}]{text}\n" for n, text in enumerate(lines)).encode()
    found = {title for title, *_ in said(read(data))}
    assert {one.title, two.title} <= found


@settings(max_examples=200, deadline=None)
@given(
    report=st.sampled_from(WRITTEN), dress=st.sampled_from((plain, stamped, called, coloured)), data=st.data()
)
def test_a_log_cut_at_any_byte_shows_what_it_has_and_nothing_worse(
    report: Written, dress: Dress, data: st.DataObject
) -> None:
    whole = console([*HEALTHY, *report.lines], dress)
    cut = data.draw(st.integers(0, len(whole)))
    found = read(whole[:cut])
    # of a panic whose reason is cut off nobody can say that it only ends the report
    assert len(found) <= 1 + any("Kernel panic" in text for text in report.lines)
    for one in found:
        assert report.fatal or not one.fatal or one.kind.value in ("oops", "panic")
        assert one.title


@settings(max_examples=200, deadline=None)
@given(report=st.sampled_from(WRITTEN), data=st.data())
def test_lost_bytes_behind_its_first_lines_do_not_hide_a_report(report: Written, data: st.DataObject) -> None:
    lines = [*HEALTHY, *report.lines]
    whole, firsts = (
        console(lines),
        (console(lines[:number]) for number in range(len(HEALTHY), len(lines) + 1)),
    )
    known = next(len(first) for first in firsts if any(not one.suppressed for one in read(first)))
    start = data.draw(st.integers(known, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 400)))
    found = read(whole[:start] + whole[end:])
    assert any(not one.suppressed for one in found)
    assert any(one.kind is report.kind for one in found)
