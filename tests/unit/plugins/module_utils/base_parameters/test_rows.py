# Copyright (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows: which are matched, what differs, what Tryton is told."""

from __future__ import annotations

import decimal

from ansible_collections.golive.delivery.plugins.module_utils.base_parameters.core.fields import Char, Integer, Number
from ansible_collections.golive.delivery.plugins.module_utils.base_parameters.tryton.mapping import (
    Slot,
    Table,
    encode,
    in_sequence,
)

RATES = Table({"date": Char(), "rate": Number()}, match=("date",))
LINES = Table({"type": Char(), "days": Integer()}, exact=True, sequence=True)
ADDRESSES = Table({"city": Char()}, sequence=True)


def row(number: int, sequence: int | None = None, **values: object) -> dict:
    return {**values, "id": number, "sequence": sequence}


ONE = row(1, date="a", rate=decimal.Decimal("1.00"))


def commands(table: Table, wanted: list, current: list) -> list:
    return encode({"rows": table}, {"rows": wanted}, {"rows": current}, {}, lambda ref: 0)["rows"]


def test_matched_rows_are_written_missing_ones_created_others_left_alone():
    current = [
        row(1, date="a", rate=decimal.Decimal("1.0")),
        row(2, date="b", rate=decimal.Decimal(2)),
        row(3, date="c"),
    ]
    wanted = [{"date": "b", "rate": decimal.Decimal(5)}, {"date": "a", "rate": decimal.Decimal(1)}, {"date": "d"}]
    change = RATES.change(wanted, current)
    assert change.before == [{"date": "b", "rate": decimal.Decimal(2)}]
    assert change.after == [{"date": "b", "rate": decimal.Decimal(5)}, {"date": "d"}]
    assert commands(RATES, wanted, current) == [
        ["write", [2], {"rate": decimal.Decimal(5)}],
        ["create", [{"date": "d"}]],
    ]


def test_nothing_differs():
    assert (
        RATES.change([{"date": "a", "rate": decimal.Decimal(1)}], [row(1, date="a", rate=decimal.Decimal("1.00"))])
        is None
    )
    assert RATES.change([], [row(1, date="a")]) is None


def test_an_exact_list_loses_its_surplus():
    current = [row(1, type="percent", days=1), row(2, type="remainder", days=30)]
    wanted = [{"type": "remainder", "days": 30}]
    change = LINES.change(wanted, current)
    assert change.after == [{"type": "remainder", "days": 30}]
    assert change.before == [{"type": "percent", "days": 1}, {"type": "remainder", "days": 30}]
    assert commands(LINES, wanted, current) == [["write", [1], {"type": "remainder", "days": 30}], ["delete", [2]]]


def test_a_new_row_comes_after_numbered_ones():
    current = [row(1, 5, city="A")]
    assert commands(ADDRESSES, [{"city": "A"}, {"city": "B"}], current) == [["create", [{"city": "B", "sequence": 6}]]]
    assert commands(ADDRESSES, [{"city": "A"}], []) == [["create", [{"city": "A"}]]]


def test_rows_are_read_in_tryton_order_without_inactive_ones():
    rows = [{"id": 4, "sequence": 1}, {"id": 3, "sequence": None}, {"id": 2, "active": False}, {"id": 1, "sequence": 2}]
    assert [entry["id"] for entry in in_sequence(rows)] == [3, 4, 1]


def test_a_slot_creates_writes_and_removes_its_row():
    fields = {"email": Slot("contacts", "email"), "phone": Slot("contacts", "phone"), "fax": Slot("contacts", "fax")}
    raw = {"contacts.": [{"id": 7, "type": "phone", "value": "1"}, {"id": 8, "type": "fax", "value": "2"}]}
    wanted = {"email": "a@b.c", "phone": "3", "fax": None}
    assert encode(fields, wanted, {}, raw, lambda ref: 0) == {
        "contacts": [
            ["create", [{"type": "email", "value": "a@b.c"}]],
            ["write", [7], {"value": "3"}],
            ["delete", [8]],
        ]
    }
