# Copyright (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of items: parsing, order, and everything that is refused before a server is asked."""

from __future__ import annotations

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.base_parameters.core.errors import BaseParametersError
from ansible_collections.golive.delivery.plugins.module_utils.base_parameters.core.fields import Ref
from ansible_collections.golive.delivery.plugins.module_utils.base_parameters.core.items import in_order, parse_items
from ansible_collections.golive.delivery.plugins.module_utils.base_parameters.tryton.resource import TrytonResource
from ansible_collections.golive.delivery.plugins.module_utils.base_parameters.tryton.resources import tryton_resources
from ansible_collections.golive.delivery.tests.unit.plugins.module_utils.base_parameters.replay import load

RESOURCES = tryton_resources("admin")


def item(kind: str, key: str, **values: object) -> dict:
    return {"type": kind, "key": key, "values": values}


def refusal(*parameters: dict) -> str:
    with pytest.raises(BaseParametersError) as caught:
        parse_items(list(parameters), RESOURCES)
    return str(caught.value)


def test_items_follow_what_they_refer_to_whatever_the_order_given():
    items = in_order(parse_items(load("demo")[::-1], RESOURCES))
    names = [str(entry) for entry in items]
    for earlier, later in [
        ("country/CN", "party/GLD"),
        ("party/GLD", "company/GLD"),
        ("currency/CNY", "company/GLD"),
        ("company/GLD", "chart_of_accounts/GLD"),
        ("company/GLD", "fiscal_year/GLD/2026"),
    ]:
        assert names.index(earlier) < names.index(later)


def test_the_order_given_stays_where_references_allow():
    parameters = [item("currency", code, name=code) for code in ("USD", "CNY", "EUR")]
    assert [entry.key for entry in in_order(parse_items(parameters, RESOURCES))] == ["USD", "CNY", "EUR"]


def test_a_circle_is_refused():
    resources = {"node": TrytonResource("node", {"next": Ref("node")})}
    parameters = [item("node", "a", next={"ref": "node/b"}), item("node", "b", next={"ref": "node/a"})]
    with pytest.raises(BaseParametersError, match="node/a -> node/b -> node/a"):
        in_order(parse_items(parameters, resources))


def test_an_unknown_type_is_refused_with_the_known_ones():
    text = refusal(item("currncy", "CNY"))
    assert "currncy/CNY: unknown type 'currncy'" in text and "currency, party, company" in text
    assert text.endswith("Nothing was written.")


def test_an_unknown_value_is_refused_with_the_known_ones():
    assert "currency/CNY: unknown value 'symbl', known are: name, symbol," in refusal(
        item("currency", "CNY", symbl="x")
    )


def test_an_unknown_value_in_a_row_is_refused():
    text = refusal(item("currency", "CNY", rates=[{"date": "2026-01-01", "rate": 1}, {"day": 1}]))
    assert "currency/CNY: rates row 2: unknown value 'day', known are: date, rate" in text


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"digits": "two"}, "digits must be a whole number, not 'two'"),
        ({"digits": 2.5}, "digits must be a whole number"),
        ({"rounding": "x"}, "rounding must be a decimal number"),
        ({"rounding": "NaN"}, "rounding must be a decimal number"),
        ({"numeric_code": 156}, "numeric_code must be a text (quote numbers), not 156"),
        ({"numeric_code": "1567"}, "numeric_code must have at most 3 characters"),
        ({"name": ""}, "name must not be empty"),
        ({"name": None}, "name must not be empty"),
        ({"active": "yes"}, "active must be true or false"),
        ({"rates": {"date": 1}}, "rates must be a list of rows"),
        ({"rates": [{"rate": 1}]}, "rates row 1: date is missing"),
        ({"rates": [{"date": "2026-02-30", "rate": 1}]}, "rates row 1: date must be a date as YYYY-MM-DD"),
        ({"rates": [{"date": "2026-01-01", "rate": 1}] * 2}, "rates row 2: there is another row with the same date"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(values, expected):
    assert f"currency/CNY: {expected}" in refusal(item("currency", "CNY", **values))


@pytest.mark.parametrize("value", ["currency/CNY", {"ref": "CNY"}, {"ref": "party/CNY"}, {"ref": "currency/"}, 1, {}])
def test_a_malformed_reference_is_refused(value):
    text = refusal(item("company", "GLD", currency=value))
    assert 'company/GLD: currency must be {ref: "currency/..."}, not ' in text


def test_all_that_is_wrong_is_told_at_once():
    text = refusal(item("currncy", "CNY"), item("currency", "USD", digits="two"))
    assert "currncy/CNY" in text and "currency/USD" in text


def test_an_item_may_be_there_once_only():
    assert "currency/CNY: is in the list twice" in refusal(item("currency", "CNY"), item("currency", "CNY"))


def test_a_key_of_several_parts_needs_all_of_them():
    assert "fiscal_year/GLD: the key must be of the form COMPANY/NAME" in refusal(item("fiscal_year", "GLD"))


def test_a_key_may_hold_slashes():
    items = parse_items([item("payment_term", "30/60 days"), item("fiscal_year", "GLD/2026/27")], RESOURCES)
    assert [str(name) for name in items] == ["payment_term/30/60 days", "fiscal_year/GLD/2026/27"]


def test_what_the_key_says_cannot_be_contradicted():
    text = refusal(item("company", "GLD", party={"ref": "party/OTHER"}))
    assert "company/GLD: party must be party/GLD" in text


def test_periods_need_the_dates_and_are_made_from_them():
    assert "periods: monthly needs start_date and end_date" in refusal(item("fiscal_year", "GLD/1", periods="monthly"))
    assert "periods must be the word monthly" in refusal(item("fiscal_year", "GLD/1", periods="weekly"))
    assert "end_date must not be before start_date" in refusal(
        item("fiscal_year", "GLD/1", start_date="2026-02-01", end_date="2026-01-01")
    )
    values = {"start_date": "2026-01-15", "end_date": "2026-03-10", "periods": "monthly"}
    parsed = next(iter(parse_items([item("fiscal_year", "GLD/1", **values)], RESOURCES).values()))
    assert [(row["name"], str(row["start_date"]), str(row["end_date"])) for row in parsed.values["periods"]] == [
        ("2026-01", "2026-01-15", "2026-01-31"),
        ("2026-02", "2026-02-01", "2026-02-28"),
        ("2026-03", "2026-03-01", "2026-03-10"),
    ]


def test_the_user_of_the_session_is_always_a_user_of_the_company():
    parsed = next(iter(parse_items([item("company", "GLD", users=["li"])], RESOURCES).values()))
    assert [user.key for user in parsed.values["users"]] == ["admin", "li"]
