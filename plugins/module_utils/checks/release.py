# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of an application's releases and limits: app_release, unit_limits, rollback_rehearsal."""

from __future__ import annotations

import pathlib
import re
from types import SimpleNamespace

from ansible_collections.golive.delivery.plugins.module_utils.app_release import history
from ansible_collections.golive.delivery.plugins.module_utils.app_release.places import Places, ReleaseError
from ansible_collections.golive.delivery.plugins.module_utils.app_release.store import Store
from ansible_collections.golive.delivery.plugins.module_utils.checks import evidence, systemd
from ansible_collections.golive.delivery.plugins.module_utils.checks.context import Context
from ansible_collections.golive.delivery.plugins.module_utils.checks.outcome import (
    SKIPPED,
    CheckError,
    Outcome,
    Verdict,
    judge,
)
from ansible_collections.golive.delivery.plugins.module_utils.checks.spec import Parameter, Problem, check_type

ROOT = "/"
PROC = "/proc"

_SIZE = re.compile(r"([0-9]+)([KMGT]?)")
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_SPAN = re.compile(r"([0-9.]+)(us|ms|s|min|h)\b")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}


@check_type("app_release", Parameter("name", "text", required=True), Parameter("current", "text"))
def app_release(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Compare what is remembered of an application's releases with what is there."""
    try:
        store = Store(Places(parameters.name, ROOT), check=True)
        current, previous = store.places.current(), store.previous()
        verdict = Verdict()
        if parameters.current is not None:
            verdict.demand(current == parameters.current, f"{parameters.current} is current", current or "no release")
        good = history.last_good(store.activations)
        verdict.demand(good == current, "its activation came to its end", f"last activated: {good or 'none'}")
        if store.pending:
            verdict.demand(False, "no way back is half done", f"half done: the way back to {store.pending.get('to')}")
        if len(history.way_back(store.activations)) <= 1:
            return verdict.outcome("no release was activated on this host before it, so there is none to go back to")
        verdict.demand(bool(previous), "a previous release to go back to", f"previous: {previous or 'none is left'}")
    except (ReleaseError, OSError, KeyError, TypeError) as exc:
        raise CheckError(f"what is remembered of {parameters.name} cannot be read: {exc}") from exc
    return verdict.outcome()


def _limits_rule(parameters: SimpleNamespace) -> Problem | None:
    if parameters.memory_max and not re.fullmatch("[0-9]+[KMGT]?|[0-9]+%|infinity", parameters.memory_max):
        return Problem("parameters.memory_max", f"expected a size such as 800M, got {parameters.memory_max!r}")
    if parameters.cpu_quota and not re.fullmatch("[0-9]+%", parameters.cpu_quota):
        return Problem("parameters.cpu_quota", f"expected a share such as 150%, got {parameters.cpu_quota!r}")
    names = ("memory_max", "cpu_quota", "tasks_max", "open_files")
    if all(getattr(parameters, name) is None for name in names):
        return Problem("parameters", f"expected at least one of {', '.join(names)}")
    return None


@check_type(
    "unit_limits",
    Parameter("unit", "text", required=True),
    Parameter("memory_max", "text"),
    Parameter("cpu_quota", "text"),
    Parameter("tasks_max", "integer"),
    Parameter("open_files", "integer"),
    rule=_limits_rule,
)
def unit_limits(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Compare the limits that a unit runs with, as systemd and, for open files, the process itself have them."""
    names = ("MemoryMax", "CPUQuotaPerSecUSec", "TasksMax", "MainPID")
    state = systemd.show(context, parameters.unit, *names)
    verdict = Verdict()
    if parameters.memory_max:
        found, wanted = state.get("MemoryMax", ""), parameters.memory_max
        size = _SIZE.fullmatch(wanted)
        if size:
            good = found == str(int(size.group(1)) * _UNITS[size.group(2)])
        elif wanted.endswith("%"):  # systemd has made bytes of it, whole pages
            share = _memory() * int(wanted[:-1]) / 100
            good = found.isdigit() and abs(int(found) - share) <= share / 100
        else:
            good = found == wanted
        verdict.demand(good, f"memory at most {wanted}", f"memory {found}")
    if parameters.cpu_quota:
        found = state.get("CPUQuotaPerSecUSec", "")
        share = sum(float(number) * _SECONDS[unit] for number, unit in _SPAN.findall(found)) * 100
        good = round(share) == int(parameters.cpu_quota[:-1])
        verdict.demand(good, f"processor at most {parameters.cpu_quota}", f"processor {found} a second")
    if parameters.tasks_max is not None:
        found = state.get("TasksMax", "")
        verdict.demand(found == str(parameters.tasks_max), f"at most {parameters.tasks_max} tasks", f"tasks {found}")
    if parameters.open_files is not None:
        found = _open_files(state.get("MainPID", "0"), parameters.unit)
        verdict.demand(
            found == str(parameters.open_files), f"at most {parameters.open_files} open files", f"open files {found}"
        )
    return verdict.outcome()


def _memory() -> int:
    """Return the bytes of memory that the host has."""
    try:
        found = re.search(r"^MemTotal:\s+([0-9]+) kB", pathlib.Path(PROC, "meminfo").read_text(encoding="utf-8"), re.M)
    except OSError as exc:
        raise CheckError(f"the memory of the host cannot be read: {exc}") from exc
    if not found:
        raise CheckError("the memory of the host cannot be read: no MemTotal in meminfo")
    return int(found.group(1)) * 1024


def _open_files(process: str, unit: str) -> str:
    """Return the limit of the process that runs, which is that of its start."""
    if process in ("", "0"):
        raise CheckError(f"{unit} has no process")
    try:
        limits = pathlib.Path(PROC, process, "limits").read_text(encoding="utf-8")
    except OSError as exc:
        raise CheckError(f"the limits of {unit}, process {process}, cannot be read: {exc}") from exc
    found = re.search(r"^Max open files\s+\S+\s+(\S+)", limits, re.MULTILINE)
    return found.group(1) if found else "unknown"


@check_type(
    "rollback_rehearsal",
    Parameter("name", "text", required=True),
    Parameter("path", "path", required=True),
    Parameter("max_seconds", "seconds"),
)
def rollback_rehearsal(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Demand the proof that somebody went back to an earlier release, once there is one to go back to."""
    proof = evidence.read(parameters.path)
    verdict = Verdict()
    if proof is None:
        try:
            releases = history.way_back(Store(Places(parameters.name, ROOT), check=True).activations)
        except (ReleaseError, OSError, KeyError, TypeError) as exc:
            raise CheckError(f"what is remembered of {parameters.name} cannot be read: {exc}") from exc
        if len(releases) <= 1:
            return Outcome(SKIPPED, "a way back was rehearsed", "none", "there is no earlier release to go back to yet")
        return judge(False, f"{parameters.path} proves that a way back was rehearsed", "never: there is no such file")
    status, took = str(proof.get("status")), proof.get("seconds")
    verdict.demand(status == "passed", "the last way back passed", f"{status}: {proof.get('reason') or 'no reason'}")
    if parameters.max_seconds is not None:
        wanted = parameters.max_seconds
        verdict.demand(took is not None and float(took) <= wanted, f"within {wanted:g} s", f"took {took} s")
    details = proof.get("details") or {}
    database = "the database too" if details.get("database") else "the database stayed"
    way = f"from {details.get('from')} to {details.get('to')}, {database}"
    return verdict.outcome(f"{way}, finished at {proof.get('finished_at')}, took {took} s")
