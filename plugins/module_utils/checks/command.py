# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks by a program of the host: command."""

from __future__ import annotations

from types import SimpleNamespace

from ansible_collections.golive.delivery.plugins.module_utils.checks.context import Context
from ansible_collections.golive.delivery.plugins.module_utils.checks.outcome import Outcome, Verdict
from ansible_collections.golive.delivery.plugins.module_utils.checks.spec import Parameter, check_type


@check_type(
    "command",
    Parameter("argv", "arguments", required=True),
    Parameter("rc", "integers", default=[0]),
    Parameter("stdout", "pattern"),
    Parameter("stderr", "pattern"),
    Parameter("environment", "mapping"),
)
def command(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Run a program without a shell and compare its return code and output."""
    done = context.run(parameters.argv, parameters.environment)
    verdict = Verdict()
    codes = " or ".join(map(str, parameters.rc))
    verdict.demand(done.rc in parameters.rc, f"return code {codes}", f"return code {done.rc}")
    for name, text in (("stdout", done.stdout), ("stderr", done.stderr)):
        pattern = getattr(parameters, name)
        if pattern:
            hit = pattern.search(text) is not None
            verb = "matches" if hit else "does not match"
            verdict.demand(hit, f"{name} matches {pattern.pattern!r}", f"{name} {verb} {pattern.pattern!r}")
    return verdict.outcome(done.output or "no output")
