# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patroni's dynamic configuration: a patch as PATCH /config takes it, and what it would change."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any


def merge(current: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration after the patch: None removes a key, a dictionary goes into the one that is there.

    A value that only differs in its type ("100" and 100, "on" and true are not the same; "100" and 100 are) is kept, so
    that a variable from the command line, which is always a text, changes nothing.
    """
    result: dict[str, Any] = {key: copy.deepcopy(value) for key, value in current.items()}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            inner = result.get(key)
            result[key] = merge(inner if isinstance(inner, Mapping) else {}, value)
        elif key not in result or not same(result[key], value):
            result[key] = value
    return result


def same(left: Any, right: Any) -> bool:
    """Return whether two values mean the same to Patroni."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (dict, list)) or isinstance(right, (dict, list)):
        return bool(left == right)
    return str(left) == str(right)


def difference(current: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of the patch that would change something."""
    changes: dict[str, Any] = {}
    for key, value in patch.items():
        if value is None:
            if key in current:
                changes[key] = None
        elif isinstance(value, Mapping):
            inner = current.get(key)
            # What is new is sent without its None: Patroni would store them.
            part = difference(inner, value) if isinstance(inner, Mapping) else merge({}, value)
            if part:
                changes[key] = part
        elif key not in current or not same(current[key], value):
            changes[key] = value
    return changes


def reverse(current: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the patch that undoes the changes."""
    undo: dict[str, Any] = {}
    for key, value in changes.items():
        inner = current.get(key)
        if isinstance(value, Mapping) and isinstance(inner, Mapping):
            undo[key] = reverse(inner, value)
        else:
            undo[key] = copy.deepcopy(inner)
    return undo


def lacking(current: Mapping[str, Any], patch: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return in words what differs from the patch, such as "postgresql.use_slots is false, not true"."""
    found: list[str] = []
    for key, value in patch.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            inner = current.get(key)
            found += lacking(inner if isinstance(inner, Mapping) else {}, value, f"{name}.")
        elif value is None:
            found += [f"{name} is {current[key]}, not unset"] if key in current else []
        elif key not in current:
            found.append(f"{name} is unset, not {value}")
        elif not same(current[key], value):
            found.append(f"{name} is {current[key]}, not {value}")
    return found
