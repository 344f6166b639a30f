# Copyright (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chart of accounts: made once a company by Tryton's wizard from a template, with the default accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.engine import Plan, Record
from ..core.errors import ItemError
from ..core.fields import Char, Reference
from . import mapping
from .resource import TrytonResource

if TYPE_CHECKING:
    from .backend import Ids, TrytonBackend

_CONFIGURATION = "model.account.configuration"
_TEMPLATE = "account.account.template"
_WIZARD = "wizard.account.create_chart"


class Template(Char):
    """The shipped name of a template; a company may hold charts from several (made by hand: None)."""

    def same(self, wanted: Any, current: Any) -> bool:
        return wanted in (current or ())

    def plain(self, value: Any) -> Any:
        return ", ".join(part or "no template (made by hand)" for part in value) if isinstance(value, tuple) else value


class DefaultAccount(Char):
    """An account, by code or name, that the accounting configuration of a company holds; read as (code, name).

    ``wizard``: its name in the wizard. ``flag``: what the type of the account must be. ``module``: brings the field.
    """

    def __init__(self, source: str, wizard: str, flag: str, module: str = "account") -> None:
        super().__init__(source=source)
        self.wizard = wizard
        self.flag = flag
        self.module = module

    def parse(self, value: Any) -> Any:
        if value is None or value == "":
            raise ValueError("must not be empty: a default account can be replaced, not taken away")
        return super().parse(value)

    def same(self, wanted: Any, current: Any) -> bool:
        return wanted in (current or ())

    def plain(self, value: Any) -> Any:
        return next((part for part in value if part), None) if isinstance(value, tuple) else value


class ChartOfAccounts(TrytonResource):
    """The root accounts of a company stand for its chart."""

    def defaults(self, api: TrytonBackend) -> dict[str, DefaultAccount]:
        """Return the default accounts that this database knows."""
        fields = {name: field for name, field in self.fields.items() if isinstance(field, DefaultAccount)}
        return {name: field for name, field in fields.items() if field.module in api.modules}

    def fetch(self, api: TrytonBackend, keys: list[str]) -> dict[str, Record]:
        places = self.key_paths(api.resources)
        domain = [["parent", "=", None], *self.domain(keys, api.resources)]
        roots = api.search_read(self.model, domain, ["company", "template", *places])
        names = self.templates(api) if roots else {}
        charts: dict[str, list[dict]] = {}
        for raw in sorted(roots, key=lambda root: root["id"]):
            charts.setdefault(str(mapping.dig(raw, places[0])), []).append(raw)
        records = {}
        for key, found in charts.items():
            values = self.configuration(api, found[0]["company"])
            values["company"] = Reference("company", key)
            values["template"] = tuple(names.get(raw["template"]) for raw in found)
            records[key] = Record(found[0]["id"], values, {"company": found[0]["company"]})
        return records

    def configuration(self, api: TrytonBackend, company: int) -> dict[str, Any]:
        """Return the default accounts of a company, each as (code, name) or None."""
        fields = self.defaults(api)
        paths = [f"{field.source}.{part}" for field in fields.values() for part in ("code", "name")]
        raw = api.call(f"{_CONFIGURATION}.read", [1], paths, api.context(company))[0]
        found = {name: raw.get(f"{field.source}.") for name, field in fields.items()}
        return {name: (account["code"], account["name"]) if account else None for name, account in found.items()}

    def templates(self, api: TrytonBackend) -> dict[int, str]:
        """Return what the chart templates are called: the shipped name if an item uses it, else the title; read once.

        Tryton tells the id of a shipped name but not the other way round.
        """
        if "templates" not in api.cache:
            roots = api.search_read(_TEMPLATE, [["parent", "=", None]], ["name"])
            names = {root["id"]: root["name"] for root in roots}
            for wanted in dict.fromkeys(item.values.get("template") for item in api.items if item.resource is self):
                number = api.shipped(wanted) if wanted else None
                if number in names:
                    names[number] = wanted
            api.cache["templates"] = names
        return api.cache["templates"]

    def template_id(self, api: TrytonBackend, name: str) -> int | None:
        """Return the id of a template by its shipped name."""
        return next((number for number, known in self.templates(api).items() if known == name), None)

    def verify(self, api: TrytonBackend, plan: Plan) -> None:
        known = self.defaults(api)
        for name in plan.changes:
            field = self.fields[name]
            if isinstance(field, DefaultAccount) and name not in known:
                raise ItemError(plan.item, f"{name} needs the module {field.module}, which is not active")
        if plan.record:
            self.company_accounts(api, plan, plan.record.extra["company"])
            return
        template = plan.item.values["template"]
        number = self.template_id(api, template)
        if number is None:
            titles = ", ".join(self.templates(api).values())
            raise ItemError(plan.item, f"there is no chart template {template}; the charts there are: {titles}")
        # The accounts do not exist yet, but the template shows what they will be.
        within = [["parent", "child_of", [number]]]
        self.accounts(api, plan, _TEMPLATE, within, api.context(active_test=False))

    def company_accounts(self, api: TrytonBackend, plan: Plan, company: int) -> dict[str, int]:
        """Return the ids of the changed default accounts in the company's chart."""
        return self.accounts(api, plan, self.model, [["company", "=", company]], api.context(company))

    def accounts(
        self, api: TrytonBackend, plan: Plan, model: str, within: list, context: dict[str, Any]
    ) -> dict[str, int]:
        """Return the ids of the changed default accounts by field; ItemError when one is missing or unfit."""
        fields = {name: field for name, field in self.defaults(api).items() if name in plan.changes}
        if not fields:
            return {}
        texts = [plan.item.values[name] for name in fields]
        domain = [*within, ["OR", ["code", "in", texts], ["name", "in", texts]]]
        read = ["code", "name", "party_required", *(f"type.{field.flag}" for field in fields.values())]
        rows = api.call(f"model.{model}.search_read", domain, 0, None, None, read, context)
        found = {}
        for name, field in fields.items():
            text = plan.item.values[name]
            fits = [row for row in rows if row["code"] == text] or [row for row in rows if row["name"] == text]
            if len(fits) != 1:
                problem = f"there are {len(fits)} accounts named {text}, use the code" if fits else "no such account"
                raise ItemError(plan.item, f"{name}: {problem} ({text})")
            row = fits[0]
            party = field.flag in ("receivable", "payable")
            if not (row["type."] or {}).get(field.flag) or (party and not row["party_required"]):
                needed = f"a {field.flag} account" + (" that requires a party" if party else "")
                raise ItemError(plan.item, f"{name}: account {text} is not {needed}")
            found[name] = row["id"]
        return found

    def create(self, api: TrytonBackend, plan: Plan, ids: Ids) -> int:
        company = ids(plan.item.values["company"])
        template = self.template_id(api, plan.item.values["template"])
        context = api.context(company)
        session = api.call(f"{_WIZARD}.create", context)[0]
        try:
            data: dict[str, Any] = {"account": {"company": company, "account_template": template}}
            view = api.call(f"{_WIZARD}.execute", session, data, "create_account", context)["view"]
            # The wizard proposes an account where there is only one that fits.
            names = ["company", *(field.wizard for field in self.defaults(api).values())]
            data["properties"] = {name: view["defaults"].get(name) for name in names}
            for name, account in self.company_accounts(api, plan, company).items():
                data["properties"][self.fields[name].wizard] = account
            api.call(f"{_WIZARD}.execute", session, data, "create_properties", context)
        finally:
            api.call(f"{_WIZARD}.delete", session, context)
        root = [["parent", "=", None], ["company", "=", company], ["template", "=", template]]
        return api.call(f"model.{self.model}.search", root, 0, 1, None, context)[0]

    def update(self, api: TrytonBackend, plan: Plan, ids: Ids) -> None:
        company = plan.record.extra["company"]
        accounts = self.company_accounts(api, plan, company)
        values = {self.fields[name].source: account for name, account in accounts.items()}
        api.call(f"{_CONFIGURATION}.write", [1], values, api.context(company))
