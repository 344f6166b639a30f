# Copyright: (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""report.json: the results judged, counted and grouped. The other two outputs are made from this document alone."""

from __future__ import annotations

import datetime
from typing import NamedTuple

from . import gate, i18n
from .text import clean, one_line
from .validate import ReportError, read_checks

# A module on a target sees no galaxy.yml; a unit test keeps the two versions equal.
COLLECTION = {"name": "golive.delivery", "version": "0.1.0"}
SCHEMA_VERSION = "1.0"

__all__ = ["COLLECTION", "SCHEMA_VERSION", "Head", "ReportError", "build", "read_time"]


def read_time(value: str | None) -> datetime.datetime:
    """Return an ISO 8601 time with an offset as UTC, to the second; now for none. Raises ReportError on other text."""
    if not value:
        return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    try:
        time = datetime.datetime.fromisoformat(value[:-1] + "+00:00" if value[-1] in "zZ" else value)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise ReportError(
            f"generated_at: expected an ISO 8601 time with its offset, as 2026-03-31T08:00:00Z; got '{value}'"
        )
    return time.astimezone(datetime.timezone.utc).replace(microsecond=0)


class Head(NamedTuple):
    """What stands above the results; I(generated_at) is in UTC. The title of the language stands in for none."""

    system: str
    language: str
    generated_at: datetime.datetime
    title: str | None = None
    customer: str = ""
    supplier: str = ""


def build(results: list[dict], missing: list[dict], head: Head) -> dict:
    """Return the document that docs/report.schema.json describes. Raises ReportError on a malformed result."""
    missing = [{key: clean(entry.get(key)) for key in ("host", "role", "reason")} for entry in missing]
    groups = _groups(results, missing, head.generated_at)
    checks = [check for group in groups for check in group["checks"]]
    verdict = gate.decide(checks)
    return {
        "schema_version": SCHEMA_VERSION,
        "collection": dict(COLLECTION),
        "generated_at": head.generated_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "language": head.language,
        "title": clean(head.title) or i18n.text(head.language, "title"),
        "system": clean(head.system),
        "customer": clean(head.customer),
        "supplier": clean(head.supplier),
        "gate": verdict,
        "gate_reason": i18n.both(_reason, verdict, checks),
        "gate_rule": i18n.both(i18n.text, "gate_rule"),
        "totals": gate.count(checks),
        "areas": [_area(area, checks) for area in gate.AREAS],
        "hosts": _hosts(groups),
        "results": groups,
        "missing": missing,
        "failures": _failures(groups),
    }


def _groups(results: list[dict], missing: list[dict], generated_at: datetime.datetime) -> list[dict]:
    """Return one group a host and role, in the order in which hosts first appear.

    A role that returned an empty list proved nothing; it is appended to I(missing).
    """
    groups: dict[tuple[str, str], list[dict]] = {}
    gaps = [(gap["host"], gap["role"]) for gap in missing]
    for number, entry in enumerate(results):
        host, role = clean(entry.get("host")), clean(entry.get("role"))
        if (host, role) in groups:
            raise ReportError(f"results[{number}]: host {host} and role {role} were given before")
        checks = read_checks(entry.get("checks"), f"results[{number}] ({host}, {role})", generated_at)
        if checks:
            groups[host, role] = checks
        elif (host, role) not in gaps:
            missing.append({"host": host, "role": role, "reason": "the role returned no checks"})
    for number, gap in enumerate(missing):
        if (gap["host"], gap["role"]) in gaps[:number]:
            raise ReportError(f"missing[{number}]: host {gap['host']} and role {gap['role']} were given before")
        groups.setdefault((gap["host"], gap["role"]), []).append(_could_not_be_checked(gap))
    places: dict[str, int] = {}
    for host, _role in groups:
        places.setdefault(host, len(places))
    return [
        {"host": host, "role": role, "checks": checks}
        for (host, role), checks in sorted(groups.items(), key=lambda item: places[item[0][0]])
    ]


def _could_not_be_checked(gap: dict) -> dict:
    """A role that should have been proven and was not weighs as much as the worst that it could have found."""
    return {
        "id": f"{gap['role']}.not_checked",
        "title": i18n.both(i18n.text, "missing_title", role=gap["role"]),
        "area": "deployment",
        "type": "missing",
        "severity": "P0",
        "status": "error",
        "blocking": True,
        "expected": f"results of role {gap['role']}",
        "observed": f"could not be checked: {gap['reason'] or 'no reason given'}",
        "evidence": "",
        "seconds": 0.0,
        "waiver": None,
    }


def _reason(language: str, verdict: str, checks: list[dict]) -> str:
    graded = [check for check in checks if check["severity"] in gate.GATE_SEVERITIES]
    blocking = sum(1 for check in graded if check["blocking"])
    waived = sum(1 for check in graded if check["status"] == "waived")
    if not checks:
        return i18n.text(language, "reason_nothing")
    if verdict == "failed":
        return i18n.plural(language, "reason_failed", blocking, graded=len(graded))
    if not graded:
        return i18n.text(language, "reason_ungraded")
    if waived:
        return i18n.plural(language, "reason_waived", waived, graded=len(graded), passed=len(graded) - waived)
    return i18n.plural(language, "reason_passed", len(graded))


def _area(area: str, checks: list[dict]) -> dict:
    own = [check for check in checks if check["area"] == area]
    return {
        "id": area,
        "title": i18n.both(i18n.text, "area_" + area),
        "status": gate.area_status(own),
        "counts": gate.count(own),
    }


def _hosts(groups: list[dict]) -> list[dict]:
    hosts: dict[str, dict] = {}
    for group in groups:
        host = hosts.setdefault(group["host"], {"name": group["host"], "roles": [], "checks": []})
        host["roles"].append(group["role"])
        host["checks"].extend(group["checks"])
    return [
        {
            "name": host["name"],
            "roles": host["roles"],
            "status": gate.decide(host["checks"]),
            "counts": gate.count(host["checks"]),
        }
        for host in hosts.values()
    ]


def _failures(groups: list[dict]) -> list[dict]:
    """What keeps the gate shut, the worst first."""
    failures = [
        {
            "host": group["host"],
            "role": group["role"],
            "id": check["id"],
            "severity": check["severity"],
            "status": check["status"],
            "message": _message(group["host"], check),
        }
        for group in groups
        for check in group["checks"]
        if check["blocking"]
    ]
    return sorted(failures, key=lambda failure: failure["severity"])


def _message(host: str, check: dict) -> str:
    told = one_line(check["observed"] or check["title"]["en"], 200)
    return f"{check['severity']} {host} {check['id']}: {check['status']}, {told}"
