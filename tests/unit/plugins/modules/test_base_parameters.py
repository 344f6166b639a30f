# Copyright (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module around the engine: arguments, result, failure."""

from __future__ import annotations

import json
import pathlib

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.golive.delivery.plugins.module_utils.base_parameters.tryton.client import Client
from ansible_collections.golive.delivery.plugins.modules import base_parameters

FIXTURES = pathlib.Path(__file__).parents[1] / "module_utils" / "base_parameters" / "fixtures"
PASSWORD = "********"


def load(name: str) -> list:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture
def run(monkeypatch, capsys):
    """Return a function that runs the module against a recording and returns its result."""

    def run_module(recording: str, parameters: list, answers: dict | None = None, **more: object) -> dict:
        recorded = load(recording)

        def send(self, method: str, body: bytes) -> bytes:
            if method in (answers or {}):
                return json.dumps(answers[method]).encode()
            params = json.loads(body)["params"]
            found = (entry for entry in recorded if (entry["method"], entry["params"]) == (method, params))
            return json.dumps(next(found)["answer"]).encode()

        monkeypatch.setattr(Client, "_send", send)
        args = {
            "url": "http://127.0.0.1:8000",
            "database": "erp",
            "username": "admin",
            "password": PASSWORD,
            "parameters": parameters,
            **more,
        }
        with patch_module_args(args), pytest.raises(SystemExit):
            base_parameters.main()
        return json.loads(capsys.readouterr().out)

    return run_module


def test_first_run_and_its_prediction_agree(run):
    predicted = run("first_run", load("demo"), _ansible_check_mode=True, _ansible_diff=True)
    real = run("first_run", load("demo"), _ansible_diff=True)
    assert predicted["changed"] is real["changed"] is True
    assert predicted["actions"] == real["actions"] and predicted["diff"] == real["diff"]
    assert predicted["calls"] < real["calls"]
    assert real["actions"][1]["item"] == "currency/CNY" and real["actions"][1]["action"] == "created"


def test_second_run_is_unchanged(run):
    result = run("second_run", load("demo"), _ansible_diff=True)
    assert result["changed"] is False and result["diff"] == []
    assert {action["action"] for action in result["actions"]} == {"unchanged"}
    assert result["seconds"] >= 0


def test_no_diff_unless_asked_for(run):
    assert "diff" not in run("second_run", load("demo"))


def test_failure_says_what_was_done(run):
    answers = {"model.party.party.create": {"error": ["UserError", ["Not this one.", "", None]]}}
    result = run("first_run", load("demo"), answers)
    assert result["failed"] is True and result["msg"] == "party/GLD: Not this one."
    assert result["changed"] is True
    assert [action["item"] for action in result["actions"]] == ["country/CN", "currency/CNY", "currency/USD"]


def test_failure_before_anything_is_written(run):
    result = run("first_run", [{"type": "nosuch", "key": "x"}])
    assert result["failed"] is True and "unknown type 'nosuch'" in result["msg"]
    assert result["changed"] is False and result["calls"] == 0


def test_the_password_is_no_log():
    assert base_parameters.argument_spec()["password"]["no_log"] is True
