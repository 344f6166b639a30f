# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a check type is declared, and the registry of all of them.

    @check_type("tcp", Parameter("host", "text", required=True), Parameter("port", "port", required=True))
    def tcp(parameters, context):
        ...
        return judge(opened, expected="...", observed="...")

The function gets its parameters converted and complete, and a context (module `context`) with its time left and a
way to run programs. It returns an Outcome, or raises CheckError when the check could not be made.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Callable, Optional

from ansible_collections.golive.delivery.plugins.module_utils.checks.kinds import KINDS
from ansible_collections.golive.delivery.plugins.module_utils.checks.outcome import clip

Rule = Callable[[SimpleNamespace], Optional["Problem"]]


@dataclass(frozen=True)
class Problem:
    """What is wrong with one field of a definition."""

    field: str
    message: str


@dataclass(frozen=True)
class Parameter:
    """One parameter of a check type; `kind` is a key of KINDS, `choices` limits the value or each item of a list."""

    name: str
    kind: str
    required: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckType:
    """A declared check type; `rule` finds what is wrong between parameters."""

    name: str
    parameters: tuple[Parameter, ...]
    function: Callable[..., Any]
    rule: Rule | None = None


TYPES: dict[str, CheckType] = {}


def check_type(name: str, *parameters: Parameter, rule: Rule | None = None) -> Callable[..., Any]:
    """Register the decorated function as the check type `name`."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        if name in TYPES:
            raise ValueError(f"the check type {name} is declared twice")
        TYPES[name] = CheckType(name, parameters, function, rule)
        return function

    return register


def needs_one_of(*names: str) -> Rule:
    """Return a rule: at least one of the parameters must be given."""

    def rule(parameters: SimpleNamespace) -> Problem | None:
        if any(getattr(parameters, name) is not None for name in names):
            return None
        return Problem("parameters", f"expected at least one of {', '.join(names)}")

    return rule


def convert(field: str, kind: str, value: Any, choices: tuple[str, ...] = ()) -> tuple[Any, Problem | None]:
    """Return the converted value, or None and the problem that names the field and what was expected."""
    try:
        result = KINDS[kind].convert(value)
    except (ValueError, TypeError, OverflowError):
        return None, Problem(field, f"expected {KINDS[kind].expected}, got {clip(repr(value), 100)}")
    wrong = [item for item in (result if isinstance(result, list) else [result]) if choices and item not in choices]
    if wrong:
        return None, Problem(field, f"expected {' or '.join(choices)}, got {wrong[0]!r}")
    return result, None


def read_parameters(declared: CheckType, given: Any) -> tuple[SimpleNamespace, list[Problem]]:
    """Return the parameters of a check with defaults filled in, and what is wrong with them."""
    if given is None:
        given = {}
    if not isinstance(given, dict):
        return SimpleNamespace(), [Problem("parameters", f"expected a dictionary, got {given!r}")]
    known = [parameter.name for parameter in declared.parameters]
    problems = [
        Problem(f"parameters.{name}", f"unknown for the type {declared.name}, expected one of {', '.join(known)}")
        for name in given
        if name not in known
    ]
    values: dict[str, Any] = {}
    for parameter in declared.parameters:
        field = f"parameters.{parameter.name}"
        value = given.get(parameter.name)
        if value is None:
            value = parameter.default
        if value is None:
            values[parameter.name] = None
            if parameter.required:
                problems.append(Problem(field, f"required, expected {KINDS[parameter.kind].expected}"))
            continue
        values[parameter.name], problem = convert(field, parameter.kind, value, parameter.choices)
        if problem:
            problems.append(problem)
    parameters = SimpleNamespace(**values)
    if not problems and declared.rule:
        problem = declared.rule(parameters)
        problems.extend([problem] if problem else [])
    return parameters, problems
