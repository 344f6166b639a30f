# Copyright (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Between the engine's normal form and Tryton's: what to read, how to understand it, how to write it.

Tryton reads across relations with dotted names ("rates.date", "currency.code") and answers with the nested records
under the name plus a dot ("rates."). So one search_read a type brings everything, and references can be compared by
their natural keys without any id.
"""

from __future__ import annotations

from typing import Any, Callable

from ..core.fields import Boolean, Char, Field, Ref, Reference
from ..core.rows import Rows

KeyPaths = Callable[[str], "tuple[str, ...]"]
Ids = Callable[[Reference], int]


class Slot(Char):
    """A text kept in a row of ``table`` whose type is ``kind``, e.g. the e-mail among the contact mechanisms."""

    def __init__(self, table: str, kind: str, **kw: Any) -> None:
        super().__init__(source=table, **kw)
        self.kind = kind

    def row(self, raw: dict) -> dict | None:
        """Return the row as read, None when there is none."""
        rows = [row for row in in_sequence(raw.get(f"{self.source}.")) if row["type"] == self.kind]
        return rows[0] if rows else None


class Table(Rows):
    """Rows with Tryton's extras: ``sequence`` when their order matters, ``active`` when they can be switched off."""

    def __init__(self, *args: Any, sequence: bool = False, active: bool = False, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.sequence = sequence
        self.active = active


def in_sequence(rows: list[dict] | None) -> list[dict]:
    """Return the active rows in the order in which Tryton shows them."""
    rows = [row for row in rows or [] if row.get("active", True)]
    return sorted(rows, key=lambda row: (row.get("sequence") is not None, row.get("sequence") or 0, row["id"]))


def dig(raw: dict | None, path: str) -> Any:
    """Return the value at a dotted path of a record as read, None when a relation on the way is empty."""
    *relations, last = path.split(".")
    for relation in relations:
        raw = (raw or {}).get(f"{relation}.")
    return (raw or {}).get(last)


def paths(fields: dict[str, Field], key_paths: KeyPaths) -> list[str]:
    """Return the names to read for these fields."""
    names: dict[str, None] = {}
    for name, field in fields.items():
        source = field.source or name
        if isinstance(field, Table):
            inner = paths(field.fields, key_paths)
            inner += ["sequence"] * field.sequence + ["active"] * field.active
        elif isinstance(field, Slot):
            inner = ["type", "value", "sequence", "active"]
        elif isinstance(field, Ref):
            inner = list(key_paths(field.target))
        else:
            names[source] = None
            continue
        names.update(dict.fromkeys(f"{source}.{path}" for path in inner))
    return list(names)


def decode(fields: dict[str, Field], raw: dict, key_paths: KeyPaths) -> dict[str, Any]:
    """Return a record as read in normal form; rows keep their ``id`` and ``sequence``."""
    values: dict[str, Any] = {}
    for name, field in fields.items():
        source = field.source or name
        if isinstance(field, Table):
            values[name] = [
                {**decode(field.fields, row, key_paths), "id": row["id"], "sequence": row.get("sequence")}
                for row in in_sequence(raw.get(f"{source}."))
            ]
        elif isinstance(field, Slot):
            row = field.row(raw)
            values[name] = row["value"] if row else None
        elif isinstance(field, Ref):
            values[name] = _reference(field.target, raw.get(f"{source}."), key_paths)
        elif isinstance(field, Boolean):
            values[name] = bool(raw.get(source))
        else:
            value = raw.get(source)
            values[name] = None if value == "" else value
    return values


def _reference(target: str, raw: dict | None, key_paths: KeyPaths) -> Reference | None:
    if not raw:
        return None
    return Reference(target, "/".join(str(dig(raw, path)) for path in key_paths(target)))


def encode(fields: dict[str, Field], wanted: dict[str, Any], current: dict[str, Any], raw: dict, ids: Ids) -> dict:
    """Return the values to create (``current`` and ``raw`` empty) or to write, as Tryton wants them."""
    values: dict[str, Any] = {}
    for name, value in wanted.items():
        field = fields[name]
        source = field.source or name
        if isinstance(field, Table):
            commands = _commands(field, value, current.get(name) or [], ids)
        elif isinstance(field, Slot):
            commands = _slot(field, value, field.row(raw))
        else:
            values[source] = ids(value) if isinstance(field, Ref) and value else value
            continue
        values[source] = [*values.get(source, []), *commands]
    return values


def _commands(table: Table, wanted: list[dict], current: list[dict], ids: Ids) -> list[list]:
    created, commands, surplus = [], [], []
    numbers = [row["sequence"] for row in current if row.get("sequence") is not None]
    for pair in table.pairs(wanted, current):
        names = table.changed(pair)
        if pair.wanted is None:
            surplus.append(pair.current["id"])
        elif pair.current is None or names:
            part = {name: pair.wanted[name] for name in names}
            values = encode(table.fields, part, pair.current or {}, {}, ids)
            values.update(table.derive(part) if table.derive else {})
            if pair.current is not None:
                commands.append(["write", [pair.current["id"]], values])
            else:
                if table.sequence and numbers:
                    # Rows without a number come first in Tryton; a new one belongs at the end.
                    values["sequence"] = max(numbers) + len(created) + 1
                created.append(values)
    return commands + ([["create", created]] if created else []) + ([["delete", surplus]] if surplus else [])


def _slot(slot: Slot, value: str | None, row: dict | None) -> list[list]:
    if row is None:
        return [["create", [{"type": slot.kind, "value": value}]]] if value else []
    return [["write", [row["id"]], {"value": value}]] if value else [["delete", [row["id"]]]]
