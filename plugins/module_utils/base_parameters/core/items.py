# Copyright (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of items: parsing, natural keys and the order that their references ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from .errors import BaseParametersError, ItemError, Problems
from .fields import Field, Reference
from .rows import parse_values


class KeyPart(NamedTuple):
    """A part of a natural key: the ``field`` that holds it, or, with ``target``, the record whose key it is."""

    field: str
    target: str = ""


@dataclass
class Resource:
    """A type of base parameters. ``lookup_only``: records are referred to or changed, never created."""

    type: str
    fields: dict[str, Field]
    key: tuple[KeyPart, ...] = (KeyPart("code"),)
    lookup_only: bool = False

    def key_parts(self, key: str) -> list[str]:
        """Split a natural key into its parts; the last part may hold slashes. ValueError when parts are missing."""
        parts = key.split("/", len(self.key) - 1)
        if len(parts) != len(self.key) or not all(parts):
            names = "/".join((part.target or part.field).upper() for part in self.key)
            raise ValueError(f"the key must be of the form {names}")
        return parts

    def parse(self, key: str, values: dict) -> dict:
        """Return an item's values in normal form, with what follows from its key; ValueError says what is wrong."""
        parsed = parse_values(self.fields, values)
        for part, text in zip(self.key, self.key_parts(key)):
            if part.target:
                implied = Reference(part.target, text)
                if parsed.setdefault(part.field, implied) != implied:
                    raise ValueError(f"{part.field} must be {implied} (or left out): the key says so")
        return {name: parsed[name] for name in self.fields if name in parsed}

    def references(self, values: dict) -> list[tuple[str, Reference]]:
        """Return the records that the values point at, each with the name of its field."""
        return [(name, ref) for name, part in values.items() for ref in self.fields[name].references(part)]


@dataclass
class Item:
    """One entry of the user's list, with the values in normal form."""

    resource: Resource
    key: str
    values: dict = field(default_factory=dict)

    @property
    def name(self) -> Reference:
        """What the item is called in messages and references."""
        return Reference(self.resource.type, self.key)

    def __str__(self) -> str:
        return str(self.name)


def parse_items(parameters: list[dict], resources: dict[str, Resource]) -> dict[Reference, Item]:
    """Return the items by name. Raises BaseParametersError with everything that is wrong with the list."""
    items: dict[Reference, Item] = {}
    problems = Problems()
    for entry in parameters:
        name = Reference(entry["type"], entry["key"])
        resource = resources.get(name.type)
        try:
            if resource is None:
                raise ItemError(name, f"unknown type '{name.type}', known are: {', '.join(resources)}")
            if name in items:
                raise ItemError(name, "is in the list twice")
            items[name] = Item(resource, name.key, resource.parse(name.key, entry.get("values") or {}))
        except ItemError as error:
            problems.add(error)
        except ValueError as error:
            problems.add(ItemError(name, str(error)))
    problems.stop()
    return items


def in_order(items: dict[Reference, Item]) -> list[Item]:
    """Return the items so that each follows those it refers to; otherwise the user's order is kept.

    Raises BaseParametersError naming the items of a circle.
    """
    done: dict[Reference, Item] = {}
    path: list[Reference] = []

    def visit(name: Reference) -> None:
        if name in done or name not in items:
            return
        if name in path:
            circle = [*path[path.index(name) :], name]
            raise BaseParametersError(
                f"{name}: the references go in a circle: {' -> '.join(map(str, circle))}\nNothing was written."
            )
        path.append(name)
        for _field, reference in items[name].resource.references(items[name].values):
            visit(reference)
        path.pop()
        done[name] = items[name]

    for name in items:
        visit(name)
    return list(done.values())
