# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Switchovers and rolling restarts: their order, and what they refuse."""

from __future__ import annotations

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.patroni import change
from ansible_collections.golive.delivery.plugins.module_utils.patroni import cluster as state
from ansible_collections.golive.delivery.plugins.module_utils.patroni.client import PatroniError

# Failures are waited for: not long in a test.
LIMITS = change.Limits(restart=1, catch_up=0.2, switchover=0.2)


def roll(client):
    done = change.Done()
    change.rolling_restart(client, LIMITS, done)
    return done


def test_nobody_waits_nobody_is_restarted(played, client):
    cluster = played()
    assert roll(client()) == change.Done()
    assert cluster.log == []


def test_raising_a_shared_parameter_takes_replicas_first_and_a_switchover(played, client):
    cluster = played()
    cluster.config["postgresql"]["parameters"]["max_connections"] = 200
    done = roll(client())
    assert cluster.log == ["restart db2", "restart db3", "switchover db1 db2"] or cluster.log == [
        "restart db2",
        "restart db3",
        "switchover db1 db3",
    ]
    assert done.restarted == ["db2", "db3", "db1"]
    assert done.switchovers[0]["from"] == "db1"
    assert not any(cluster.pending(name) for name in cluster.names)


def test_lowering_a_shared_parameter_restarts_the_primary_in_place(played, client):
    cluster = played()
    cluster.config["postgresql"]["parameters"]["max_connections"] = 50
    done = roll(client())
    assert cluster.log == [f"restart {name}" for name in ("db2", "db3", "db1", "db2", "db3")]
    assert done.switchovers == []
    assert not any(cluster.pending(name) for name in cluster.names)


def test_raising_one_and_lowering_another_in_one_run(played, client):
    cluster = played()
    for name in cluster.names:
        cluster.running[name]["max_worker_processes"] = 8
    cluster.config["postgresql"]["parameters"] = {"max_connections": 50, "max_worker_processes": 16}
    roll(client())
    assert not any(cluster.pending(name) for name in cluster.names)
    assert cluster.log[:3] == ["restart db2", "restart db3", "restart db1"]


def test_a_parameter_of_one_replica_leaves_the_primary_alone(played, client):
    cluster = played()
    cluster.local["db3"] = {"shared_buffers": "1GB"}
    assert roll(client()).restarted == ["db3"]
    assert cluster.leader == "db1"


def test_a_primary_alone_is_restarted_in_place(played, client):
    cluster = played("db1")
    cluster.config["postgresql"]["parameters"]["max_connections"] = 200
    roll(client("db1"))
    assert cluster.log == ["restart db1"]


def test_an_interrupted_run_is_completed(played, client):
    cluster = played()
    cluster.config["postgresql"]["parameters"]["max_connections"] = 200
    cluster.start("db2")
    roll(client())
    assert cluster.log[0] == "restart db3"
    assert not any(cluster.pending(name) for name in cluster.names)


def test_a_replica_that_does_not_come_back_saves_the_primary(played, client):
    cluster = played()
    cluster.config["postgresql"]["parameters"]["shared_preload_libraries"] = "none"
    cluster.broken = {"db2"}
    done = change.Done()
    with pytest.raises(PatroniError, match="db2 could not be restarted: restart failed"):
        change.rolling_restart(client(), LIMITS, done)
    assert done.restarted == ["db2"]
    assert cluster.log == ["restart db2"]
    assert cluster.leader == "db1"


def test_the_candidate_is_the_synchronous_standby(played, client):
    played()
    connection = client()
    assert change.candidate(connection, state.read(connection), None, LIMITS).name == "db2"


def test_without_synchronous_replication_the_one_least_behind_is_chosen(played, client):
    cluster = played()
    cluster.config["synchronous_mode"] = False
    cluster.lags["db2"] = 500
    connection = client()
    assert change.candidate(connection, state.read(connection), None, LIMITS).name == "db3"


@pytest.mark.parametrize(
    ("prepare", "wanted", "reason"),
    [
        (lambda cluster: cluster.states.update(db2="starting"), "db2", "db2 is starting"),
        (lambda cluster: None, "db3", "db3 is no synchronous standby"),
        (lambda cluster: None, "db1", "db1 is the primary already"),
        (lambda cluster: None, "db9", "db9 is no member of the cluster; there are db1, db2, db3"),
        (lambda cluster: cluster.lags.update(db2=2**30), "db2", "db2 is 1073741824 bytes behind"),
        (lambda cluster: setattr(cluster, "paused", True), None, "paused"),
        (lambda cluster: setattr(cluster, "leader", None), None, "no primary"),
    ],
)
def test_a_switchover_is_refused_with_the_reason(played, client, prepare, wanted, reason):
    cluster = played()
    prepare(cluster)
    connection = client()
    with pytest.raises(PatroniError, match=reason):
        change.candidate(connection, state.read(connection), wanted, LIMITS)


def test_a_primary_without_replicas_has_no_candidate(played, client):
    played("db1")
    connection = client("db1")
    with pytest.raises(PatroniError, match="the primary has no replica"):
        change.candidate(connection, state.read(connection), None, LIMITS)


def test_patroni_declines_a_switchover(played, client):
    played().declines = {"db2"}
    with pytest.raises(PatroniError, match="db2 declines the switchover: switchover is not possible"):
        change.switch_over(client(), "db1", "db2", LIMITS)


def test_a_leader_that_is_not_declared_is_named(played, client):
    played()
    connection = client("db2", "db3")
    with pytest.raises(PatroniError, match="db1 is a member of the cluster, but not declared; declared are db2, db3"):
        change.candidate(connection, state.read(connection), None, LIMITS)


def test_loops_are_counted_at_every_member(played, client):
    cluster = played()
    change.wait_for_loops(client(), 2, 5)
    assert cluster.loops >= 2


def test_a_member_that_does_not_answer_is_not_waited_for(played, client):
    cluster = played()
    cluster.silent = {"db3"}
    change.wait_for_loops(client(), 2, 5)
    assert state.read(client()).leader.name == "db1"
