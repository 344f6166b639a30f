# Copyright (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of base parameters in Tryton, as declarations. A new plain type is an entry here and a row in the guide."""

from __future__ import annotations

import re

from ..core.fields import Boolean, Char, Choice, Date, Integer, Number, Ref, Reference, Refs
from ..core.items import KeyPart
from .chart import ChartOfAccounts, DefaultAccount, Template
from .company import Company, User
from .fiscal_year import FiscalYear, Periods
from .language import Language
from .mapping import Slot, Table
from .resource import TrytonResource


def _digits(text: str) -> str:
    """Tryton may store a telephone number with other spaces and dashes than were given."""
    return re.sub(r"[^\d+]", "", text)


def _letters(text: str) -> str:
    """Tryton formats identifiers that it knows."""
    return re.sub(r"[\W_]", "", text).upper()


def _address(text: str) -> str:
    """Tryton writes the host part of an e-mail address in lower case."""
    name, at, host = text.rpartition("@")
    return f"{name}{at}{host.lower()}"


def _divisor(row: dict) -> dict:
    """Tryton wants a share both as ratio and as its inverse."""
    ratio = row.get("ratio")
    return {"divisor": round(1 / ratio, 14)} if ratio else {}


def _active() -> Boolean:
    """A record that is in the list is meant to be used."""
    return Boolean(implied=True)


def tryton_resources(username: str) -> dict[str, TrytonResource]:
    """Return the types by name, those first that others refer to. ``username``: the login of the session."""
    delays = Table(
        {
            "days": Integer(implied=0),
            "weeks": Integer(implied=0),
            "months": Integer(implied=0),
            "day": Integer(implied=None),
        },
        source="relativedeltas",
        exact=True,
        sequence=True,
        implied=[],
    )
    resources = [
        User("user", {}, key=(KeyPart("login"),), lookup_only=True, model="res.user", module="res"),
        Language(
            "language",
            {"translatable": Boolean(), "active": _active()},
            lookup_only=True,
            model="ir.lang",
            module="ir",
        ),
        TrytonResource(
            "country",
            {
                "name": Char(required=True),
                "code3": Char(size=3),
                "code_numeric": Char(size=3),
                "active": _active(),
            },
            model="country.country",
            module="country",
        ),
        TrytonResource(
            "currency",
            {
                "name": Char(required=True),
                "symbol": Char(size=10),
                "numeric_code": Char(size=3),
                "digits": Integer(),
                "rounding": Number(),
                "rates": Table({"date": Date(required=True), "rate": Number(required=True)}, match=("date",)),
                "active": _active(),
            },
            model="currency.currency",
            module="currency",
        ),
        TrytonResource(
            "party",
            {
                "name": Char(required=True),
                "language": Ref("language", source="lang", short=True),
                "addresses": Table(
                    {
                        "street": Char(),
                        "postal_code": Char(),
                        "city": Char(),
                        "country": Ref("country", short=True),
                    },
                    sequence=True,
                    active=True,
                ),
                "identifiers": Table(
                    {"type": Char(required=True), "code": Char(required=True, canonical=_letters)},
                    match=("type",),
                    sequence=True,
                    active=True,
                ),
                "email": Slot("contact_mechanisms", "email", canonical=_address),
                "phone": Slot("contact_mechanisms", "phone", canonical=_digits),
                "mobile": Slot("contact_mechanisms", "mobile", canonical=_digits),
                "website": Slot("contact_mechanisms", "website"),
                "active": _active(),
            },
            model="party.party",
            module="party",
        ),
        Company(
            "company",
            {
                "party": Ref("party", required=True),
                "currency": Ref("currency", required=True),
                "timezone": Char(),
                "users": Refs("user", short=True, always=(Reference("user", username),)),
            },
            key=(KeyPart("party", "party"),),
            model="company.company",
            module="company",
        ),
        TrytonResource(
            "payment_term",
            {
                "description": Char(),
                "lines": Table(
                    {
                        "type": Choice(["remainder", "percent", "percent_on_total", "fixed"], required=True),
                        "ratio": Number(implied=None),
                        "amount": Number(implied=None),
                        "currency": Ref("currency", short=True, implied=None),
                        "delays": delays,
                    },
                    exact=True,
                    sequence=True,
                    derive=_divisor,
                    required=True,
                ),
                "active": _active(),
            },
            key=(KeyPart("name"),),
            model="account.invoice.payment_term",
            module="account_invoice",
        ),
        ChartOfAccounts(
            "chart_of_accounts",
            {
                "company": Ref("company", required=True),
                "template": Template(required=True, fixed="a chart is made once a company"),
                "default_receivable": DefaultAccount("default_account_receivable", "account_receivable", "receivable"),
                "default_payable": DefaultAccount("default_account_payable", "account_payable", "payable"),
                "default_revenue": DefaultAccount(
                    "default_category_account_revenue", "category_account_revenue", "revenue", "account_product"
                ),
                "default_expense": DefaultAccount(
                    "default_category_account_expense", "category_account_expense", "expense", "account_product"
                ),
            },
            key=(KeyPart("company", "company"),),
            model="account.account",
            module="account",
        ),
        FiscalYear(
            "fiscal_year",
            {
                "company": Ref("company", required=True),
                "start_date": Date(required=True),
                "end_date": Date(required=True),
                "periods": Periods(),
            },
            key=(KeyPart("company", "company"), KeyPart("name")),
            model="account.fiscalyear",
            module="account",
        ),
        # Done here means that the first user who logs in is not asked to do it again.
        TrytonResource(
            "setup_step",
            {"state": Choice(["open", "done"], required=True)},
            key=(KeyPart("action.name"),),
            lookup_only=True,
            model="ir.module.config_wizard.item",
            module="ir",
        ),
    ]
    return {resource.type: resource for resource in resources}
