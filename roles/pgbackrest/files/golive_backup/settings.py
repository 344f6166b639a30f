# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the role pgbackrest wrote into backup.json, and the one kind of error that is told to people."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

DEFAULT_PATH = "/etc/golive/backup.json"


class FailureError(Exception):
    """Something that ends the work; its text is one sentence for the engineer."""


class StoppedError(BaseException):
    """The program was asked to end. What only expects failures, to try again or to ignore them, must not swallow it."""


def words(exc: BaseException) -> str:
    """Return the reason of a failure, with its kind when it is none that we know."""
    return str(exc) if isinstance(exc, (FailureError, StoppedError)) else f"{type(exc).__name__}: {exc}"


@dataclasses.dataclass(frozen=True)
class Settings:
    """The settings; times are seconds, sizes bytes."""

    stanza: str
    binaries: str
    login: str = ""
    password_file: str = ""
    sslrootcert: str = ""
    tables: list[dict[str, Any]] = dataclasses.field(default_factory=list)  # database, table, checksum
    # Where each repository is on this host's file system; empty where it is elsewhere.
    repositories: list[str] = dataclasses.field(default_factory=lambda: [""])
    databases: list[dict[str, str]] = dataclasses.field(default_factory=list)  # name, address
    database_port: int = 5432
    system_user: str = "postgres"
    state_directory: str = "/var/lib/golive/backup"
    scratch_directory: str = "/var/lib/golive/drill"
    scratch_port: int = 5499
    evidence_directory: str = "/var/lib/golive/evidence"
    metrics_directory: str = "/var/lib/prometheus/node-exporter"
    lock_timeout: float = 2
    lock_attempts: int = 10
    measure_timeout: float = 3600
    archive_timeout: float = 120
    backup_timeout: float = 86400
    recovery_timeout: float = 43200
    data_directory: str = ""  # of the server on a database host
    restore_unit: str = ""
    restore_configuration: str = ""
    cluster: bool = False  # somebody else starts the server after a restore
    drill_verify: bool = True
    drill_parameters: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def measured_databases(self) -> list[str]:
        """The databases that have tables to measure, in the order of the list."""
        return list(dict.fromkeys(item["database"] for item in self.tables))


def read(path: str = DEFAULT_PATH) -> Settings:
    """Return the settings of a file; raise FailureError when it cannot be used."""
    try:
        with open(path, encoding="utf-8") as file:
            return Settings(**json.load(file))
    except (OSError, ValueError, TypeError) as exc:
        raise FailureError(f"{path}: {exc}") from exc
