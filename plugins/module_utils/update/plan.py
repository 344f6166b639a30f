# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an update and a rollback of an application's hosts are to do, and why not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

NONE, ROLLING, WINDOW, END = "none", "rolling", "window", "end"
# How far an update behind the page got: its page is (perhaps) up; the database may have changed; the database goes
# back; all is done but the page is (perhaps) still up. `rolling` is a way back node by node, without a page.
BEGUN, CHANGING, RESTORING, ENDED = "begun", "changing", "restoring", "ended"
# What the playbook knows beside what it has seen on the hosts.
DEFAULTS: dict[str, Any] = {
    "app_hosts": [],  # the group `app`
    "leader": "",  # who migrates for all
    "limited": False,  # whether the run has --limit
    "only": "",  # app_server_only
    "serial": 1,  # nodes at a time: a number or a percentage of those that are to change
    "names": [],  # all applications that are declared
    "pages": [],  # backends that lead to the hosts
    "application": "",  # of a rollback
    "wanted": "",  # release to go back to
    "confirmed": "",  # restore point that may be gone back to
    "database": True,  # whether the database may go back
    "backup": True,  # whether a backup is to be taken behind the page
    "backup_host": "",
    "window": {},  # what was cut off, as it is remembered on the leader
    "points": [],  # restore points of updates behind the page, the oldest first
}

Seen = Mapping[str, Mapping[str, Any]]


def _result(plan: str, hosts: Sequence[str], seen: Seen, **more: Any) -> dict[str, Any]:
    """Return a plan. Nodes that are out of the balancers come first: the others serve meanwhile."""
    out = [host for host in hosts if seen[host]["out"]]
    return {
        "plan": plan,
        "out": out if plan == ROLLING else [],
        "in": [host for host in hosts if host not in out] if plan == ROLLING else [],
        "problems": [],
        "lines": [],
        **more,
    }


def _together(serial: Any, changing: int, known: Mapping[str, Any]) -> list[str]:
    """Say what is wrong with the number of nodes at a time: the others have to serve meanwhile."""
    found = re.fullmatch(r"([1-9]\d*)(%?)", str(serial))
    if not found or (found[2] and int(found[1]) > 100):
        return [f"golive_update_serial: expected a number from 1 or a percentage such as 25%, got {serial}"]
    number = int(found[1])
    if found[2]:
        number = changing * number // 100 or 1  # as Ansible counts
    hosts = len(known["app_hosts"])
    if hosts > 1 and min(number, changing) >= hosts:
        return [
            f"golive_update_serial: expected less than the {hosts} hosts of the group app, as the others serve "
            f"meanwhile, got {serial}"
        ]
    return []


def _end(seen: Seen, known: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return the plan for what has come to its end but for its page."""
    problems = [] if known["leader"] in seen else [f"the maintenance page has to go: run it with {known['leader']}"]
    lines = ["the maintenance page goes; run it again for the rest"]
    return {**_result(END, list(seen), seen, **more), "problems": problems, "lines": lines}


def _behind_the_page(seen: Seen, known: Mapping[str, Any]) -> list[str]:
    """Say what an update or a way back behind the page lacks."""
    problems = []
    if known["limited"] or not set(known["app_hosts"]) <= set(seen):
        names = ", ".join(known["app_hosts"])
        problems.append(f"behind the maintenance page every host is needed ({names}): run it without --limit")
    if known["leader"] not in known["app_hosts"]:
        problems.append(
            f"app_server_initialisation_host: behind the maintenance page expected a host of the group app, got "
            f"{known['leader']}"
        )
    if known["only"] and len(known["names"]) > 1:
        problems.append(
            "app_server_only: behind the maintenance page all applications of the hosts stop and start together "
            f"({', '.join(known['names'])}), as the database of all of them may have to go back"
        )
    if not known["pages"]:
        problems.append(
            "golive_update_balancers: no backend of a balancer leads to the hosts, so there is "
            "no maintenance page to go behind"
        )
    return problems


def update_plan(seen: Seen, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return what rolling_update.yml is to do.

    seen: by host `pending` (what app_server found out, by application), `applications` (name, compatible, migrates) and
    `out` (drained at a balancer). known: see DEFAULTS. The result has `to` (the new releases by application) and
    `incompatible` (those of them that the database of before does not fit) too.
    """
    known = {**DEFAULTS, **known}
    window = known["window"] if known["window"].get("phase") != ROLLING else {}
    # A way back that has not begun with the database is given up: what runs now starts again.
    given_up = bool(window.get("rollback")) and window["phase"] == BEGUN
    problems: list[str] = []
    lines: list[str] = []
    pending: list[str] = []
    declared: dict[str, str] = {}
    incompatible: set[str] = set()
    migrating: set[str] = set()
    for host, found in seen.items():
        for application in found["applications"]:
            name, state = application["name"], found["pending"][application["name"]]
            if not state["current"]:
                problems.append(f"{name} never ran on {host}: site.yml installs it")
            elif state["release"]:
                lines.append(f"{host}: {name} {state['active'] or state['current']} -> {state['declared']}")
                declared[name] = state["declared"]
                incompatible |= set() if application["compatible"] else {name}
                migrating |= {name} if application["migrates"] else set()
            elif state["processes"]:
                lines.append(f"{host}: {name} with another configuration")
            interrupted = window.get("releases", {}).get(name)
            if interrupted and interrupted != state["declared"] and window["phase"] != ENDED:
                problems.append(
                    f"the update of {name} to {interrupted} was cut off behind the maintenance page, and "
                    f"{state['declared']} is declared: declare that one again, or run rollback.yml"
                )
        if any(state["pending"] for state in found["pending"].values()):
            pending.append(host)
        elif found["out"]:
            pending.append(host)
            lines.append(f"{host}: back to the balancers")
    more = {"to": declared, "incompatible": sorted(incompatible)}
    if window.get("rollback") and not given_up:
        problems.append("a way back behind the maintenance page was cut off: run rollback.yml")
        return {**_result(NONE, [], seen, **more), "problems": problems}
    if window.get("phase") == ENDED:
        return _end(seen, known, **more)
    late = incompatible - set(window.get("releases", {}))
    if window and not given_up and late:
        problems.append(
            f"{', '.join(sorted(late))}: not part of the update that was cut off behind the maintenance page, and "
            "release_compatible is false: end that update first, as it was declared"
        )
    if window or incompatible:
        problems += _behind_the_page(seen, known)
        if known["backup"] and not known["backup_host"] and not window:
            problems.append(
                f"{', '.join(sorted(incompatible))}: release_compatible is false, and nobody keeps backups (group "
                "backup): golive_update_backup=false goes on without a way back for the database"
            )
    else:
        if migrating and known["leader"] not in seen:
            problems.append(f"{known['leader']} migrates for all hosts and is not in this run: run it without --limit")
        problems += _together(known["serial"], len(pending), known)
    plan = WINDOW if window or incompatible else ROLLING if pending else NONE
    hosts = list(seen) if plan == WINDOW else pending
    return {**_result(plan, hosts, seen, **more), "problems": sorted(set(problems)), "lines": lines}


def _usable(info: Mapping[str, Any], wanted: str) -> set[str]:
    """Return the folders on a host that are meant by a release's name or folder and can run again."""
    return {
        one["folder"]
        for one in info["releases"]
        if one["complete"] and one["snapshot"] and wanted in (one["folder"], one["name"])
    } & {one["release"] for one in info["activations"]}


def _target(infos: Mapping[str, Mapping[str, Any]], known: Mapping[str, Any]) -> tuple[str, str]:
    """Return the folder to go back to, or why there is none."""
    name, wanted = known["application"], known["wanted"]
    running = ", ".join(f"{host}: {info['current'] or 'none'}" for host, info in infos.items())
    if wanted:
        common = set.intersection(*(_usable(info, wanted) for info in infos.values()))
        if common:
            # Of several of one name that which was activated last.
            order = [one["release"] for info in infos.values() for one in info["activations"]]
            return max(
                sorted(common), key=lambda folder: max((at for at, one in enumerate(order) if one == folder))
            ), ""
        there = sorted({one["folder"] for info in infos.values() for one in info["releases"] if one["snapshot"]})
        ran = ", ".join(there) or "none"
        return "", f"{name} cannot go back to {wanted}: every host would need it. Releases that ran: {ran}"
    begun = sorted({info["pending"] for info in infos.values() if info["pending"]})
    if len(begun) == 1:
        return begun[0], ""
    # The hosts differ after a run that was cut off: what some of them run the others go back to.
    candidates = {info[key] for info in infos.values() for key in ("current", "previous") if info[key]}
    good = [
        folder
        for folder in sorted(candidates)
        if all(folder in (info["current"], info["previous"]) for info in infos.values())
        and any(info["current"] != folder for info in infos.values())
    ]
    if len(good) == 1:
        return good[0], ""
    if len({info["current"] for info in infos.values()}) > 1:
        return "", f"{name} runs in different releases ({running}): name the one to go back to (golive_rollback_to)"
    return "", f"{name} has no release to go back to: no other one that ran on all hosts is left ({running})"


def _was(infos: Mapping[str, Mapping[str, Any]], to: Mapping[str, str]) -> str:
    """Return the release that is gone back from; none where no host has another one than it goes back to."""
    active = {host: info["last_good"] or info["current"] for host, info in infos.items()}
    return next((folder for host, folder in active.items() if folder != to[host]), "")


def _later(infos: Mapping[str, Mapping[str, Any]], folder: str) -> set[str]:
    """Return the releases that were activated after this one was."""
    found: set[str] = set()
    for info in infos.values():
        order = [one["release"] for one in info["activations"] if one["reason"] != "rollback"]
        begin = len(order) - order[::-1].index(folder) if folder in order else 0
        found |= {release for release in order[begin:] if release != folder}
    return found


def _too_new(seen: Seen, name: str, at: str) -> list[str]:
    """Say which other applications of the hosts have releases that came after the database that is gone back to."""
    found = set()
    for host in seen.values():
        for other, info in host["others"].items():
            first = [one["activated_at"] for one in info["activations"] if one["release"] == info["current"]][:1]
            if other != name and first and first[0] > at:
                found.add(f"{other} ({info['current']})")
    return sorted(found)


def _interrupted(seen: Seen, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the way back from an update, or on from a way back, that was cut off behind the page."""
    window = known["window"]
    name = window.get("way_back", {}).get("application") or known["application"]
    origin = window.get("from", {})
    folders = {host: origin.get(host, {}).get(name, "") for host in seen}
    # An update that did not come to its migration has left the database as it was.
    changed = window["phase"] != BEGUN or bool(window.get("rollback"))
    point = (
        {"restore_point": window["restore_point"], "at": window["began_at"]} if changed and known["database"] else {}
    )
    was = _was({host: found["others"].get(name, found["info"]) for host, found in seen.items()}, folders)
    more = {"to": folders, "application": name, "point": point, "note": window, "was": was}
    if window["phase"] == ENDED:
        return _end(seen, known, **more)
    problems = _behind_the_page(seen, known)
    if point and not point["restore_point"]:
        problems.append(
            "the update that was cut off has changed the database, perhaps, and took no backup before "
            "(golive_update_backup was false): golive_rollback_database=false leaves the database as it is"
        )
    lines = [f"{host}: {name} -> {folder}, behind the maintenance page" for host, folder in folders.items()]
    return {**_result(WINDOW, list(seen), seen, **more), "lines": lines, "problems": problems}


def rollback_plan(seen: Seen, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return what rollback.yml is to do.

    seen: by host `info` (of the module app_release), `others` (the same of all applications, by name) and `out`. known:
    see DEFAULTS. The result has `to` (by host the folder of the release), `point` (of the database to go back to, empty
    if it stays), `application`, `was` (the release that is gone back from) and `note` (of the way back that was cut
    off, if this one goes on with it) too.
    """
    known = {**DEFAULTS, **known}
    window, name = known["window"], known["application"]
    if window and window["phase"] != ROLLING:
        return _interrupted(seen, known)
    infos = {host: found["info"] for host, found in seen.items()}
    # Of another application, or of releases that none has any more: what was cut off has become of no interest.
    runs = {info[key] for info in infos.values() for key in ("current", "last_good")}
    note = window if window and window["application"] == name and runs & {window.get("was"), window["release"]} else {}
    if note and not known["wanted"]:
        folder, problem = note["release"], ""
    else:
        folder, problem = _target(infos, known)
    if problem:
        more = {"to": {}, "application": name, "point": {}, "note": {}, "was": ""}
        return {**_result(NONE, [], seen, **more), "problems": [problem]}
    note = note if note.get("release") == folder else {}
    later = _later(infos, folder)
    point = next((one for one in known["points"] if one["application"] == name and one["release"] in later), {})
    if not known["database"]:
        point = {}
    hosts = [
        host
        for host, found in seen.items()
        if found["out"]
        or found["info"]["pending"]
        or {found["info"]["current"], found["info"]["last_good"]} != {folder}
    ]
    lines = [f"{host}: {name} {infos[host]['current']} -> {folder}" for host in hosts]
    to = dict.fromkeys(seen, folder)
    more = {"to": to, "application": name, "point": point, "note": note, "was": _was(infos, to)}
    if not point:
        # With a note of a way back that was cut off there is its evidence to write, if nothing else.
        plan = ROLLING if hosts or note else NONE
        problems = _together(known["serial"], len(hosts), known)
        return {**_result(plan, hosts, seen, **more), "lines": lines, "problems": problems}
    problems = _behind_the_page(seen, known)
    if not point["restore_point"]:
        problems.append(
            f"the database of before {point['release']} is in no backup (golive_update_backup was false): "
            "golive_rollback_database=false leaves the database as it is"
        )
    elif known["confirmed"] != point["restore_point"]:
        problems.append(
            f"{point['release']} changed the database so that {folder} cannot use it. All that was entered since "
            f"{point['at']} is lost when the database goes back: to confirm it, set "
            f"golive_rollback_confirm={point['restore_point']}; golive_rollback_database=false leaves it as it is"
        )
    too_new = _too_new(seen, name, point["at"])
    if too_new:
        problems.append(
            f"the database goes back to {point['at']} for all applications of the hosts, and {', '.join(too_new)} came "
            "after it: go back with these first (golive_rollback_application)"
        )
    lines.append(f"database -> {point['restore_point']} ({point['at']})")
    return {**_result(WINDOW, list(seen), seen, **more), "lines": lines, "problems": problems}
