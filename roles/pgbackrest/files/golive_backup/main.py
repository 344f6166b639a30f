# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command line of golive-backup: each verb prints its result as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from golive_backup import settings as configuration
from golive_backup.backup import backup
from golive_backup.drill import drill
from golive_backup.restore import finish, plan, restore, undo
from golive_backup.system import stop_on_signals
from golive_backup.target import Target


def _do(settings: configuration.Settings, arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.verb == "drill":
        return drill(settings, arguments.backup, arguments.time)
    if arguments.verb == "undo":
        return {"undone": undo(settings, arguments.force)}
    if arguments.verb == "finish":
        return finish(settings, arguments.discard_old)
    if arguments.verb in ("plan", "restore"):
        target = Target(arguments.time, arguments.name, arguments.backup, arguments.timeline)
        return plan(settings, target) if arguments.verb == "plan" else restore(settings, target)
    return backup(settings, arguments.verb, not arguments.no_expire)


def main() -> int:
    """Do what the command line says; 0 well done, 1 failed."""
    parser = argparse.ArgumentParser(
        prog="golive-backup", description="Backups, and the proof that they can be restored."
    )
    parser.add_argument("--settings", default=configuration.DEFAULT_PATH, help="file of settings (%(default)s)")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for kind, text in {
        "full": "take a full backup",
        "diff": "take a differential backup (what changed since the full one)",
        "incr": "take an incremental backup (what changed since the last one)",
    }.items():
        taken = verbs.add_parser(kind, help=text)
        taken.add_argument("--no-expire", action="store_true", help="leave what has expired to the next backup")
    rehearsal = verbs.add_parser("drill", help="restore the newest backup into a scratch server and compare")
    which = rehearsal.add_mutually_exclusive_group()
    which.add_argument("--backup", default="", metavar="LABEL", help="this backup instead of the newest")
    which.add_argument("--time", default="", metavar="TIME", help="the state at a time: 2026-01-31T01:02:03+00:00")
    for verb, text in {
        "plan": "say what a restore of this host would do, and whether it can",
        "restore": "restore this host; the old data is kept aside",
    }.items():
        real = verbs.add_parser(verb, help=text)
        wanted = real.add_mutually_exclusive_group()
        wanted.add_argument(
            "--time", default="", help="to a time: 2026-01-31T01:02:03+00:00 (default: the newest state)"
        )
        wanted.add_argument("--name", default="", help="to a restore point")
        real.add_argument("--backup", default="", metavar="LABEL", help="begin with this backup")
        real.add_argument("--timeline", default="", metavar="NUMBER", help="follow this timeline instead of the newest")
    back = verbs.add_parser("undo", help="put the old data back after a restore that was cut off")
    back.add_argument("--force", action="store_true", help="also when the restored data has ended its recovery")
    end = verbs.add_parser("finish", help="end a restore: what was restored stays")
    end.add_argument("--discard-old", action="store_true", help="remove the old data")
    arguments = parser.parse_args()
    stop_on_signals()
    try:
        settings = configuration.read(arguments.settings)
        details = _do(settings, arguments)
    except (configuration.FailureError, configuration.StoppedError) as exc:
        print(f"golive-backup {arguments.verb}: {exc}", file=sys.stderr)
        return 1
    print(json.dumps(details, indent=2, ensure_ascii=False))
    return 0
