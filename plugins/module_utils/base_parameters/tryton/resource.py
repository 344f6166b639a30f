# Copyright (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A type of records in Tryton: model, module, key and fields; special cases override a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.engine import Plan, Record
from ..core.errors import BaseParametersError
from ..core.fields import Reference
from ..core.items import Resource
from . import mapping

if TYPE_CHECKING:
    from .backend import Ids, TrytonBackend


@dataclass
class TrytonResource(Resource):
    """Records of ``model``, which the Tryton module ``module`` brings."""

    model: str = ""
    module: str = ""

    def key_paths(self, resources: dict[str, TrytonResource]) -> tuple[str, ...]:
        """Return where the parts of the natural key are read."""
        found: list[str] = []
        for part in self.key:
            if part.target:
                inner = resources[part.target].key_paths(resources)
                found += [f"{part.field}.{path}" for path in inner]
            else:
                found.append(part.field)
        return tuple(found)

    def domain(self, keys: list[str], resources: dict[str, TrytonResource]) -> list:
        """Return the search for the records with these keys."""
        places = self.key_paths(resources)
        if len(places) == 1:
            return [[places[0], "in", keys]]
        return ["OR", *([[path, "=", text] for path, text in zip(places, self.key_parts(key))] for key in keys)]

    def fetch(self, api: TrytonBackend, keys: list[str]) -> dict[str, Record]:
        """Read the records with these keys in one call."""
        places = self.key_paths(api.resources)
        names = dict.fromkeys(["id", *places, *mapping.paths(self.fields, api.key_paths)])
        records: dict[str, Record] = {}
        for raw in api.search_read(self.model, self.domain(keys, api.resources), list(names)):
            key = "/".join(str(mapping.dig(raw, path)) for path in places)
            if key in records:
                raise BaseParametersError(
                    f"{Reference(self.type, key)}: there are several such records (ids {records[key].id} and "
                    f"{raw['id']}), so that the key does not tell which is meant; correct that in the application first"
                )
            records[key] = Record(raw["id"], mapping.decode(self.fields, raw, api.key_paths), {"raw": raw})
        return records

    def verify(self, api: TrytonBackend, plan: Plan) -> None:
        """Raise ItemError when Tryton would refuse the plan; reads only."""

    def create(self, api: TrytonBackend, plan: Plan, ids: Ids) -> int:
        """Create the record and return its id."""
        values = mapping.encode(self.fields, plan.item.values, {}, {}, ids)
        for part, text in zip(self.key, self.key_parts(plan.item.key)):
            if not part.target:
                values[part.field] = text
        return api.call(f"model.{self.model}.create", [values], api.context())[0]

    def update(self, api: TrytonBackend, plan: Plan, ids: Ids) -> None:
        """Write what differs."""
        values = mapping.encode(self.fields, plan.wanted, plan.record.values, plan.record.extra["raw"], ids)
        api.call(f"model.{self.model}.write", [plan.record.id], values, api.context())
