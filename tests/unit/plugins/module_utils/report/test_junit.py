# Copyright: (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""junit.xml says in its own words what the gate says."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.report import gate, junit
from ansible_collections.golive.delivery.tests.unit.plugins.module_utils.report.samples import (
    WAIVER,
    build,
    check,
    mixed,
    results,
)


def render(entries: list, missing: list | None = None) -> ET.Element:
    return ET.fromstring(junit.render(build(entries, missing)))


@pytest.mark.parametrize(("severity", "status"), list(itertools.product(gate.SEVERITIES, gate.STATUSES)))
def test_each_status(severity: str, status: str) -> None:
    waiver = WAIVER if status == "waived" else None
    root = render(results(check(severity=severity, status=status, waiver=waiver, observed="seen")))
    (case,) = root.iter("testcase")
    verdicts = [child for child in case if child.tag != "system-out"]
    expected = {"pass": None, "waived": "skipped", "skipped": "skipped", "error": "error"}.get(status)
    if severity in ("P0", "P1") and status in ("warn", "fail", "skipped"):
        expected = "failure"
    assert [verdict.tag for verdict in verdicts] == ([expected] if expected else [])
    for verdict in verdicts:
        assert verdict.get("message")
    if status == "waived":
        assert verdicts[0].get("message") == "waived by Li Wei until 2026-04-30: the second host comes in April"


def test_suites_and_sums() -> None:
    root = render(mixed(), [{"host": "app2", "role": "app_server", "reason": "unreachable"}])
    assert root.tag == "testsuites"
    suites = root.findall("testsuite")
    assert [suite.get("name") for suite in suites] == [
        "db1.postgresql",
        "db1.baseline",
        "app1.baseline",
        "app2.app_server",
    ]
    assert {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "8",
        "failures": "1",
        "errors": "2",
        "skipped": "2",
    }
    assert root.get("time") == "1.750"
    assert suites[0].get("timestamp") == "2026-03-31T08:12:44"
    assert suites[0].find("testcase").get("classname") == "db1.postgresql"
    assert suites[0].find("testcase").get("name") == "postgresql.ready"


def test_nothing_checked_is_a_failure() -> None:
    root = render([])
    assert root.get("failures") == "1"
    assert root.find("testsuite/testcase/failure").get("message") == "No check was made, so nothing is proven."


def test_illegal_characters() -> None:
    text = "".join(map(chr, range(32))) + "\x7f\ud800\ufffe]]></system-out>&"
    root = render(results(check(observed=text, evidence=text, status="fail")))
    assert root.find("testsuite/testcase/system-out").text.endswith("]]></system-out>&")
