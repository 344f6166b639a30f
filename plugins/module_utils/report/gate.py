# Copyright: (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of a result and the one rule that decides whether a system may go live."""

from __future__ import annotations

SEVERITIES = ("P0", "P1", "P2", "P3")
GATE_SEVERITIES = ("P0", "P1")
STATUSES = ("pass", "warn", "fail", "waived", "skipped", "error")
GOOD_STATUSES = ("pass", "waived")
AREAS = ("deployment", "data", "performance", "backup", "monitoring", "rollback")


def blocks(severity: str, status: str) -> bool:
    """True if a check of this severity and status keeps the gate shut.

    A skipped P0 or P1 blocks as well: what was not proven did not pass. Who wants to go live without it signs a waiver.
    """
    return severity in GATE_SEVERITIES and status not in GOOD_STATUSES


def decide(checks: list[dict]) -> str:
    """Return C(passed) or C(failed) for checks with a severity and a status. Nothing checked is nothing proven."""
    if not checks or any(blocks(check["severity"], check["status"]) for check in checks):
        return "failed"
    return "passed"


def count(checks: list[dict]) -> dict[str, int]:
    """Return how many checks there are, how many of each status, and how many block the gate."""
    counts = {"checks": len(checks)}
    counts.update((status, 0) for status in STATUSES)
    for check in checks:
        counts[check["status"]] += 1
    counts["blocking"] = sum(1 for check in checks if blocks(check["severity"], check["status"]))
    return counts


def area_status(checks: list[dict]) -> str:
    """Return C(passed), C(failed) or C(not_covered) for the checks of one area.

    Checks that were all skipped cover nothing: the area is then not green, however quiet it is.
    """
    if any(blocks(check["severity"], check["status"]) for check in checks):
        return "failed"
    if all(check["status"] == "skipped" for check in checks):
        return "not_covered"
    return "passed"
