# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of what another task measured: value."""

from __future__ import annotations

from types import SimpleNamespace

from ansible_collections.golive.delivery.plugins.module_utils.checks.compare import (
    OPERATORS,
    as_text,
    compare,
    describe,
)
from ansible_collections.golive.delivery.plugins.module_utils.checks.context import Context
from ansible_collections.golive.delivery.plugins.module_utils.checks.outcome import Outcome, judge
from ansible_collections.golive.delivery.plugins.module_utils.checks.spec import Parameter, check_type


@check_type(
    "value",
    Parameter("observed", "any", required=True),
    Parameter("expected", "any", required=True),
    Parameter("operator", "text", default="==", choices=OPERATORS),
    Parameter("evidence", "any", default=""),
)
def value(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Compare two values that are in the definition."""
    fits = compare(parameters.observed, parameters.operator, parameters.expected)
    observed, expected = as_text(parameters.observed), describe(parameters.operator, parameters.expected)
    return judge(fits, expected, observed, as_text(parameters.evidence))
