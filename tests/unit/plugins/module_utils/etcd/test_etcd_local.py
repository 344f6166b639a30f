# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The member on a host, in a folder that stands for the root of one."""

from __future__ import annotations

import os
import shutil
import time

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.etcd.local import Local, readable


@pytest.fixture(name="host")
def _host(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "chown", lambda *_: None)
    for folder in ("etc/etcd", "run", "var/lib/etcd", "etc/systemd/system/etcd.service.d"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc/etcd/golive.yml").write_text("name: a\n", encoding="utf-8")
    host = Local(lambda argv: host.answer, "/var/lib/etcd/golive", "/etc/etcd/golive.yml", str(tmp_path))
    host.answer = (0, "MainPID=0\nActiveState=inactive\n", "")
    return host


def give_data(host):
    (host.data / "member" / "wal").mkdir(parents=True)
    (host.data / "member" / "wal" / "0.wal").touch()


def test_data(host):
    assert not host.has_data
    (host.data / "member" / "wal").mkdir(parents=True)
    assert not host.has_data
    (host.data / "member" / "wal" / "0000-0000.wal").touch()
    assert host.has_data


def test_data_is_put_aside_and_only_the_newest_kept(host):
    assert host.put_data_aside() == ""
    # As on a file system of its own, which cannot be renamed.
    (host.data / "lost+found").mkdir(parents=True)
    assert host.put_data_aside() == ""
    for _unused in range(2):
        give_data(host)
        assert host.put_data_aside() == str(host.data / "member.aside")
        assert not host.has_data
    assert sorted(path.name for path in host.data.iterdir()) == ["lost+found", "member.aside"]
    assert [path.name for path in host.data.parent.iterdir()] == ["golive"]


def test_permission_to_begin_is_gone_when_the_member_is_healthy(host, tmp_path):
    host.permit_join({"a": "https://a:2380", "b": "https://b:2380"}, "token", "new")
    text = (tmp_path / "run/golive-etcd/etcd.yml").read_text(encoding="utf-8")
    assert text.splitlines() == [
        "name: a",
        'initial-cluster: "a=https://a:2380,b=https://b:2380"',
        "initial-cluster-state: new",
        'initial-cluster-token: "token"',
    ]
    environment = (tmp_path / "run/golive-etcd/environment").read_text(encoding="utf-8")
    assert environment == "GOLIVE_ETCD_CONFIGURATION=/run/golive-etcd/etcd.yml\n"
    assert oct(host.data.stat().st_mode)[-3:] == "700"
    assert (host.formed, host.forming) == (False, True)
    assert host.settle()
    assert (host.formed, host.forming) == (True, False)
    assert not (tmp_path / "run/golive-etcd").exists()
    assert not host.settle()


def test_last_good_configuration(host):
    assert not host.put_back()
    host.settle()
    assert not host.put_back()
    host.configuration.write_text("name: wrong\n", encoding="utf-8")
    host.configuration.chmod(0o640)
    assert host.put_back()
    assert host.configuration.read_text(encoding="utf-8") == "name: a\n"
    assert oct(host.configuration.stat().st_mode)[-3:] == "640"


def test_stale(host):
    began = time.clock_gettime(time.CLOCK_MONOTONIC) - 100
    os.utime(host.configuration, (time.time() - 200, time.time() - 200))
    assert not host.stale("/ca.pem")
    assert not host.running
    host.answer = (0, f"MainPID=5\nExecMainStartTimestampMonotonic={int(began * 1e6)}\n", "")
    assert host.running
    assert not host.stale("/ca.pem")
    os.utime(host.configuration, (time.time() - 50, time.time() - 50))
    assert host.stale("/ca.pem")


def test_old_process_is_not_the_new_one(host):
    assert host.is_new
    host.answer = (0, "MainPID=5\nExecMainStartTimestampMonotonic=100\n", "")
    host.restart()
    assert not host.is_new
    host.answer = (0, "MainPID=6\nExecMainStartTimestampMonotonic=200\n", "")
    assert host.is_new


def test_join_of_a_running_cluster_is_no_formation(host):
    host.permit_join({"a": "https://a:2380"}, "token", "existing")
    assert not host.forming


def test_reason(host):
    host.answer = (0, "starting\npanic: no space\nexited\n", "")
    assert host.reason() == "panic: no space"
    fatal = '{"level":"fatal","ts":"x","msg":"discovery failed","error":"no such key","stacktrace":"y"}'
    host.answer = (0, f'{{"level":"info","error":"x"}}\n{fatal}\n{fatal}\n', "")
    assert host.reason() == "discovery failed: no such key."
    host.answer = (0, "one\ntwo\n", "")
    assert host.reason() == "one two"


def test_systemctl_that_fails(host):
    host.answer = (1, "", "Unit etcd.service not found.\n")
    with pytest.raises(OSError, match="systemctl stop etcd"):
        host.stop()


def test_readable(tmp_path):
    (tmp_path / "there").touch()
    files = {"etcd_tls_key": str(tmp_path / "there"), "etcd_tls_ca": "/no/ca.pem"}
    assert readable(files) == ["etcd_tls_ca: /no/ca.pem is not there"]


def test_member_with_data_starts_with_its_own_configuration(host, tmp_path):
    host.permit_join({"a": "https://a:2380"}, "token", "new")
    host.restart()
    assert (tmp_path / "run/golive-etcd/environment").exists()
    give_data(host)
    host.restart()
    assert not (tmp_path / "run/golive-etcd").exists()
