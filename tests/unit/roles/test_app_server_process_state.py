# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The program of the role app_server that says what is to be restarted, with a systemctl of its own."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import pathlib
import sys
import time

import pytest

SOURCE = pathlib.Path(__file__).parents[3] / "roles/app_server/files/process_state.py"
SPEC = importlib.util.spec_from_file_location("app_server_process_state", SOURCE)
process_state = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(process_state)

RUNS = {"LoadState": "loaded", "ActiveState": "active", "UnitFileState": "enabled", "NeedDaemonReload": "no"}


class Host:
    """A host whose systemctl answers with what `units` and `journal_age` say."""

    def __init__(self, root, monkeypatch) -> None:
        self.root, self.units, self.monkeypatch = root, {}, monkeypatch
        for name, folder in {"UNITS": "units", "STARTED": "started"}.items():
            (root / folder).mkdir()
            monkeypatch.setattr(process_state, name, str(root / folder))
        monkeypatch.setattr(process_state, "JOURNAL", str(root / "journal.conf"))
        (root / "bin").mkdir()
        monkeypatch.setenv("PATH", f"{root}/bin:/usr/bin:/bin")
        self.journal_age = 1000.0

    def process(self, name: str, application: str = "shop", **values: str) -> pathlib.Path:
        """Add a process that was started from its unit as it is now."""
        unit = self.root / "units" / f"{application}-{name}.service"
        unit.write_text(f"# golive.delivery.app_server: {application}\n[Service]\n", encoding="utf-8")
        noted = f"{hashlib.sha256(unit.read_bytes()).hexdigest()}  {unit}\n"
        (self.root / "started" / f"{unit.name}.started").write_text(noted, encoding="utf-8")
        self.units[unit.name] = {"Id": unit.name, **RUNS, **values}
        return unit

    def look(self, *processes: str, capsys) -> dict:
        """Return what the program says."""
        started = int((time.clock_gettime(time.CLOCK_MONOTONIC) - self.journal_age) * 1e6)
        shown = "\n".join("".join(f"{key}={value}\n" for key, value in unit.items()) for unit in self.units.values())
        script = f"#!/bin/sh\ncase $* in *journald*) echo {started} ;; *) cat <<'END'\n{shown}END\n;; esac\n"
        systemctl = self.root / "bin/systemctl"
        systemctl.write_text(script, encoding="utf-8")
        systemctl.chmod(0o755)
        self.monkeypatch.setattr(sys, "argv", ["-", "shop", *processes])
        process_state.main()
        return json.loads(capsys.readouterr().out)


@pytest.fixture
def host(tmp_path, monkeypatch):
    """Return a host without processes."""
    return Host(tmp_path, monkeypatch)


def test_what_runs_as_it_was_started_is_left(host, capsys):
    host.process("web")
    host.process("worker", ActiveState="activating")  # systemd restarts it by itself
    assert host.look("web", "worker", capsys=capsys) == {
        "due": [],
        "unknown": [],
        "undeclared": [],
        "journal_stale": False,
    }


@pytest.mark.parametrize(
    "values",
    [
        {"NeedDaemonReload": "yes"},
        {"UnitFileState": "disabled"},
        {"ActiveState": "failed"},
        {"ActiveState": "inactive"},
    ],
)
def test_what_does_not_run_is_due(host, capsys, values):
    host.process("web", **values)
    assert host.look("web", capsys=capsys)["due"] == ["web"]


def test_what_was_started_from_something_else_is_due(host, capsys):
    unit = host.process("web")
    unit.write_text(unit.read_text(encoding="utf-8") + "Nice=1\n", encoding="utf-8")
    host.process("worker")
    (host.root / "started/shop-worker.service.started").unlink()
    host.process("cron")
    # What is left of a start that was killed before its first checksum.
    (host.root / "started/shop-cron.service.started").write_text("", encoding="utf-8")
    assert host.look("web", "worker", "cron", capsys=capsys)["due"] == ["web", "worker", "cron"]


def test_units_that_are_not_declared(host, capsys):
    host.process("web")
    host.process("old")
    host.process("web", application="shop-x")
    found = host.look("web", "new", capsys=capsys)
    assert (found["undeclared"], found["unknown"], found["due"]) == (["shop-old.service"], ["new"], [])


@pytest.mark.parametrize(
    ("age_of_limits", "age_of_journal", "stale"),
    [(10, 1000, True), (1000, 10, False), (-500, 10, False), (None, 10, False)],
)
def test_the_journal_takes_its_limits_once(host, capsys, age_of_limits, age_of_journal, stale):
    host.journal_age = age_of_journal
    if age_of_limits is not None:
        limits = host.root / "journal.conf"
        limits.write_text("[Journal]\n", encoding="utf-8")
        os.utime(limits, (time.time() - age_of_limits,) * 2)
    assert host.look(capsys=capsys)["journal_stale"] is stale
