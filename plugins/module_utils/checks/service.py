# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of services and packages: service, unit_hardening, package."""

from __future__ import annotations

import re
from types import SimpleNamespace

from ansible_collections.golive.delivery.plugins.module_utils.checks import systemd
from ansible_collections.golive.delivery.plugins.module_utils.checks.context import Context
from ansible_collections.golive.delivery.plugins.module_utils.checks.outcome import (
    CheckError,
    Outcome,
    Verdict,
    judge,
)
from ansible_collections.golive.delivery.plugins.module_utils.checks.spec import Parameter, Problem, check_type

# What `systemctl is-enabled` takes as enabled. Debian's postgresql@VERSION-NAME is enabled-runtime by a generator, and
# a static unit is started by another one.
_ENABLED = ("enabled", "enabled-runtime", "static", "alias", "indirect", "generated")
_DISABLED = ("disabled", "masked", "masked-runtime", "")


@check_type(
    "service",
    Parameter("unit", "text", required=True),
    Parameter("enabled", "boolean", default=True),
    Parameter("active", "boolean", default=True),
    Parameter("max_restarts", "integer"),
)
def service(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Compare the state of a unit of systemd."""
    names = ("LoadState", "ActiveState", "SubState", "UnitFileState", "NRestarts", "Result", "ActiveEnterTimestamp")
    state = systemd.show(context, parameters.unit, *names)
    load, active, file_state = state.get("LoadState"), state.get("ActiveState", ""), state.get("UnitFileState", "")
    verdict = Verdict()
    if load not in ("loaded", "masked") and (parameters.enabled or parameters.active):
        verdict.demand(False, f"{parameters.unit} exists", f"{load}")
        return verdict.outcome()
    if parameters.enabled:
        verdict.demand(file_state in _ENABLED, "enabled", file_state or "no unit file")
    else:
        verdict.demand(file_state in _DISABLED, "not enabled", file_state or "no unit file")
    running = f"{active} ({state.get('SubState')})"
    if parameters.active:
        verdict.demand(active in ("active", "reloading", "refreshing"), "active", running)
    else:
        verdict.demand(active == "inactive", "inactive and not failed", running)
    if parameters.max_restarts is not None:
        restarts = state.get("NRestarts", "")
        if not restarts.isdigit():
            raise CheckError(f"systemd counts no restarts of {parameters.unit}")
        verdict.demand(
            int(restarts) <= parameters.max_restarts,
            f"at most {parameters.max_restarts} automatic restarts",
            f"{restarts} automatic restarts",
        )
    since = state.get("ActiveEnterTimestamp")
    return verdict.outcome(f"result {state.get('Result')}" + (f", active since {since}" if since else ""))


@check_type(
    "unit_hardening",
    Parameter("unit", "text", required=True),
    Parameter("max_exposure", "number", required=True),
)
def unit_hardening(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Compare the exposure that systemd-analyze computes for a unit, 0 (closed) to 10 (open)."""
    done = context.run(["systemd-analyze", "security", "--no-pager", "--", parameters.unit], {"SYSTEMD_COLORS": "0"})
    found = re.search(r"Overall exposure level for .*: ([0-9.]+) (\w+)", done.stdout)
    if not found:
        raise CheckError(f"systemd-analyze knows no exposure of {parameters.unit}: {done.output[:200]}")
    exposure = float(found.group(1))
    # A line ends with what it adds to the exposure; the greatest say where to start.
    lines = re.findall(r"^\S+\s+(\S+=\S*)\s.*?([0-9]\.[0-9])\s*$", done.stdout, re.MULTILINE)
    worst = sorted(lines, key=lambda line: -float(line[1]))[:6]
    return judge(
        exposure <= parameters.max_exposure,
        f"exposure of at most {parameters.max_exposure:g}",
        f"exposure {exposure:g} ({found.group(2)})",
        "adds most: " + ", ".join(f"{name} {weight}" for name, weight in worst) if worst else "",
    )


_OPERATORS = {">=": "ge", "<=": "le", ">": "gt", "<": "lt", "==": "eq", "=": "eq", "!=": "ne"}
_VERSION = re.compile(r"(>=|<=|==|!=|>|<|=)?\s*([0-9][A-Za-z0-9.+:~-]*)")


def _version_rule(parameters: SimpleNamespace) -> Problem | None:
    if parameters.version is not None and not _VERSION.fullmatch(parameters.version):
        return Problem(
            "parameters.version", f'expected a version such as "15." or ">= 15.4", got {parameters.version!r}'
        )
    return None


@check_type(
    "package",
    Parameter("name", "text", required=True),
    Parameter("version", "text"),
    Parameter("installed", "boolean", default=True),
    rule=_version_rule,
)
def package(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Compare whether a Debian package is installed, and its version."""
    form = "--showformat=${db:Status-Status} ${Version}\n"
    done = context.run(["dpkg-query", "--show", form, "--", parameters.name])
    states = [line.split(" ", 1) for line in done.stdout.splitlines()]
    versions = [state[1] for state in states if state[0] == "installed"]
    if done.rc not in (0, 1):
        raise CheckError(f"dpkg-query failed: {done.output}")
    observed = f"{parameters.name} {versions[0]}" if versions else f"{parameters.name} is not installed"
    verdict = Verdict()
    if not parameters.installed:
        verdict.demand(not versions, f"{parameters.name} is not installed", observed)
    elif verdict.demand(bool(versions), f"{parameters.name} is installed", observed) and parameters.version:
        verdict.demand(
            _version_fits(versions[0], parameters.version, context), f"version {parameters.version}", observed
        )
    return verdict.outcome()


def _version_fits(installed: str, wanted: str, context: Context) -> bool:
    """Return whether a version fits an operator and a version, or begins with a version."""
    operation, version = _VERSION.findall(wanted)[0]
    if ":" not in version:
        installed = installed.split(":", 1)[-1]  # nobody writes the epoch of 1:10.11.6
    if operation:
        done = context.run(["dpkg", "--compare-versions", installed, _OPERATORS[operation], version])
        return done.rc == 0
    # "15" and "15.1" are no prefixes of 150 and 15.10.
    return re.match(re.escape(version) + ("(?![0-9])" if version[-1].isdigit() else ""), installed) is not None
