# Copyright: (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rule of the gate: its truth table, and what it makes of areas."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.report import gate

# The rule written out, so that a change of it has to be made twice.
BLOCKING = {(severity, status) for severity in ("P0", "P1") for status in ("warn", "fail", "skipped", "error")}


def check(severity: str = "P0", status: str = "pass") -> dict:
    return {"severity": severity, "status": status}


@pytest.mark.parametrize(("severity", "status"), list(itertools.product(gate.SEVERITIES, gate.STATUSES)))
def test_truth_table(severity: str, status: str) -> None:
    expected = (severity, status) in BLOCKING
    assert gate.blocks(severity, status) is expected
    # One bad check among good ones shuts the gate; a good one among bad ones does not open it.
    assert gate.decide([check(), check(severity, status)]) == ("failed" if expected else "passed")
    assert gate.decide([check("P0", "fail"), check(severity, status)]) == "failed"


def test_nothing_checked_is_nothing_proven() -> None:
    assert gate.decide([]) == "failed"


def test_counts_add_up() -> None:
    checks = [check(*pair) for pair in itertools.product(gate.SEVERITIES, gate.STATUSES)]
    counts = gate.count(checks)
    assert counts["checks"] == len(checks) == sum(counts[status] for status in gate.STATUSES)
    assert counts["blocking"] == len(BLOCKING)


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        ([], "not_covered"),
        ([check("P2", "skipped"), check("P3", "skipped")], "not_covered"),
        ([check("P2", "skipped"), check("P3")], "passed"),
        ([check("P2", "fail")], "passed"),
        ([check("P1", "waived")], "passed"),
        ([check("P1", "skipped")], "failed"),
        ([check(), check("P1", "error")], "failed"),
    ],
)
def test_area_status(checks: list[dict], expected: str) -> None:
    assert gate.area_status(checks) == expected
