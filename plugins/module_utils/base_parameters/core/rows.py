# Copyright (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows: the lines that belong to a record, such as a currency's rates or a party's addresses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Callable, NamedTuple

from .fields import UNSET, Change, Field, Reference


class Pair(NamedTuple):
    """A wanted row and the one that the application holds for it; either may be missing."""

    wanted: dict | None
    current: dict | None


class Rows(Field):
    """A list of rows, each with ``fields``.

    ``match``: the fields that tell which row is which; without it the position tells. Rows which the user does not
    name are left alone, unless the list is ``exact``: then they are removed. ``derive`` returns values that the
    application wants beside the user's.
    """

    expects = "a list of rows, each a dictionary"

    def __init__(
        self,
        fields: dict[str, Field],
        *args: Any,
        match: tuple[str, ...] = (),
        exact: bool = False,
        derive: Callable[[dict], dict] | None = None,
        **kw: Any,
    ) -> None:
        super().__init__(*args, **kw)
        self.fields = fields
        self.match = match
        self.exact = exact
        self.derive = derive

    def read(self, value: Any) -> list[dict]:
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            raise TypeError
        rows = [parse_values(self.fields, row, f"row {number}: ") for number, row in enumerate(value, 1)]
        for number, row in enumerate(rows, 1):
            for name, field in self.fields.items():
                if field.required and name not in row:
                    raise ValueError(f"row {number}: {name} is missing")
        marks = [self.mark(row) for row in rows]
        for number, mark in enumerate(marks, 1):
            if self.match and marks.index(mark) != number - 1:
                raise ValueError(f"row {number}: there is another row with the same {' and '.join(self.match)}")
        return rows

    def mark(self, row: dict) -> tuple:
        """Return what tells the row from the others."""
        return tuple(row.get(name) for name in self.match)

    def references(self, value: Any) -> list[Reference]:
        return [
            reference
            for row in value or []
            for name, part in row.items()
            for reference in self.fields[name].references(part)
        ]

    def pairs(self, wanted: list[dict] | None, current: list[dict] | None) -> Iterator[Pair]:
        """Match the wanted rows with those that exist; surplus ones come last and only when the list is exact."""
        wanted, rest = wanted or [], list(current or [])
        for row in wanted:
            found = next((old for old in rest if not self.match or self.mark(old) == self.mark(row)), None)
            if found is not None:
                rest.remove(found)
            yield Pair(row, found)
        if self.exact:
            for old in rest:
                yield Pair(None, old)

    def changed(self, pair: Pair) -> list[str]:
        """Return the names of the fields in which the two rows of a pair differ."""
        if pair.wanted is None or pair.current is None:
            return list(pair.wanted or pair.current or {})
        return [name for name, part in pair.wanted.items() if not self.fields[name].same(part, pair.current.get(name))]

    def same(self, wanted: Any, current: Any) -> bool:
        return all(pair.wanted and pair.current and not self.changed(pair) for pair in self.pairs(wanted, current))

    def change(self, wanted: Any, current: Any) -> Change | None:
        before, after = [], []
        for pair in self.pairs(wanted, current):
            if pair.wanted is None or pair.current is None:
                before += [self.show(row) for row in [pair.current] if row]
                after += [self.show(row) for row in [pair.wanted] if row]
            elif names := self.changed(pair):
                mark = {name: self.fields[name].plain(pair.wanted[name]) for name in self.match}
                parts = {name: self.fields[name].change(pair.wanted[name], pair.current.get(name)) for name in names}
                before.append({**mark, **{name: part.before for name, part in parts.items()}})
                after.append({**mark, **{name: part.after for name, part in parts.items()}})
        return Change(before, after) if before or after else None

    def show(self, row: dict) -> dict:
        """Return a whole row as data for a diff: what holds something."""
        return {name: field.plain(row[name]) for name, field in self.fields.items() if row.get(name) not in (None, [])}

    def plain(self, value: Any) -> list[dict]:
        return [self.show(row) for row in value or []]


def parse_values(fields: dict[str, Field], values: dict, where: str = "") -> dict:
    """Return the values in normal form, implied ones added, in the fields' order; ValueError says what is wrong."""
    for name in values:
        if name not in fields:
            raise ValueError(f"{where}unknown value '{name}', known are: {', '.join(fields) or 'none'}")
    parsed = {}
    for name, field in fields.items():
        if name in values:
            try:
                parsed[name] = field.parse(values[name])
            except TypeError:
                raise ValueError(f"{where}{name} must be {field.expects}, not {values[name]!r}") from None
            except ValueError as error:
                text = str(error)
                if text.startswith("invalid literal"):  # int() of a text that is no number
                    text = f"must be {field.expects}, not {values[name]!r}"
                raise ValueError(f"{where}{name} {text}") from None
        elif field.implied is not UNSET:
            parsed[name] = field.implied
    return parsed
