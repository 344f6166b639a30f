# Copyright (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of values that an item may have: how each is read, compared and shown.

A field knows nothing of an application. ``parse`` turns what the user wrote into the normal form (ValueError says what
was expected), ``change`` compares the normal form with the one that the application holds.
"""

from __future__ import annotations

import datetime
import decimal
from typing import Any, Callable, NamedTuple

UNSET: Any = object()


class Reference(NamedTuple):
    """The name of a record: its type and natural key."""

    type: str
    key: str

    def __str__(self) -> str:
        return f"{self.type}/{self.key}"


class Change(NamedTuple):
    """What differs in one field, as plain data: only the differing part of a list is in it."""

    before: Any
    after: Any


class Field:
    """A value. ``source``: the application's name if it is another one. ``required``: needed to create the record.

    ``implied``: the value when the user says nothing. ``fixed``: why it cannot be changed once the record exists.
    """

    expects = "a value"

    def __init__(self, source: str = "", required: bool = False, implied: Any = UNSET, fixed: str = "") -> None:
        self.source = source
        self.required = required
        self.implied = implied
        self.fixed = fixed

    def parse(self, value: Any) -> Any:
        """Return the normal form; None means empty."""
        if value is None:
            if self.required:
                raise ValueError("must not be empty")
            return None
        return self.read(value)

    def read(self, value: Any) -> Any:
        """Return the normal form of a value that is not None; ValueError or TypeError when it is of another kind."""
        return value

    def references(self, value: Any) -> list[Reference]:
        """Return the records that the value points at."""
        return []

    def same(self, wanted: Any, current: Any) -> bool:
        """Say whether the application holds what is wanted."""
        return wanted == current

    def change(self, wanted: Any, current: Any) -> Change | None:
        """Return what differs, None when nothing does."""
        return None if self.same(wanted, current) else Change(self.plain(current), self.plain(wanted))

    def plain(self, value: Any) -> Any:
        """Return the value as data for a diff."""
        return value


class Char(Field):
    """Text. ``size``: the greatest length. ``canonical``: compare in this form, for texts the application reformats."""

    expects = "a text (quote numbers)"

    def __init__(self, *args: Any, size: int = 0, canonical: Callable[[str], str] | None = None, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.size = size
        self.canonical = canonical or str

    def read(self, value: Any) -> str | None:
        if not isinstance(value, str):
            raise TypeError
        text = value.replace("\r\n", "\n").strip()
        if self.size and len(text) > self.size:
            raise ValueError(f"must have at most {self.size} characters")
        if not text and self.required:
            raise ValueError("must not be empty")
        return text or None

    def same(self, wanted: Any, current: Any) -> bool:
        return self.canonical(wanted or "") == self.canonical(current or "")


class Choice(Char):
    """One of a few words."""

    def __init__(self, choices: list[str], *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.choices = choices

    def read(self, value: Any) -> str:
        if value not in self.choices:
            raise ValueError(f"must be one of: {', '.join(self.choices)}")
        return value


class Integer(Field):
    """A whole number."""

    expects = "a whole number"

    def read(self, value: Any) -> int:
        if isinstance(value, (bool, float)):
            raise TypeError
        return int(value)


class Number(Field):
    """A decimal number, compared by value: 7 is 7.00."""

    expects = "a decimal number"

    def read(self, value: Any) -> decimal.Decimal:
        if isinstance(value, bool):
            raise TypeError
        try:
            # str() first: a YAML 0.1 is 0.1, not the nearest binary fraction.
            number = decimal.Decimal(str(value))
        except decimal.InvalidOperation as error:
            raise TypeError from error
        if not number.is_finite():
            raise TypeError
        return number


class Date(Field):
    """A day."""

    expects = "a date as YYYY-MM-DD"

    def read(self, value: Any) -> datetime.date:
        if isinstance(value, datetime.date):
            return value
        try:
            return datetime.datetime.strptime(value, "%Y-%m-%d").date()
        except ValueError as error:
            raise TypeError from error


class Boolean(Field):
    """True or false."""

    expects = "true or false"

    def read(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise TypeError
        return value


class Ref(Field):
    """Another record of the type ``target``. ``short``: its key alone will do, without ``{ref: ...}``."""

    def __init__(self, target: str, *args: Any, short: bool = False, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.target = target
        self.short = short

    @property
    def expects(self) -> str:  # type: ignore[override]
        return f'{{ref: "{self.target}/..."}}' + (" or the key alone" if self.short else "")

    def read(self, value: Any) -> Reference:
        if self.short and isinstance(value, str) and value:
            return Reference(self.target, value)
        if not isinstance(value, dict) or set(value) != {"ref"} or not isinstance(value["ref"], str):
            raise TypeError
        target, slash, key = value["ref"].partition("/")
        if target != self.target or not slash or not key:
            raise TypeError
        return Reference(target, key)

    def references(self, value: Any) -> list[Reference]:
        return [value] if value else []

    def plain(self, value: Any) -> str | None:
        return str(value) if value else None


class Refs(Ref):
    """A set of records that must contain the given ones; others in it are left alone. ``always`` are in it anyway."""

    def __init__(self, *args: Any, always: tuple[Reference, ...] = (), **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.always = always
        self.implied = always

    @property
    def expects(self) -> str:  # type: ignore[override]
        return f"a list of {super().expects}"

    def read(self, value: Any) -> tuple[Reference, ...]:
        if not isinstance(value, (list, tuple)):
            raise TypeError
        return tuple(dict.fromkeys([*self.always, *(Ref.read(self, part) for part in value)]))

    def references(self, value: Any) -> list[Reference]:
        return list(value or ())

    def same(self, wanted: Any, current: Any) -> bool:
        return set(wanted or ()) <= set(current or ())

    def change(self, wanted: Any, current: Any) -> Change | None:
        if self.same(wanted, current):
            return None
        return Change(self.plain(current), self.plain({*(current or ()), *wanted}))

    def plain(self, value: Any) -> list[str]:
        return sorted(str(part) for part in value or ())
