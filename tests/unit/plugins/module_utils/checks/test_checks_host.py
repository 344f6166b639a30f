# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""service, package and host: this machine where it has what is asked for, fake programs otherwise."""

from __future__ import annotations

import os
import resource

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.checks import host


def show(**properties) -> str:
    """Return a script that answers as systemctl show does, and refuses another call."""
    state = {
        "LoadState": "loaded",
        "ActiveState": "active",
        "SubState": "running",
        "UnitFileState": "enabled",
        "NRestarts": "0",
        "Result": "success",
        **properties,
    }
    lines = "\n".join(f"{name}={value}" for name, value in state.items())
    return f'[ "$1" = show ] || exit 9\ncat <<END\n{lines}\nEND'


GONE = {"LoadState": "not-found", "ActiveState": "inactive", "SubState": "dead", "UnitFileState": ""}


@pytest.mark.parametrize(
    ("state", "parameters", "verdict"),
    [
        ({}, {}, ("pass", "enabled; active (running)")),
        ({"UnitFileState": "enabled-runtime"}, {}, ("pass", "enabled-runtime; active (running)")),
        ({"UnitFileState": "static"}, {}, ("pass", "static; active (running)")),
        ({"UnitFileState": "disabled"}, {}, ("fail", "disabled; active (running)")),
        ({"UnitFileState": "disabled"}, {"enabled": False}, ("pass", "disabled; active (running)")),
        ({"ActiveState": "reloading", "SubState": "reload"}, {}, ("pass", "enabled; reloading (reload)")),
        ({"ActiveState": "activating", "SubState": "auto-restart"}, {}, ("fail", "enabled; activating (auto-restart)")),
        ({"ActiveState": "failed", "SubState": "failed"}, {"active": False}, ("fail", "enabled; failed (failed)")),
        ({"ActiveState": "inactive", "SubState": "dead"}, {"active": False}, ("pass", "enabled; inactive (dead)")),
        ({"NRestarts": "3"}, {"max_restarts": 3}, ("pass", "enabled; active (running); 3 automatic restarts")),
        ({"NRestarts": "4"}, {"max_restarts": 3}, ("fail", "enabled; active (running); 4 automatic restarts")),
        (GONE, {}, ("fail", "not-found")),
        (GONE, {"enabled": False, "active": False}, ("pass", "no unit file; inactive (dead)")),
    ],
)
def test_service(check, program, state, parameters, verdict):
    program("systemctl", show(**state))
    result = check("service", unit="app.service", **parameters)
    assert (result["status"], result["observed"]) == verdict


def test_service_without_systemd_is_an_error(check, program):
    program("systemctl", "echo 'Failed to connect to bus: Host is down' >&2; exit 1")
    result = check("service", unit="app.service", enabled=False, active=False)
    assert result["status"] == "error"
    assert "Failed to connect to bus" in result["observed"]


HARDENING = """cat <<END
  NAME                         DESCRIPTION                                       EXPOSURE
- PrivateNetwork=              Service has access to the host network                 0.5
- User=/DynamicUser=           Service runs as root user                              0.4
+ NoNewPrivileges=             Service processes cannot acquire new privileges
-> Overall exposure level for app.service: 2.4 OK :-)
END"""


@pytest.mark.parametrize(("most", "status"), [(2.4, "pass"), (2.3, "fail")])
def test_unit_hardening(check, program, most, status):
    program("systemd-analyze", HARDENING)
    result = check("unit_hardening", unit="app.service", max_exposure=most)
    assert (result["status"], result["observed"]) == (status, "exposure 2.4 (OK)")
    assert result["evidence"] == "adds most: PrivateNetwork= 0.5, User=/DynamicUser= 0.4"


def test_unit_hardening_of_an_unknown_unit_is_an_error(check, program):
    program("systemd-analyze", "echo 'Failed to get unit file state' >&2; exit 1")
    assert check("unit_hardening", unit="app.service", max_exposure=10)["status"] == "error"


@pytest.mark.parametrize(
    ("state", "parameters", "status"),
    [
        ("installed 1:10.11.6-0+deb12u1", {}, "pass"),
        ("installed 1:10.11.6-0+deb12u1", {"installed": False}, "fail"),
        ("config-files 2.0", {}, "fail"),
        ("config-files 2.0", {"installed": False}, "pass"),
        ("not-installed ", {}, "fail"),
        ("installed 1:10.11.6-0+deb12u1", {"version": "10.11"}, "pass"),
        ("installed 1:10.11.6-0+deb12u1", {"version": "10.1"}, "fail"),
        ("installed 1:10.11.6-0+deb12u1", {"version": "10."}, "pass"),
        ("installed 1:10.11.6-0+deb12u1", {"version": 10}, "pass"),
        ("installed 1:10.11.6-0+deb12u1", {"version": ">= 10.5"}, "pass"),
        ("installed 1:10.11.6-0+deb12u1", {"version": "< 10.5"}, "fail"),
        ("installed 1:10.11.6-0+deb12u1", {"version": ">= 2:1"}, "fail"),
        ("installed 15~rc1", {"version": ">=15"}, "fail"),
    ],
)
def test_package(check, program, state, parameters, status):
    program("dpkg-query", f"echo '{state}'")
    assert check("package", name="mariadb-server", **parameters)["status"] == status


def test_package_that_dpkg_does_not_know(check, program):
    program("dpkg-query", "echo 'no packages found matching nothing' >&2; exit 1")
    assert check("package", name="nothing")["observed"] == "nothing is not installed"
    program("dpkg-query", "echo 'database is damaged' >&2; exit 2")
    assert check("package", name="nothing", installed=False)["status"] == "error"


def tracking(offset: str, leap: str) -> str:
    return f"echo '0A4D0029,10.77.0.41,3,1700000000.0,{offset},0.0,0.0,0.0,0.0,0.0,0.01,0.001,64.0,{leap}'"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ((tracking("-0.000013", "Normal"), True), "pass"),
        ((tracking("-0.9", "Normal"), True), "fail"),
        ((tracking("0.0", "Not synchronised"), True), "fail"),
        ((tracking("0.0", "Not synchronised"), False), "pass"),
        (("echo '506 Cannot talk to daemon'; exit 1", False), "fail"),
    ],
)
def test_time_sync(check, program, monkeypatch, answer, status):
    script, own_clock = answer
    monkeypatch.setattr(host, "_may_set_clock", lambda: own_clock)
    program("chronyc", script)
    assert check("time_sync")["status"] == status


def test_capability_to_set_the_clock_can_be_read():
    assert host._may_set_clock() in (True, False)


def test_timezone(check, monkeypatch, tmp_path):
    (tmp_path / "zoneinfo" / "Asia").mkdir(parents=True)
    for name, content in (("Asia/Shanghai", "CST"), ("PRC", "CST"), ("UTC", "UTC")):
        (tmp_path / "zoneinfo" / name).write_text(content, encoding="utf-8")
    monkeypatch.setattr(host, "_ZONES", str(tmp_path / "zoneinfo"))
    real = os.path.realpath
    target = str(tmp_path / "zoneinfo" / "Asia" / "Shanghai")
    monkeypatch.setattr(host.os.path, "realpath", lambda path: target if path == "/etc/localtime" else real(path))
    assert check("timezone", name="Asia/Shanghai")["status"] == "pass"
    assert check("timezone", name="PRC")["status"] == "pass"
    result = check("timezone", name="UTC")
    assert (result["status"], result["observed"]) == ("fail", "time zone Asia/Shanghai")
    assert check("timezone", name="No/Where")["status"] == "fail"


def test_sysctl(check, monkeypatch, tmp_path):
    directory = tmp_path / "net" / "ipv4"
    directory.mkdir(parents=True)
    (directory / "ip_local_port_range").write_text("32768\t60999\n", encoding="utf-8")
    (directory / "ip_forward").write_text("0\n", encoding="utf-8")
    monkeypatch.setattr(host, "_SYSCTL", str(tmp_path))
    assert check("sysctl", name="net.ipv4.ip_local_port_range", value="32768 60999")["status"] == "pass"
    assert check("sysctl", name="net/ipv4/ip_forward", value=0)["status"] == "pass"
    assert check("sysctl", name="net.ipv4.ip_forward", value=False)["status"] == "pass"
    assert check("sysctl", name="net.ipv4.ip_forward", value=1)["status"] == "fail"
    assert check("sysctl", name="net.ipv4.ip_forward", value=1, operator="<")["status"] == "pass"
    assert check("sysctl", name="net.ipv4.nothing", value=1)["observed"] == "net.ipv4.nothing does not exist"
    assert check("sysctl", name="../../etc", value=1)["status"] == "error"


def test_sysctl_is_skipped_only_where_it_differs_and_is_read_only(check, monkeypatch, tmp_path):
    (tmp_path / "swappiness").write_text("60\n", encoding="utf-8")
    monkeypatch.setattr(host, "_SYSCTL", str(tmp_path))

    class ReadOnly:
        f_flag = os.ST_RDONLY

    monkeypatch.setattr(host.os, "statvfs", lambda path: ReadOnly)
    assert check("sysctl", name="swappiness", value=60)["status"] == "pass"
    result = check("sysctl", name="swappiness", value=10)
    assert (result["status"], result["observed"]) == ("skipped", "swappiness 60")


def test_memory(check):
    assert check("memory", min_mib=1)["status"] == "pass"
    assert check("memory", min_mib=10**9)["status"] == "fail"


def test_limit_of_a_process(check, program):
    program("systemctl", f"echo MainPID={os.getpid()}")
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    parameters = {"unit": "app.service", "name": "NOFILE"}
    assert check("limit", **parameters, min=soft)["status"] == "pass"
    assert check("limit", **parameters, min=soft + 1)["status"] == "fail"
    assert check("limit", **parameters, min="infinity")["status"] == "fail"
    program("systemctl", "echo MainPID=0")
    assert check("limit", **parameters, min=1)["observed"] == "app.service has no running main process"


def test_firewall_table(check, program):
    program("nft", 'printf "table inet golive {\\n policy drop;\\n}\\n"')
    assert check("firewall_table", table="golive")["status"] == "pass"
    assert check("firewall_table", table="golive", contains="policy drop")["status"] == "pass"
    assert check("firewall_table", table="golive", contains="policy accept")["status"] == "fail"
    program("nft", "echo 'Error: No such file or directory' >&2; exit 1")
    assert check("firewall_table", table="golive")["status"] == "fail"
    program("nft", "echo 'Operation not permitted' >&2; exit 1")
    assert check("firewall_table", table="golive")["status"] == "error"
