# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Called by keepalived at each change of an instance's state: INSTANCE NAME STATE PRIORITY.

Keeps the last changes in /var/lib/golive/keepalived/NAME.json, and metrics for the node exporter beside its others.
What instances have left that are no longer declared is removed; without arguments, at a reload, it does only that.
"""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import pathlib
import sys
import time

STATES = "/var/lib/golive/keepalived"
CONFIGURATION = "/etc/keepalived/golive.json"
METRICS = "golive_keepalived.prom"
KEPT = 100


def replace(path, text):
    """Write a file in one step, so that nobody reads half of it."""
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(f"{path}.new", 0o644)
    os.replace(f"{path}.new", path)


def metrics(records):
    """Return the records as text for Prometheus."""
    values = {
        "master": ("gauge", "Whether this host holds the floating addresses of the instance."),
        "fault": ("gauge", "Whether this host is not fit to hold them."),
        "since_seconds": ("gauge", "When the state began, in seconds since 1970."),
        "changes_total": ("counter", "Changes to each state."),
    }
    lines = {
        name: [f"# HELP golive_keepalived_{name} {text}", f"# TYPE golive_keepalived_{name} {kind}"]
        for name, (kind, text) in values.items()
    }
    for record in records:
        label = f'instance_name="{record["instance"]}"'
        lines["master"].append(f"golive_keepalived_master{{{label}}} {int(record['state'] == 'MASTER')}")
        lines["fault"].append(f"golive_keepalived_fault{{{label}}} {int(record['state'] in ('FAULT', 'STOP'))}")
        lines["since_seconds"].append(f"golive_keepalived_since_seconds{{{label}}} {record['since']:.3f}")
        for state, count in sorted(record["counts"].items()):
            lines["changes_total"].append(f'golive_keepalived_changes_total{{{label},state="{state}"}} {count}')
    return "\n".join([*itertools.chain(*lines.values()), ""])


def note(record, name, state, now):
    """Return the record with one more change."""
    counts = {**record.get("counts", {})}
    counts[state] = counts.get(state, 0) + 1
    changes = [*record.get("changes", []), {"state": state, "at": round(now, 3)}][-KEPT:]
    return {"instance": name, "state": state, "since": round(now, 3), "counts": counts, "changes": changes}


def read(path):
    """Return a record, an empty one if there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def main(now, name="", state=""):
    """Take one change down. Two that follow each other quickly come at the same time."""
    with open(os.path.join(STATES, ".lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with open(CONFIGURATION, encoding="utf-8") as file:
            settings = json.load(file)
        # keepalived tells of an instance that a reload takes off, too.
        if name in settings["instances"]:
            path = os.path.join(STATES, f"{name}.json")
            replace(path, json.dumps(note(read(path), name, state, now), indent=1) + "\n")
        records = []
        for file in sorted(pathlib.Path(STATES).glob("*.json")):
            if file.stem not in settings["instances"]:
                file.unlink()
            elif record := read(file):
                records.append(record)
        if settings["metrics"]:
            os.makedirs(settings["metrics"], exist_ok=True)
            replace(os.path.join(settings["metrics"], METRICS), metrics(records))


if __name__ == "__main__":
    main(time.time(), *sys.argv[2:4])
