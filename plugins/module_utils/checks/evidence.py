# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of what a program has proved before and left in a file: evidence."""

from __future__ import annotations

import datetime
import json
from types import SimpleNamespace
from typing import Any

from ansible_collections.golive.delivery.plugins.module_utils.checks.compare import (
    OPERATORS,
    as_text,
    compare,
    describe,
)
from ansible_collections.golive.delivery.plugins.module_utils.checks.context import Context
from ansible_collections.golive.delivery.plugins.module_utils.checks.outcome import CheckError, Outcome, Verdict, judge
from ansible_collections.golive.delivery.plugins.module_utils.checks.spec import Parameter, Problem, check_type

_CONTENT_LIMIT = 4 * 1024 * 1024  # bytes


def _fields_rule(parameters: SimpleNamespace) -> Problem | None:
    if not isinstance(parameters.fields, dict):
        return Problem("parameters.fields", f"expected a dictionary, got {parameters.fields!r}")
    for name, wanted in parameters.fields.items():
        if isinstance(wanted, dict):
            if set(wanted) != {"operator", "value"} or wanted["operator"] not in OPERATORS:
                expected = f"expected a value, or operator ({', '.join(OPERATORS)}) and value"
                return Problem(f"parameters.fields.{name}", f"{expected}, got {wanted!r}")
        elif not isinstance(wanted, (str, int, float, bool)):
            return Problem(f"parameters.fields.{name}", f"expected a text, a number or a boolean, got {wanted!r}")
    return None


@check_type(
    "evidence",
    Parameter("path", "path", required=True),
    Parameter("max_age_hours", "number"),
    Parameter("fields", "any", default={}),
    rule=_fields_rule,
)
def evidence(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Compare the proof of an earlier run: that it passed, how old it is, and what it found."""
    path = parameters.path
    proof = read(path)
    if proof is None:
        return judge(False, f"{path} proves that it was done", "it was never done: there is no such file")
    verdict = Verdict()
    status = as_text(proof.get("status", "no status"))
    reason = as_text(proof.get("reason") or "")
    verdict.demand(status == "passed", "passed", f"{status}{': ' if reason else ''}{reason}")
    finished = _moment(path, proof.get("finished_at"))
    if parameters.max_age_hours is not None:
        age = (datetime.datetime.now(datetime.timezone.utc) - finished).total_seconds() / 3600
        wanted = parameters.max_age_hours
        verdict.demand(age <= wanted, f"at most {wanted:g} hours old", f"{max(age, 0):.1f} hours old")
    for name, value in parameters.fields.items():
        operation, wanted = (value["operator"], value["value"]) if isinstance(value, dict) else ("==", value)
        found = _field(proof, name)
        fits = found is not None and compare(found, operation, wanted)
        verdict.demand(
            fits, f"{name} {describe(operation, wanted)}", f"{name} is {'missing' if found is None else as_text(found)}"
        )
    took = proof.get("seconds")
    return verdict.outcome(f"finished at {finished:%Y-%m-%d %H:%M:%S} UTC, took {took} s")


def read(path: str) -> dict[str, Any] | None:
    """Return the proof in the file, None where there is none; CheckError if it cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            proof = json.loads(file.read(_CONTENT_LIMIT))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as exc:
        raise CheckError(f"{path} cannot be read: {exc}") from exc
    if not isinstance(proof, dict):
        raise CheckError(f"{path} holds no proof: expected a JSON object")
    return proof


def _moment(path: str, text: Any) -> datetime.datetime:
    try:
        moment = datetime.datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError as exc:
        raise CheckError(f"{path}: finished_at is no time: {text!r}") from exc
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)


def _field(proof: dict[str, Any], name: str) -> Any:
    """Return the value that a name with dots leads to, None if there is none."""
    found: Any = proof
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found
