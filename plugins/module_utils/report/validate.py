# Copyright: (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the checks of a host and role as technical_check returns them, and refuses what it does not understand."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from . import gate
from .text import clean

_WORDS = {"severity": gate.SEVERITIES, "status": gate.STATUSES, "area": gate.AREAS}


class ReportError(ValueError):
    """The input cannot be reported on; the message names the host, the role, the check and the field."""


def read_checks(checks: Any, where: str, now: datetime.datetime) -> list[dict]:
    """Return complete, clean checks. Raises ReportError; I(where) is how its message begins."""
    if not isinstance(checks, (list, tuple)):
        raise ReportError(f"{where}: checks must be a list")
    read: dict[str, dict] = {}
    for number, check in enumerate(checks):
        place = f"{where}, check {number}"
        if not isinstance(check, Mapping):
            raise ReportError(f"{place}: expected a mapping, got {type(check).__name__}")
        identity = _required(check, "id", place)
        if identity in read:
            raise ReportError(f"{place}: id {identity} was given before for this host and role")
        read[identity] = _read_check(check, identity, f"{where}, check {identity}", now)
    return list(read.values())


def _read_check(check: Mapping, identity: str, place: str, now: datetime.datetime) -> dict:
    words = {field: _word(check, field, place) for field in _WORDS}
    waiver = _waiver(check.get("waiver"), place)
    if words["status"] == "waived":
        if waiver is None:
            raise ReportError(f"{place}: status is waived, but waiver (by, reason, until) is empty")
        if _expired(waiver, now):
            words["status"] = "fail"
    return {
        "id": identity,
        "title": _title(check.get("title"), place),
        "area": words["area"],
        "type": _required(check, "type", place),
        "severity": words["severity"],
        "status": words["status"],
        "blocking": gate.blocks(words["severity"], words["status"]),
        "expected": clean(check.get("expected")),
        "observed": clean(check.get("observed")),
        "evidence": clean(check.get("evidence")),
        "seconds": _seconds(check.get("seconds"), place),
        "waiver": waiver,
    }


def _required(check: Mapping, field: str, place: str) -> str:
    value = check.get(field)
    if not isinstance(value, str) or not clean(value):
        raise ReportError(f"{place}: {field} must be a text and not empty")
    return clean(value)


def _word(check: Mapping, field: str, place: str) -> str:
    value = check.get(field)
    if value not in _WORDS[field]:
        raise ReportError(f"{place}: {field} must be one of {', '.join(_WORDS[field])}; got {value!r}")
    return str(value)


def _title(value: Any, place: str) -> dict[str, str]:
    title = {key: clean(value.get(key)) for key in ("en", "zh")} if isinstance(value, Mapping) else {}
    if not title or not all(title.values()):
        raise ReportError(f"{place}: title must have a text for en and for zh")
    return title


def _seconds(value: Any, place: str) -> float:
    try:
        seconds = float(value or 0)
    except (TypeError, ValueError):
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise ReportError(f"{place}: seconds must be a number from 0; got {value!r}")
    return round(seconds, 3)


def _waiver(value: Any, place: str) -> dict[str, str] | None:
    if not value:
        return None
    waiver = {key: clean(value.get(key)) for key in ("by", "reason", "until")} if isinstance(value, Mapping) else {}
    if not waiver or not all(waiver.values()):
        raise ReportError(f"{place}: waiver must say by, reason and until")
    try:
        datetime.date.fromisoformat(waiver["until"])
    except ValueError:
        until = waiver["until"]
        raise ReportError(f"{place}: waiver.until must be a date as 2026-12-31; got '{until}'") from None
    return waiver


def _expired(waiver: dict[str, str], now: datetime.datetime) -> bool:
    """A waiver holds to the end of its last day wherever the host is; the last place to end a day is at UTC-12."""
    return datetime.date.fromisoformat(waiver["until"]) < (now - datetime.timedelta(hours=12)).date()
