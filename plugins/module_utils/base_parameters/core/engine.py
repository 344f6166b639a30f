# Copyright (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine: what is there, what is wanted, what has to change; then the changes.

An application is a Backend. The engine plans everything before it writes anything, so that check mode and the real run
share one plan, and a reference to nothing or a change that is impossible stops the run before the first write.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from .errors import BaseParametersError, ItemError, Problems
from .fields import Change, Reference
from .items import Item, Resource, in_order, parse_items
from .text import to_text


@dataclass
class Record:
    """A record of the application: its values in normal form, and ``extra`` facts for the backend."""

    id: int
    values: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass
class Plan:
    """What is to happen to an item. ``record`` is None when it has to be created."""

    item: Item
    record: Record | None
    changes: dict[str, Change]

    @property
    def action(self) -> str:
        """created, updated or unchanged."""
        if self.record is None:
            return "created"
        return "updated" if self.changes else "unchanged"

    @property
    def wanted(self) -> dict[str, Any]:
        """The values to write, in normal form."""
        return {name: self.item.values[name] for name in self.changes}

    def report(self) -> dict:
        """Return the action for the module's result."""
        return {"item": str(self.item), "action": self.action, "fields": list(self.changes)}

    def diff(self) -> dict:
        """Return the differing fields as text before and after."""
        before = {} if self.record is None else {name: change.before for name, change in self.changes.items()}
        after = {name: change.after for name, change in self.changes.items()}
        state = " (does not exist)" if self.record is None else ""
        return {
            "before_header": f"{self.item}{state}",
            "after_header": str(self.item),
            "before": to_text(before),
            "after": to_text(after),
        }


class Backend(Protocol):
    """What the engine asks of an application. Every method raises BaseParametersError or ItemError."""

    resources: dict[str, Resource]
    warnings: list[str]

    def open(self, items: list[Item]) -> None:
        """Start the one session, which is to deal with these items."""

    def close(self) -> None:
        """End the session; never raises."""

    def require(self, resource: Resource) -> None:
        """Raise BaseParametersError when the application has no such records, e.g. a module is not active."""

    def fetch(self, resource: Resource, keys: list[str]) -> dict[str, Record]:
        """Return the records with these natural keys; keys without a record are left out."""

    def verify(self, plan: Plan) -> None:
        """Raise ItemError when the application could not do what is planned. Reads only."""

    def create(self, plan: Plan, ids: dict[Reference, int]) -> int:
        """Create the record and return its id; ``ids`` has the records referred to."""

    def update(self, plan: Plan, ids: dict[Reference, int]) -> None:
        """Write what differs."""

    def take_stale(self) -> set[str]:
        """Return the types that must be fetched again because of what was just written, and forget them."""


class Engine:
    """One run over a list of items."""

    def __init__(self, backend: Backend, parameters: list[dict]) -> None:
        self.backend = backend
        self.items = parse_items(parameters, backend.resources)
        self.order = in_order(self.items)
        self.records: dict[Reference, Record] = {}
        self.done: list[Plan] = []

    def run(self, check: bool) -> list[Plan]:
        """Plan everything and, unless ``check``, write it. Returns the plans in the order of the writes.

        ``self.done`` tells after an error which items had been dealt with.
        """
        try:
            self.backend.open(self.order)
            self.prefetch()
            plans = self.plan_all()
            if check:
                return plans
            return self.apply(plans)
        finally:
            self.backend.close()

    def prefetch(self) -> None:
        """Read all records that are named, one type after the other, and refuse references to nothing."""
        wanted: dict[str, dict[str, None]] = {}
        for item in self.order:
            for name in [item.name, *(ref for _field, ref in item.resource.references(item.values))]:
                wanted.setdefault(name.type, {})[name.key] = None
        problems = Problems()
        for kind in wanted:
            try:
                self.backend.require(self.backend.resources[kind])
            except BaseParametersError as error:
                for item in self.order:
                    if item.resource.type == kind:
                        problems.add(ItemError(item, str(error)))
        problems.stop()
        for kind, resource in self.backend.resources.items():
            if kind in wanted:
                self.fetch(resource, sorted(wanted[kind]))
        for item in self.order:
            for name, reference in item.resource.references(item.values):
                if reference not in self.items and reference not in self.records:
                    problems.add(
                        ItemError(item, f"{name} refers to {reference}, which is neither in the list nor there already")
                    )
            if item.resource.lookup_only and item.name not in self.records:
                problems.add(ItemError(item, f"there is no such {item.resource.type} and none can be created"))
        problems.stop()

    def fetch(self, resource: Resource, keys: list[str]) -> None:
        """Read the records of one type."""
        for key, record in self.backend.fetch(resource, keys).items():
            self.records[Reference(resource.type, key)] = record

    def plan_all(self) -> list[Plan]:
        """Plan all items; raises with all that cannot be done."""
        problems, plans = Problems(), []
        for item in self.order:
            try:
                plans.append(self.plan(item))
            except ItemError as error:
                problems.add(error)
        problems.stop()
        return plans

    def plan(self, item: Item) -> Plan:
        """Compare an item with its record."""
        fields, record = item.resource.fields, self.records.get(item.name)
        current = record.values if record else {}
        changes = {}
        for name, wanted in item.values.items():
            change = fields[name].change(wanted, current.get(name))
            if record is None:
                change = Change(None, fields[name].plain(wanted))
            if change is not None:
                changes[name] = change
                if record is not None and fields[name].fixed:
                    raise ItemError(
                        item, f"{name} is {change.before} and cannot become {change.after}: {fields[name].fixed}"
                    )
        if record is None:
            missing = [name for name, part in fields.items() if part.required and name not in item.values]
            if missing:
                raise ItemError(item, f"does not exist yet and to be created needs: {', '.join(missing)}")
        plan = Plan(item, record, changes)
        if changes or record is None:
            self.backend.verify(plan)
        return plan

    def apply(self, plans: list[Plan]) -> list[Plan]:
        """Write the plans, one item after the other; after an error the run can be repeated."""
        ids = {name: record.id for name, record in self.records.items()}
        stale: set[str] = set()
        for first_plan in plans:
            plan, item = first_plan, first_plan.item
            if item.resource.type in stale:
                self.fetch(item.resource, [item.key])
                plan = self.plan(item)
            try:
                if plan.record is None:
                    ids[item.name] = self.backend.create(plan, ids)
                elif plan.changes:
                    self.backend.update(plan, ids)
            except ItemError:
                raise
            except BaseParametersError as error:
                raise ItemError(item, str(error)) from error
            self.done.append(plan)
            stale |= self.backend.take_stale()
        return self.done
