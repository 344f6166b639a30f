# Copyright: (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""report.json: conforms to its schema, judges rightly, refuses what it cannot read."""

from __future__ import annotations

import json
import pathlib

import jsonschema
import pytest
import yaml
from ansible_collections.golive.delivery.plugins.module_utils.report import document, output
from ansible_collections.golive.delivery.plugins.module_utils.report.document import ReportError
from ansible_collections.golive.delivery.tests.unit.plugins.module_utils.report.samples import (
    WAIVER,
    build,
    check,
    mixed,
    results,
)

ROOT = pathlib.Path(__file__).resolve().parents[5]
GAP = {"host": "app2", "role": "app_server", "reason": "unreachable"}


@pytest.fixture(name="schema", scope="module")
def _schema() -> dict:
    return json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))


def test_schema_is_a_schema_and_strict(schema: dict) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)

    def walk(node: object) -> None:
        if isinstance(node, dict):
            if node.get("type") == "object":
                assert node["additionalProperties"] is False
                assert set(node["required"]) == set(node["properties"])
            for value in node.values():
                walk(value)

    walk(schema)


@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize(
    ("entries", "missing"),
    [(mixed(), [GAP]), (results(check()), []), ([], []), ([], [GAP]), (results(), [])],
)
def test_conforms_to_the_schema(schema: dict, entries: list, missing: list, language: str) -> None:
    written = output.render(build(entries, missing, language=language))["json"]
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER).validate(
        json.loads(written)
    )


def test_schema_refuses_a_waived_check_without_a_waiver(schema: dict) -> None:
    report = build(results(check(status="waived", waiver=WAIVER)))
    report["results"][0]["checks"][0]["waiver"] = None
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(report)


def test_version_is_that_of_the_collection() -> None:
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    expected = {"name": f"{galaxy['namespace']}.{galaxy['name']}", "version": galaxy["version"]}
    assert expected == document.COLLECTION


def test_judgement() -> None:
    report = build(mixed())
    assert report["gate"] == "failed"
    assert [failure["message"] for failure in report["failures"]] == [
        "P0 db1 postgresql.tls: fail, accepted without encryption",
        "P1 app1 baseline.time: error, chronyc timed out",
    ]
    assert report["totals"] == {
        "checks": 7, "pass": 2, "warn": 1, "fail": 1, "waived": 1, "skipped": 1, "error": 1, "blocking": 2,
    }  # fmt: skip
    assert {area["id"]: area["status"] for area in report["areas"]} == {
        "deployment": "failed",
        "data": "not_covered",
        "performance": "not_covered",
        "backup": "passed",
        "monitoring": "not_covered",
        "rollback": "not_covered",
    }
    assert report["gate_reason"]["en"] == "Of 5 P0 and P1 checks, 2 did not pass and hold no valid waiver."


def test_results_of_a_host_stand_together() -> None:
    report = build(mixed())
    assert [(group["host"], group["role"]) for group in report["results"]] == [
        ("db1", "postgresql"),
        ("db1", "baseline"),
        ("app1", "baseline"),
    ]
    assert [(host["name"], host["roles"]) for host in report["hosts"]] == [
        ("db1", ["postgresql", "baseline"]),
        ("app1", ["baseline"]),
    ]


@pytest.mark.parametrize(
    ("entries", "gate", "reason"),
    [
        ([], "failed", "No check was made, so nothing is proven."),
        (results(check()), "passed", "The only P0 or P1 check passed."),
        (results(check("a.b"), check("a.c")), "passed", "All 2 P0 and P1 checks passed."),
        (results(check(severity="P2", status="fail")), "passed", "No check is graded P0 or P1"),
        (
            results(check(), check("a.b", status="waived", waiver=WAIVER)),
            "passed",
            "1 passed and 1 holds a valid waiver",
        ),
        (results(check(status="skipped")), "failed", "Of 1 P0 and P1 checks, 1 did not pass"),
    ],
)
def test_reason(entries: list, gate: str, reason: str) -> None:
    report = build(entries)
    assert report["gate"] == gate
    assert reason in report["gate_reason"]["en"]


def test_missing_is_a_p0_error() -> None:
    report = build(results(check()), [GAP])
    assert report["gate"] == "failed"
    assert report["missing"] == [GAP]
    assert report["failures"][0]["message"] == (
        "P0 app2 app_server.not_checked: error, could not be checked: unreachable"
    )
    assert [host["name"] for host in report["hosts"]] == ["db1", "app2"]


def test_a_role_without_checks_is_missing() -> None:
    report = build([*results(check()), *results(host="db2")])
    assert report["gate"] == "failed"
    assert report["missing"] == [{"host": "db2", "role": "postgresql", "reason": "the role returned no checks"}]
    # named by both sides it is still one
    gap = {"host": "db2", "role": "postgresql", "reason": "unreachable"}
    assert build(results(host="db2"), [gap])["missing"] == [gap]


@pytest.mark.parametrize(
    ("now", "status"),
    [
        ("2026-04-30T23:59:59Z", "waived"),
        # In Hawaii it is still the last day.
        ("2026-05-01T09:00:00Z", "waived"),
        ("2026-05-01T12:00:00Z", "fail"),
    ],
)
def test_a_waiver_ends(now: str, status: str) -> None:
    report = build(results(check(status="waived", waiver=WAIVER)), generated_at=now)
    found = report["results"][0]["checks"][0]
    assert (found["status"], found["waiver"]) == (status, WAIVER)
    assert report["gate"] == ("passed" if status == "waived" else "failed")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"status": "passed"}, "check postgresql.ready: status must be one of pass, warn, fail"),
        ({"status": None}, "status must be one of"),
        ({"severity": "P4"}, "severity must be one of P0, P1, P2, P3; got 'P4'"),
        ({"severity": ["P0"]}, "severity must be one of"),
        ({"area": "network"}, "area must be one of deployment"),
        ({"title": "one language"}, "title must have a text for en and for zh"),
        ({"title": {"en": "only"}}, "title must have a text for en and for zh"),
        ({"type": ""}, "type must be a text"),
        ({"id": ""}, "check 0: id must be a text"),
        ({"seconds": "long"}, "seconds must be a number from 0; got 'long'"),
        ({"seconds": -1}, "seconds must be a number from 0"),
        ({"seconds": float("nan")}, "seconds must be a number from 0"),
        ({"status": "waived"}, "waiver (by, reason, until) is empty"),
        ({"waiver": {"by": "Li Wei"}}, "waiver must say by, reason and until"),
        ({"waiver": "Li Wei"}, "waiver must say by, reason and until"),
        ({"waiver": {**WAIVER, "until": "next week"}}, "waiver.until must be a date as 2026-12-31; got 'next week'"),
    ],
)
def test_bad_input_is_refused_by_name(wrong: dict, message: str) -> None:
    with pytest.raises(ReportError) as caught:
        build(results(check(**wrong)))
    assert str(caught.value).startswith("results[0] (db1, postgresql), check ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("entries", "missing", "message"),
    [
        (results(check(), check()), [], "id postgresql.ready was given before"),
        (results(check()) * 2, [], "results[1]: host db1 and role postgresql were given before"),
        ([], [GAP, GAP], "missing[1]: host app2 and role app_server were given before"),
        ([{"host": "db1", "role": "x", "checks": {}}], [], "results[0] (db1, x): checks must be a list"),
        ([{"host": "db1", "role": "x", "checks": ["a"]}], [], "check 0: expected a mapping, got str"),
    ],
)
def test_bad_lists_are_refused(entries: list, missing: list, message: str) -> None:
    with pytest.raises(ReportError) as caught:
        build(entries, missing)
    assert message in str(caught.value)


def test_time() -> None:
    assert build([], generated_at="2026-03-31T16:12:44.9+08:00")["generated_at"] == "2026-03-31T08:12:44Z"
    assert document.read_time(None).tzinfo is not None
    for wrong in ("yesterday", "2026-03-31T08:00:00", "2026-03-31"):
        with pytest.raises(ReportError, match="generated_at: expected an ISO 8601 time with its offset"):
            document.read_time(wrong)


def test_text_is_made_fit_for_every_format() -> None:
    found = build(
        results(check(observed="\x1b[31mred\x1b[0m\x00\ud800\r\nnext\u202e", expected=["a", 1], evidence=None))
    )
    found = found["results"][0]["checks"][0]
    assert found["observed"] == "red\ufffd\ufffd\nnext\ufffd"
    assert found["expected"] == '["a", 1]'
    assert found["evidence"] == ""
