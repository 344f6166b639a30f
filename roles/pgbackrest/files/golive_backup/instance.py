# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The scratch server of a drill: writes no archive, and leaves nothing behind."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from typing import Any

from golive_backup.server import Server, put
from golive_backup.settings import FailureError, Settings
from golive_backup.system import end_orphans, remove_tree, run

_MIB = 2**20


class Instance(Server):
    """The scratch server of a stanza and its folder."""

    def __init__(self, settings: Settings) -> None:
        folder = os.path.join(settings.scratch_directory, settings.stanza)
        super().__init__(settings, os.path.join(folder, "data"), folder)
        self.tablespaces = os.path.join(folder, "tablespaces")

    def make_room(self, needed: int) -> None:
        """Create the empty folders; FailureError when the file system has not so many bytes left."""
        self.remove()
        entry = pwd.getpwnam(self._settings.system_user)
        os.makedirs(self._settings.scratch_directory, mode=0o755, exist_ok=True)
        for path in (self.folder, self.data, self.tablespaces):
            os.mkdir(path, 0o700)
            if os.geteuid() == 0:
                os.chown(path, entry.pw_uid, entry.pw_gid)
        system = os.statvfs(self.folder)
        free = system.f_bavail * system.f_frsize
        if free < needed:
            raise FailureError(
                f"{self._settings.scratch_directory} has {free // _MIB} MiB free, the drill needs {needed // _MIB} MiB"
            )

    def start(self, parameters: Mapping[str, Any]) -> None:
        """Start the server with what a scratch server needs."""
        empty = os.path.join(self.folder, "postgresql.conf")
        put(empty, "# Everything is said on the command line.\n")
        super().start(
            {
                "config_file": empty,
                "cluster_name": f"drill of {self._settings.stanza}",
                # Never a byte into the archive that is being proved.
                "archive_mode": "off",
                "archive_command": "",
                "shared_preload_libraries": "",
                "shared_buffers": "128MB",
                "huge_pages": "off",
                "max_wal_size": "4GB",
                "autovacuum": "off",
                "synchronous_standby_names": "",
                # Nobody needs this server after a crash.
                "fsync": "off",
                **self._settings.drill_parameters,
                **parameters,
            }
        )

    def amcheck(self, timeout: float) -> str:
        """Check every table and B-tree index of every database; return what is corrupt, "" if nothing is."""
        argv = [os.path.join(self._settings.binaries, "pg_amcheck"), "--all", "--install-missing", "--jobs=2"]
        argv += ["--host", self.folder, "--port", str(self._settings.scratch_port)]
        done = run(self._settings, [*argv, "--username", self._settings.system_user], timeout)
        return "" if done.returncode == 0 else (done.stdout + done.stderr).strip() or f"return code {done.returncode}"

    def remove(self) -> None:
        """Stop the server and remove the whole folder."""
        end_orphans(self._settings.stanza, "restore:local")
        self.stop()
        remove_tree(self.folder)
