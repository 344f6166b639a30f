# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patroni on a host: whether it runs, has read its configuration, and sees a watchdog."""

from __future__ import annotations

import os
import socket
import time

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.patroni import service


def systemctl(state="active", process=7, seconds_ago=60.0):
    since = int((time.monotonic() - seconds_ago) * 1e6)
    output = f"ActiveState={state}\nMainPID={process}\nStateChangeTimestampMonotonic={since}\n"
    return lambda argv: (0, output, "")


@pytest.fixture
def configuration(tmp_path):
    path = tmp_path / "config.yml"
    path.touch()
    return str(path)


@pytest.mark.parametrize(("state", "process"), [("inactive", 0), ("failed", 0), ("activating", 0), ("deactivating", 7)])
def test_a_patroni_that_does_not_run(configuration, state, process):
    assert service.read_service(systemctl(state, process), configuration, "127.0.0.1", 1) == service.Service()
    assert service.read_service(lambda argv: (1, "", "no systemd"), configuration, "127.0.0.1", 1) == service.Service()


@pytest.mark.parametrize(("seconds_ago", "stale"), [(60, True), (-60, False)])
def test_a_configuration_newer_than_the_last_start_or_reload(configuration, seconds_ago, stale):
    found = service.read_service(systemctl(seconds_ago=seconds_ago), configuration, "127.0.0.1", 1)
    assert (found.running, found.stale) == (True, stale)


def test_no_configuration_is_not_stale(configuration):
    assert not service.read_service(systemctl(), f"{configuration}.none", "127.0.0.1", 1).stale


def test_an_api_that_listens(configuration):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert service.read_service(systemctl(), configuration, "127.0.0.1", port).listening
    assert not service.read_service(systemctl(), configuration, "127.0.0.1", port).listening


def test_a_watchdog_is_the_one_that_the_process_sees(configuration, tmp_path):
    def sees():
        return service.read_service(systemctl(), configuration, "127.0.0.1", 1, proc=str(tmp_path)).watchdog

    (tmp_path / "7" / "root" / "dev").mkdir(parents=True)
    assert not sees()
    (tmp_path / "7" / "root" / "dev" / "watchdog").touch()
    assert sees()
    if os.geteuid() == 0:
        os.chown(tmp_path / "7", 12345, 12345)
        assert not sees()


@pytest.mark.parametrize("raw", [None, "text", [], {"restapi": None, "etcd3": []}])
def test_a_configuration_that_says_nothing(raw):
    found = service.read_configuration(raw)
    assert found.pop("credentials") == [None] * 4
    assert set(found.values()) == {None}
