# Copyright (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Companies and the users who act in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.engine import Plan, Record
from ..core.errors import ItemError
from ..core.fields import Reference
from . import mapping
from .resource import TrytonResource

if TYPE_CHECKING:
    from .backend import Ids, TrytonBackend

# Types whose records Tryton hides from users outside the company.
COMPANY_TYPES = frozenset({"chart_of_accounts", "fiscal_year"})


class User(TrytonResource):
    """Users are only referred to. What is read beside the login tells in which companies a user acts."""

    def fetch(self, api: TrytonBackend, keys: list[str]) -> dict[str, Record]:
        names = ["login", "company", "companies", "company_filter"] if "company" in api.modules else ["login"]
        found = api.search_read(self.model, [["login", "in", keys]], names)
        api.users.update({raw["login"]: raw for raw in found})
        return {raw["login"]: Record(raw["id"]) for raw in found}


class Company(TrytonResource):
    """A company. Its users are kept in the user records."""

    def fetch(self, api: TrytonBackend, keys: list[str]) -> dict[str, Record]:
        plain = {name: field for name, field in self.fields.items() if name != "users"}
        base = TrytonResource(self.type, plain, self.key, model=self.model, module=self.module)
        records = base.fetch(api, keys)
        for record in records.values():
            record.values["users"] = tuple(
                Reference("user", login) for login, user in api.users.items() if self.acts_in(api, user, record.id)
            )
        return records

    @staticmethod
    def acts_in(api: TrytonBackend, user: dict[str, Any], company: int) -> bool:
        """Say whether the user has the company; the session's own user must also see its records."""
        if company not in user["companies"]:
            return False
        return user["login"] != api.client.username or user["company"] == company or user["company_filter"] == "all"

    def verify(self, api: TrytonBackend, plan: Plan) -> None:
        if plan.record and "currency" in plan.changes and "account" in api.modules:
            domain = [["company", "=", plan.record.id]]
            if api.call("model.account.move.search_count", domain, api.context(plan.record.id)):
                before, after = plan.changes["currency"]
                raise ItemError(
                    plan.item,
                    f"currency is {before} and cannot become {after}: the company has entries in its books",
                )
        if plan.record and "users" in plan.changes:
            me = Reference("user", api.client.username)
            if me not in plan.record.values["users"]:
                api.warnings.append(
                    f"{plan.item}: user {me.key} does not act in this company yet, so that what check mode says of "
                    "records within the company assumes that it has none"
                )

    def create(self, api: TrytonBackend, plan: Plan, ids: Ids) -> int:
        wanted = {name: value for name, value in plan.item.values.items() if name != "users"}
        values = mapping.encode(self.fields, wanted, {}, {}, ids)
        company = api.call(f"model.{self.model}.create", [values], api.context())[0]
        self.add_users(api, company, plan.item.values["users"], ids)
        return company

    def update(self, api: TrytonBackend, plan: Plan, ids: Ids) -> None:
        wanted = dict(plan.wanted)
        users = wanted.pop("users", ())
        if wanted:
            values = mapping.encode(self.fields, wanted, plan.record.values, plan.record.extra["raw"], ids)
            api.call(f"model.{self.model}.write", [plan.record.id], values, api.context())
        new = [user for user in users if user not in plan.record.values["users"]]
        if new:
            self.add_users(api, plan.record.id, new, ids)
            api.stale |= COMPANY_TYPES

    def add_users(self, api: TrytonBackend, company: int, users: Any, ids: Ids) -> None:
        """Let the users act in the company."""
        for reference in users:
            user = api.users[reference.key]
            values: dict[str, Any] = {}
            if company not in user["companies"]:
                values["companies"] = [["add", [company]]]
            if user["company"] is None:
                values["company"] = company
            elif reference.key == api.client.username and user["company"] != company:
                # Tryton shows the records of the current company only; the items of this one must be seen too.
                values["company_filter"] = "all"
            api.call("model.res.user.write", [ids(reference)], values, api.context())
            user["companies"] = [*user["companies"], company]
            user["company"] = user["company"] or company
            user["company_filter"] = values.get("company_filter", user["company_filter"])
