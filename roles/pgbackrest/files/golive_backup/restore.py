# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The real restore, on a database host: the old data is kept aside, and comes back by itself when something fails.

A journal says what was moved where. A run that was cut off (loss of power, kill) is undone by the next one, or by
`golive-backup undo`.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import subprocess
import time
from typing import Any

from golive_backup.database import Session, mark_archived
from golive_backup.lineage import usable
from golive_backup.recovery import recover
from golive_backup.repository import Repository, reason
from golive_backup.settings import FailureError, Settings
from golive_backup.system import end_orphans, only_one, remove_tree, utc, write, write_evidence
from golive_backup.target import Target, choose

_MIB = 2**20


def plan(settings: Settings, target: Target) -> dict[str, Any]:
    """Return what a restore would do; FailureError when the repository cannot give it or the host cannot take it."""
    repository = Repository(settings)
    chosen = choose(usable(repository, repository.info(), target), target)
    data = settings.data_directory
    used = os.path.isdir(data) and bool(os.listdir(data))
    if used and os.path.ismount(data):
        raise FailureError(f"{data} is a mount point and cannot be put aside: mount the file system one level higher")
    parent = os.path.dirname(data)
    system = os.statvfs(parent)
    free, needed = system.f_bavail * system.f_frsize, chosen.backup.size + chosen.backup.size // 10
    if free < needed:
        raise FailureError(
            f"{parent} has {free // _MIB} MiB free, the restored data needs {needed // _MIB} MiB beside the old data; "
            f"older copies: {', '.join(copies(settings)) or 'none'}"
        )
    return {
        "stanza": settings.stanza,
        "target": chosen.words,
        "backup": chosen.backup.label,
        "backup_stopped_at": utc(chosen.backup.stopped),
        "data_directory": data,
        "kept_aside": _aside_name(data, time.time()) if used else "",
        "bytes": chosen.backup.size,
        "notes": chosen.notes,
    }


def copies(settings: Settings) -> list[str]:
    """Return the data directories that earlier restores have put aside."""
    parent, name = os.path.split(settings.data_directory)
    names = os.listdir(parent) if os.path.isdir(parent) else []
    return sorted(os.path.join(parent, item) for item in names if item.startswith(f"{name}.before-restore-"))


def restore(settings: Settings, target: Target, discard: bool) -> dict[str, Any]:
    """Restore; return what was done. FailureError when it failed: the old data is back and the server runs with it."""
    started = time.time()
    details: dict[str, Any] = {"stanza": settings.stanza}
    failure = ""
    with only_one(settings, "restore", 0):
        undo_interrupted(settings)
        try:
            details.update(plan(settings, target))
            _restore(settings, target, details, started)
        except FailureError as exc:
            failure = str(exc)
        except Exception as exc:
            failure = f"{type(exc).__name__}: {exc}"
        if failure and undo_interrupted(settings):
            failure += " (the old data is back)"
        details["seconds"] = round(time.time() - started, 1)
        if not failure and discard:
            for path in (details["kept_aside"], *details["kept_tablespaces"]):
                if path:
                    remove_tree(path)
            details.update(kept_aside="", kept_tablespaces=[])
        write_evidence(settings, "restore", started, failure, details)
    if failure:
        raise FailureError(failure)
    return details


def _restore(settings: Settings, target: Target, details: dict[str, Any], started: float) -> None:
    repository = Repository(settings)
    chosen = choose(usable(repository, repository.info(), target), target)
    details["all_archived"] = _archive_the_last(settings)
    _unit(settings, "stop")
    data = settings.data_directory
    aside = _aside_name(data, started) if details["kept_aside"] else ""
    moves = [(data, aside)] if aside else []
    moves += [(path, _aside_name(path, started)) for path in _tablespaces(data)]
    details["kept_aside"], details["kept_tablespaces"] = aside, [new for old, new in moves if old != data]
    _journal(settings, {"moves": moves, "data": data})
    for old, new in moves:
        os.rename(old, new)
    for old in {data, *(old for old, _new in moves)}:
        _make(settings, old)
    done = repository.command(*chosen.arguments, "restore", timeout=settings.recovery_timeout)
    if done.returncode != 0:
        raise FailureError(f"pgbackrest restore: {reason(done)}")
    details["restore_seconds"] = round(time.time() - started, 1)
    details["newest_commit"] = recover(settings)
    if not settings.cluster:
        _journal(settings, {"moves": moves, "data": data, "starting": True})
        _unit(settings, "start")
    os.unlink(_journal_path(settings))


def _archive_the_last(settings: Settings) -> bool:
    """Let a running primary archive what it has: the restore can only reach what is in the repository."""
    with (
        contextlib.suppress(FailureError),
        Session(
            settings, {"port": str(settings.database_port), "dbname": "postgres", "user": settings.system_user}
        ) as session,
    ):
        return session.value("SELECT pg_is_in_recovery()") == "f" and mark_archived(session, settings.archive_timeout)
    return False


def undo_interrupted(settings: Settings) -> bool:
    """Put the old data back and start the server with it after a restore that did not end; tell if there was one."""
    try:
        with open(_journal_path(settings), encoding="utf-8") as file:
            journal = json.load(file)
    except FileNotFoundError:
        return False
    except ValueError as exc:
        raise FailureError(f"{_journal_path(settings)} cannot be read: {exc}") from exc
    if journal.get("starting") and _runs(settings):
        os.unlink(_journal_path(settings))  # it was cut off between its last two steps
        return False
    end_orphans(settings.stanza, "restore:local")
    _unit(settings, "stop")
    for old, new in journal["moves"]:
        if os.path.lexists(new):  # it was moved, so what stands in its place is the attempt
            remove_tree(old)
            os.rename(new, old)
    if not journal["moves"]:
        # There was nothing before, so the attempt goes.
        remove_tree(journal["data"])
    elif not settings.cluster:
        _unit(settings, "start")
    os.unlink(_journal_path(settings))
    return True


def _aside_name(path: str, moment: float) -> str:
    name = f"{path}.before-restore-{utc(moment).replace('-', '').replace(':', '')}"
    taken = sum(item.startswith(os.path.basename(name)) for item in os.listdir(os.path.dirname(path)))
    return f"{name}-{taken + 1}" if taken else name


def _tablespaces(data: str) -> list[str]:
    folder = os.path.join(data, "pg_tblspc")
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return [os.path.realpath(os.path.join(folder, name)) for name in sorted(names)]


def _make(settings: Settings, path: str) -> None:
    os.makedirs(path, mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        entry = pwd.getpwnam(settings.system_user)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def _unit(settings: Settings, verb: str) -> None:
    """Stop or start what runs the server, and see that it did."""
    done = subprocess.run(["systemctl", verb, settings.restore_unit], capture_output=True, text=True, check=False)
    # 5: it is not loaded, so there is nothing to stop.
    if done.returncode != 0 and not (verb == "stop" and done.returncode == 5):
        raise FailureError(f"systemctl {verb} {settings.restore_unit}: {done.stderr.strip()}")
    if verb == "stop":
        with contextlib.suppress(OSError, ValueError):
            with open(os.path.join(settings.data_directory, "postmaster.pid"), encoding="utf-8") as file:
                pid = int(file.readline())
            with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
                if file.read().strip() in ("postgres", "postmaster"):
                    raise FailureError(
                        f"a server (process {pid}) still runs in {settings.data_directory} after "
                        f"systemctl stop {settings.restore_unit}"
                    )


def _runs(settings: Settings) -> bool:
    argv = ["systemctl", "is-active", "--quiet", settings.restore_unit]
    return subprocess.run(argv, check=False).returncode == 0


def _journal_path(settings: Settings) -> str:
    return os.path.join(settings.state_directory, f"restore-{settings.stanza}.json")


def _journal(settings: Settings, content: dict[str, Any]) -> None:
    write(_journal_path(settings), json.dumps(content) + "\n", 0o640)
