# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Say which processes of an application are to be (re)started.

Arguments: the application's name, its processes' names. Prints a JSON object: `due` (processes to restart), `unknown`
(processes without a unit file), `undeclared` (units of the application that are not among the arguments) and
`journal_stale` (whether the journal runs without the limits that the role wrote). Reads only.
"""

from __future__ import annotations

import glob
import json
import os
import subprocess
import sys
import time

UNITS = "/etc/systemd/system"
STARTED = "/run/golive"
JOURNAL = "/etc/systemd/journald.conf.d/golive-app-server.conf"


def unit_properties(units: list[str]) -> dict[str, dict[str, str]]:
    """Properties of each unit by its name; one systemctl call for all."""
    names = "Id,LoadState,ActiveState,UnitFileState,NeedDaemonReload"
    found: dict[str, dict[str, str]] = {}
    if not units:
        return found
    shown = subprocess.run(
        ["systemctl", "show", "--property=" + names, *units], check=True, stdout=subprocess.PIPE, text=True
    )
    for block in shown.stdout.split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        found[values.get("Id", "")] = values
    return found


def inputs_changed(unit: str) -> bool:
    """Whether a file that the unit was started from differs from the checksum noted then, or none was noted."""
    checked = subprocess.run(
        ["sha256sum", "--check", "--status", os.path.join(STARTED, unit + ".started")],
        check=False,
        stderr=subprocess.DEVNULL,
    )
    return checked.returncode != 0


def is_due(unit: str, values: dict[str, str]) -> bool:
    """Whether the unit is to be restarted. One that systemd is just restarting by itself is left to it."""
    return (
        values.get("NeedDaemonReload") == "yes"
        or values.get("UnitFileState") != "enabled"
        or values.get("ActiveState") not in ("active", "activating", "reloading")
        or inputs_changed(unit)
    )


def belongs_to(path: str, application: str) -> bool:
    """Whether the unit file was written for this application."""
    with open(path, encoding="utf-8") as unit:
        return unit.readline().strip() == "# golive.delivery.app_server: " + application


def journal_stale() -> bool:
    """Whether the journal was started before its limits were written."""
    try:
        written = os.stat(JOURNAL).st_mtime
    except FileNotFoundError:
        return False
    shown = subprocess.run(
        ["systemctl", "show", "--property=ExecMainStartTimestampMonotonic", "--value", "systemd-journald.service"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    age = time.clock_gettime(time.CLOCK_MONOTONIC) - int(shown.stdout.strip() or 0) / 1e6
    # A clock that was set back must not make it restart at each run.
    return time.time() - age < written <= time.time()


def main() -> None:
    """Read the arguments, print the answer."""
    application, processes = sys.argv[1], sys.argv[2:]
    units = {name: f"{application}-{name}.service" for name in processes}
    known = {name: unit for name, unit in units.items() if os.path.exists(os.path.join(UNITS, unit))}
    properties = unit_properties(list(known.values()))
    present = [
        path
        for path in sorted(glob.glob(os.path.join(UNITS, application + "-*.service")))
        if belongs_to(path, application)
    ]
    answer = {
        "due": [name for name, unit in known.items() if is_due(unit, properties.get(unit, {}))],
        "unknown": [name for name in processes if name not in known],
        "journal_stale": journal_stale(),
        "undeclared": [os.path.basename(path) for path in present if os.path.basename(path) not in units.values()],
    }
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
