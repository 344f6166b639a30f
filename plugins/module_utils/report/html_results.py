# Copyright: (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sections of the page that show checks: what did not pass, the hosts, and everything."""

from __future__ import annotations

from . import gate
from .html_parts import Words, facts, shown_status, state, table, tally
from .markup import Html, el
from .text import one_line

_OBSERVED_LENGTH = 160


def findings(document: dict, words: Words) -> Html:
    """Return what blocks, what is waived and what remains, in this order: the reader signs for these."""
    found: dict[str, list[tuple[dict, dict]]] = {"blocking": [], "waivers": [], "remarks": []}
    for group in document["results"]:
        for check in group["checks"]:
            if check["blocking"]:
                found["blocking"].append((group, check))
            elif check["status"] == "waived":
                found["waivers"].append((group, check))
            elif check["status"] not in ("pass", "skipped"):
                found["remarks"].append((group, check))
    parts = []
    for kind, entries in found.items():
        if entries:
            entries.sort(key=lambda entry: entry[1]["severity"])
            parts.append(el("h3", words(kind + "_title")))
            parts.append(el("p", words(kind + "_note"), class_="note"))
            parts += [_finding(group, check, words) for group, check in entries]
    if not parts and document["results"]:
        key = "findings_only_skipped" if document["totals"]["skipped"] else "findings_none"
        parts.append(el("p", words(key), class_="prose"))
    if not parts:
        parts.append(el("p", words("reason_nothing"), class_="prose"))
    some = "some" if any(found.values()) else None
    return el("section", el("h2", words("findings_title")), parts, id="findings", class_=some)


def _finding(group: dict, check: dict, words: Words) -> Html:
    return el(
        "article",
        el(
            "p",
            state(check["status"], words("status_" + check["status"])),
            el("strong", check["severity"]),
            el("span", words("where", host=group["host"], role=group["role"])),
            class_="line",
        ),
        el("h4", words.of(check["title"])),
        el("code", check["id"], class_="id"),
        facts(check, words, timed=False),
        class_="finding s-" + check["status"],
    )


def hosts(document: dict, words: Words) -> Html:
    """Return the table of hosts; it is the index of the results that follow."""
    if not document["hosts"]:
        return Html()
    rows = []
    for number, host in enumerate(document["hosts"]):
        shown = shown_status(host["status"], host["counts"])
        cells = [
            el("th", el("a", host["name"], href=f"#host-{number}"), scope="row"),
            el("td", words("list_separator").join(host["roles"]), class_="roles"),
            el("td", tally(host["counts"], words), class_="counts"),
            el("td", state(shown, words("state_" + shown)), class_="state"),
        ]
        rows.append(el("tr", cells))
    headings = [
        (words("host"), ""),
        (words("roles"), "roles"),
        (words("checks"), "counts"),
        (words("state"), "state"),
    ]
    return el("section", el("h2", words("hosts_title")), table(headings, [el("tbody", rows)], "hosts"), id="hosts")


def results(document: dict, words: Words) -> Html:
    """Return every check by host and role."""
    if not document["hosts"]:
        return Html()
    parts = []
    for number, host in enumerate(document["hosts"]):
        bodies = []
        for group in document["results"]:
            if group["host"] == host["name"]:
                # With the host again: on paper a table goes on over the page.
                title = el("th", words("where", host=host["name"], role=group["role"]), scope="rowgroup", colspan=3)
                rows = [_row(check, words) for check in group["checks"]]
                bodies.append(el("tbody", el("tr", title, class_="role"), rows))
        shown = shown_status(host["status"], host["counts"])
        heading = el("h3", host["name"], state(shown, words("state_" + shown)), id=f"host-{number}")
        headings = [(words("check"), "check"), (words("severity"), "grade"), (words("state"), "state")]
        parts.append(el("section", heading, table(headings, bodies, "results"), class_="host"))
        parts.append(Html("\n"))
    notes = [
        el("p", words("results_note"), class_="note screen"),
        el("p", words("results_print_note"), class_="note print"),
    ]
    return el("section", el("h2", words("results_title")), notes, parts, id="results")


def _row(check: dict, words: Words) -> Html:
    told = one_line(check["observed"], _OBSERVED_LENGTH) or words("details")
    return el(
        "tr",
        el(
            "td",
            el("div", words.of(check["title"]), class_="title"),
            el("code", check["id"], class_="id"),
            el("details", el("summary", told), facts(check, words)),
            class_="check",
        ),
        el("td", check["severity"], class_="grade"),
        el("td", state(check["status"], words("status_" + check["status"])), class_="state"),
        class_=None if check["status"] in gate.GOOD_STATUSES else "open",
    )
