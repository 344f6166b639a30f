# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check found: the outcome, the verdict that collects several demands, and the texts of a result."""

from __future__ import annotations

import re
from dataclasses import dataclass

PASSED = "pass"
WARNED = "warn"
FAILED = "fail"
WAIVED = "waived"
SKIPPED = "skipped"
ERROR = "error"
STATUSES = (PASSED, WARNED, FAILED, WAIVED, SKIPPED, ERROR)

TEXT_LIMIT = 500  # characters of one text in a result; a report has hundreds of them

# Everything that XML 1.0 (JUnit) cannot hold, and lone surrogates, which UTF-8 cannot.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


class CheckError(Exception):
    """The check could not be made. Its text becomes the `observed` of a result with status `error`."""


class CheckTimeoutError(CheckError):
    """The time of the check is used up."""


@dataclass(frozen=True)
class Outcome:
    """What one check found; `status` is one of pass, warn, fail, skipped, error."""

    status: str
    expected: str
    observed: str
    evidence: str = ""


class Verdict:
    """Collects the demands of one check; the worst of them is the status of the outcome."""

    def __init__(self) -> None:
        self._status = PASSED
        self._expected: list[str] = []
        self._observed: list[str] = []

    def demand(self, fulfilled: bool, expected: str, observed: str, otherwise: str = FAILED) -> bool:
        """Add one demand in human words; `otherwise` is the status (warn or fail) when it is not fulfilled."""
        if not fulfilled and self._status != FAILED:
            self._status = otherwise
        self._expected.append(expected)
        if observed not in self._observed:
            self._observed.append(observed)
        return fulfilled

    def outcome(self, evidence: str = "") -> Outcome:
        """Return the sum of all demands."""
        return Outcome(self._status, "; ".join(self._expected), "; ".join(self._observed), evidence)


def judge(fulfilled: bool, expected: str, observed: str, evidence: str = "") -> Outcome:
    """Return pass or fail for a check with one demand."""
    return Outcome(PASSED if fulfilled else FAILED, expected, observed, evidence)


def clip(text: object, limit: int = TEXT_LIMIT) -> str:
    """Return the text without control characters and with at most `limit` characters, cut in the middle."""
    clean = _UNPRINTABLE.sub("?", str(text)).strip()
    if len(clean) <= limit:
        return clean
    mark = " [...] "
    head = (limit - len(mark)) // 2
    return clean[:head] + mark + clean[len(clean) - (limit - len(mark) - head) :]
