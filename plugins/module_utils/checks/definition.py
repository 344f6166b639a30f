# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the lists that a role and its user wrote to definitions that can run, or to every reason why not."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, fields
from types import SimpleNamespace
from typing import Any

from ansible_collections.golive.delivery.plugins.module_utils.checks.spec import (
    TYPES,
    CheckType,
    Problem,
    convert,
    read_parameters,
)

AREAS = ("deployment", "data", "performance", "backup", "monitoring", "rollback")
SEVERITIES = ("P0", "P1", "P2", "P3")
LANGUAGES = ("en", "zh")
DEFAULT_TIMEOUT = 10.0

# Fields a definition may have; `reason` says why a check is not enabled.
_FIELDS = ("id", "title", "area", "type", "severity", "timeout", "parameters", "waiver", "enabled", "reason")
_OVERRIDABLE = ("severity", "timeout", "parameters", "waiver", "enabled", "reason")
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@/-]*")


@dataclass(frozen=True)
class Waiver:
    """Who accepts that a check does not pass, why, and until when (the day, in UTC, included)."""

    by: str
    reason: str
    until: str

    def stands(self, today: datetime.date) -> bool:
        """Return whether the waiver still counts."""
        return today <= datetime.date.fromisoformat(self.until)


@dataclass(frozen=True)
class Definition:
    """A check that can run."""

    id: str
    title: dict[str, str]
    area: str
    type: CheckType
    severity: str
    timeout: float
    parameters: SimpleNamespace
    waiver: Waiver | None
    enabled: bool
    reason: str | None


class DefinitionsError(Exception):
    """The definitions are wrong; the text names each check, field and expectation."""


def load(checks: list[Any], overrides: dict[str, Any], role: str) -> list[Definition]:
    """Return the definitions with the overrides applied, in the order given; raise DefinitionsError otherwise."""
    definitions: list[Definition] = []
    problems: list[str] = []
    seen: set[str] = set()
    for number, raw in enumerate(checks, start=1):
        identifier = raw.get("id") if isinstance(raw, dict) else None
        if not isinstance(identifier, str) or not _IDENTIFIER.fullmatch(identifier):
            problems.append(f"check number {number}: id: expected a text such as {role}.ready, got {identifier!r}")
            continue
        if identifier in seen:
            problems.append(f"check {identifier}: id: this id is used twice")
            continue
        seen.add(identifier)
        merged, wrong = _merge(raw, overrides.get(identifier))
        definition = None
        if not wrong:
            definition, wrong = _read(merged)
        problems.extend(f"check {identifier}: {problem.field}: {problem.message}" for problem in wrong)
        if definition:
            definitions.append(definition)
    # The overrides of all roles may stand in one place, so only ids of this role can be judged here.
    for identifier in overrides:
        if identifier not in seen and str(identifier).startswith(f"{role}."):
            problems.append(f"overrides: {identifier}: the role {role} has no check with this id")
    if problems:
        raise DefinitionsError("; ".join(problems))
    return definitions


def _merge(raw: dict[str, Any], override: Any) -> tuple[dict[str, Any], list[Problem]]:
    """Return the definition with its override; parameters are merged by name, everything else is replaced."""
    if override is None:
        return raw, []
    if not isinstance(override, dict):
        return raw, [Problem("override", f"expected a dictionary, got {override!r}")]
    unknown = [name for name in override if name not in _OVERRIDABLE]
    if unknown:
        message = f"cannot be overridden, expected one of {', '.join(_OVERRIDABLE)}"
        return raw, [Problem(f"override.{name}", message) for name in unknown]
    merged = {**raw, **override}
    mine, theirs = raw.get("parameters"), override.get("parameters")
    if isinstance(mine, dict) and isinstance(theirs, dict):
        merged["parameters"] = {**mine, **theirs}
    elif theirs is None:
        merged["parameters"] = mine
    return merged, []


def _read(raw: dict[str, Any]) -> tuple[Definition | None, list[Problem]]:
    """Return the definition, or None and everything that is wrong with it."""
    problems = [
        Problem(str(name), f"unknown field, expected one of {', '.join(_FIELDS)}")
        for name in raw
        if name not in _FIELDS
    ]
    values: dict[str, Any] = {"id": raw["id"]}

    def read(name: str, kind: str, choices: tuple[str, ...] = (), default: Any = None) -> None:
        value = default if raw.get(name) is None else raw[name]
        values[name] = None
        if value is not None:
            values[name], problem = convert(name, kind, value, choices)
            problems.extend([problem] if problem else [])
        elif choices:
            problems.append(Problem(name, f"required, expected {' or '.join(choices)}"))

    read("area", "text", AREAS)
    read("severity", "text", SEVERITIES)
    read("type", "text", tuple(sorted(TYPES)))
    read("timeout", "seconds", default=DEFAULT_TIMEOUT)
    read("enabled", "boolean", default=True)
    read("reason", "text")
    values["title"], wrong = _title(raw.get("title"))
    problems.extend(wrong)
    values["waiver"], wrong = _waiver(raw.get("waiver"))
    problems.extend(wrong)
    declared = TYPES.get(values["type"])
    if declared:
        values["type"] = declared
        values["parameters"], wrong = read_parameters(declared, raw.get("parameters"))
        problems.extend(wrong)
    return (None if problems else Definition(**values)), problems


def _title(raw: Any) -> tuple[dict[str, str], list[Problem]]:
    if not isinstance(raw, dict):
        return {}, [Problem("title", f"expected a dictionary with en and zh, got {raw!r}")]
    problems = []
    for language in LANGUAGES:
        if not isinstance(raw.get(language), str) or not raw[language].strip():
            problems.append(
                Problem(f"title.{language}", f"expected a text that is not empty, got {raw.get(language)!r}")
            )
    problems.extend(Problem(f"title.{name}", "expected en and zh only") for name in raw if name not in LANGUAGES)
    return {language: str(raw.get(language)) for language in LANGUAGES}, problems


def _waiver(raw: Any) -> tuple[Waiver | None, list[Problem]]:
    if raw is None:
        return None, []
    if not isinstance(raw, dict):
        return None, [Problem("waiver", f"expected a dictionary with by, reason and until, got {raw!r}")]
    names = [field.name for field in fields(Waiver)]
    problems = [Problem(f"waiver.{name}", f"expected {', '.join(names)} only") for name in raw if name not in names]
    values: dict[str, str] = {}
    for name in names:
        value = raw.get(name)
        values[name] = value.isoformat() if isinstance(value, datetime.date) else value
        if not isinstance(values[name], str) or not values[name].strip():
            problems.append(Problem(f"waiver.{name}", f"required, expected a text, got {value!r}"))
        elif name == "until" and not _is_date(values[name]):
            problems.append(Problem("waiver.until", f"expected a date such as 2026-12-31, got {value!r}"))
    return (None if problems else Waiver(**values)), problems


def _is_date(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text  # since Python 3.11 it reads 20261231 too
    except ValueError:
        return False
