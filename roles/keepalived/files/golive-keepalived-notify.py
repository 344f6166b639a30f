# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Called by keepalived at each change of an instance's state: INSTANCE NAME STATE PRIORITY.

Keeps the last changes in /var/lib/golive/keepalived/NAME.json, and metrics for the node exporter beside its others.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time

STATES = "/var/lib/golive/keepalived"
CONFIGURATION = "/etc/keepalived/golive.json"
KEPT = 100


def replace(path, text):
    """Write a file in one step, so that nobody reads half of it."""
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(f"{path}.new", 0o644)
    os.replace(f"{path}.new", path)


def metrics(record):
    """Return the record as text for Prometheus."""
    label = f'instance_name="{record["instance"]}"'
    lines = [
        "# HELP golive_keepalived_master Whether this host holds the floating addresses of the instance.",
        "# TYPE golive_keepalived_master gauge",
        f"golive_keepalived_master{{{label}}} {int(record['state'] == 'MASTER')}",
        "# HELP golive_keepalived_fault Whether this host is not fit to hold them.",
        "# TYPE golive_keepalived_fault gauge",
        f"golive_keepalived_fault{{{label}}} {int(record['state'] in ('FAULT', 'STOP'))}",
        "# HELP golive_keepalived_since_seconds When the state began, in seconds since 1970.",
        "# TYPE golive_keepalived_since_seconds gauge",
        f"golive_keepalived_since_seconds{{{label}}} {record['since']:.3f}",
        "# HELP golive_keepalived_changes_total Changes to each state.",
        "# TYPE golive_keepalived_changes_total counter",
    ]
    for state, count in sorted(record["counts"].items()):
        lines.append(f'golive_keepalived_changes_total{{{label},state="{state}"}} {count}')
    return "\n".join([*lines, ""])


def note(record, name, state, now):
    """Return the record with one more change."""
    counts = {**record.get("counts", {})}
    counts[state] = counts.get(state, 0) + 1
    changes = [*record.get("changes", []), {"state": state, "at": round(now, 3)}][-KEPT:]
    return {"instance": name, "state": state, "since": round(now, 3), "counts": counts, "changes": changes}


def main(name, state, now):
    """Take one change down. Two that follow each other quickly come at the same time."""
    path = os.path.join(STATES, f"{name}.json")
    with open(os.path.join(STATES, ".lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            with open(path, encoding="utf-8") as file:
                record = json.load(file)
        except (OSError, ValueError):
            record = {}
        record = note(record, name, state, now)
        replace(path, json.dumps(record, indent=1) + "\n")
        with open(CONFIGURATION, encoding="utf-8") as file:
            folder = json.load(file)["metrics"]
        if folder:
            os.makedirs(folder, exist_ok=True)
            replace(os.path.join(folder, f"golive_keepalived_{name}.prom"), metrics(record))


if __name__ == "__main__":
    main(sys.argv[2], sys.argv[3], time.time())
