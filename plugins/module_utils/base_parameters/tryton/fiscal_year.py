# Copyright (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fiscal years with monthly periods and the sequences that number their documents."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from ..core.engine import Plan
from ..core.fields import Char, Date
from . import mapping
from .mapping import Table
from .resource import TrytonResource

if TYPE_CHECKING:
    from .backend import Ids, TrytonBackend

_MOVES = "account.sequence_type_account_move"
_INVOICES = "account_invoice.sequence_type_account_invoice"
# The sequences of an invoice_sequences row, by field; each fiscal year numbers on its own.
_INVOICE_SEQUENCES = {
    "out_invoice_sequence": "customer invoices",
    "out_credit_note_sequence": "customer credit notes",
    "in_invoice_sequence": "supplier invoices",
    "in_credit_note_sequence": "supplier credit notes",
}


class Periods(Table):
    """Written as the word ``monthly``; a fiscal year turns it into the rows once its dates are known."""

    expects = "the word monthly"

    def __init__(self) -> None:
        fields = {"name": Char(), "start_date": Date(), "end_date": Date()}
        super().__init__(fields, match=("name",))

    def read(self, value: Any) -> Any:
        if value != "monthly":
            raise TypeError
        return value


def months(start: datetime.date, end: datetime.date) -> list[dict]:
    """Return a period for each calendar month between two dates, named YYYY-MM as Tryton names them."""
    rows = []
    while start <= end:
        first = (start.replace(day=1) + datetime.timedelta(days=31)).replace(day=1)
        last = min(first - datetime.timedelta(days=1), end)
        rows.append({"name": start.strftime("%Y-%m"), "start_date": start, "end_date": last})
        start = first
    return rows


class FiscalYear(TrytonResource):
    """A fiscal year. Its sequences are made with it and are the user's from then on."""

    def parse(self, key: str, values: dict) -> dict:
        parsed = super().parse(key, values)
        start, end = parsed.get("start_date"), parsed.get("end_date")
        if start and end and start > end:
            raise ValueError("end_date must not be before start_date")
        if parsed.get("periods"):
            if not start or not end:
                raise ValueError("periods: monthly needs start_date and end_date beside it")
            parsed["periods"] = months(start, end)
        return parsed

    def sequences(self, api: TrytonBackend, plan: Plan, company: int) -> dict[str, int]:
        """Return the ids of the fiscal year's sequences by field; those of a run that broke off are used again."""
        kinds = {"move_sequence": ("moves", api.shipped(_MOVES))}
        if "account_invoice" in api.modules:
            invoices = api.shipped(_INVOICES)
            kinds.update({field: (text, invoices) for field, text in _INVOICE_SEQUENCES.items()})
        names = {field: f"{self.key_parts(plan.item.key)[1]} {text}" for field, (text, _kind) in kinds.items()}
        domain = [["company", "=", company], ["name", "in", list(names.values())]]
        there = {row["name"]: row["id"] for row in api.search_read("ir.sequence.strict", domain, ["name"])}
        new = [
            {"name": names[field], "sequence_type": kind, "company": company}
            for field, (_text, kind) in kinds.items()
            if names[field] not in there
        ]
        if new:
            created = api.call("model.ir.sequence.strict.create", new, api.context(company))
            there.update({values["name"]: number for values, number in zip(new, created)})
        return {field: there[name] for field, name in names.items()}

    def create(self, api: TrytonBackend, plan: Plan, ids: Ids) -> int:
        company = ids(plan.item.values["company"])
        values = mapping.encode(self.fields, plan.item.values, {}, {}, ids)
        values["name"] = self.key_parts(plan.item.key)[1]
        sequences = self.sequences(api, plan, company)
        values["move_sequence"] = sequences.pop("move_sequence")
        if sequences:
            values["invoice_sequences"] = [["create", [{"company": company, **sequences}]]]
        return api.call(f"model.{self.model}.create", [values], api.context(company))[0]
