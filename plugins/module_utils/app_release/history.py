# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which releases an application ran with, and which of them is the one to go back to."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Sequence
from typing import Any

REASONS = ("converge", "rolling_update", "rollback")
# More than anybody goes back; the file stays small.
KEPT = 100

Activation = dict[str, Any]


def stamp(seconds: float) -> str:
    """Return a time in UTC as text."""
    when = datetime.datetime.fromtimestamp(int(seconds), tz=datetime.timezone.utc)
    return when.isoformat().replace("+00:00", "Z")


def way_back(activations: Sequence[Activation]) -> list[str]:
    """Return the releases in the order in which they replaced each other, the newest last.

    Going back takes away what was gone back from: going back twice goes two releases back, not to and fro.
    """
    found: list[str] = []
    for activation in activations:
        release = activation["release"]
        if activation["reason"] == "rollback" and release in found:
            del found[found.index(release) + 1 :]
            continue
        if release in found:
            found.remove(release)
        found.append(release)
    return found


def previous(activations: Sequence[Activation], current: str, usable: Collection[str]) -> str:
    """Return the release that ran last before the current one and can run again; empty if there is none.

    A release that was switched to but never got ready has no activation: the last one that did is its previous.
    """
    for release in reversed(way_back(activations)):
        if release != current and release in usable:
            return release
    return ""


def last_good(activations: Sequence[Activation]) -> str:
    """Return the release that was activated last; empty if none was."""
    return str(activations[-1]["release"]) if activations else ""
