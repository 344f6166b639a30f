# Copyright (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backend for Tryton: the session, and what the types need to know of the database."""

from __future__ import annotations

from typing import Any, Callable

from ..core.engine import Plan, Record
from ..core.errors import BaseParametersError
from ..core.fields import Reference
from ..core.items import Item
from .client import Client, ServerFailureError
from .resource import TrytonResource
from .resources import tryton_resources

Ids = Callable[[Reference], int]


class TrytonBackend:
    """One database of a Tryton server. ``language``: that in which names are read and written."""

    def __init__(self, client: Client, language: str = "en") -> None:
        self.client = client
        self.language = language
        self.resources: dict[str, TrytonResource] = tryton_resources(client.username)
        self.warnings: list[str] = []
        self.items: list[Item] = []
        self.modules: set[str] = set()
        self.users: dict[str, dict[str, Any]] = {}
        self.cache: dict[str, Any] = {}
        self.stale: set[str] = set()
        if not client.encrypted and not client.loopback:
            self.warnings.append("url is not https: the password and all data travel readably over the network")

    def open(self, items: list[Item]) -> None:
        """Log in and learn which modules are active."""
        self.items = items
        try:
            self.client.login(self.language)
        except ServerFailureError as error:
            raise BaseParametersError(
                f"database {self.client.database} takes no logins; is it set up, and served there? ({error})"
            ) from error
        rows = self.search_read("ir.module", [["state", "=", "activated"]], ["name"])
        self.modules = {row["name"] for row in rows}

    def close(self) -> None:
        """Log out."""
        self.client.logout()

    def require(self, resource: TrytonResource) -> None:
        """Raise when the module that brings the type is not active."""
        if resource.module not in self.modules:
            raise BaseParametersError(
                f"the module {resource.module} is not active in database {self.client.database}; activate it first "
                f"(trytond-admin -d {self.client.database} -u {resource.module} --activate-dependencies)"
            )

    def context(self, company: int | None = None, **more: Any) -> dict[str, Any]:
        """Return the context of a call; ``company``: the company to act in."""
        context = {"language": self.language, **more}
        if company is not None:
            context["company"] = company
        return context

    def call(self, method: str, *params: Any) -> Any:
        """Return the result of a remote call."""
        return self.client.call(method, *params)

    def search_read(self, model: str, domain: list, names: list[str]) -> list[dict]:
        """Return the records that fit, inactive ones too: their keys are taken."""
        return self.call(f"model.{model}.search_read", domain, 0, None, None, names, self.context(active_test=False))

    def shipped(self, name: str) -> int | None:
        """Return the id of a record that a module ships, by ``module.name``; None when there is none."""
        try:
            return self.call("model.ir.model.data.get_id", name, self.context())
        except ServerFailureError:
            return None

    def key_paths(self, target: str) -> tuple[str, ...]:
        """Return where the natural key of a type is read."""
        return self.resources[target].key_paths(self.resources)

    def fetch(self, resource: TrytonResource, keys: list[str]) -> dict[str, Record]:
        """Return the records with these keys."""
        return resource.fetch(self, keys)

    def verify(self, plan: Plan) -> None:
        """Raise ItemError when Tryton could not do it."""
        self.resources[plan.item.resource.type].verify(self, plan)

    def create(self, plan: Plan, ids: dict[Reference, int]) -> int:
        """Create the record."""
        return self.resources[plan.item.resource.type].create(self, plan, ids.__getitem__)

    def update(self, plan: Plan, ids: dict[Reference, int]) -> None:
        """Write what differs."""
        self.resources[plan.item.resource.type].update(self, plan, ids.__getitem__)

    def take_stale(self) -> set[str]:
        """Return the types to fetch again."""
        stale, self.stale = self.stale, set()
        return stale
