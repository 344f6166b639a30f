# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is remembered of releases, and what may go: below a folder of the test instead of /."""

from __future__ import annotations

import json
import os

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.app_release import history, snapshot, usage
from ansible_collections.golive.delivery.plugins.module_utils.app_release.places import (
    Places,
    ReleaseError,
    release_name,
)
from ansible_collections.golive.delivery.plugins.module_utils.app_release.store import Store

ONE, TWO, THREE = (f"{number}.0.0-{str(number) * 10}" for number in (1, 2, 3))


class Host:
    """A host with the application shop."""

    def __init__(self, root) -> None:
        self.places = Places("shop", str(root))
        self.places.releases.mkdir(parents=True)
        self.places.units.mkdir(parents=True)
        self.etc = root / "etc/shop"
        self.etc.mkdir()
        self.now = 1000.0

    @property
    def files(self) -> list[str]:
        return [str(self.etc / "shop.conf"), str(self.etc / "missing.conf")]

    def store(self, check: bool = False) -> Store:
        return Store(self.places, check)

    def build(self, folder: str, complete: bool = True) -> None:
        path = self.places.releases / folder
        path.mkdir()
        if complete:
            (path / ".complete").write_text(folder, encoding="utf-8")
            os.utime(path / ".complete", (self.now, self.now))
        os.utime(path, (self.now, self.now))

    def switch(self, folder: str) -> None:
        """Do what the role does before it records: write, link."""
        (self.etc / "shop.conf").write_text(f"of {folder}\n", encoding="utf-8")
        unit = f"# golive.delivery.app_server: shop\n[Service]\nExecStart={folder}\n"
        (self.places.units / "shop-web.service").write_text(unit, encoding="utf-8")
        (self.places.units / "shop-web.service").chmod(0o644)
        self.places.link.unlink(missing_ok=True)
        self.places.link.symlink_to(f"releases/{folder}")

    def record(self, folder: str, reason: str = "converge", check: bool = False) -> list[str]:
        store = self.store(check)
        self.now += 100
        processes = [{"name": "web", "health": {"url": "http://h/"}}, {"name": "cron", "health": None}]
        taken = snapshot.take(self.places, folder, self.files, processes)
        return store.record(folder, taken, reason, self.now - 7, self.now)

    def activate(self, folder: str) -> None:
        self.build(folder)
        self.switch(folder)
        assert "activation" in self.record(folder)

    def back(self, wanted: str = "", **options) -> dict:
        store = self.store()
        return store.restore(store.resolve(wanted), True, options.get("database_at", ""), self.now)


@pytest.fixture
def host(tmp_path):
    """Return a host without a release."""
    return Host(tmp_path)


def activations(*given: str) -> list[dict]:
    """Return activations written as RELEASE or RELEASE:rollback."""
    split = [(one + ":converge").split(":")[:2] for one in given]
    return [{"release": release, "reason": reason} for release, reason in split]


@pytest.mark.parametrize(
    ("given", "current", "expected"),
    [
        ([], "", ""),
        (["a"], "a", ""),
        (["a", "b"], "b", "a"),
        (["a"], "b", "a"),  # b never got ready
        (["a", "b", "a:rollback"], "a", ""),
        (["a", "b", "c", "b:rollback"], "b", "a"),
        (["a", "b", "c", "b:rollback", "a:rollback"], "a", ""),
        (["a", "b", "a:rollback", "c"], "c", "a"),
        (["a", "b", "a"], "a", "b"),  # declared again: that is a new way
        (["a", "x", "b"], "b", "a"),  # x is no longer there
        (["a", "b:rollback"], "b", "a"),
    ],
)
def test_previous(given, current, expected):
    assert history.previous(activations(*given), current, {"a", "b", "c"}) == expected


def test_release_name():
    assert release_name("2.1.0-rc-1-315740d1cc") == "2.1.0-rc-1"
    assert release_name("by-hand") == "by-hand"


def test_record_is_done_once(host):
    host.activate(ONE)
    before = host.places.activations.read_text(encoding="utf-8")
    assert host.record(ONE) == []
    assert host.places.activations.read_text(encoding="utf-8") == before
    entry = json.loads(before)[0]
    assert entry == {"release": ONE, "activated_at": "1970-01-01T00:18:20Z", "seconds": 7.0, "reason": "converge"}
    (host.etc / "shop.conf").write_text("changed\n", encoding="utf-8")
    assert host.record(ONE) == ["snapshot"]


def test_who_goes_back_records_what_who_converges_does(host):
    """A way back names all files of the snapshot, units too."""
    host.activate(ONE)
    processes = [{"name": "web", "health": {"url": "http://h/"}}]
    taken = snapshot.load(host.places, ONE)
    again = snapshot.take(host.places, ONE, [file["path"] for file in taken["files"]], processes)
    assert again == taken


def test_record_keeps_what_only_root_may_see(host):
    host.activate(ONE)
    for path in (host.places.activations, host.places.snapshot(ONE)):
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
    taken = snapshot.load(host.places, ONE)
    # No file that is not there, no process without a unit on this host.
    assert [os.path.basename(file["path"]) for file in taken["files"]] == ["shop-web.service", "shop.conf"]
    assert [process["name"] for process in taken["processes"]] == ["web"]


def test_record_in_check_mode(host):
    host.build(ONE)
    host.switch(ONE)
    assert host.record(ONE, check=True) == ["snapshot", "activation"]
    assert not host.places.memory.exists()


def test_only_the_current_release_is_recorded(host):
    host.activate(ONE)
    host.build(TWO)
    with pytest.raises(ReleaseError, match=f"{TWO} is not the current release: that is {ONE}"):
        host.record(TWO)


def test_adopt_what_ran_before_the_role_took_notes(host):
    host.build(ONE)
    host.switch(ONE)
    store = host.store()
    store.record(ONE, snapshot.take(host.places, ONE, host.files, []), "converge", 0, 5e9)
    assert store.activations[0]["seconds"] is None
    assert store.activations[0]["activated_at"] < "2100"


def test_units_of_others_are_left_alone(host):
    host.activate(ONE)
    for name, text in {
        "shop-migrate": "# golive.delivery.app_server: migration of shop\n",
        "shop-x-web": "# golive.delivery.app_server: shop-x\n",
        "shop-own": "[Service]\n",
    }.items():
        (host.places.units / f"{name}.service").write_text(text, encoding="utf-8")
    (host.places.units / "shop-link.service").symlink_to(host.places.units / "shop-web.service")
    assert [path.name for path in host.places.unit_files()] == ["shop-web.service"]


def test_back_and_back_again(host):
    for folder in (ONE, TWO, THREE):
        host.activate(folder)
    assert host.back()["new"] == TWO
    assert (host.etc / "shop.conf").read_text(encoding="utf-8") == f"of {TWO}\n"
    assert TWO in (host.places.units / "shop-web.service").read_text(encoding="utf-8")
    host.record(TWO, "rollback")
    assert not host.places.pending.exists()
    result = host.back()
    assert (result["old"], result["new"], result["changed"]) == (TWO, ONE, True)
    assert sorted(os.path.basename(path) for path in result["files"]) == ["shop-web.service", "shop.conf"]
    host.record(ONE, "rollback")
    with pytest.raises(ReleaseError, match=f"shop has no release to go back to: it runs {ONE}"):
        host.back()


def test_a_way_back_that_was_cut_off_goes_on(host):
    for folder in (ONE, TWO, THREE):
        host.activate(folder)
    assert host.back()["new"] == TWO
    # Killed here: the link is switched, nothing is recorded. A second step back would be to ONE.
    again = host.back()
    assert (again["new"], again["changed"]) == (TWO, False)
    assert json.loads(host.places.pending.read_text(encoding="utf-8"))["from"] == THREE
    # Who asks where it goes to is told the same.
    assert (host.store().info()["previous"], host.store().info()["pending"]) == (TWO, TWO)


def test_a_way_back_by_name(host):
    host.activate(ONE)
    host.activate(TWO)
    assert host.store().resolve("1.0.0") == ONE
    assert host.store().resolve(f"/opt/shop/releases/{ONE}") == ONE
    host.build("1.0.0-aaaaaaaaaa")
    host.switch("1.0.0-aaaaaaaaaa")
    host.record("1.0.0-aaaaaaaaaa")
    assert host.store().resolve("1.0.0") == "1.0.0-aaaaaaaaaa"
    with pytest.raises(ReleaseError, match=r"shop has no release 7: there are 1\.0\.0-1111111111, "):
        host.store().resolve("7")
    host.build(THREE)
    with pytest.raises(ReleaseError, match="never activated"):
        host.store().resolve("3.0.0")
    host.build("4-4444444444", complete=False)
    with pytest.raises(ReleaseError, match="not built to its end"):
        host.store().resolve("4")


def test_back_removes_configuration_that_only_the_newer_release_has(host):
    host.activate(ONE)
    (host.etc / "by-hand.conf").write_text("mine\n", encoding="utf-8")
    (host.etc / "missing.conf").write_text("of the second\n", encoding="utf-8")
    host.activate(TWO)
    result = host.back()
    assert result["surplus"] == [str(host.etc / "missing.conf")]
    assert sorted(path.name for path in host.etc.iterdir()) == ["by-hand.conf", "shop.conf"]
    assert host.back()["surplus"] == []


def test_a_configuration_that_failed_is_undone_with_its_new_files_and_units(host, tmp_path):
    host.activate(ONE)
    new = host.etc / "new.conf"
    elsewhere = tmp_path / "etc/new.conf"
    for path in (new, elsewhere):
        path.write_text("of a run that failed\n", encoding="utf-8")
    unit = host.places.units / "shop-courier.service"
    unit.write_text("# golive.delivery.app_server: shop\n", encoding="utf-8")
    assert host.store().info()["differing"] == [str(unit)]
    written = [*host.files, str(new), str(elsewhere)]
    predicted = host.store(check=True).restore(ONE, False, "", host.now, written)
    assert new.exists()
    result = host.store().restore(ONE, False, "", host.now, written)
    assert predicted == result
    assert (result["files"], result["surplus"], result["units"]) == ([], [str(new)], ["shop-courier.service"])
    assert (result["changed"], new.exists(), elsewhere.exists(), unit.exists()) == (True, False, True, True)


def test_what_a_killed_run_has_written_differs(host):
    host.activate(ONE)
    assert host.store().info()["differing"] == []
    (host.etc / "shop.conf").write_text("another\n", encoding="utf-8")
    assert host.store().info()["differing"] == [str(host.etc / "shop.conf")]
    host.record(ONE)
    assert host.store().info()["differing"] == []
    # Never activated: there is nothing to compare it with.
    host.build(TWO)
    host.switch(TWO)
    assert host.store().info()["differing"] == []


def test_a_failed_release_goes_back_to_the_last_good_one(host):
    host.activate(ONE)
    host.build(TWO)
    host.switch(TWO)
    store = host.store()
    assert (store.previous(), store.info()["last_good"]) == (ONE, ONE)
    store.restore(ONE, False, False, host.now)
    assert host.places.current() == ONE
    assert not host.places.pending.exists()


def test_back_in_check_mode_writes_nothing(host):
    host.activate(ONE)
    host.activate(TWO)
    store = host.store(check=True)
    predicted = store.restore(store.resolve(""), True, False, host.now)
    assert (predicted["changed"], host.places.current(), host.places.pending.exists()) == (True, TWO, False)
    assert predicted["files"] == host.back()["files"]


def test_back_refuses_before_it_writes(host):
    host.activate(ONE)
    host.activate(TWO)
    path = host.places.snapshot(ONE)
    taken = json.loads(path.read_text(encoding="utf-8"))
    taken["files"][1]["group"] = "no-such-group-here"
    path.write_text(json.dumps(taken), encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"the group no-such-group-here of .*shop.conf is no longer on this host"):
        host.back()
    assert host.places.current() == TWO
    assert TWO in (host.places.units / "shop-web.service").read_text(encoding="utf-8")


def test_migrations_are_forgotten_with_the_database(host):
    host.places.migrations.mkdir(parents=True)

    def migrate(folder):
        mark = host.places.migrations / folder
        mark.symlink_to(folder)
        os.utime(mark, (host.now + 50, host.now + 50), follow_symlinks=False)

    for folder in (ONE, TWO):
        migrate(folder)
        host.activate(folder)
    migrate(THREE)
    assert host.back()["forgotten"] == []
    host.places.initialised.parent.mkdir(parents=True)
    host.places.initialised.symlink_to("of-today")
    begun = history.stamp(os.lstat(host.places.migrations / TWO).st_mtime)
    assert host.back(database_at=begun)["forgotten"] == [TWO, THREE, "initialised"]
    assert host.store().migrated() == [ONE]
    assert not host.places.initialised.is_symlink()


@pytest.mark.parametrize("given", ["yesterday", "2026-01-31", "2026-01-31T01:02:03"])
def test_a_time_of_the_database_that_could_be_any_is_refused(host, given):
    host.activate(ONE)
    host.activate(TWO)
    with pytest.raises(ReleaseError, match=f"database_at: expected a time in UTC such as .*, got {given}"):
        host.back(database_at=given)
    assert host.places.current() == TWO


def test_prune(host):
    for number in range(1, 7):
        host.activate(f"{number}-{str(number) * 10}")
    host.build("broken-0000000000", complete=False)
    os.utime(host.places.releases / "broken-0000000000", (1, 1))
    host.now += 10
    host.build("7-7777777777")  # built ahead of its activation
    host.build("8-8888888888", complete=False)  # is being built
    store = host.store()
    used = {"2-2222222222"}
    doomed = store.prunable(3, lambda _releases, folders: used & set(folders))
    assert doomed == ["4-4444444444", "3-3333333333", "1-1111111111", "broken-0000000000"]
    assert host.store(check=True).prune(doomed)[0]["name"] == "4"
    assert len(store.folders()) == 9
    (host.places.releases / "4-4444444444/image.json").write_text('{"id": ', encoding="utf-8")  # half a note
    assert [one["folder"] for one in store.prune(doomed)] == doomed
    left = ["2-2222222222", "5-5555555555", "6-6666666666", "7-7777777777", "8-8888888888"]
    assert store.folders() == left
    assert sorted(os.listdir(host.places.memory / "releases")) == left[:3]
    assert store.prunable(3, lambda *_: used) == []


def test_prune_leaves_the_previous_release(host):
    for folder in (ONE, TWO, THREE):
        host.activate(folder)
    host.back(ONE)
    host.record(ONE, "rollback")
    host.build("4-4444444444")
    host.switch("4-4444444444")
    host.record("4-4444444444")
    assert ONE not in host.store().prunable(1, lambda *_: set())
    assert THREE in host.store().prunable(1, lambda *_: set())


def test_in_use(tmp_path):
    releases = tmp_path / "opt/shop/releases"
    for folder in ("1-a", "1-ab", "2-b", "3-c"):
        (releases / folder).mkdir(parents=True)
    for number, (cwd, cmdline, maps) in enumerate(
        [
            (releases / "1-ab", "", ""),
            ("/", f"python3\0{releases}/2-b/venv/bin/gunicorn\0", ""),
            ("/", "", f"7f00 r-xp {releases}/4-d/venv/lib/x.so\n"),
        ]
    ):
        process = tmp_path / "proc" / str(100 + number)
        process.mkdir(parents=True)
        (process / "cwd").symlink_to(cwd)
        (process / "cmdline").write_text(cmdline, encoding="utf-8")
        (process / "maps").write_text(maps, encoding="utf-8")
    (tmp_path / "proc/self").mkdir()
    found = usage.in_use(releases, ["1-a", "1-ab", "2-b", "3-c", "4-d"], str(tmp_path / "proc"))
    assert found == {"1-ab", "2-b", "4-d"}


def test_a_damaged_memory_is_named(host):
    host.activate(ONE)
    host.places.activations.write_text("[", encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"activations\.json cannot be read"):
        host.store()
