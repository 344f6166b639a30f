# Copyright: (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results to test with."""

from __future__ import annotations

from ansible_collections.golive.delivery.plugins.module_utils.report import document

WAIVER = {"by": "Li Wei", "reason": "the second host comes in April", "until": "2026-04-30"}
NOW = "2026-03-31T08:12:44Z"


def check(identity: str = "postgresql.ready", **fields: object) -> dict:
    """Return a result that passed, with some fields changed."""
    result = {
        "id": identity,
        "title": {"en": "The database answers", "zh": "数据库可连接"},
        "area": "deployment",
        "type": "postgresql_query",
        "severity": "P0",
        "status": "pass",
        "expected": "1",
        "observed": "1",
        "evidence": "",
        "seconds": 0.25,
        "waiver": None,
    }
    result.update(fields)
    return result


def results(*checks: dict, host: str = "db1", role: str = "postgresql") -> list[dict]:
    return [{"host": host, "role": role, "checks": list(checks)}]


def mixed() -> list[dict]:
    """Return results in which every status occurs."""
    return [
        *results(
            check(),
            check("postgresql.tls", status="fail", observed="accepted without encryption", evidence="line 14"),
            check("postgresql.drill", status="waived", severity="P1", area="backup", waiver=WAIVER),
            check("postgresql.huge_pages", status="skipped", severity="P3", area="performance"),
        ),
        *results(
            check("baseline.disk", status="warn", severity="P2"),
            check("baseline.time", status="error", severity="P1", observed="chronyc timed out"),
            host="app1",
            role="baseline",
        ),
        *results(check("baseline.time"), role="baseline"),
    ]


def build(entries: list[dict], missing: list[dict] | None = None, **head: object) -> dict:
    """Return the document for results, with a head that can be changed."""
    values = {"system": "Harbour ERP", "customer": "Harbour Ltd", "language": "en", "generated_at": NOW}
    values.update(head)
    values["generated_at"] = document.read_time(values["generated_at"])
    return document.build(entries, missing or [], document.Head(**values))
