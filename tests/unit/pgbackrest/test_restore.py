# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The real restore with a repository and a server that are played: what is kept, and what comes back."""

from __future__ import annotations

import json
import subprocess

import pytest


class FakeRepository:
    backup = None
    outcome = 0

    def __init__(self, settings):
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
    program("systemctl", f'echo "$*" >>{tmp_path}/systemctl; [ "$1" != is-active ]')
    program("psql", "exit 2")
    restore = part("restore")
    FakeRepository.backup, FakeRepository.outcome = a_backup("A", 1000), 0
    monkeypatch.setattr(restore, "Repository", FakeRepository)
    monkeypatch.setattr(restore, "recover", lambda settings: "2026-01-01T00:00:00+00:00")
    monkeypatch.setattr(restore, "end_orphans", lambda stanza, role: None)
    data = tmp_path / "server/main"
    data.mkdir(parents=True)
    (data / "old").write_text("old")
    return make_settings()


def kept(tmp_path):
    return sorted(path.name for path in (tmp_path / "server").glob("main.before-restore-*"))


def calls(tmp_path):
    return (tmp_path / "systemctl").read_text().splitlines()


def test_the_old_data_is_kept_aside(part, host, tmp_path):
    done = part("restore").restore(host, part("target").Target(), discard=False)
    assert (tmp_path / "server/main/restored").read_text() == "whole"
    assert [done["kept_aside"].rpartition("/")[2]] == kept(tmp_path)
    assert (tmp_path / "server" / kept(tmp_path)[0] / "old").read_text() == "old"
    assert calls(tmp_path) == ["stop server", "start server"]
    assert done["all_archived"] is False
    assert json.loads((tmp_path / "evidence/restore.json").read_text())["status"] == "passed"
    assert part("restore").undo_interrupted(host) is False


def test_the_old_data_can_be_discarded(part, host, tmp_path):
    assert part("restore").restore(host, part("target").Target(), discard=True)["kept_aside"] == ""
    assert kept(tmp_path) == []


@pytest.mark.parametrize("where", ["pgbackrest", "recovery"])
def test_a_failure_puts_the_old_data_back(part, host, tmp_path, monkeypatch, where):
    def fail(settings):
        raise part("settings").FailureError("the restored server does not start")

    FakeRepository.outcome = 26 if where == "pgbackrest" else 0
    monkeypatch.setattr(part("restore"), "recover", fail)
    with pytest.raises(part("settings").FailureError, match=r"(is damaged|does not start).*\(the old data is back\)"):
        part("restore").restore(host, part("target").Target(), discard=True)
    assert (tmp_path / "server/main/old").read_text() == "old"
    assert not (tmp_path / "server/main/restored").exists()
    assert kept(tmp_path) == []
    assert calls(tmp_path)[-1] == "start server"
    assert json.loads((tmp_path / "evidence/restore.json").read_text())["status"] == "failed"


def test_a_run_that_was_cut_off_is_undone_by_the_next(part, host, tmp_path, monkeypatch):
    class PowerLossError(BaseException):
        pass

    def lose_power(settings):
        raise PowerLossError

    monkeypatch.setattr(part("restore"), "recover", lose_power)
    with pytest.raises(PowerLossError):
        part("restore").restore(host, part("target").Target(), discard=False)
    assert not (tmp_path / "server/main/old").exists()
    assert part("restore").undo_interrupted(host) is True
    assert (tmp_path / "server/main/old").read_text() == "old"
    assert part("restore").undo_interrupted(host) is False


def test_tablespaces_are_kept_aside_too(part, host, tmp_path):
    space = tmp_path / "space"
    space.mkdir()
    (space / "table").write_text("old")
    (tmp_path / "server/main/pg_tblspc").mkdir()
    (tmp_path / "server/main/pg_tblspc/16400").symlink_to(space)
    done = part("restore").restore(host, part("target").Target(), discard=False)
    assert len(done["kept_tablespaces"]) == 1
    assert list(space.iterdir()) == []
    FakeRepository.outcome = 26
    (space / "table").write_text("new")
    (tmp_path / "server/main/pg_tblspc").mkdir()
    (tmp_path / "server/main/pg_tblspc/16400").symlink_to(space)
    with pytest.raises(part("settings").FailureError):
        part("restore").restore(host, part("target").Target(), discard=False)
    assert (space / "table").read_text() == "new"


def test_a_host_without_data(part, host, tmp_path):
    (tmp_path / "server/main/old").unlink()
    FakeRepository.outcome = 26
    with pytest.raises(part("settings").FailureError):
        part("restore").restore(host, part("target").Target(), discard=False)
    assert "start server" not in calls(tmp_path)


def test_nothing_stops_for_what_the_repository_cannot_give(part, host, tmp_path):
    with pytest.raises(part("settings").FailureError, match="is before"):
        part("restore").restore(host, part("target").Target(time="1970-01-01T00:00:01Z"), discard=False)
    assert not (tmp_path / "systemctl").exists()
    assert part("restore").plan(host, part("target").Target())["backup"] == "A"


def test_too_little_room(part, host, tmp_path, a_backup):
    FakeRepository.backup = a_backup("A", 1000, size=1 << 60)
    with pytest.raises(part("settings").FailureError, match="MiB free, the restored data needs"):
        part("restore").plan(host, part("target").Target())
