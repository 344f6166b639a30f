# Copyright: (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module acceptance_report: what it returns, writes and refuses."""

from __future__ import annotations

import json
import os

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.golive.delivery.plugins.modules import acceptance_report
from ansible_collections.golive.delivery.tests.unit.plugins.module_utils.report.samples import (
    NOW,
    check,
    mixed,
    results,
)


@pytest.fixture(name="run")
def _run(tmp_path: object, capsys: pytest.CaptureFixture) -> object:
    def run(entries: list, **options: object) -> dict:
        arguments = {
            "results": entries,
            "system": "Harbour ERP",
            "directory": str(tmp_path / "report"),
            "generated_at": NOW,
            **options,
        }
        with patch_module_args(arguments), pytest.raises(SystemExit) as end:
            acceptance_report.main()
        result = json.loads(capsys.readouterr().out)
        assert bool(result.get("failed")) == bool(end.value.code)
        return result

    return run


def test_passed(run: object) -> None:
    result = run(results(check()))
    assert (result["gate"], result["changed"], result["failures"]) == ("passed", False, [])
    assert result["summary"]["checks"] == 1
    for path in result["paths"].values():
        assert os.path.getsize(path) > 0
    # A second report replaces the first and is no change either.
    assert run(mixed())["changed"] is False


def test_failed_gate_is_no_failed_task(run: object) -> None:
    result = run(mixed(), missing=[{"host": "app2", "role": "app_server"}])
    assert result["gate"] == "failed"
    assert result["failures"] == [
        "P0 db1 postgresql.tls: fail, accepted without encryption",
        "P0 app2 app_server.not_checked: error, could not be checked: no reason given",
        "P1 app1 baseline.time: error, chronyc timed out",
    ]


def test_options_reach_the_report(run: object) -> None:
    result = run(
        results(check()),
        language="zh_CN",
        customer="华南港务",
        supplier="Golive",
        title="验收",
        generated_at="2026-03-31T16:12:44+08:00",
    )
    with open(result["paths"]["json"], encoding="utf-8") as stream:
        report = json.load(stream)
    assert [report[key] for key in ("language", "customer", "supplier", "title", "generated_at")] == [
        "zh_CN",
        "华南港务",
        "Golive",
        "验收",
        "2026-03-31T08:12:44Z",
    ]


def test_check_mode_writes_nothing(run: object, tmp_path: object) -> None:
    result = run(mixed(), _ansible_check_mode=True)
    assert result["gate"] == "failed"
    assert result["paths"]["html"] == str(tmp_path / "report" / "report.html")
    assert os.listdir(tmp_path) == []


def test_bad_input_is_refused(run: object, tmp_path: object) -> None:
    result = run(results(check(status="ok")))
    assert result["failed"]
    assert "(db1, postgresql), check postgresql.ready: status must be one of pass, warn" in result["msg"]
    assert os.listdir(tmp_path) == []


def test_a_directory_that_cannot_be_made(run: object, tmp_path: object) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = run(mixed(), directory=str(tmp_path / "file" / "report"))
    assert result["failed"]
    assert result["msg"].startswith(f"The report cannot be written to {tmp_path}/file/report: ")
