# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host: programs as the user postgres, one run at a time, files that are there completely or not at all."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import json
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from golive_backup.settings import FailureError, Settings, StoppedError


def utc(seconds: float) -> str:
    """Return seconds since the epoch as 2026-01-31T01:02:03Z."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_of(text: str) -> float:
    """Return the seconds since the epoch of an ISO time with its zone; raise FailureError if it has none."""
    try:
        moment = datetime.datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError as exc:
        raise FailureError(f"{text!r} is no time such as 2026-01-31 01:02:03+00:00") from exc
    if moment.tzinfo is None:
        raise FailureError(f"{text!r} has no time zone: write it as 2026-01-31 01:02:03+00:00")
    return moment.timestamp()


def as_user(user: str, argv: Sequence[str], death: str = "TERM") -> list[str]:
    """Return a command line that runs a program as a user with all its groups, and ends it when this process is killed.

    Root only; another user stays who it is.
    """
    if os.geteuid() != 0:
        return list(argv)
    group = pwd.getpwnam(user).pw_gid
    return ["setpriv", f"--reuid={user}", f"--regid={group}", "--init-groups", f"--pdeathsig={death}", "--", *argv]


def environment(user: str, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a small environment in the C locale, so that messages are known and nothing comes in from outside."""
    home = pwd.getpwnam(user).pw_dir
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    path = os.environ.get("GOLIVE_PATH", path)
    return {"PATH": path, "LC_ALL": "C", "HOME": home, "USER": user, "LOGNAME": user, **(more or {})}


def run(
    settings: Settings, argv: Sequence[str], timeout: float, more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program as the system user and return it; FailureError when it cannot start or takes too long.

    It gets a session of its own: when the time is over all that it started ends with it.
    """
    try:
        child = subprocess.Popen(
            as_user(settings.system_user, argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            cwd="/",
            env=environment(settings.system_user, more),
            start_new_session=True,
        )
    except OSError as exc:
        raise FailureError(f"{argv[0]} cannot be started: {exc}") from exc
    try:
        stdout, stderr = child.communicate(timeout=timeout)
    except BaseException as exc:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(30)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        if isinstance(exc, subprocess.TimeoutExpired):
            raise FailureError(f"{os.path.basename(argv[0])} took longer than {timeout:g} s and was stopped") from exc
        raise
    return subprocess.CompletedProcess(list(argv), child.returncode, stdout, stderr)


def end_orphans(stanza: str, role: str) -> None:
    """Kill the helpers of a pgBackRest that was itself killed: they go on writing for a while, with nobody to tell."""
    for _attempt in range(50):
        found = [pid for pid in filter(str.isdigit, os.listdir("/proc")) if _is_orphan(pid, stanza, role)]
        if not found:
            return
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        time.sleep(0.1)


def _is_orphan(pid: str, stanza: str, role: str) -> bool:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            arguments = file.read().decode(errors="replace").rstrip("\0").split("\0")
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            parent = file.read().rpartition(")")[2].split()[1]
    except (OSError, IndexError):
        return False
    ours = os.path.basename(arguments[0]) == "pgbackrest" and f"--stanza={stanza}" in arguments
    return ours and arguments[-1] == role and parent == "1"


def remove_tree(path: str) -> None:
    """Remove a folder and all in it, if it is there; FailureError when it does not go."""
    for _attempt in range(3):
        shutil.rmtree(path, ignore_errors=True)
        if not os.path.lexists(path):
            return
        time.sleep(0.2)
    raise FailureError(f"{path} cannot be removed")


@contextlib.contextmanager
def only_one(settings: Settings, name: str, wait: float) -> Iterator[None]:
    """Hold a lock that ends with the process, however it ends; FailureError when it is not free in time."""
    os.makedirs(settings.state_directory, mode=0o750, exist_ok=True)
    path = os.path.join(settings.state_directory, f"{name}.lock")
    deadline = time.monotonic() + wait
    with open(path, "a+", encoding="utf-8") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    file.seek(0)
                    holder = file.read().strip() or "another run"
                    raise FailureError(f"{holder} is under way, so this one does not start") from None
                time.sleep(0.2)
        file.seek(0)
        file.truncate()
        file.write(f"{name} (process {os.getpid()}, since {utc(time.time())})")
        file.flush()
        yield


def write(path: str, text: str, mode: int) -> None:
    """Replace a file at once; a reader sees the old or the new one, also after a loss of power."""
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    temporary = f"{path}.new"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def write_evidence(settings: Settings, name: str, started: float, reason: str, details: Mapping[str, Any]) -> None:
    """Write the proof of a run: passed when there is no reason why not."""
    now = time.time()
    proof = {
        "name": name,
        "status": "failed" if reason else "passed",
        "started_at": utc(started),
        "finished_at": utc(now),
        "seconds": round(now - started, 1),
        "reason": reason,
        "details": details,
    }
    path = os.path.join(settings.evidence_directory, f"{name}.json")
    write(path, json.dumps(proof, indent=2, ensure_ascii=False) + "\n", 0o640)


def stop_on_signals() -> None:
    """Turn a polite end into StoppedError, so that everything is cleaned up on the way out."""

    def end(number: int, frame: object) -> None:
        # What follows is the way out: a second signal must not cut that short.
        for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(name, signal.SIG_IGN)
        raise StoppedError(f"ended by signal {signal.Signals(number).name}")

    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(name, end)
