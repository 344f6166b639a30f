# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One way to compare an observed with an expected value, for every check type that has an operator."""

from __future__ import annotations

import json
import operator
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from ansible_collections.golive.delivery.plugins.module_utils.checks.outcome import CheckError

_NUMERIC = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
OPERATORS = ("==", "!=", *_NUMERIC, "matches")


def as_text(value: Any) -> str:
    """Return a value as the text that stands in a result: booleans as true/false, structures as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def compare(observed: Any, operation: str, expected: Any) -> bool:
    """Return whether the comparison holds; == and != compare texts, the orders compare numbers.

    Raises CheckError for an order between things that are not numbers.
    """
    left, right = as_text(observed), as_text(expected)
    if isinstance(observed, bool) or isinstance(expected, bool):
        left, right = left.lower(), right.lower()  # templates make "True" of a boolean
    if operation == "==":
        return left == right
    if operation == "!=":
        return left != right
    if operation == "matches":
        try:
            return re.search(right, left, re.MULTILINE) is not None
        except re.error as exc:
            raise CheckError(f"{right!r} is not a regular expression: {exc}") from exc
    return bool(_NUMERIC[operation](_decimal(left), _decimal(right)))


def describe(operation: str, expected: Any) -> str:
    """Return the expectation in words."""
    return as_text(expected) if operation == "==" else f"{operation} {as_text(expected)}"


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text.strip())
    except InvalidOperation as exc:
        raise CheckError(f"{text[:80]!r} is not a number") from exc
    if not number.is_finite():
        raise CheckError(f"{text!r} cannot be compared")
    return number
