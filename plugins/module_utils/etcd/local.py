# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The member on this host: its data, its unit, the permission to begin without data, and what it last ran with."""

from __future__ import annotations

import filecmp
import json
import os
import pathlib
import shutil
import time
from collections.abc import Mapping, Sequence
from typing import Callable

UNIT = "etcd.service"
DROP_IN = "/etc/systemd/system/etcd.service.d/golive.conf"
# Gone after a boot. The unit's drop-in lets etcd start without data only while it is there, and with its configuration.
JOIN_FOLDER = "/run/golive-etcd"
# Says that the member is being formed or was healthy once, and keeps the configuration that it was healthy with.
STATE_FOLDER = "/var/lib/golive/etcd"

Command = Callable[[Sequence[str]], "tuple[int, str, str]"]


class Local:
    """What this host has of a member; `run` runs a program."""

    def __init__(self, run: Command, data_directory: str, configuration: str, root: str = "/") -> None:
        self._run = run
        self._root = pathlib.Path(root)
        self.data = self._path(data_directory)
        self.configuration = self._path(configuration)
        self.drop_in = self._path(DROP_IN)
        self._join = self._path(JOIN_FOLDER)
        self._state = self._path(STATE_FOLDER)
        self._before = ""

    def _path(self, path: str) -> pathlib.Path:
        return self._root / path.lstrip("/")

    # ---------------------------------------------------------------- what is there

    @property
    def has_data(self) -> bool:
        """Whether the write-ahead log of a member is here."""
        return any((self.data / "member" / "wal").glob("*.wal"))

    @property
    def formed(self) -> bool:
        """Whether a member on this host was healthy before."""
        return (self._state / "formed").exists()

    @property
    def forming(self) -> bool:
        """Whether the data here began with a formation that has not come to its end."""
        return (self._state / "forming").exists()

    def unit(self) -> dict[str, str]:
        """Return the properties of the unit."""
        names = "ActiveState,SubState,MainPID,NRestarts,ExecMainStartTimestampMonotonic"
        lines = self._run(["systemctl", "show", f"--property={names}", UNIT])[1].splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    @property
    def running(self) -> bool:
        """Whether the process runs, ready or not."""
        return self.unit().get("MainPID", "0") != "0"

    @property
    def is_new(self) -> bool:
        """Whether the process is not the one from before `restart`, which does not wait for its end."""
        return self._began() != self._before

    def _began(self) -> str:
        return self.unit().get("ExecMainStartTimestampMonotonic", "0")

    def stale(self, authority: str) -> bool:
        """Return whether the process began before its files: configuration, drop-in, certificate of the authority.

        Certificates and keys are not among them: etcd reads those anew for each connection.
        """
        unit = self.unit()
        if unit.get("MainPID", "0") == "0":
            return False
        age = time.clock_gettime(time.CLOCK_MONOTONIC) - int(unit["ExecMainStartTimestampMonotonic"]) / 1e6
        files = [self.configuration, self.drop_in, self._path(authority)]
        return any(path.exists() and path.stat().st_mtime > time.time() - age for path in files)

    def reason(self) -> str:
        """Return the last complaints of etcd in its journal, or else its last words."""
        lines = self._run(["journalctl", f"--unit={UNIT}", "--lines=60", "--output=cat", "--no-pager"])[1].splitlines()
        complaints = [text for text in map(_complaint, lines) if text]
        return " ".join(list(dict.fromkeys(complaints))[-3:] or lines[-3:])[:1000]

    # ---------------------------------------------------------------- what can be done

    def systemctl(self, *arguments: str) -> None:
        """Run systemctl; raise OSError when it fails."""
        rc, _output, error = self._run(["systemctl", *arguments])
        if rc != 0:
            raise OSError(f"systemctl {' '.join(arguments)}: {error.strip()}")

    def restart(self) -> None:
        """Start or restart without waiting: a member waits for the others, who may wait for this one."""
        if self.has_data:
            # What allowed it to begin holds the configuration of that time.
            shutil.rmtree(self._join, ignore_errors=True)
        self.systemctl("daemon-reload")
        self._run(["systemctl", "reset-failed", UNIT])
        self._before = self._began()
        self.systemctl("restart", "--no-block", UNIT)

    def stop(self) -> None:
        """Stop the process, or the waiting for its next start."""
        self.systemctl("stop", UNIT)

    def put_data_aside(self) -> str:
        """Rename data that is of no use to the cluster any more; return the new path, empty where there was nothing.

        Only the newest is kept. The directory itself stays: it may be a mount point.
        """
        member = self.data / "member"
        if not member.exists():
            return ""
        aside = self.data / "member.aside"
        if aside.exists():
            shutil.rmtree(aside)
        member.rename(aside)
        return str(aside)

    def permit_join(self, cluster: Mapping[str, str], token: str, state: str) -> None:
        """Allow one beginning without data, as a member of a cluster of name -> peer URL."""
        owner = shutil.chown
        self.data.parent.mkdir(parents=True, exist_ok=True)
        self.data.mkdir(mode=0o700, exist_ok=True)
        self.data.chmod(0o700)
        owner(self.data, "etcd", "etcd")
        if state == "new":
            self._state.mkdir(parents=True, exist_ok=True)
            (self._state / "forming").touch()
        self._join.mkdir(mode=0o755, exist_ok=True)
        lines = [
            self.configuration.read_text(encoding="utf-8").rstrip("\n"),
            f'initial-cluster: "{",".join(f"{name}={peer_url}" for name, peer_url in cluster.items())}"',
            f"initial-cluster-state: {state}",
            f'initial-cluster-token: "{token}"',
        ]
        configuration = self._join / "etcd.yml"
        configuration.write_text("\n".join(lines) + "\n", encoding="utf-8")
        configuration.chmod(0o644)
        # Last: the unit looks for this one.
        (self._join / "environment").write_text(f"GOLIVE_ETCD_CONFIGURATION={JOIN_FOLDER}/etcd.yml\n", encoding="utf-8")

    def settle(self) -> bool:
        """Note that the member is healthy with what it runs; return whether anything was to be noted."""
        joined = self._join.exists()
        if joined:
            shutil.rmtree(self._join)
        self._state.mkdir(parents=True, exist_ok=True)
        copies = [(source, self._state / source.name) for source in (self.configuration, self.drop_in)]
        copied = False
        for source, copy in copies:
            if source.exists() and not (copy.exists() and filecmp.cmp(source, copy, shallow=False)):
                shutil.copyfile(source, copy)
                copied = True
        (self._state / "forming").unlink(missing_ok=True)
        if not self.formed:
            (self._state / "formed").touch()
            return True
        return joined or copied

    def put_back(self) -> bool:
        """Put back the configuration that the member was last healthy with; return whether it was another one."""
        changed = False
        for target in (self.configuration, self.drop_in):
            copy = self._state / target.name
            if copy.exists() and not filecmp.cmp(copy, target, shallow=False):
                # Over the content, so that owner and mode stay.
                target.write_bytes(copy.read_bytes())
                changed = True
        return changed


def _complaint(line: str) -> str:
    """Return what a line of the journal complains of, without its frame; empty if it does not."""
    try:
        entry = json.loads(line)
    except ValueError:
        return line if any(word in line for word in ("panic:", "rror:", "ssertion failed")) else ""
    if not isinstance(entry, dict) or entry.get("level") not in ("error", "panic", "fatal"):
        return ""
    return ": ".join(str(entry[key]) for key in ("msg", "error") if entry.get(key)) + "."


def readable(paths: Mapping[str, str]) -> list[str]:
    """Return what is wrong with files by the variable that names them."""
    return [f"{variable}: {path} is not there" for variable, path in paths.items() if not os.path.isfile(path)]
