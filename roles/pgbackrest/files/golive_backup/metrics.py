# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Prometheus' node exporter collects from a text file. Values live on from run to run."""

from __future__ import annotations

import os
import re

from golive_backup.settings import Settings
from golive_backup.system import write

_HELP = {
    "golive_backup_last_success_timestamp_seconds": "When the last backup of a type ended well.",
    "golive_backup_last_failure_timestamp_seconds": "When the last backup of a type failed.",
    "golive_backup_last_duration_seconds": "How long the last successful backup took.",
    "golive_backup_last_size_bytes": "Size of the database in the last backup.",
    "golive_backup_last_repository_size_bytes": "What the last backup added to the repository.",
    "golive_backup_expectations_taken": "Whether the last backup has expectations for the drill (1) or not (0).",
    "golive_backup_repository_size_bytes": "What the backups of the stanza take up in the repository.",
    "golive_backup_count": "Number of backups of a type in the repository.",
    "golive_backup_wal_newest_timestamp_seconds": "When the newest WAL segment reached the repository.",
    "golive_restore_drill_last_success_timestamp_seconds": "When a drill last proved that a backup can be restored.",
    "golive_restore_drill_last_failure_timestamp_seconds": "When a drill last failed.",
    "golive_restore_drill_status": "Whether the last drill passed (1) or failed (0).",
    "golive_restore_drill_rto_seconds": "From the start of the last successful drill to a checked answer.",
    "golive_restore_drill_rpo_seconds": "Age of the newest commit in the archive when a drill had replayed it.",
}
_LINE = re.compile(r"^([a-z_]+)(\{.*\})? (\S+)$")


def update(settings: Settings, name: str, values: dict[str, float], labels: dict[str, str] | None = None) -> None:
    """Set metrics (with these labels) in the file NAME.prom and keep its other lines."""
    path = os.path.join(settings.metrics_directory, f"{name}.prom")
    lines: dict[tuple[str, str], str] = {}
    try:
        with open(path, encoding="utf-8") as file:
            for found in map(_LINE.match, file.read().splitlines()):
                if found:
                    lines[(found.group(1), found.group(2) or "")] = found.group(3)
    except (OSError, UnicodeDecodeError):
        pass
    pairs = {"stanza": settings.stanza, **(labels or {})}
    text = "{" + ",".join(f'{key}="{value}"' for key, value in sorted(pairs.items())) + "}"
    for metric, value in values.items():
        lines[(metric, text)] = f"{value:.3f}".rstrip("0").rstrip(".")
    content: list[str] = []
    for metric in sorted({metric for metric, _labels in lines}):
        content += [f"# HELP {metric} {_HELP.get(metric, metric)}", f"# TYPE {metric} gauge"]
        content += [f"{key[0]}{key[1]} {value}" for key, value in sorted(lines.items()) if key[0] == metric]
    write(path, "\n".join(content) + "\n", 0o644)
