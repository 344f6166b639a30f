# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The programs of roles/pgbackrest/files, as they are imported on a host, with programs that are played."""

from __future__ import annotations

import getpass
import importlib
import os
import pathlib
import sys

import pytest

# No compiled files are left beside the role's.
sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parents[3] / "roles/pgbackrest/files"))


@pytest.fixture
def part():
    """Import a module of the program."""
    return lambda name: importlib.import_module(f"golive_backup.{name}")


@pytest.fixture
def make_settings(part, tmp_path):
    """Settings whose folders are all below a folder of this test."""

    def make(**changes):
        values = {
            "stanza": "main",
            "binaries": str(tmp_path / "bin"),
            "databases": [{"name": "db1", "address": "10.0.0.1"}],
            "login": "golive_backup",
            "password_file": "/none",
            "sslrootcert": "/none",
            "system_user": getpass.getuser(),
            "state_directory": str(tmp_path / "state"),
            "scratch_directory": str(tmp_path / "scratch"),
            "evidence_directory": str(tmp_path / "evidence"),
            "metrics_directory": str(tmp_path / "metrics"),
            "data_directory": str(tmp_path / "server/main"),
            "restore_unit": "server",
            "lock_timeout": 0.1,
            "archive_timeout": 0.2,
            **changes,
        }
        return part("settings").Settings(**values)

    return make


@pytest.fixture
def settings(make_settings):
    return make_settings()


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Put a shell script with this name in front of the PATH that the programs use."""
    folder = tmp_path / "bin"
    folder.mkdir()
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setenv("GOLIVE_PATH", path)
    monkeypatch.setenv("PATH", path)
    # Tests are often run by root: nobody is to be changed into.
    monkeypatch.setattr(importlib.import_module("golive_backup.system").os, "geteuid", lambda: 12345)

    def create(name: str, script: str) -> None:
        file = folder / name
        file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        file.chmod(0o755)

    return create


@pytest.fixture
def a_backup(part):
    """Make a backup with a label; times are seconds since the epoch."""

    def make(label="20260101-000000F", stopped=1000.0, **changes):
        values = {
            "label": label,
            "type": "full",
            "started": stopped - 10,
            "stopped": stopped,
            "size": 1000,
            "added": 100,
            "damaged": False,
            "reference": (),
            "archive_start": "000000010000000000000003",
            "archive_stop": "000000010000000000000003",
            "lsn_stop": "0/3000100",
            **changes,
        }
        return part("repository").Backup(**values)

    return make
