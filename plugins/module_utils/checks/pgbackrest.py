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
    Parameter("repository", "integer"),
    Parameter("encrypted", "boolean"),
    Parameter("max_full_age_hours", "number"),
    Parameter("max_backup_age_hours", "number"),
    Parameter("max_wal_age_minutes", "number"),
    Parameter("min_full", "integer"),
)
def pgbackrest(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Compare the state of a stanza and the age of its newest backups and WAL, in each repository or in a named one."""
    info = _info(parameters, context)
    verdict = Verdict()
    backups = info.get("backup", [])
    damaged = [item["label"] for item in backups if item.get("error")]
    verdict.demand(not damaged, "no damaged page in a backup", f"damaged: {', '.join(damaged)}" if damaged else "sound")
    # pgBackRest's word for the stanza as a whole says no more than that its repositories differ.
    repositories = info.get("repo") or [{"key": 1, "status": info["status"]}]
    for repository in repositories:
        where = f" in repository {repository['key']}" if len(repositories) > 1 else ""
        status = repository["status"]
        verdict.demand(
            status["code"] == 0, f"the stanza {parameters.stanza} is ok{where}", f"{status['message']}{where}"
        )
        if parameters.encrypted is not None:
            cipher = str(repository.get("cipher", "none"))
            expected = "encrypted" if parameters.encrypted else "not encrypted"
            verdict.demand((cipher != "none") == parameters.encrypted, f"{expected}{where}", f"cipher {cipher}{where}")
        own = [item for item in backups if item.get("database", {}).get("repo-key", 1) == repository["key"]]
        full = [item for item in own if item["type"] == "full"]
        if parameters.min_full is not None:
            number = parameters.min_full
            found = f"{len(full)} full backups{where}"
            verdict.demand(len(full) >= number, f"at least {number} full backups{where}", found)
        if parameters.max_full_age_hours is not None:
            _young(verdict, "full backup", where, full, parameters.max_full_age_hours)
        if parameters.max_backup_age_hours is not None:
            _young(verdict, "backup", where, own, parameters.max_backup_age_hours)
        if parameters.max_wal_age_minutes is not None:
            _wal(verdict, parameters, context, info, repository["key"], where)
    newest = max(backups, key=lambda item: item["timestamp"]["stop"])["label"] if backups else "none"
    number = sum(item["type"] == "full" for item in backups)
    return verdict.outcome(f"{len(backups)} backups, {number} of them full; the newest: {newest}")


def _young(verdict: Verdict, what: str, where: str, backups: list[dict[str, Any]], hours: float) -> None:
    expected = f"the newest {what}{where} at most {hours:g} hours old"
    if not backups:
        verdict.demand(False, expected, f"no {what}{where}")
        return
    age = (time.time() - max(item["timestamp"]["stop"] for item in backups)) / 3600
    verdict.demand(age <= hours, expected, f"{max(age, 0):.1f} hours old{where}")


def _wal(
    verdict: Verdict, parameters: SimpleNamespace, context: Context, info: dict[str, Any], key: int, where: str
) -> None:
    """Judge the age of the newest WAL segment, which pgBackRest does not tell but its file does."""
    expected = f"the newest WAL{where} at most {parameters.max_wal_age_minutes:g} minutes old"
    archives = [
        item
        for item in info.get("archive", [])
        if item.get("max") and item.get("database", {}).get("repo-key", 1) == key
    ]
    if not archives:
        verdict.demand(False, expected, f"no WAL{where}")
        return
    newest = max(archives, key=lambda item: str(item["max"]))
    folder = f"archive/{parameters.stanza}/{newest['id']}/{newest['max'][:16]}"
    files = _run(parameters, context, "repo-ls", f"--repo={key}", folder)
    times = [item["time"] for name, item in files.items() if name.startswith(newest["max"])]
    if not times:
        raise CheckError(f"pgbackrest lists no {newest['max']} in {folder}{where}")
    age = (time.time() - max(times)) / 60
    observed = f"{newest['max']} is {max(age, 0):.1f} minutes old{where}"
    verdict.demand(age <= parameters.max_wal_age_minutes, expected, observed)


def _info(parameters: SimpleNamespace, context: Context) -> dict[str, Any]:
    number = parameters.repository
    for item in _run(parameters, context, "info", *([] if number is None else [f"--repo={number}"])):
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
