# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an update and a way back are to do, from what was seen on the hosts."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.golive.delivery.plugins.filter import rollback_plan as rollback_filter
from ansible_collections.golive.delivery.plugins.filter import update_plan as update_filter
from ansible_collections.golive.delivery.plugins.module_utils.update.plan import rollback_plan, update_plan

HOSTS = {"app_hosts": ["app1", "app2"], "leader": "app1", "pages": [("lb1", "erp")], "names": ["erp"]}
KNOWN = {**HOSTS, "backup_host": "mon1"}
OLD, NEW, OLDER = "8.0.11-aaaaaaaaaa", "8.0.12-bbbbbbbbbb", "8.0.10-cccccccccc"


def state(current=OLD, active=None, declared=NEW, processes=False):
    active = current if active is None else active
    release = declared != current or declared != active
    return {
        "current": current,
        "active": active,
        "declared": declared,
        "release": release,
        "processes": processes,
        "pending": release or processes,
    }


def node(erp=None, out=False, compatible=True, migrates=False, **others):
    pending = {"erp": erp or state(), **others}
    applications = [{"name": name, "compatible": compatible, "migrates": migrates} for name in pending]
    return {"pending": pending, "out": out, "applications": applications}


def test_hosts_go_one_after_the_other():
    plan = update_plan({"app1": node(), "app2": node()}, KNOWN)
    assert (plan["plan"], plan["in"], plan["out"], plan["problems"]) == ("rolling", ["app1", "app2"], [], [])
    assert plan["lines"] == [f"app1: erp {OLD} -> {NEW}", f"app2: erp {OLD} -> {NEW}"]


def test_nothing_to_do():
    same = state(NEW)
    plan = update_plan({"app1": node(same), "app2": node(same)}, KNOWN)
    assert (plan["plan"], plan["in"], plan["out"], plan["lines"]) == ("none", [], [], [])


def test_what_a_cut_off_run_left_comes_first_and_goes_back_to_the_balancers():
    plan = update_plan({"app1": node(), "app2": node(state(NEW), out=True)}, KNOWN)
    assert (plan["plan"], plan["out"], plan["in"]) == ("rolling", ["app2"], ["app1"])
    assert "app2: back to the balancers" in plan["lines"]


def test_a_switched_link_that_never_got_ready_is_pending():
    plan = update_plan({"app1": node(state(NEW, active=OLD)), "app2": node()}, KNOWN)
    assert plan["in"] == ["app1", "app2"]
    assert plan["lines"][0] == f"app1: erp {OLD} -> {NEW}"


def test_another_configuration_is_rolled_out_too_even_if_the_release_is_incompatible():
    changed = node(state(NEW, processes=True), compatible=False)
    plan = update_plan({"app1": changed, "app2": node(state(NEW), compatible=False)}, KNOWN)
    assert (plan["plan"], plan["in"]) == ("rolling", ["app1"])
    assert plan["lines"] == ["app1: erp with another configuration"]


def test_an_incompatible_release_goes_behind_the_page():
    seen = {"app1": node(compatible=False), "app2": node(compatible=False)}
    plan = update_plan(seen, KNOWN)
    assert (plan["plan"], plan["in"], plan["out"], plan["problems"]) == ("window", [], [], [])
    assert (plan["to"], plan["incompatible"]) == ({"erp": NEW}, ["erp"])


@pytest.mark.parametrize(
    ("seen", "known", "message"),
    [
        ({"app1": node(state(""))}, {}, "erp never ran on app1: site.yml installs it"),
        ({"app1": node(compatible=False)}, {}, "every host is needed (app1, app2): run it without --limit"),
        (
            {"app1": node(compatible=False), "app2": node(compatible=False)},
            {"limited": True},
            "run it without --limit",
        ),
        ({"app1": node(compatible=False), "app2": node()}, {"backup_host": ""}, "golive_update_backup=false"),
        (
            {"app1": node(compatible=False), "app2": node(compatible=False)},
            {"only": "erp", "names": ["erp", "shop"]},
            "app_server_only: behind the maintenance page all applications",
        ),
        ({"app1": node(compatible=False), "app2": node(compatible=False)}, {"pages": []}, "golive_update_balancers"),
        (
            {"app1": node(compatible=False), "app2": node(compatible=False)},
            {"leader": "db1"},
            "app_server_initialisation_host: behind the maintenance page expected a host of the group app, got db1",
        ),
        ({"app2": node(migrates=True)}, {}, "app1 migrates for all hosts and is not in this run"),
        (
            {"app1": node(), "app2": node()},
            {"window": {"phase": "changing", "releases": {"erp": OLDER}}},
            f"the update of erp to {OLDER} was cut off behind the maintenance page, and {NEW} is declared",
        ),
        (
            {"app1": node(), "app2": node()},
            {"window": {"phase": "restoring", "releases": {}, "rollback": True}},
            "a way back behind the maintenance page was cut off: run rollback.yml",
        ),
        (
            {"app1": node(), "app2": node()},
            {"window": {"phase": "ended", "releases": {}, "rollback": True}},
            "a way back behind the maintenance page was cut off: run rollback.yml",
        ),
        (
            {"app2": node()},
            {"window": {"phase": "ended", "releases": {"erp": NEW}}},
            "the maintenance page has to go: run it with app1",
        ),
        (
            {"app1": node(compatible=False), "app2": node(compatible=False)},
            {"window": {"phase": "changing", "releases": {"shop": "2"}}},
            "erp: not part of the update that was cut off behind the maintenance page",
        ),
        ({"app1": node(), "app2": node()}, {"serial": 2}, "expected less than the 2 hosts of the group app"),
        ({"app1": node(), "app2": node()}, {"serial": "100%"}, "golive_update_serial: expected less than the 2 hosts"),
        ({"app1": node(), "app2": node()}, {"serial": "half"}, "expected a number from 1 or a percentage such as 25%"),
        ({"app1": node(), "app2": node()}, {"serial": 0}, "golive_update_serial: expected a number from 1"),
    ],
)
def test_refused(seen, known, message):
    problems = update_plan(seen, {**KNOWN, **known})["problems"]
    assert any(message in problem for problem in problems), problems


def test_without_a_backup_if_told_so():
    seen = {"app1": node(compatible=False), "app2": node(compatible=False)}
    assert update_plan(seen, {**KNOWN, "backup_host": "", "backup": False})["problems"] == []


def test_a_window_that_was_cut_off_is_gone_on_with():
    done = state(NEW)
    window = {"phase": "changing", "releases": {"erp": NEW}, "incompatible": ["erp"], "restore_point": "golive-x"}
    plan = update_plan({"app1": node(done), "app2": node(done)}, {**KNOWN, "window": window})
    assert (plan["plan"], plan["problems"]) == ("window", [])


def test_a_way_back_is_given_up_while_the_database_is_what_it_was():
    window = {"phase": "begun", "releases": {}, "rollback": True, "restore_point": "golive-x"}
    plan = update_plan({"app1": node(state(NEW)), "app2": node(state(NEW))}, {**KNOWN, "window": window})
    assert (plan["plan"], plan["problems"], plan["to"]) == ("window", [], {})


@pytest.mark.parametrize("serial", [1, 2, "1", "50%", "99%", "10%"])
def test_nodes_at_a_time(serial):
    hosts = {**HOSTS, "app_hosts": ["app1", "app2", "app3"]}
    seen = {host: node() for host in hosts["app_hosts"]}
    assert update_plan(seen, {**hosts, "serial": serial})["problems"] == []
    assert update_plan({"app1": node()}, {**HOSTS, "app_hosts": ["app1"], "serial": serial})["problems"] == []


def test_a_page_that_is_left_over_goes_whatever_is_declared():
    window = {"phase": "ended", "releases": {"erp": OLDER}}
    plan = update_plan({"app1": node(), "app2": node()}, {**KNOWN, "window": window})
    assert (plan["plan"], plan["problems"], plan["in"]) == ("end", [], [])
    plan = rollback_plan(seen_back(), {**BACK, "window": {**window, "restore_point": "", "began_at": ""}})
    assert (plan["plan"], plan["problems"]) == ("end", [])


def test_an_update_may_follow_a_way_back_that_was_cut_off():
    plan = update_plan({"app1": node(), "app2": node()}, {**KNOWN, "window": {"phase": "rolling"}})
    assert (plan["plan"], plan["problems"], plan["in"]) == ("rolling", [], ["app1", "app2"])


def info(
    current=NEW, previous=OLD, pending="", last_good=None, activations=(OLD, NEW), reasons=None, folders=(OLD, NEW)
):
    reasons = reasons or ["converge"] * len(activations)
    return {
        "current": current,
        "previous": previous,
        "pending": pending,
        "last_good": current if last_good is None else last_good,
        "activations": [
            {"release": one, "reason": why, "activated_at": "2026-11-22T00:00:00Z"}
            for one, why in zip(activations, reasons)
        ],
        "releases": [{"folder": one, "name": one[:6], "complete": True, "snapshot": True} for one in folders],
    }


def seen_back(first=None, second=None, out=()):
    found = {"app1": first or info(), "app2": second or info()}
    return {host: {"info": one, "out": host in out, "others": {"erp": one}} for host, one in found.items()}


BACK = {**HOSTS, "application": "erp"}


def test_back_to_the_previous_release():
    plan = rollback_plan(seen_back(), BACK)
    assert (plan["plan"], plan["in"], plan["problems"], plan["point"]) == ("rolling", ["app1", "app2"], [], {})
    assert plan["to"] == {"app1": OLD, "app2": OLD}


def test_a_way_back_that_was_cut_off_goes_on_to_the_same_release():
    gone = info(OLD, OLDER, activations=(OLDER, OLD, NEW, OLD), reasons=["converge"] * 3 + ["rollback"])
    plan = rollback_plan(seen_back(gone, info(NEW, OLD), out=("app2",)), BACK)
    assert (plan["out"], plan["in"]) == (["app2"], [])
    assert set(plan["to"].values()) == {OLD}
    half = info(OLD, OLDER, pending=OLD, last_good=NEW)
    assert rollback_plan(seen_back(half), BACK)["in"] == ["app1", "app2"]


def test_back_from_an_update_that_stopped_half_way():
    plan = rollback_plan(seen_back(info(NEW, OLD), info(OLD, OLDER)), BACK)
    assert (plan["plan"], plan["in"], set(plan["to"].values())) == ("rolling", ["app1"], {OLD})


def test_back_to_a_named_release():
    three = info(NEW, OLD, activations=(OLDER, OLD, NEW), folders=(OLDER, OLD, NEW))
    assert set(rollback_plan(seen_back(three, three), {**BACK, "wanted": "8.0.10"})["to"].values()) == {OLDER}
    assert set(rollback_plan(seen_back(three, three), {**BACK, "wanted": OLDER})["to"].values()) == {OLDER}


@pytest.mark.parametrize(
    ("seen", "known", "message"),
    [
        (seen_back(info(previous=""), info(previous="")), {}, "erp has no release to go back to"),
        (seen_back(), {"wanted": "7.0.1"}, "erp cannot go back to 7.0.1"),
        (seen_back(info(NEW, OLD), info(OLDER, "")), {}, "name the one to go back to (golive_rollback_to)"),
    ],
)
def test_nothing_to_go_back_to(seen, known, message):
    plan = rollback_plan(seen, {**BACK, **known})
    assert (plan["plan"], plan["in"]) == ("none", [])
    assert message in plan["problems"][0]


POINT = {"application": "erp", "release": NEW, "restore_point": "golive-20261123-1F", "at": "2026-11-23T10:00:00Z"}


def test_the_database_goes_back_only_when_confirmed():
    known = {**BACK, "points": [POINT]}
    plan = rollback_plan(seen_back(), known)
    assert plan["plan"] == "window"
    assert "golive_rollback_confirm=golive-20261123-1F" in plan["problems"][0]
    assert "2026-11-23T10:00:00Z" in plan["problems"][0]
    plan = rollback_plan(seen_back(), {**known, "confirmed": "golive-20261123-1F"})
    assert (plan["plan"], plan["problems"], plan["point"]) == ("window", [], POINT)


def test_the_database_stays_where_the_release_gone_back_to_fits_it():
    other = {**POINT, "release": OLD}
    plan = rollback_plan(seen_back(), {**BACK, "points": [other]})
    assert (plan["plan"], plan["point"], plan["problems"]) == ("rolling", {}, [])
    plan = rollback_plan(seen_back(), {**BACK, "points": [POINT], "database": False})
    assert (plan["plan"], plan["point"], plan["problems"]) == ("rolling", {}, [])


def test_without_a_backup_the_database_cannot_go_back():
    plan = rollback_plan(seen_back(), {**BACK, "points": [{**POINT, "restore_point": ""}]})
    assert "is in no backup" in plan["problems"][0]


def test_a_way_back_that_was_cut_off_after_its_last_node_does_not_go_further():
    gone = info(OLD, OLDER, activations=(OLDER, OLD, NEW, OLD), reasons=["converge"] * 3 + ["rollback"])
    note = {"phase": "rolling", "application": "erp", "release": OLD, "was": NEW}
    plan = rollback_plan(seen_back(gone, gone, out=("app2",)), {**BACK, "window": note})
    assert (plan["plan"], plan["out"], plan["in"], set(plan["to"].values())) == ("rolling", ["app2"], [], {OLD})
    plan = rollback_plan(seen_back(gone, gone), {**BACK, "window": note})
    assert (plan["plan"], plan["in"], plan["note"]) == ("rolling", [], note)
    assert rollback_plan(seen_back(gone, gone), BACK)["in"] == ["app1", "app2"]


@pytest.mark.parametrize(
    ("note", "wanted"),
    [
        ({"application": "shop", "release": OLDER, "was": NEW}, ""),
        ({"application": "erp", "release": "1-aaaaaaaaaa", "was": "2-bbbbbbbbbb"}, ""),
        ({"application": "erp", "release": OLDER, "was": NEW}, OLD),
    ],
)
def test_a_note_of_another_way_back_does_not_count(note, wanted):
    three = info(NEW, OLD, activations=(OLDER, OLD, NEW), folders=(OLDER, OLD, NEW))
    plan = rollback_plan(seen_back(three, three), {**BACK, "wanted": wanted, "window": {"phase": "rolling", **note}})
    assert (set(plan["to"].values()), plan["note"], plan["was"]) == ({OLD}, {}, NEW)


def test_another_application_that_came_after_the_database_has_to_go_first():
    found = seen_back()
    shop = info("2-aaaaaaaaaa", "1-bbbbbbbbbb", activations=("1-bbbbbbbbbb", "2-aaaaaaaaaa"))
    shop["activations"][1]["activated_at"] = "2026-11-24T00:00:00Z"
    for host in found.values():
        host["others"]["shop"] = shop
    plan = rollback_plan(found, {**BACK, "points": [POINT], "confirmed": POINT["restore_point"]})
    assert "shop (2-aaaaaaaaaa) came after it" in plan["problems"][0]


WINDOW = {
    "releases": {"erp": NEW},
    "from": {"app1": {"erp": OLD}, "app2": {"erp": OLD}},
    "restore_point": "golive-x",
    "began_at": "2026-11-23T10:00:00Z",
}


@pytest.mark.parametrize(
    ("phase", "rollback", "known", "restore_point"),
    [
        ("begun", False, {}, None),
        ("changing", False, {}, "golive-x"),
        ("restoring", False, {}, "golive-x"),
        ("begun", True, {}, "golive-x"),
        ("changing", False, {"database": False}, None),
    ],
)
def test_an_update_behind_the_page_that_was_cut_off_is_undone(phase, rollback, known, restore_point):
    window = {**WINDOW, "phase": phase, "rollback": rollback}
    plan = rollback_plan(seen_back(), {**BACK, **known, "window": window})
    assert (plan["plan"], plan["to"], plan["problems"]) == ("window", {"app1": OLD, "app2": OLD}, [])
    assert plan["was"] == NEW
    assert plan["point"].get("restore_point") == restore_point


def test_an_update_that_did_not_come_in_is_no_way_back():
    window = {**WINDOW, "phase": "changing", "way_back": {"application": "erp", "was": ""}}
    same = info(OLD, OLDER)
    plan = rollback_plan(seen_back(same, same), {**BACK, "application": "shop", "window": window})
    assert (plan["application"], plan["was"]) == ("erp", "")


def test_an_update_without_a_backup_that_was_cut_off_needs_a_word():
    window = {**WINDOW, "phase": "changing", "restore_point": ""}
    assert "took no backup" in rollback_plan(seen_back(), {**BACK, "window": window})["problems"][0]


def test_the_filters():
    seen = {"app1": node(), "app2": node()}
    assert update_filter.FilterModule().filters()["update_plan"](seen, KNOWN) == update_plan(seen, KNOWN)
    assert rollback_filter.FilterModule().filters()["rollback_plan"](seen_back(), BACK) == rollback_plan(
        seen_back(), BACK
    )
    for wrong in (update_filter.update_plan, rollback_filter.rollback_plan):
        with pytest.raises(AnsibleFilterError, match="expected a dictionary by host, got list"):
            wrong([])
