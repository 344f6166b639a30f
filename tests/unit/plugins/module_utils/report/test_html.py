# Copyright: (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""report.html: safe, self-contained, accessible, complete in both languages."""

from __future__ import annotations

import html.parser
import re

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.report import html as page
from ansible_collections.golive.delivery.plugins.module_utils.report import i18n
from ansible_collections.golive.delivery.plugins.module_utils.report.markup import el
from ansible_collections.golive.delivery.tests.unit.plugins.module_utils.report.samples import (
    WAIVER,
    build,
    check,
    mixed,
    results,
)

CHECKSUM = "ab" * 32
GAP = {"host": "app2", "role": "app_server", "reason": "unreachable"}
VOID = {"meta", "br", "path", "circle", "rect", "use"}
EVIL = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>"


class Reader(html.parser.HTMLParser):
    """Collects elements and text; fails on an element that is not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.text += data

    def tags(self, name: str) -> list[dict]:
        return [attributes for tag, attributes in self.elements if tag == name]


def render(entries: list, missing: list | None = None, **head: object) -> str:
    return page.render(build(entries, missing, **head), CHECKSUM)


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_every_value_is_escaped(language: str) -> None:
    waiver = {"by": EVIL, "reason": EVIL, "until": "2026-12-31"}
    evil = {"type": EVIL, "expected": EVIL, "observed": EVIL, "evidence": EVIL, "title": {"en": EVIL, "zh": EVIL}}
    entries = [
        *results(check(EVIL, **evil, status="fail"), host=EVIL, role=EVIL),
        *results(check(EVIL, **evil, status="waived", waiver=waiver), host="db2", role=EVIL),
    ]
    gap = {"host": "db3", "role": EVIL, "reason": EVIL}
    text = render(entries, [gap], language=language, title=EVIL, system=EVIL, customer=EVIL, supplier=EVIL)
    reader = Reader(text)
    assert not reader.tags("script")
    assert not reader.tags("img")
    assert not [name for _tag, attributes in reader.elements for name in attributes if name.startswith("on")]
    assert EVIL in reader.text


def test_markup_escapes_by_itself() -> None:
    assert el("p", "<b>", [el("i", "&")], class_='"') == '<p class="&quot;">&lt;b&gt;<i>&amp;</i></p>'


def test_nothing_is_loaded_from_elsewhere() -> None:
    text = render(mixed(), [GAP])
    reader = Reader(text)
    for tag in ("script", "link", "img", "iframe", "object", "form", "base"):
        assert not reader.tags(tag)
    for _tag, attributes in reader.elements:
        for name in ("href", "src", "srcset", "action", "style"):
            assert attributes.get(name, "#").startswith("#")
    for word in ("http:", "https:", "//", "@import", "@font-face", "url("):
        assert word not in text


def test_anchors_lead_somewhere() -> None:
    reader = Reader(render(mixed(), [GAP]))
    ids = [attributes["id"] for _tag, attributes in reader.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {attributes["href"][1:] for _tag, attributes in reader.elements if "href" in attributes}
    assert targets <= set(ids)


@pytest.mark.parametrize(("language", "tag"), [("en", "en"), ("zh_CN", "zh-CN")])
def test_structure(language: str, tag: str) -> None:
    reader = Reader(render(mixed(), [GAP], language=language))
    assert reader.tags("html") == [{"lang": tag}]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in reader.tags("meta")
    levels = [int(name[1]) for name, _attributes in reader.elements if re.fullmatch("h[1-6]", name)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:]))
    assert all(header.get("scope") in ("col", "row", "rowgroup") for header in reader.tags("th"))
    # A sign is for the eye; the word beside it is for everyone.
    assert all(sign.get("aria-hidden") == "true" for sign in reader.tags("svg"))


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_content(language: str) -> None:
    short = i18n.LANGUAGES[language]
    report = build(mixed(), [GAP], language=language, supplier="Golive GmbH")
    text = Reader(page.render(report, CHECKSUM)).text
    for area in report["areas"]:
        assert area["title"][short] in text
    for key in (
        "verdict_failed",
        "state_not_covered",
        "not_covered_note",
        "blocking_title",
        "waivers_title",
        "remarks_title",
        "sign_failed",
        "sign_supplier",
        "sign_customer",
        "sign_signature",
    ):
        assert i18n.text(language, key) in text, key
    for status in ("pass", "warn", "fail", "waived", "skipped", "error"):
        assert i18n.text(language, "status_" + status) in text
    for value in (*WAIVER.values(), "Golive GmbH", "Harbour Ltd", "unreachable", "line 14", CHECKSUM):
        assert value in text
    assert report["gate_rule"][short] in text
    assert report["gate_reason"][short] in text
    # What did not pass comes before the list of everything.
    order = [text.index(i18n.text(language, key)) for key in ("findings_title", "results_title", "rule_title")]
    assert order == sorted(order)


def test_dates() -> None:
    assert "31 March 2026, 08:12 UTC" in render(mixed())
    assert "2026 年 3 月 31 日 08:12 UTC" in render(mixed(), language="zh_CN")


def test_passed() -> None:
    text = Reader(render(results(check()))).text
    assert "Ready for go-live" in text
    assert "There are none: every check that was made passed." in text
    assert "accept the technical state" in text
    assert "acknowledge" not in text


def test_a_waived_area_does_not_say_passed_alone() -> None:
    report = build(results(check(status="waived", waiver=WAIVER)))
    assert "Passed by waiver" in Reader(page.render(report, CHECKSUM)).text


def test_nothing_checked() -> None:
    text = Reader(render([])).text
    assert "Not ready for go-live" in text
    assert "No check was made, so nothing is proven." in text
    assert "every check that was made passed" not in text


def test_all_colours_have_a_shape() -> None:
    text = render(mixed(), [GAP])
    used = set(re.findall(r'href="#i-([a-z_]+)"', text))
    drawn = dict(re.findall(r'<symbol id="i-([a-z_]+)"[^>]*>(.*?)</symbol>', text))
    assert used <= set(drawn)
    assert len(set(drawn.values())) == len(drawn)
