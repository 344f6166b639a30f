# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of backups through pgBackRest: pgbackrest."""

from __future__ import annotations

import json
import os
import pwd
import time
from types import SimpleNamespace
from typing import Any

from ansible_collections.golive.delivery.plugins.module_utils.checks.context import Context
from ansible_collections.golive.delivery.plugins.module_utils.checks.outcome import CheckError, Outcome, Verdict
from ansible_collections.golive.delivery.plugins.module_utils.checks.spec import Parameter, check_type


@check_type(
    "pgbackrest",
    Parameter("stanza", "text", required=True),
    Parameter("system_user", "text", default="postgres"),
    Parameter("encrypted", "boolean"),
    Parameter("max_full_age_hours", "number"),
    Parameter("max_backup_age_hours", "number"),
    Parameter("max_wal_age_minutes", "number"),
    Parameter("min_full", "integer"),
)
def pgbackrest(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Compare the state of a stanza, in every repository, and the age of its newest backups and WAL."""
    info = _info(parameters, context)
    verdict = Verdict()
    backups = info.get("backup", [])
    verdict.demand(info["status"]["code"] == 0, f"the stanza {parameters.stanza} is ok", str(info["status"]["message"]))
    damaged = [item["label"] for item in backups if item.get("error")]
    verdict.demand(not damaged, "no damaged page in a backup", f"damaged: {', '.join(damaged)}" if damaged else "sound")
    if parameters.encrypted is not None:
        ciphers = sorted({str(item.get("cipher", "none")) for item in info.get("repo", [])}) or ["none"]
        fits = ("none" in ciphers) != parameters.encrypted
        verdict.demand(fits, "encrypted" if parameters.encrypted else "not encrypted", f"cipher {', '.join(ciphers)}")
    full = [item for item in backups if item["type"] == "full"]
    if parameters.min_full is not None:
        number = parameters.min_full
        verdict.demand(len(full) >= number, f"at least {number} full backups", f"{len(full)} full backups")
    if parameters.max_full_age_hours is not None:
        _young(verdict, "full backup", full, parameters.max_full_age_hours)
    if parameters.max_backup_age_hours is not None:
        _young(verdict, "backup", backups, parameters.max_backup_age_hours)
    if parameters.max_wal_age_minutes is not None:
        _wal(verdict, parameters, context, info)
    newest = max(backups, key=lambda item: item["timestamp"]["stop"])["label"] if backups else "none"
    return verdict.outcome(f"{len(backups)} backups, {len(full)} of them full; the newest: {newest}")


def _young(verdict: Verdict, what: str, backups: list[dict[str, Any]], hours: float) -> None:
    expected = f"the newest {what} at most {hours:g} hours old"
    if not backups:
        verdict.demand(False, expected, f"no {what}")
        return
    age = (time.time() - max(item["timestamp"]["stop"] for item in backups)) / 3600
    verdict.demand(age <= hours, expected, f"{max(age, 0):.1f} hours old")


def _wal(verdict: Verdict, parameters: SimpleNamespace, context: Context, info: dict[str, Any]) -> None:
    """Judge the age of the newest WAL segment, which pgBackRest does not tell but its file does."""
    expected = f"the newest WAL in the repository at most {parameters.max_wal_age_minutes:g} minutes old"
    archives = [item for item in info.get("archive", []) if item.get("max")]
    if not archives:
        verdict.demand(False, expected, "no WAL")
        return
    newest = max(archives, key=lambda item: str(item["max"]))
    folder = f"archive/{parameters.stanza}/{newest['id']}/{newest['max'][:16]}"
    files = _run(parameters, context, "repo-ls", folder)
    times = [item["time"] for name, item in files.items() if name.startswith(newest["max"])]
    if not times:
        raise CheckError(f"pgbackrest lists no {newest['max']} in {folder}")
    age = (time.time() - max(times)) / 60
    verdict.demand(age <= parameters.max_wal_age_minutes, expected, f"{newest['max']} is {max(age, 0):.1f} minutes old")


def _info(parameters: SimpleNamespace, context: Context) -> dict[str, Any]:
    for item in _run(parameters, context, "info"):
        if item.get("name") == parameters.stanza:
            return dict(item)
    raise CheckError(f"pgbackrest knows no stanza {parameters.stanza}")


def _run(parameters: SimpleNamespace, context: Context, *command: str) -> Any:
    """Return the answer of a pgBackRest command that only reads; raise CheckError when it gives none."""
    argv = ["pgbackrest", f"--stanza={parameters.stanza}", "--output=json", "--log-level-console=off"]
    argv += ["--log-level-file=off", "--log-level-stderr=warn", *command]
    user = parameters.system_user
    try:
        me = pwd.getpwuid(os.geteuid()).pw_name
        pwd.getpwnam(user)
    except KeyError as exc:
        raise CheckError(f"this host has no user {user}") from exc
    if me != user:
        argv = ["runuser", "-u", user, "--", *argv]
    done = context.run(argv)
    if done.rc != 0:
        raise CheckError(f"pgbackrest {command[0]} failed: {done.stderr.strip() or f'return code {done.rc}'}")
    try:
        return json.loads(done.stdout)
    except ValueError as exc:
        raise CheckError(f"pgbackrest {command[0]} gave no JSON: {done.stdout[:200]!r}") from exc
