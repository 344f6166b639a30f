# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The real restore with a repository and a server that are played: what is kept, and what comes back."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import time

import pytest


class PowerLossError(BaseException):
    pass


class FakeRepository:
    backup = None
    outcome = 0
    number = 1

    def __init__(self, settings, label):
        self.settings = settings

    def info(self):
        return {"name": "main", "archive": [{"id": "15-1", "max": "000000010000000000000004"}]}

    def backups(self, info=None):
        return [self.backup]

    def command(self, *argv, **_more):
        if argv[-1] != "restore":
            return subprocess.CompletedProcess([], 0, "", "")
        with open(f"{self.settings.data_directory}/restored", "w") as file:
            file.write("half" if self.outcome else "whole")
        return subprocess.CompletedProcess([], self.outcome, "", "ERROR: [026]: file 'x' is damaged")


@pytest.fixture
def host(part, make_settings, a_backup, monkeypatch, tmp_path, program):
    """A host with an old database; returns its settings and the calls of systemctl."""
    program("systemctl", f'echo "$*" >>{tmp_path}/systemctl')
    program("psql", "exit 2")
    restore = part("restore")
    FakeRepository.backup, FakeRepository.outcome = a_backup("A", 1000), 0
    monkeypatch.setattr(restore, "holding", FakeRepository)
    monkeypatch.setattr(restore.recovery, "recover", lambda settings: "2026-01-01T00:00:00+00:00")
    monkeypatch.setattr(restore, "end_orphans", lambda stanza, role: None)
    data = tmp_path / "server/main"
    data.mkdir(parents=True)
    (data / "old").write_text("old")
    return make_settings()


@pytest.fixture
def cluster(host, make_settings):
    return make_settings(cluster=True)


@pytest.fixture
def cut_off(part, host, monkeypatch):
    """Lose power while the restored data recovers; afterwards restores go well again."""

    def run(settings):
        def lose_power(settings):
            raise PowerLossError

        with monkeypatch.context() as change:
            change.setattr(part("restore").recovery, "recover", lose_power)
            with pytest.raises(PowerLossError):
                part("restore").restore(settings, part("target").Target())

    return run


@pytest.fixture
def server(tmp_path, program):
    """Begin a process that looks like a server in the data directory; it ends with the test."""
    program("postgres", "sleep 60 & wait")
    processes = []

    def start():
        processes.append(subprocess.Popen([tmp_path / "bin/postgres"], start_new_session=True))
        (tmp_path / "server/main/postmaster.pid").write_text(f"{processes[0].pid}\n")
        for _attempt in range(100):
            if pathlib.Path(f"/proc/{processes[0].pid}/comm").read_text().strip() == "postgres":
                return
            time.sleep(0.02)

    yield start
    for process in processes:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def complete(tmp_path):
    """Make the attempt look as one that has ended its recovery."""
    (tmp_path / "server/main/global").mkdir()
    (tmp_path / "server/main/global/pg_control").touch()


def kept(tmp_path):
    return sorted(path.name for path in (tmp_path / "server").glob("main.before-restore-*"))


def calls(tmp_path):
    return (tmp_path / "systemctl").read_text().splitlines()


def test_the_old_data_is_kept_aside(part, host, tmp_path):
    done = part("restore").restore(host, part("target").Target())
    assert (tmp_path / "server/main/restored").read_text() == "whole"
    assert [done["kept_aside"].rpartition("/")[2]] == kept(tmp_path)
    assert (tmp_path / "server" / kept(tmp_path)[0] / "old").read_text() == "old"
    assert calls(tmp_path) == ["stop server", "start server"]
    assert done["all_archived"] is False
    assert json.loads((tmp_path / "evidence/restore.json").read_text())["status"] == "passed"
    assert len(kept(tmp_path)) == 1


@pytest.mark.parametrize("discard", [True, False])
def test_the_old_data_is_discarded_at_the_end_only(part, host, tmp_path, discard):
    done = part("restore").restore(host, part("target").Target())
    assert len(kept(tmp_path)) == 1
    end = part("restore").finish(host, discard)
    assert end == {"finished": True, "kept": [] if discard else [done["kept_aside"]]}
    assert len(kept(tmp_path)) == (0 if discard else 1)
    assert (tmp_path / "server/main/restored").read_text() == "whole"
    assert part("restore").finish(host, discard=True)["finished"] is False
    assert part("restore").undo(host) is False


def test_a_standalone_server_may_be_restored_again_though_nobody_ended_the_first_time(part, host, tmp_path):
    part("restore").restore(host, part("target").Target())
    part("restore").plan(host, part("target").Target())
    assert part("restore").restore(host, part("target").Target())["repeated"] is False
    assert len(kept(tmp_path)) == 2


@pytest.mark.parametrize("where", ["pgbackrest", "recovery"])
def test_a_failure_puts_the_old_data_back(part, host, tmp_path, monkeypatch, where):
    def fail(settings):
        raise part("settings").FailureError("the restored server does not start")

    FakeRepository.outcome = 26 if where == "pgbackrest" else 0
    monkeypatch.setattr(part("restore").recovery, "recover", fail)
    with pytest.raises(part("settings").FailureError, match=r"(is damaged|does not start).*\(the old data is back\)"):
        part("restore").restore(host, part("target").Target())
    assert (tmp_path / "server/main/old").read_text() == "old"
    assert not (tmp_path / "server/main/restored").exists()
    assert kept(tmp_path) == []
    assert calls(tmp_path)[-1] == "start server"
    assert json.loads((tmp_path / "evidence/restore.json").read_text())["status"] == "failed"


def test_a_stop_puts_the_old_data_back(part, host, tmp_path, monkeypatch):
    def stop(settings):
        raise part("settings").StoppedError("ended by signal SIGTERM")

    monkeypatch.setattr(part("restore").recovery, "recover", stop)
    with pytest.raises(part("settings").FailureError, match=r"ended by signal SIGTERM \(the old data is back\)"):
        part("restore").restore(host, part("target").Target())
    assert (tmp_path / "server/main/old").read_text() == "old"
    assert json.loads((tmp_path / "evidence/restore.json").read_text())["reason"].startswith("ended by signal")


def test_a_run_that_was_cut_off_is_undone_and_its_attempt_kept_once(part, host, tmp_path, cut_off):
    for _time in range(2):
        cut_off(host)
        # While this file is there the server's unit does not start.
        assert (tmp_path / "state/restore-main.json").exists()
        assert not (tmp_path / "server/main/old").exists()
        assert part("restore").undo(host) is True
        assert (tmp_path / "server/main/old").read_text() == "old"
        assert not (tmp_path / "state/restore-main.json").exists()
        assert part("restore").copies(host) == [str(tmp_path / "server/main.failed-restore")]
        assert calls(tmp_path)[-1] == "start server"
    assert part("restore").undo(host) is False
    part("restore").restore(host, part("target").Target())
    part("restore").finish(host, discard=False)
    assert part("restore").copies(host) == [str(tmp_path / "server" / kept(tmp_path)[0])]


def test_nothing_is_undone_beside_a_restore_that_is_under_way(part, host, tmp_path, cut_off):
    cut_off(host)
    with part("system").only_one(host, "restore", 0):
        for verb, arguments in (("undo", []), ("finish", [True]), ("plan", [part("target").Target()])):
            with pytest.raises(part("settings").FailureError, match="is under way, so this one does not start"):
                getattr(part("restore"), verb)(host, *arguments)
    assert (tmp_path / "server/main/restored").exists()
    assert len(kept(tmp_path)) == 1


def test_a_server_that_runs_is_never_undone(part, host, tmp_path, cut_off, server):
    cut_off(host)
    server()
    restore, target = part("restore"), part("target").Target()
    for verb in (
        restore.undo,
        lambda settings: restore.restore(settings, target),
        lambda settings: restore.plan(settings, target),
    ):
        with pytest.raises(part("settings").FailureError, match=r"runs in .* golive-backup finish"):
            verb(host)
    assert (tmp_path / "server/main/restored").exists()
    assert restore.finish(host, discard=False)["finished"]
    assert restore.undo(host) is False


def test_a_recovery_that_ended_unseen_is_undone_by_force_only(part, host, tmp_path, cut_off):
    cut_off(host)
    complete(tmp_path)
    with pytest.raises(part("settings").FailureError, match=r"has ended its recovery.*undo --force"):
        part("restore").undo(host)
    assert part("restore").undo(host, force=True) is True
    assert (tmp_path / "server/main/old").exists()
    assert (tmp_path / "server/main.failed-restore/restored").exists()


def test_a_recovery_that_did_not_end_is_not_called_a_restore(part, host, tmp_path, cut_off):
    cut_off(host)
    complete(tmp_path)
    (tmp_path / "server/main/recovery.signal").touch()
    with pytest.raises(part("settings").FailureError, match="cut off before its target was reached"):
        part("restore").finish(host, discard=True)
    assert part("restore").undo(host) is True


def test_a_node_of_a_cluster_is_restored_once_until_patroni_leads(part, cluster, tmp_path):
    restore, target = part("restore"), part("target").Target(time="2026-01-01T00:00:00Z")
    first = restore.restore(cluster, target)
    assert "start server" not in calls(tmp_path)
    # The unit may start now.
    assert [path.name for path in (tmp_path / "state").glob("*.json")] == ["restore-main.recovered.json"]
    assert "restored already" in restore.plan(cluster, target)["notes"][0]
    again = restore.restore(cluster, target)
    assert again["repeated"] is True
    assert again["kept_aside"] == first["kept_aside"]
    assert len(kept(tmp_path)) == 1
    restore.finish(cluster, discard=True)
    assert kept(tmp_path) == []
    assert restore.restore(cluster, target)["repeated"] is False


def test_another_target_begins_anew(part, cluster, tmp_path, server):
    part("restore").restore(cluster, part("target").Target(time="2026-01-01T00:00:00Z"))
    done = part("restore").restore(cluster, part("target").Target(time="2026-01-02T00:00:00Z"))
    assert done["repeated"] is False
    assert (tmp_path / "server" / kept(tmp_path)[0] / "old").exists()
    server()
    with pytest.raises(part("settings").FailureError, match="somebody may have worked with it"):
        part("restore").plan(cluster, part("target").Target(time="2026-01-03T00:00:00Z"))


def test_tablespaces_are_kept_aside_too(part, host, tmp_path):
    space = tmp_path / "space"
    space.mkdir()
    (space / "table").write_text("old")
    (tmp_path / "server/main/pg_tblspc").mkdir()
    (tmp_path / "server/main/pg_tblspc/16400").symlink_to(space)
    done = part("restore").restore(host, part("target").Target())
    assert len(done["kept_tablespaces"]) == 1
    assert list(space.iterdir()) == []
    FakeRepository.outcome = 26
    (space / "table").write_text("new")
    (tmp_path / "server/main/pg_tblspc").mkdir()
    (tmp_path / "server/main/pg_tblspc/16400").symlink_to(space)
    with pytest.raises(part("settings").FailureError):
        part("restore").restore(host, part("target").Target())
    assert (space / "table").read_text() == "new"


def test_a_host_without_data(part, host, tmp_path):
    (tmp_path / "server/main/old").unlink()
    FakeRepository.outcome = 26
    with pytest.raises(part("settings").FailureError):
        part("restore").restore(host, part("target").Target())
    assert "start server" not in calls(tmp_path)


def test_nothing_stops_for_what_the_repository_cannot_give(part, host, tmp_path):
    with pytest.raises(part("settings").FailureError, match="is before"):
        part("restore").restore(host, part("target").Target(time="1970-01-01T00:00:01Z"))
    assert not (tmp_path / "systemctl").exists()
    assert part("restore").plan(host, part("target").Target())["backup"] == "A"


def test_too_little_room(part, host, tmp_path, a_backup):
    FakeRepository.backup = a_backup("A", 1000, size=1 << 60)
    with pytest.raises(part("settings").FailureError, match="MiB free, the restored data needs"):
        part("restore").plan(host, part("target").Target())
