# Copyright: (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pieces of the page that more than one section uses."""

from __future__ import annotations

from typing import Any

from . import gate, i18n
from .icons import icon
from .markup import Html, el

# A state of an area or a host, and the sign of the check status that it looks like.
_SIGNS = {"passed": "pass", "remarks": "warn", "waived": "waived", "failed": "fail", "not_covered": "not_covered"}


class Words:
    """The messages of one language, and the right half of a bilingual text."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, key: str, **values: Any) -> str:
        return i18n.text(self.language, key, **values)

    def plural(self, key: str, count: int, **values: Any) -> str:
        return i18n.plural(self.language, key, count, **values)

    def of(self, bilingual: dict[str, str]) -> str:
        return bilingual[i18n.LANGUAGES[self.language]]


def state(sign: str, label: str) -> Html:
    """Return a sign with its word: nobody has to tell colours apart to read it."""
    sign = _SIGNS.get(sign, sign)
    return el("span", icon(sign), el("span", label), class_="tag s-" + sign)


def shown_status(status: str, counts: dict[str, int]) -> str:
    """Return how a passed area or host is called: C(waived) or C(remarks) where not everything really passed."""
    if status == "passed" and counts["waived"]:
        return "waived"
    if status == "passed" and any(counts[key] for key in ("warn", "fail", "error")):
        return "remarks"
    return status


def tally(counts: dict[str, int], words: Words) -> str:
    """Return the counts that are not zero as a phrase."""
    told = [words("tally_" + status, count=counts[status]) for status in gate.STATUSES if counts[status]]
    return words("separator").join(told) or words("none")


def table(headings: list[tuple[str, str]], bodies: list[Html], class_: str, caption: str | None = None) -> Html:
    """Return a table; a heading is its text and its class."""
    head = [el("th", label, scope="col", class_=kind or None) if label else el("td") for label, kind in headings]
    return el(
        "table",
        el("caption", caption) if caption else None,
        el("thead", el("tr", head)),
        Html("\n"),
        bodies,
        class_=class_,
    )


def facts(check: dict, words: Words, timed: bool = True) -> Html:
    """Return what was expected, seen and kept of a check, and its waiver."""
    rows = [(words(key), el("span", check[key])) for key in ("expected", "observed") if check[key]]
    if check["evidence"]:
        rows.append((words("evidence"), el("pre", check["evidence"])))
    waiver = check["waiver"]
    if waiver:
        rows += [
            (words("waived_by"), waiver["by"]),
            (words("waiver_reason"), waiver["reason"]),
            (words("waiver_until"), waiver["until"]),
        ]
        if check["status"] != "waived":
            rows.append(("", words("waiver_unused")))
    if timed:
        rows.append((words("took"), words("seconds", count=f"{check['seconds']:.2f}")))
    return el("dl", [el("div", el("dt", label), el("dd", value)) for label, value in rows], class_="facts")
