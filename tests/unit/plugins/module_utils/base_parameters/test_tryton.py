# Copyright (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine and the Tryton backend against recorded answers of a real server."""

from __future__ import annotations

import json
from typing import Callable

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.base_parameters.core.errors import BaseParametersError
from ansible_collections.golive.delivery.tests.unit.plugins.module_utils.base_parameters.replay import (
    ReplayClient,
    engine,
    is_write,
    load,
    replay,
)

RESULT = "result"


def refusal(parameters: list, recording: str = "second_run", answers: dict | None = None) -> tuple[str, ReplayClient]:
    """Return the error of a real run and the client."""
    client = ReplayClient(recording, answers)
    with pytest.raises(BaseParametersError) as caught:
        engine(client, parameters).run(check=False)
    return str(caught.value), client


def changed(parameters: list, kind: str, **values: object) -> list:
    """Return the parameters with some values of one item changed."""
    for entry in parameters:
        if entry["type"] == kind:
            entry["values"].update(values)
    return parameters


def test_check_mode_predicts_the_first_run_exactly_and_writes_nothing():
    predicted, checker = replay("first_run", load("demo"), check=True)
    real, writer = replay("first_run", load("demo"), check=False)
    assert [plan.report() for plan in predicted] == [plan.report() for plan in real]
    assert [plan.diff() for plan in predicted] == [plan.diff() for plan in real]
    assert {plan.action for plan in real} == {"created"}
    assert not [method for method in checker.methods if is_write(method)]
    assert len([method for method in writer.methods if is_write(method)]) >= len(real)


def test_check_mode_predicts_a_change_exactly():
    parameters = load("change_parameters")
    predicted, checker = replay("change", parameters, check=True)
    real, _writer = replay("change", parameters, check=False)
    assert [plan.diff() for plan in predicted] == [plan.diff() for plan in real]
    assert not [method for method in checker.methods if is_write(method)]
    assert {str(plan.item): list(plan.changes) for plan in real if plan.changes} == {
        "currency/USD": ["symbol", "rates"],
        "party/GLD": ["addresses", "email"],
        "payment_term/30 days": ["lines"],
        "chart_of_accounts/GLD": ["default_expense"],
        "fiscal_year/GLD/2026": ["end_date", "periods"],
    }


def test_a_second_run_changes_nothing_with_few_calls():
    plans, client = replay("second_run", load("demo"), check=False)
    assert {plan.action for plan in plans} == {"unchanged"}
    assert not [method for method in client.methods if is_write(method)]
    assert client.calls <= 15


def test_the_order_of_the_list_does_not_matter():
    given, _client = replay("first_run", load("demo"), check=True)
    turned, _client = replay("first_run", load("demo")[::-1], check=True)
    assert sorted(str(plan.diff()) for plan in given) == sorted(str(plan.diff()) for plan in turned)


def test_the_diff_shows_only_what_differs():
    plans, _client = replay("change", load("change_parameters"), check=True)
    diffs = {str(plan.item): plan.diff() for plan in plans}
    assert diffs["currency/USD"]["before"] == 'symbol: "$"\nrates:\n  - date: 2026-01-01\n    rate: 0.142857\n'
    assert diffs["currency/USD"]["after"] == 'symbol: "US$"\nrates:\n  - date: 2026-01-01\n    rate: 0.14\n'
    assert diffs["party/GLD"]["after"] == "addresses:\n  - city: Shanghai\nemail: Office@golive-demo.example\n"
    assert diffs["payment_term/30 days"]["after"] == "lines:\n  - delays:\n      - days: 45\n"


def test_the_diff_of_a_new_item_starts_from_nothing():
    plans, _client = replay("first_run", load("demo"), check=True)
    company = next(plan for plan in plans if plan.item.resource.type == "company").diff()
    assert company["before"] == "" and company["before_header"] == "company/GLD (does not exist)"
    assert company["after"] == (
        "party: party/GLD\ncurrency: currency/CNY\ntimezone: Asia/Shanghai\nusers:\n  - user/admin\n"
    )


def test_every_run_logs_out():
    for check in (True, False):
        _plans, client = replay("second_run", load("demo"), check=check)
        assert client.methods[-1] == "common.db.logout"
    answers = {"model.ir.model.data.get_id": {"error": ["'other'", ""]}}
    _text, client = refusal(changed(load("demo"), "chart_of_accounts", template="account.other"), answers=answers)
    assert client.methods[-1] == "common.db.logout"


def test_a_reference_to_nothing_is_refused_before_any_write():
    answers = {"model.currency.currency.search_read": {RESULT: []}}
    parameters = [{"type": "company", "key": "GLD", "values": {"currency": {"ref": "currency/CNY"}}}]
    answers["model.party.party.search_read"] = {RESULT: []}
    answers["model.company.company.search_read"] = {RESULT: []}
    text, client = refusal(parameters, answers=answers)
    assert "company/GLD: party refers to party/GLD, which is neither in the list nor there already" in text
    assert "company/GLD: currency refers to currency/CNY" in text
    assert not [method for method in client.methods if is_write(method)]


def test_a_new_record_needs_its_required_values():
    answers = {"model.currency.currency.search_read": {RESULT: []}}
    text, _client = refusal([{"type": "currency", "key": "EUR", "values": {"symbol": "€"}}], answers=answers)
    assert "currency/EUR: does not exist yet and to be created needs: name" in text


def test_a_key_that_fits_two_records_is_refused():
    row = {"id": 1, "code": "CNY", "active": True, "rates.": []}
    answers = {"model.currency.currency.search_read": {RESULT: [row, {**row, "id": 2}]}}
    text, _client = refusal([{"type": "currency", "key": "CNY"}], answers=answers)
    assert "currency/CNY: there are several such records (ids 1 and 2)" in text


def test_a_language_cannot_be_created():
    answers = {"model.ir.lang.search_read": {RESULT: []}}
    text, _client = refusal([{"type": "language", "key": "xx"}], answers=answers)
    assert "language/xx: there is no such language and none can be created" in text


def test_a_type_without_its_module_is_refused():
    answers = {"model.ir.module.search_read": {RESULT: [{"id": 1, "name": "ir"}, {"id": 2, "name": "res"}]}}
    text, client = refusal(load("demo"), answers=answers)
    assert "chart_of_accounts/GLD: the module account is not active in database erp" in text
    assert "currency/CNY: the module currency is not active" in text
    assert not [method for method in client.methods if is_write(method)]


def test_the_chart_cannot_become_another():
    answers = {"model.ir.model.data.get_id": {"error": ["'nosuch'", ""]}}
    text, client = refusal(changed(load("demo"), "chart_of_accounts", template="account.nosuch"), answers=answers)
    assert "chart_of_accounts/GLD: template is Universal Chart of Accounts and cannot become account.nosuch" in text
    assert not [method for method in client.methods if is_write(method)]


def test_an_unknown_template_is_refused():
    answers = {"model.ir.model.data.get_id": {"error": ["'nosuch'", ""]}}
    parameters = changed(load("demo"), "chart_of_accounts", template="account.nosuch")
    text, _client = refusal(parameters, "first_run", answers)
    assert "there is no chart template account.nosuch; the charts there are: Universal Chart of Accounts" in text


class Stub(ReplayClient):
    """Asks ``stub(method, body)`` first; None leaves the answer to the recording."""

    def __init__(self, recording: str, stub: Callable[[str, bytes], dict | None]) -> None:
        super().__init__(recording)
        self.stub = stub

    def _send(self, method: str, body: bytes) -> bytes:
        answer = self.stub(method, body)
        if answer is None:
            return super()._send(method, body)
        self.methods.append(method)
        return json.dumps(answer).encode()


ACCOUNT = {"id": 1, "code": "9.9", "name": "x", "party_required": True, "type.": {"payable": True}}


@pytest.mark.parametrize(
    ("accounts", "expected"),
    [
        ([], "default_payable: no such account"),
        ([{**ACCOUNT, "type.": {"payable": False}}], "account 9.9 is not a payable account that requires a party"),
        ([{**ACCOUNT, "party_required": False}], "account 9.9 is not a payable account that requires a party"),
        ([ACCOUNT, ACCOUNT], "there are 2 accounts named 9.9"),
    ],
)
@pytest.mark.parametrize("recording", ["first_run", "second_run"])
def test_a_default_account_must_exist_and_fit(recording, accounts, expected):
    """Both before the chart exists, when the template is asked, and afterwards."""
    parameters = [entry for entry in load("demo") if entry["type"] not in ("payment_term", "fiscal_year")]
    parameters[-1]["values"] = {"template": "account.account_template_root_en", "default_payable": "9.9"}
    client = Stub(recording, lambda method, body: {RESULT: accounts} if b"party_required" in body else None)
    with pytest.raises(BaseParametersError, match=f"chart_of_accounts/GLD: .*{expected}"):
        engine(client, parameters).run(check=False)
    assert not [method for method in client.methods if is_write(method)]


@pytest.mark.parametrize(("moves", "allowed"), [(0, True), (3, False)])
def test_the_currency_of_a_company_stays_once_there_are_entries(moves, allowed):
    answers = {"model.account.move.search_count": {RESULT: moves}}
    parameters = changed(load("demo"), "company", currency={"ref": "currency/USD"})
    client = ReplayClient("second_run", answers)
    if allowed:
        plans = engine(client, parameters).run(check=True)
        assert [list(plan.changes) for plan in plans if plan.changes] == [["currency"]]
    else:
        with pytest.raises(BaseParametersError, match="company/GLD: currency is currency/CNY and cannot become"):
            engine(client, parameters).run(check=False)


def test_an_error_of_the_server_names_the_item_and_keeps_what_was_done():
    answers = {"model.party.party.create": {"error": ["UserError", ["The code on party must be unique.", "", None]]}}
    client = ReplayClient("first_run", answers)
    run = engine(client, load("demo"))
    with pytest.raises(BaseParametersError, match=r"^party/GLD: The code on party must be unique\.$"):
        run.run(check=False)
    assert [str(plan.item) for plan in run.done] == ["country/CN", "currency/CNY", "currency/USD"]
    assert client.methods[-1] == "common.db.logout"


def test_a_user_who_enters_an_existing_company_sees_its_records_afterwards():
    """The chart was hidden while planning; the real run looks again instead of making a second one."""
    parameters = [entry for entry in load("demo") if entry["type"] in ("company", "chart_of_accounts")]
    recorded = {entry["method"]: entry["answer"] for entry in load("second_run")}
    outsider = {"id": 1, "login": "admin", "company": None, "companies": [], "company_filter": "one"}
    entered: list[bytes] = []

    def stub(method: str, body: bytes) -> dict | None:
        if method == "model.res.user.write":
            entered.append(body)
            return {RESULT: None}
        if method == "model.res.user.search_read":
            return {RESULT: [outsider]}
        if method == "model.account.account.search_read" and not entered:
            return {RESULT: []}
        if b"party_required" in body:
            return next(entry["answer"] for entry in load("first_run") if "party_required" in str(entry["params"]))
        return None if is_write(method) else recorded[method]

    checked = engine(Stub("second_run", stub), parameters)
    assert [plan.action for plan in checked.run(check=True)] == ["updated", "created"]
    assert "assumes that it has none" in checked.backend.warnings[0]
    plans = engine(Stub("second_run", stub), parameters).run(check=False)
    assert [plan.action for plan in plans] == ["updated", "unchanged"]
    assert b'"companies": [["add", [1]]], "company": 1' in entered[0]
