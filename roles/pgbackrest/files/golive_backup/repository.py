# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""pgBackRest as seen from the repository host."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import subprocess
from typing import Any

from golive_backup.settings import FailureError, Settings
from golive_backup.system import run

NO_DATABASE = 56  # DbConnectError: also that there is no standby to take the backup from
_ERROR = re.compile(r"^(?:.*?ERROR: )?\[(\d+)\]: (.*)$", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Backup:
    """One backup of the repository."""

    label: str
    type: str
    started: float
    stopped: float
    size: int  # bytes of the database
    added: int  # bytes that it added to the repository
    damaged: bool  # damaged pages were seen in the database while it was copied
    reference: tuple[str, ...]
    archive_start: str
    archive_stop: str
    lsn_stop: str


class Repository:
    """Calls pgBackRest for one stanza in one of its repositories."""

    def __init__(self, settings: Settings, number: int = 1) -> None:
        self.number = number
        self._settings = settings

    def named(self, text: str) -> str:
        """Return a text with the repository that it is about, unless it is the first one."""
        return text if self.number == 1 else f"repository {self.number}: {text}"

    def command(self, *argv: str, timeout: float = 120, console: str = "off") -> subprocess.CompletedProcess[str]:
        """Run a command of pgBackRest: warnings and errors in stderr, in stdout what `console` (a level) asks for."""
        options = [f"--repo={self.number}", f"--stanza={self._settings.stanza}"]
        options += [f"--log-level-console={console}", "--log-level-stderr=warn"]
        return run(self._settings, ["pgbackrest", *options, *argv], timeout)

    def info(self) -> dict[str, Any]:
        """Return what pgBackRest says of the stanza in this repository; FailureError when it cannot say."""
        done = self.command("--output=json", "info")
        if done.returncode != 0:
            raise FailureError(f"pgbackrest info: {reason(done)}")
        try:
            stanza = next(item for item in json.loads(done.stdout) if item["name"] == self._settings.stanza)
        except (ValueError, StopIteration, KeyError, TypeError) as exc:
            raise FailureError(f"pgbackrest info says nothing of the stanza {self._settings.stanza}") from exc
        return dict(stanza)

    def backups(self, info: dict[str, Any] | None = None) -> list[Backup]:
        """Return the backups, the oldest first."""
        found = [_backup(item) for item in (info or self.info()).get("backup", [])]
        return sorted(found, key=lambda backup: backup.stopped)

    def newest_wal(self, info: dict[str, Any] | None = None) -> str:
        """Return the name of the newest WAL segment in the archive, "" if there is none."""
        archives = (info or self.info()).get("archive", [])
        return max((item.get("max") or "" for item in archives), default="")

    def newest_wal_time(self, info: dict[str, Any]) -> float | None:
        """Return when (seconds since the epoch) the newest WAL segment reached the repository."""
        for item in reversed(info.get("archive", [])):
            newest = item.get("max")
            if newest:
                path = f"archive/{self._settings.stanza}/{item['id']}/{newest[:16]}"
                done = self.command("--output=json", "repo-ls", path)
                if done.returncode == 0:
                    files = json.loads(done.stdout or "{}").items()
                    return max((entry["time"] for name, entry in files if name.startswith(newest)), default=None)
        return None

    def damaged_files(self) -> list[str]:
        """Let pgBackRest read every file of the stanza in this repository again; return what is wrong with which.

        A file that a backup beside us has written or expired meanwhile may look damaged once, not twice.
        """
        found = self._verify()
        return [line for line in self._verify() if line in found] if found else []

    def _verify(self) -> list[str]:
        done = self.command("verify", timeout=self._settings.backup_timeout, console="info")
        lines = re.findall(r"^\S+ \S+ P\d+ +(?:INFO|WARN|ERROR): (.*)$", done.stdout, re.MULTILINE)
        # Which of pgBackRest's processes said so is chance.
        lines = [re.sub(r": \[\d+\].*", "", line) for line in lines]
        said = [line for line in lines if not line.startswith(("verify command", "stanza:"))]
        if done.returncode != 0 and not said:
            said.append(reason(done))
        return said

    def size(self) -> int | None:
        """Return the bytes of the whole repository on this host's file system, None where it is elsewhere."""
        path = self._settings.repositories[self.number - 1]
        if not path:
            return None
        total = 0
        for folder, _folders, files in os.walk(path):
            for name in files:
                try:
                    total += os.lstat(os.path.join(folder, name)).st_blocks * 512
                except OSError:
                    continue  # expired while we looked
        return total

    def backup(self, kind: str, standby: bool, expire: bool = True) -> str:
        """Take a backup and return what pgBackRest warned of; from a standby if there is one that can give it."""
        options = [f"--type={kind}", *([] if expire else ["--no-expire-auto"])]
        for from_standby in [True, False] if standby else [False]:
            option = "--backup-standby" if from_standby else "--no-backup-standby"
            done = self.command(*options, option, "backup", timeout=self._settings.backup_timeout)
            if done.returncode == 0:
                return done.stderr.strip()
            # A standby that went away, or does not follow: the primary can give it as well.
            if not (from_standby and ("standby" in done.stderr or done.returncode == NO_DATABASE)):
                break
        raise FailureError(f"pgbackrest backup --type={kind}: {reason(done)}")


def every(settings: Settings) -> list[Repository]:
    """Return the repositories in their order."""
    return [Repository(settings, number) for number in range(1, len(settings.repositories) + 1)]


def holding(settings: Settings, label: str) -> Repository:
    """Return the repository that holds a backup: the first one, unless only another one has it."""
    first, *others = every(settings)
    if label and others:
        for repository in (first, *others):
            # One that does not answer may be the reason why another one's backup was named.
            with contextlib.suppress(FailureError):
                if any(item.label == label for item in repository.backups()):
                    return repository
    return first


def _backup(item: dict[str, Any]) -> Backup:
    repository = item["info"]["repository"]
    return Backup(
        label=item["label"],
        type=item["type"],
        started=float(item["timestamp"]["start"]),
        stopped=float(item["timestamp"]["stop"]),
        size=int(item["info"]["size"]),
        added=int(repository.get("delta", 0)),
        damaged=bool(item.get("error")),
        reference=tuple(item.get("reference") or ()),
        archive_start=item["archive"]["start"] or "",
        archive_stop=item["archive"]["stop"] or "",
        lsn_stop=item["lsn"]["stop"],
    )


def reason(done: subprocess.CompletedProcess[str]) -> str:
    """Return the errors of a command in one text, without the times before them."""
    text = done.stderr.strip() or done.stdout.strip()
    found = [f"[{code}] {message.strip()}" for code, message in _ERROR.findall(text)]
    # Hints stand in lines of their own below an error.
    hints = [line.strip() for line in text.splitlines() if line.strip().startswith("HINT:")]
    return "; ".join(dict.fromkeys(found + hints)) or text[-1000:] or f"return code {done.returncode}"
