# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan: each situation of a cluster, and what must be refused."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.golive.delivery.plugins.filter.etcd_plan import FilterModule, etcd_plan

NAMES = ("a", "b", "c")


def declared(*names):
    return [{"name": name, "address": name} for name in names]


def listed(name, healthy=True, **fields):
    return {
        "id": f"1{name}",
        "name": name,
        "peer_urls": [f"https://{name}:2380"],
        "client_urls": [f"https://{name}:2379"],
        "learner": False,
        "answers": healthy,
        "healthy": healthy,
        **fields,
    }


def view(*members, leader="1a"):
    return {"leader": leader, "members": list(members), "statuses": [], "error": ""}


def state(name, cluster=None, **fields):
    return {
        "name": name,
        "data": True,
        "formed": True,
        "forming": False,
        "running": True,
        "stale": False,
        "problems": [],
        "cluster": cluster or view(leader=""),
        **fields,
    }


HEALTHY = view(*map(listed, NAMES))


def new(name, cluster=None):
    return state(name, cluster, data=False, formed=False, running=False)


def make(states, names=NAMES):
    return etcd_plan(states, declared(*names), 2380, "/data")


def names_of(members):
    return [member["name"] for member in members]


def test_nothing_to_do():
    plan = make([state(name, HEALTHY) for name in NAMES])
    assert plan == {
        "up": True,
        "actions": dict.fromkeys(NAMES, "none"),
        "remove_first": [],
        "remove_last": [],
        "next_leader": "",
        "refusals": [],
    }


def test_first_formation_needs_all():
    plan = make([new(name) for name in NAMES])
    assert (plan["up"], plan["actions"], plan["refusals"]) == (False, dict.fromkeys(NAMES, "form"), [])
    assert "needs all members in one run, c cannot be reached" in make([new("a"), new("b")])["refusals"][0]


def test_formation_that_was_cut_off_goes_on():
    # a has begun and waits for the others; none of them was ever healthy.
    begun = view(*(listed(name, False) for name in NAMES), leader="")
    begun["members"][0]["answers"] = True
    plan = make([state("a", begun, formed=False, forming=True), new("b", begun), new("c", begun)])
    assert plan["actions"] == {"a": "start", "b": "form", "c": "form"}
    assert plan["refusals"] == []


def test_no_formation_beside_the_data_of_an_earlier_cluster():
    # Somebody removed `formed`, and a still knows b and c as others.
    plan = make([state("a", formed=False, running=False), new("b"), new("c")])
    assert len(plan["refusals"]) == 1
    assert "data in /data that an earlier one has left on a; nothing was changed" in plan["refusals"][0]
    # Restored on new hosts: all have data, nobody begins without.
    assert make([state(name, formed=False, running=False) for name in NAMES])["refusals"] == []


def test_formed_but_not_noted():
    assert make([state(name, HEALTHY, formed=False) for name in NAMES])["actions"] == dict.fromkeys(NAMES, "start")


def test_power_cut():
    plan = make([state(name, running=False) for name in NAMES])
    assert (plan["up"], plan["actions"], plan["refusals"]) == (False, dict.fromkeys(NAMES, "start"), [])


def test_power_cut_and_a_lost_disk():
    plan = make([state("a", running=False), state("b", running=False), new("c")])
    assert (plan["actions"], plan["refusals"]) == ({"a": "start", "b": "start"}, [])


def test_one_member_lost():
    cluster = view(listed("a"), listed("b"), listed("c", False))
    plan = make([state("a", cluster), state("b", cluster), new("c", cluster)])
    assert plan["actions"] == {"a": "none", "b": "none", "c": "join"}
    assert (names_of(plan["remove_first"]), plan["remove_last"], plan["refusals"]) == (["c"], [], [])


def test_data_gone_while_the_process_still_runs():
    plan = make([state("a", HEALTHY), state("b", HEALTHY), state("c", HEALTHY, data=False)])
    assert (plan["actions"]["c"], names_of(plan["remove_first"])) == ("join", ["c"])


def test_two_of_three_lost():
    silent = view(listed("a", False, answers=True), listed("b", False), listed("c", False), leader="")
    for states in (
        [state("a", silent), new("b"), new("c")],  # no quorum
        [state("a", HEALTHY), state("b", HEALTHY, data=False), state("c", HEALTHY, data=False)],  # still running
    ):
        refusals = make(states)["refusals"]
        assert len(refusals) == 1
        assert refusals[0].startswith("etcd_members: ")
        assert "othing was changed" in refusals[0]
        assert "b, c" in refusals[0]


def test_two_of_five_lost_are_replaced():
    names = ("a", "b", "c", "d", "e")
    cluster = view(*(listed(name, name in NAMES) for name in names))
    plan = make([*(state(name, cluster) for name in NAMES), new("d", cluster), new("e", cluster)], names)
    assert (names_of(plan["remove_first"]), plan["refusals"]) == (["d", "e"], [])
    assert [plan["actions"][name] for name in "de"] == ["join", "join"]


def test_all_data_gone_is_no_formation():
    refusals = make([state(name, data=False, running=False) for name in NAMES])["refusals"]
    assert "the data of a, b, c in /data is gone" in refusals[0]
    assert "restore a snapshot" in refusals[0]


def test_stopped_member_is_started():
    cluster = view(listed("a"), listed("b"), listed("c", False))
    plan = make([state("a", cluster), state("b", cluster), state("c", cluster, running=False)])
    assert (plan["actions"]["c"], plan["remove_first"]) == ("start", [])


def test_growth_and_dead_strangers_first_live_ones_last():
    cluster = view(listed("a"), listed("b"), listed("x", False))
    plan = make([state("a", cluster), state("b", cluster), new("c", cluster)])
    assert (plan["actions"]["c"], names_of(plan["remove_first"]), plan["remove_last"]) == ("join", ["x"], [])
    cluster = view(listed("a"), listed("b"), listed("x"))
    plan = make([state("a", cluster), state("b", cluster), new("c", cluster)])
    assert (plan["remove_first"], names_of(plan["remove_last"])) == ([], ["x"])


@pytest.mark.parametrize(("leader", "next_leader"), [("1x", "b"), ("1a", ""), ("1b", "")])
def test_leader_that_leaves_gives_the_lead_to_a_healthy_one_that_stays(leader, next_leader):
    cluster = view(listed("a", False), listed("b"), listed("x"), listed("y"), leader=leader)
    states = [state("a", cluster), state("b", cluster), new("c", cluster)]
    assert make(states)["next_leader"] == next_leader


def test_next_leader_is_in_the_run_and_votes():
    cluster = view(listed("a"), listed("b", learner=True), listed("c"), listed("x"), leader="1x")
    assert make([state("b", cluster), state("c", cluster)])["next_leader"] == "c"
    assert make([state("b", cluster)])["next_leader"] == ""


def test_member_that_was_removed_comes_back_with_old_data():
    cluster = view(listed("a"))
    plan = make([state("a", cluster), state("b", cluster), state("c", cluster)])
    assert plan["actions"] == {"a": "none", "b": "join", "c": "join"}


def test_addition_that_was_cut_off_goes_on():
    added = listed("", False, id="1c", peer_urls=["https://c:2380"], client_urls=[], learner=True)
    cluster = view(listed("a"), listed("b"), added)
    plan = make([state("a", cluster), state("b", cluster), new("c", cluster)])
    assert (plan["actions"]["c"], plan["remove_first"], plan["remove_last"]) == ("join", [], [])
    started = {**added, "name": "c", "healthy": True}
    cluster = view(listed("a"), listed("b"), started)
    assert make([state(name, cluster) for name in NAMES])["actions"]["c"] == "join"


def test_changed_address():
    cluster = view(listed("a"), listed("b"), listed("c", peer_urls=["https://old:2380"]))
    plan = make([state(name, cluster) for name in NAMES])
    assert (plan["actions"]["c"], plan["remove_first"], plan["remove_last"]) == ("join", [], [])


def test_nobody_is_added_beside_a_silent_member():
    cluster = view(listed("a"), listed("b"), listed("c", False))
    names = ("a", "b", "c", "d", "e")
    plan = make([state("a", cluster), state("b", cluster), new("d", cluster), new("e", cluster)], names)
    assert "d, e cannot be added while c does not answer" in plan["refusals"][0]
    # In the run it is started, which is no reason to refuse.
    states = [state("a", cluster), state("b", cluster), state("c", cluster), new("d", cluster), new("e", cluster)]
    assert make(states, names)["refusals"] == []


def test_list_of_another_cluster():
    plan = make([new("a", view(listed("x"))), new("b"), new("c")])
    assert "none of them is a member" in plan["refusals"][0]


def test_one_host_of_a_healthy_cluster():
    plan = make([state("b", HEALTHY)])
    assert (plan["actions"], plan["refusals"]) == ({"b": "none"}, [])


def test_the_best_view_counts():
    plan = make([state("a", view(leader="")), state("b", HEALTHY), state("c", view(listed("a"), leader=""))])
    assert plan["up"]


def test_missing_files_are_refused():
    broken = {**new("a"), "problems": ["etcd_tls_key: /no.key is not there"]}
    assert make([broken, new("b"), new("c")])["refusals"] == ["etcd_tls_key: /no.key is not there on a."]


def test_filter_refuses_nonsense():
    with pytest.raises(AnsibleFilterError, match="etcd_plan"):
        FilterModule().filters()["etcd_plan"]([{}], declared("a"))
