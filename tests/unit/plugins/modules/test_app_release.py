# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""app_release as a module: states, check mode, differences, failures."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.golive.delivery.plugins.modules import app_release

ONE, TWO = "1.0.0-1111111111", "2.0.0-2222222222"
SECRET = "s3cret-word"


@pytest.fixture
def host(tmp_path, monkeypatch):
    """Return the root of a host, whose systemctl notes how it was called."""
    monkeypatch.setattr(app_release, "ROOT", str(tmp_path))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/systemctl").write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/calls\n', encoding="utf-8")
    (tmp_path / "bin/systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    for folder in ("opt/shop/releases", "etc/systemd/system", "etc/shop"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


@pytest.fixture
def run(host, capsys):
    """Return a function that runs the module and returns its result."""

    def run_module(**parameters):
        with patch_module_args({"name": "shop", **parameters}), pytest.raises(SystemExit):
            app_release.main()
        text = capsys.readouterr().out
        assert SECRET not in text
        return json.loads(text)

    return run_module


@pytest.fixture
def activate(host, run):
    """Return a function that does what the role does for a release, and records it."""

    def activate_release(folder, **parameters):
        path = host / "opt/shop/releases" / folder
        path.mkdir(exist_ok=True)
        (path / ".complete").write_text(folder, encoding="utf-8")
        unit = host / "etc/systemd/system/shop-web.service"
        unit.write_text(f"# golive.delivery.app_server: shop\n{folder}\n", encoding="utf-8")
        (host / "etc/shop/secrets.env").write_text(f"{SECRET} of {folder}", encoding="utf-8")
        link = host / "opt/shop/current"
        link.unlink(missing_ok=True)
        link.symlink_to(f"releases/{folder}")
        return run(
            state="recorded",
            release=folder,
            files=[str(host / "etc/shop/secrets.env")],
            processes=[{"name": "web", "health": {"url": "http://127.0.0.1/"}}],
            since=1.0,
            **parameters,
        )

    return activate_release


def test_info_of_a_bare_host(run):
    info = run()
    assert (info["changed"], info["current"], info["previous"], info["releases"]) == (False, "", "", [])
    assert info["now"] > 1e9


def test_record_and_look(run, activate):
    assert activate(ONE)["recorded"] == ["snapshot", "activation"]
    assert activate(ONE)["changed"] is False
    activate(TWO, reason="rolling_update")
    info = run()
    assert (info["current"], info["previous"], info["last_good"]) == (TWO, ONE, TWO)
    assert [(one["folder"], one["name"], one["complete"]) for one in info["releases"]] == [
        (ONE, "1.0.0", True),
        (TWO, "2.0.0", True),
    ]
    assert info["differing"] == []
    assert [one["reason"] for one in info["activations"]] == ["converge", "rolling_update"]


def test_begin_an_empty_list(host, run):
    assert run()["begun"] is False
    assert run(state="recorded", _ansible_check_mode=True)["recorded"] == ["list"]
    assert run()["begun"] is False
    assert run(state="recorded")["recorded"] == ["list"]
    assert run()["begun"] is True
    # What a killed run may have left: switched to, never ready.
    (host / "opt/shop/current").symlink_to(f"releases/{ONE}")
    assert run(state="recorded")["changed"] is False
    info = run()
    assert (info["current"], info["last_good"], info["activations"]) == (ONE, "", [])


def test_restore(host, run, activate):
    activate(ONE)
    activate(TWO)
    arguments = {"state": "restored", "reason": "rollback", "_ansible_diff": True}
    predicted = run(_ansible_check_mode=True, **arguments)
    assert not (host / "calls").exists()
    done = run(**arguments)
    predicted.pop("now"), done.pop("now")
    assert predicted == done
    assert (done["changed"], done["old"], done["new"]) == (True, TWO, ONE)
    assert done["processes"] == [{"name": "web", "health": {"url": "http://127.0.0.1/"}}]
    assert f"{host}/etc/shop/secrets.env as it was\n" in done["diff"]["after"]
    assert (host / "calls").read_text(encoding="utf-8") == "daemon-reload\n"
    assert (host / "etc/shop/secrets.env").read_text(encoding="utf-8") == f"{SECRET} of {ONE}"
    again = run(**arguments)
    assert (again["changed"], again["new"]) == (False, ONE)
    assert (host / "calls").read_text(encoding="utf-8") == "daemon-reload\n"


def test_restore_says_what_it_removes_and_leaves(host, run, activate):
    activate(ONE)
    (host / "etc/shop/new.conf").write_text(SECRET, encoding="utf-8")
    (host / "etc/systemd/system/shop-courier.service").write_text(
        "# golive.delivery.app_server: shop\n", encoding="utf-8"
    )
    done = run(state="restored", release=ONE, files=[f"{host}/etc/shop/new.conf"], _ansible_diff=True)
    assert (done["changed"], done["files"], done["units"]) == (True, [], ["shop-courier.service"])
    assert done["diff"]["after"] == f"{ONE}\n{host}/etc/shop/new.conf removed\n"
    assert not (host / "etc/shop/new.conf").exists()


def test_restore_refuses_by_name(run, activate):
    activate(ONE)
    activate(TWO)
    wrong = run(state="restored", database_at="yesterday")["msg"]
    assert wrong == "database_at: expected a time in UTC such as 2026-01-31T01:02:03Z, got yesterday"


def test_restore_refuses_where_there_is_nothing(run, activate):
    activate(ONE)
    assert "shop has no release to go back to" in run(state="restored")["msg"]
    assert run(state="restored", release="7.0")["msg"] == f"shop has no release 7.0: there are {ONE}"


def test_prune(host, run, activate):
    for number in range(1, 6):
        activate(f"{number}.0-{str(number) * 10}")
    predicted = run(state="pruned", keep=2, _ansible_check_mode=True)
    assert len(list((host / "opt/shop/releases").iterdir())) == 5
    done = run(state="pruned", keep=2)
    assert predicted["removed"] == done["removed"]
    assert {one["name"] for one in done["removed"]} == {"1.0", "2.0", "3.0"}
    assert run(state="pruned", keep=2)["changed"] is False
    assert run(state="pruned", keep=0)["msg"] == "keep: expected 1 or more, got 0"
