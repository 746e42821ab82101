"""The page: self-contained, answer first, every link has an end, nothing of a guest becomes markup."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import report_factories as make
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.model import Arm, GateDecision, Signature
from lab.report import html

VOID = {"meta", "link", "wbr", "br", "img"}
CSS = Path(html.__file__).parent / "templates/page.css"


@dataclass
class Page(HTMLParser):
    """Tags, ids, links and text of a page; complains about what is not closed."""

    tags: Counter[str] = field(default_factory=Counter)
    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    attributes: set[str] = field(default_factory=set)
    text: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        told = dict(attrs)
        self.attributes |= set(told)
        self.ids += [told["id"]] if "id" in told else []
        self.links += [told["href"]] if "href" in told else []
        self.sources += [told["src"]] if "src" in told else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(text: str) -> Page:
    page = Page()
    page.feed(text)
    page.close()
    assert page.open == []
    return page


ALL = ["bad_update", "good_update", "refused_update", "lab_fault", "mixed", "empty"]


@pytest.mark.parametrize("name", ALL)
def test_every_link_has_an_end_and_every_id_is_one(name, tmp_path):
    page = read(html.render(getattr(make, name)().doc(tmp_path), tmp_path))
    assert max(Counter(page.ids).values()) == 1
    inside = {link[1:] for link in page.links if link.startswith("#")}
    assert inside <= set(page.ids)


@pytest.mark.parametrize("name", ALL)
def test_the_page_fetches_nothing_and_runs_nothing(name, tmp_path):
    text = html.render(getattr(make, name)().doc(tmp_path), tmp_path)
    page = read(text)
    assert page.tags["script"] == 0
    assert not {one for one in page.attributes if one.startswith("on")}
    assert all(source.startswith("data:image/") for source in page.sources)
    assert all(link.startswith(("#", "./", "data:,")) for link in page.links)
    assert not re.search(r"url\(|@import|https?://", text)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bad_update", "Do not ship"),
        ("good_update", "Ship"),
        ("refused_update", "Do not ship"),
        ("lab_fault", "No answer"),
    ],
)
def test_the_answer_comes_first(name, words):
    text = html.render(getattr(make, name)().doc())
    order = [text.index(f'id="{part}"') for part in ("fleet", "map", "failures", "gaps", "run", "cells")]
    assert order == sorted(order)
    assert text.index(f"<h1>{words}</h1>") < order[0]


def test_a_page_of_a_failure_shows_what_an_engineer_needs(tmp_path):
    text = html.render(make.bad_update().doc(tmp_path), tmp_path)
    for wanted in (
        make.PANIC,
        "demo_sensor_match+0x4c/0xb0",
        "lab repro 2026-03-04_0210_content-291 debian-11_bios-1cpu_update-reboot_candidate",
        "boot loop, 3 resets",
        "New with content 291",
        "./cells/debian-11_bios-1cpu_update-reboot_candidate/a1/serial.log",
        'src="data:image/',
        "first, 31.6 s",
        "+0.13 s",
    ):
        assert wanted in text


def test_each_outcome_has_a_symbol_and_a_word_beside_its_colour():
    text = html.render(make.mixed().doc())
    for symbol, word in (("✕", "panic"), ("≈", "flaky"), ("?", "no proof"), ("○", "not used"), ("✓", "pass")):
        assert re.search(rf"<b>{re.escape(symbol)}</b><span> {word}", text)


def test_frames_that_are_missing_are_named_instead():
    text = html.render(make.bad_update().doc(), Path("/nonexistent"))
    assert "frames/000002.png</span>" in text
    assert "data:image/" not in text


def test_pictures_stop_at_the_budget(tmp_path, monkeypatch):
    monkeypatch.setattr(html, "PICTURE_BUDGET", 10)
    assert "data:image/" not in html.render(make.bad_update().doc(tmp_path), tmp_path)


def test_a_report_without_proof_does_not_claim_that_nobody_would_be_hit():
    text = html.render(make.lab_fault().doc())
    assert "up to" in text
    assert "nothing is proven good" in text.replace("  ", " ")
    assert "every OS build is proven good" not in text


def test_a_failure_on_an_os_build_without_weight_is_still_a_failure():
    run = make.empty()
    make.crashed(run, make.cell("a", "s1", Arm.CANDIDATE, make.BAD, weight=0.0))
    text = html.render(run.doc())
    assert "the census does not count" in text
    assert "every OS build is proven good" not in text


def test_words_that_stand_above_in_large_type_are_not_said_twice():
    run = make.good_update()
    run.decision = GateDecision(ship=False, exit_code=1, sentence="do not ship: 3 cells failed")
    assert '<p class="sentence">3 cells failed</p>' in html.render(run.doc())
    run.decision = GateDecision(ship=False, exit_code=1, sentence="Do not ship.")
    assert '<p class="sentence">' not in html.render(run.doc())
    run.decision = GateDecision(ship=True, exit_code=0, sentence="shipping is fine")
    assert '<p class="sentence">Shipping is fine</p>' in html.render(run.doc())


def test_many_columns_make_the_map_dense():
    run = make.empty()
    for number in range(9):
        for arm, version in ((Arm.BASELINE, make.RELEASED), (Arm.CANDIDATE, make.BAD)):
            make.passed(run, make.cell("debian-12", f"s{number}", arm, version))
    assert 'class="scroll dense"' in html.render(run.doc())
    assert 'class="scroll dense"' not in html.render(make.bad_update().doc())


def test_two_thousand_cells_make_a_page_below_five_megabytes():
    text = html.render(make.large().doc())
    assert len(text.encode()) < 5_000_000
    assert text.count('class="sq failed"') > 300


def hostile(text: str) -> str:
    """A page in which every string that can come from outside is `text`."""
    run = make.empty(started=text, lab=text, command=text, config=text)
    run.decision = GateDecision(ship=False, exit_code=1, sentence=text, reasons=(text,))
    make.crashed(run, make.cell("debian-12", "update-reboot", Arm.CANDIDATE, make.BAD))
    make.faulted(run, make.cell("debian-12", "content-update", Arm.CANDIDATE, make.BAD), why=text)
    found = replace(
        run.verdicts[0].findings[0],
        signature=Signature(title=text),
        module=text,
        function=text,
        detail=text,
        corrupted=text,
    )
    run.verdicts[0] = replace(run.verdicts[0], findings=(found,), reasons=(text,))
    run.attempts[0] = replace(
        run.attempts[0], findings=(found,), facts={"image": {"release": text, "kernel": text}}
    )
    return html.render(run.doc())


SHAPE = read(hostile("plain")).tags


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</pre></style></title><b>",
        "{{ 7 * 7 }}{% raw %}",
        "javascript:alert(1)",
        "\x1b[31m\x00\x07<i>\u202e",
        "]]>&amp;&#60;",
        "x" * 100_000,
    ],
)
def test_hostile_text_stays_text(text):
    assert read(hostile(text)).tags == SHAPE


def test_text_is_no_template():
    assert "{{ 6 * 7 }}" in "".join(read(hostile("{{ 6 * 7 }}")).text)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=60).filter(str.strip))
def test_no_text_becomes_markup(text):
    tags = read(hostile(text)).tags
    assert set(tags) <= set(SHAPE)
    assert tags["a"] <= SHAPE["a"]


def colours(scheme: str) -> dict[str, str]:
    blocks = re.findall(r":root \{(.*?)\n\s*\}", CSS.read_text(encoding="utf-8"), re.DOTALL)
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[0]))
    return found | (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[1])) if scheme == "dark" else {})


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        ("ink", "page"),
        ("ink", "panel"),
        ("ink", "faint"),
        ("ink", "fail-wash"),
        ("soft", "page"),
        ("soft", "panel"),
        ("soft", "faint"),
        ("soft", "fail-wash"),
        ("link", "page"),
        ("link", "panel"),
        ("fail-ink", "fail"),
        ("fail-text", "page"),
        ("fail-text", "panel"),
        ("fail-text", "fail-wash"),
        ("pass-ink", "pass"),
        ("pass-text", "page"),
        ("warn-ink", "warn"),
        ("warn-text", "page"),
        ("known-ink", "known"),
        ("grey-ink", "grey"),
        ("band-ink", "ship"),
        ("band-ink", "stop"),
        ("band-ink", "none"),
    ],
)
def test_text_has_the_contrast_of_wcag_aa(scheme, ink, ground):
    palette = colours(scheme)
    light, dark = sorted((luminance(palette[ink]), luminance(palette[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


@pytest.mark.parametrize(
    ("end_s", "last"), [(0, 0), (9, 8), (120, 105), (1114, 1050 // 150 * 150), (1e6, 8 * 86400)]
)
def test_an_axis_has_few_round_ticks(end_s, last):
    made = html.ticks(end_s)
    assert made[0] == 0
    assert len(made) <= 9
    assert made[-1] <= max(last, end_s)
