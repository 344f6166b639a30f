# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From restored files to a database that has reached its target: nobody gets in before that."""

from __future__ import annotations

import os
import pwd
import shutil
import time

from golive_backup.server import NEWEST_COMMIT, Server
from golive_backup.settings import Settings

FOLDER = "/run/golive-restore"
# pgBackRest leaves these in postgresql.auto.conf; a standby that is built from this data would stop at the same target.
_LEFT = (
    "restore_command",
    "recovery_target",
    "recovery_target_action",
    "recovery_target_inclusive",
    "recovery_target_lsn",
    "recovery_target_name",
    "recovery_target_time",
    "recovery_target_timeline",
    "recovery_target_xid",
)


def recover(settings: Settings) -> str:
    """Recover the restored data, promote it and stop the server; return the time of the newest commit in it.

    FailureError with the server's words when it does not get there.
    """
    shutil.rmtree(FOLDER, ignore_errors=True)
    os.mkdir(FOLDER, 0o700)
    if os.geteuid() == 0:
        entry = pwd.getpwnam(settings.system_user)
        os.chown(FOLDER, entry.pw_uid, entry.pw_gid)
    server = Server(settings, settings.data_directory, FOLDER)
    try:
        # The new timeline waits in pg_wal for the real server to archive it: in the archive, one that is undone after
        # all would stay the newest for ever. Without hot_standby the server does not mind parameters that are smaller
        # than the old primary's.
        parameters = {"hot_standby": "off", "archive_command": "/bin/false", "archive_library": ""}
        server.start({"config_file": settings.restore_configuration, **parameters})
        server.wait_until("SELECT NOT pg_is_in_recovery()", time.monotonic() + settings.recovery_timeout)
        with server.session(timeout=600) as session:
            newest = session.value(NEWEST_COMMIT)
            for name in _LEFT:
                session.ask(f"ALTER SYSTEM RESET {name}")
    finally:
        server.stop()
    shutil.rmtree(FOLDER, ignore_errors=True)
    return newest


def stop_left_over(settings: Settings) -> None:
    """Stop the server of a recovery that was cut off, if it is still there."""
    Server(settings, settings.data_directory, FOLDER).stop()
