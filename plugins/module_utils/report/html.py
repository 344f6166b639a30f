# Copyright: (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""report.html: one page that a customer reads, prints and signs. It needs no script, no font and no other file."""

from __future__ import annotations

import datetime

from . import gate, html_results
from .html_parts import Words, shown_status, state, table, tally
from .icons import SPRITE, icon
from .markup import Html, el
from .style import CSS


def render(document: dict, checksum: str) -> str:
    """Return the page; I(checksum) is the SHA-256 of report.json, printed beside the signatures."""
    words = Words(document["language"])
    sections = [
        _head(document, words),
        _verdict(document, words),
        _summary(document, words),
        _areas(document, words),
        html_results.findings(document, words),
        html_results.hosts(document, words),
        html_results.results(document, words),
        _rule(document, words),
        _signatures(document, words, checksum),
    ]
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("title", f"{document['title']} \u2013 {document['system']}"),
        el("style", Html(CSS)),
    )
    body = el("body", SPRITE, el("main", [[section, Html("\n")] for section in sections if section]))
    page = el("html", head, Html("\n"), body, lang=words("lang"))
    return f"<!DOCTYPE html>\n{page}\n"


def _date(document: dict, words: Words) -> str:
    time = datetime.datetime.strptime(document["generated_at"], "%Y-%m-%dT%H:%M:%SZ")
    month = words("months").split()[time.month - 1]
    return words("date_format", year=time.year, month=month, day=time.day, time=time.strftime("%H:%M"))


def _head(document: dict, words: Words) -> Html:
    scope = words("separator").join(
        (
            words.plural("scope_hosts", len(document["hosts"])),
            words.plural("checks", document["totals"]["checks"]),
        )
    )
    facts = [("customer", document["customer"]), ("supplier", document["supplier"])]
    facts = [fact for fact in facts if fact[1]] + [("date", _date(document, words)), ("scope", scope)]
    return el(
        "header",
        el("p", document["title"], class_="kind"),
        el("h1", document["system"]),
        el("dl", [el("div", el("dt", words(key)), el("dd", value)) for key, value in facts], class_="facts-line"),
    )


def _verdict(document: dict, words: Words) -> Html:
    verdict = document["gate"]
    return el(
        "section",
        icon("pass" if verdict == "passed" else "fail"),
        el(
            "div",
            el("p", words("gate_title"), Html(" \u00b7 "), el("strong", words("gate_" + verdict)), class_="kind"),
            el("h2", words("verdict_" + verdict)),
            el("p", words.of(document["gate_reason"])),
        ),
        class_="verdict " + verdict,
        id="verdict",
    )


def _summary(document: dict, words: Words) -> Html:
    totals = document["totals"]
    items = [
        el(
            "div",
            el("dt", icon(status), words("status_" + status)),
            el("dd", totals[status]),
            class_=f"s-{status}" if totals[status] else f"s-{status} zero",
        )
        for status in gate.STATUSES
    ]
    return el("section", el("h2", words("summary"), class_="quiet"), el("dl", items, class_="tally"), id="summary")


def _areas(document: dict, words: Words) -> Html:
    rows = []
    for number, area in enumerate(document["areas"], 1):
        uncovered = area["status"] == "not_covered"
        note = el("p", words("not_covered_note"), class_="note") if uncovered else None
        shown = "not_covered" if uncovered else shown_status(area["status"], area["counts"])
        cells = [
            el("td", number, class_="number"),
            el("th", words.of(area["title"]), note, scope="row"),
            el("td", tally(area["counts"], words), class_="counts" if area["counts"]["checks"] else "counts nothing"),
            el("td", state(shown, words("state_" + shown)), class_="state"),
        ]
        rows.append(el("tr", cells))
    headings = [("", "number"), (words("area"), ""), (words("checks"), "counts"), (words("state"), "state")]
    return el(
        "section",
        el("h2", words("areas_title")),
        table(headings, [el("tbody", rows)], class_="areas"),
        id="areas",
    )


def _rule(document: dict, words: Words) -> Html:
    checks = [check for group in document["results"] for check in group["checks"]]
    rows = []
    for severity in gate.SEVERITIES:
        counts = gate.count([check for check in checks if check["severity"] == severity])
        decides = words("decides_yes" if severity in gate.GATE_SEVERITIES else "decides_no")
        title = [el("strong", severity), " ", words("grade_" + severity)]
        rows.append(_grade_row(title, decides, counts, words))
    rows.append(_grade_row(words("total"), "", document["totals"], words))
    headings = [(words("severity"), ""), (words("decides"), "")]
    headings += [(words("status_" + status), "figure") for status in gate.STATUSES]
    return el(
        "section",
        el("h2", words("rule_title")),
        el("p", words.of(document["gate_rule"]), class_="prose"),
        el("p", words("rule_details"), class_="prose"),
        table(headings, [el("tbody", rows)], class_="grades"),
        id="rule",
    )


def _grade_row(title: object, decides: str, counts: dict, words: Words) -> Html:
    figures = [
        el("td", counts[status] or words("none"), class_="figure", data_label=words("status_" + status))
        for status in gate.STATUSES
    ]
    return el("tr", el("th", title, scope="row"), el("td", decides, data_label=words("decides")), figures)


def _signatures(document: dict, words: Words, checksum: str) -> Html:
    sides = []
    for side in ("supplier", "customer"):
        lines = [el("div", el("span", words("sign_" + line)), class_=line) for line in ("signature", "name", "date")]
        party = el("p", document[side] or Html("&nbsp;"), class_="party")
        sides.append(el("div", el("h3", words("sign_" + side)), party, lines, class_="side"))
    # The page that is signed may come apart from the others, so it says what it belongs to.
    gate_word = words("gate_" + document["gate"])
    bound = words("sign_bound", system=document["system"], date=_date(document, words), gate=gate_word)
    return el(
        "section",
        el("h2", words("sign_title")),
        el("p", words("sign_" + document["gate"]), class_="prose"),
        el("p", bound, class_="bound"),
        el("div", sides, class_="sides"),
        el(
            "footer",
            el("p", words("made_by", **document["collection"])),
            el("p", words("checksum"), " ", el("code", checksum)),
        ),
        id="signatures",
    )
