# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Programs, locks, files and metrics."""

from __future__ import annotations

import json
import multiprocessing
import os
import pathlib
import signal
import sys
import time

import pytest


def test_run_in_the_c_locale_and_with_a_small_environment(part, settings, program, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "must not be seen")
    program("show", 'echo "$LC_ALL $PGPASSWORD $EXTRA"; echo warned >&2; exit 3')
    done = part("system").run(settings, ["show"], 10, {"EXTRA": "more"})
    assert (done.returncode, done.stdout, done.stderr) == (3, "C  more\n", "warned\n")


def test_run_ends_what_takes_too_long_with_its_children(part, settings, program, tmp_path):
    program("slow", f"sleep 60 & echo $! >{tmp_path}/child; wait")
    started = time.monotonic()
    with pytest.raises(part("settings").FailureError, match="slow took longer than"):
        part("system").run(settings, ["slow"], 0.5)
    assert time.monotonic() - started < 20
    state = pathlib.Path(f"/proc/{(tmp_path / 'child').read_text().strip()}/stat")
    for _attempt in range(50):
        # Gone, or a zombie that nobody has asked for yet.
        if not state.exists() or ") Z" in state.read_text():
            return
        time.sleep(0.1)
    raise AssertionError("the child is still there")


def test_nothing_that_expects_failures_swallows_the_end(part, settings, program):
    end = part("settings").StoppedError
    handlers = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    server = part("server").Server(settings, "/none", "/none")
    server._server = True
    server.session = lambda: os.kill(os.getpid(), signal.SIGTERM)
    try:
        part("system").stop_on_signals()
        with pytest.raises(end, match="ended by signal SIGTERM"):
            server.wait_until("SELECT true", time.monotonic() + 10)
        # On the way out a second one does not cut the cleaning short.
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        for name, handler in handlers.items():
            signal.signal(name, handler)
    assert not issubclass(end, Exception)


def test_the_command_line_reports_the_end(part, settings, monkeypatch, capsys, tmp_path):
    def stop(settings, target):
        raise part("settings").StoppedError("ended by signal SIGTERM")

    (tmp_path / "backup.json").write_text('{"stanza": "main", "binaries": "/none"}')
    monkeypatch.setattr(part("main"), "restore", stop)
    monkeypatch.setattr(part("main"), "stop_on_signals", lambda: None)
    monkeypatch.setattr(sys, "argv", ["golive-backup", "--settings", str(tmp_path / "backup.json"), "restore"])
    assert part("main").main() == 1
    assert capsys.readouterr().err == "golive-backup restore: ended by signal SIGTERM\n"


def test_run_what_is_not_there(part, settings, program):
    with pytest.raises(part("settings").FailureError, match="no-such-program"):
        part("system").run(settings, ["no-such-program"], 1)


def test_root_changes_into_the_user_and_dies_together(part, monkeypatch):
    system = part("system")
    monkeypatch.setattr(system.os, "geteuid", lambda: 0)
    argv = system.as_user("root", ["pgbackrest", "info"], death="QUIT")
    assert argv[0] == "setpriv"
    assert "--pdeathsig=QUIT" in argv
    assert argv[-3:] == ["--", "pgbackrest", "info"]


def _hold(settings, ready, end):
    from golive_backup.system import only_one

    with only_one(settings, "backup", 0):
        ready.set()
        end.wait(10)


def test_only_one_and_the_lock_ends_with_its_holder(part, settings):
    context = multiprocessing.get_context("fork")
    ready, end = context.Event(), context.Event()
    holder = context.Process(target=_hold, args=(settings, ready, end))
    holder.start()
    assert ready.wait(10)
    with (
        pytest.raises(part("settings").FailureError, match=f"process {holder.pid}.* is under way"),
        part("system").only_one(settings, "backup", 0),
    ):
        pass
    holder.kill()
    holder.join()
    with part("system").only_one(settings, "backup", 0):
        pass


def test_evidence(part, settings, tmp_path):
    part("system").write_evidence(settings, "backup_full", time.time() - 5, "no room", {"label": "A"})
    path = tmp_path / "evidence/backup_full.json"
    proof = json.loads(path.read_text())
    assert (proof["status"], proof["reason"], proof["details"]) == ("failed", "no room", {"label": "A"})
    assert 4.5 < proof["seconds"] < 30
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path / "evidence") == ["backup_full.json"]
    part("system").write_evidence(settings, "backup_full", time.time(), "", {})
    assert json.loads(path.read_text())["status"] == "passed"


def test_metrics_keep_what_other_runs_have_said(part, settings, tmp_path):
    update = part("metrics").update
    update(settings, "golive_backup", {"golive_backup_count": 2}, {"type": "full"})
    update(
        settings, "golive_backup", {"golive_backup_count": 5, "golive_backup_last_size_bytes": 1.25}, {"type": "incr"}
    )
    update(settings, "golive_backup", {"golive_backup_count": 3}, {"type": "full"})
    lines = (tmp_path / "metrics/golive_backup.prom").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        'golive_backup_count{stanza="main",type="full"} 3',
        'golive_backup_count{stanza="main",type="incr"} 5',
        'golive_backup_last_size_bytes{stanza="main",type="incr"} 1.25',
    ]
    assert lines.count("# TYPE golive_backup_count gauge") == 1


def test_settings_that_cannot_be_read(part, tmp_path):
    path = tmp_path / "backup.json"
    path.write_text('{"stanza": "main", "unknown": 1}')
    with pytest.raises(part("settings").FailureError, match=str(path)):
        part("settings").read(str(path))
