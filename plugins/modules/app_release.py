#!/usr/bin/python
# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: app_release
short_description: Know, record, restore and prune the releases of an application
version_added: "0.3.0"
description:
  - Works on what the role P(golive.delivery.app_server#role) leaves on a host - the releases in C(/opt/NAME/releases),
    the link C(/opt/NAME/current), the units, the configuration in C(/etc/NAME) - and keeps in
    C(/var/lib/golive/app_server/NAME) what is needed to go back - the list of activations and, for each release that
    was activated, a snapshot of what it ran with. The snapshots hold secrets; only root reads them.
  - Starts and stops nothing. Each file is replaced by a rename, so a run that is killed is repeated.
author:
  - The golive.delivery authors (@golive-delivery)
options:
  name:
    description: Name of the application.
    type: str
    required: true
  state:
    description:
      - V(known) reads.
      - V(recorded) takes a snapshot of what O(release), the current release, runs with, and adds it to the list of
        activations unless it is the newest one there. It ends a way back that V(restored) has begun. Without O(release)
        it begins an empty list.
      - V(restored) puts back the units, configuration and secrets of O(release), removes configuration that only the
        release before has, switches the link and lets systemd read the units. Units that the release did not have are
        left to the caller, see RV(units).
      - V(pruned) removes old releases with their snapshots; never the current or the previous one, nor one that a
        process runs from. What a failed build has left goes too.
    type: str
    choices: [known, recorded, restored, pruned]
    default: known
  release:
    description:
      - With O(state=recorded) the folder of the release; nothing where none runs yet.
      - With O(state=restored) a folder, the name of a release, or nothing for the previous one. The previous one is the
        one that was activated last before the current; a way back that was cut off is gone on with. It fails when there
        is none.
    type: str
    default: ""
  files:
    description:
      - With O(state=recorded) files of the snapshot beside the units of the application. Those that do not exist are
        left out.
      - With O(state=restored) files that a release has written that may have no snapshot. Those in C(/etc/NAME) that
        O(release) does not have are removed.
    type: list
    elements: path
    default: []
  processes:
    description: Processes of the release as the snapshot keeps them; those without a unit here are left out.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the process; its unit is C(APPLICATION-PROCESS.service).
        type: str
        required: true
      health:
        description: What says that it is ready.
        type: dict
  reason:
    description:
      - Why the release is activated. With V(rollback) and O(state=restored) the way back is remembered until it is
        recorded.
    type: str
    choices: [converge, rolling_update, rollback]
    default: converge
  since:
    description:
      - Time at which the activation began, as RV(now) of an earlier call; the seconds are counted from it.
      - Without it the activation is one of before the role took notes; its time is that of the link.
    type: float
    default: 0
  database_at:
    description:
      - Time in UTC, such as V(2026-01-31T01:02:03Z), at which the database was what it is again, because it goes back
        too. The initialisation and the migrations that this host has done since count as not done.
      - Used with O(state=restored). An empty text says that the database stays.
    type: str
    default: ""
  keep:
    description: How many complete releases O(state=pruned) leaves.
    type: int
    default: 3
attributes:
  check_mode:
    description: Says what would change, and changes nothing.
    support: full
  diff_mode:
    description: Shows the releases and the names of the files; their content may be secret.
    support: partial
"""

EXAMPLES = r"""
- name: Look at the releases
  golive.delivery.app_release:
    name: shop
  register: releases

- name: Record that a release runs
  golive.delivery.app_release:
    name: shop
    state: recorded
    release: 2.1.0-315740d1cc
    files: [/etc/shop/shop.conf, /etc/shop/secrets.env]
    processes: [{name: web, health: {url: "http://127.0.0.1:8000/readyz"}}]
    since: "{{ releases.now }}"

- name: Put back what ran before
  golive.delivery.app_release:
    name: shop
    state: restored
    reason: rollback

- name: Leave three releases
  golive.delivery.app_release:
    name: shop
    state: pruned
    keep: 3
"""

RETURN = r"""
now:
  description: Time of the host in seconds since 1970, for O(since).
  returned: success
  type: float
current:
  description: Folder of the current release, empty if there is none.
  returned: when O(state=known)
  type: str
  sample: 2.1.0-315740d1cc
previous:
  description: Folder of the release to go back to, empty if there is none. That of RV(pending) if there is one.
  returned: when O(state=known)
  type: str
differing:
  description:
    - Units and other files of the snapshot of the current release that are not as it has them, and units that it does
      not have. What a run has written that was killed before the end, for one.
  returned: when O(state=known)
  type: list
  elements: str
last_good:
  description: Folder of the release that was activated last. It is not the current one when that never got ready.
  returned: when O(state=known)
  type: str
begun:
  description: Whether there is a list of activations, be it empty.
  returned: when O(state=known)
  type: bool
pending:
  description: Where a way back that was cut off goes to, empty if there is none.
  returned: when O(state=known)
  type: str
migrated:
  description: Folders of the releases whose migration was done from this host.
  returned: when O(state=known)
  type: list
  elements: str
releases:
  description: The releases that are on the host.
  returned: when O(state=known)
  type: list
  elements: dict
  contains:
    folder: {description: Name of the folder., type: str}
    name: {description: Name of the release., type: str}
    complete: {description: Whether it was built to its end., type: bool}
    snapshot: {description: Whether it is known what it ran with., type: bool}
    activated_at: {description: When it was activated last; none if it never was., type: str}
activations:
  description: The activations, the newest last.
  returned: when O(state=known)
  type: list
  elements: dict
  contains:
    release: {description: Folder of the release., type: str}
    activated_at: {description: Time in UTC., type: str}
    seconds: {description: How long it took; none if nobody counted., type: float}
    reason: {description: "C(converge), C(rolling_update) or C(rollback).", type: str}
recorded:
  description: What was new - C(snapshot), C(activation), or C(list) when an empty list was begun.
  returned: when O(state=recorded)
  type: list
  elements: str
old:
  description: Folder of the release that was current before.
  returned: when O(state=restored)
  type: str
new:
  description: Folder of the release that is current now.
  returned: when O(state=restored)
  type: str
files:
  description: Files that were not as the release ran with them.
  returned: when O(state=restored)
  type: list
  elements: str
surplus:
  description: Files in C(/etc/NAME) that only the release before had; they are removed.
  returned: when O(state=restored)
  type: list
  elements: str
units:
  description: Units of the application that the release did not have; they are still there.
  returned: when O(state=restored)
  type: list
  elements: str
snapshot_files:
  description: All files of the snapshot.
  returned: when O(state=restored)
  type: list
  elements: str
processes:
  description: The processes that the release ran, as O(processes) recorded them.
  returned: when O(state=restored)
  type: list
  elements: dict
forgotten:
  description: Releases whose migration counts as not done, and C(initialised) if the initialisation does.
  returned: when O(state=restored)
  type: list
  elements: str
removed:
  description: Releases that were removed.
  returned: when O(state=pruned)
  type: list
  elements: dict
  contains:
    folder: {description: Name of the folder., type: str}
    name: {description: Name of the release., type: str}
"""

import os
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.golive.delivery.plugins.module_utils.app_release import history, snapshot
from ansible_collections.golive.delivery.plugins.module_utils.app_release.places import Places, ReleaseError
from ansible_collections.golive.delivery.plugins.module_utils.app_release.store import Store

ROOT = "/"


def recorded(module: AnsibleModule, store: Store, now: float) -> dict[str, Any]:
    """Record an activation."""
    given = module.params
    release = os.path.basename(given["release"])
    taken = snapshot.take(store.places, release, given["files"], given["processes"])
    news = store.record(release, taken, given["reason"], given["since"], now) if release else store.begin()
    return {"changed": bool(news), "recorded": news}


def restored(module: AnsibleModule, store: Store, now: float) -> dict[str, Any]:
    """Put a release's files back and switch to it."""
    given = module.params
    folder = store.resolve(given["release"])
    done = store.restore(folder, given["reason"] == "rollback", given["database_at"], now, given["files"])
    units = str(store.places.units)
    if not module.check_mode and any(os.path.dirname(path) == units for path in done["files"]):
        module.run_command(["systemctl", "daemon-reload"], check_rc=True)
    lines = [
        done["new"],
        *(f"{path} as it was" for path in done["files"]),
        *(f"{path} removed" for path in done["surplus"]),
    ]
    before, after = f"{done['old']}\n", "".join(f"{line}\n" for line in lines)
    return {**done, "diff": {"before": before, "after": after} if done["changed"] else {}}


def pruned(module: AnsibleModule, store: Store) -> dict[str, Any]:
    """Remove what nobody needs."""
    before = store.folders()
    removed = store.prune(store.prunable(module.params["keep"]))
    names = [one["folder"] for one in removed]
    lines = {"before": before, "after": [folder for folder in before if folder not in names]}
    diff = {key: "".join(f"{folder}\n" for folder in value) for key, value in lines.items()}
    return {"changed": bool(removed), "removed": removed, "diff": diff if removed else {}}


def main() -> None:
    """Do what the state says."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "default": "known", "choices": ["known", "recorded", "restored", "pruned"]},
            "release": {"type": "str", "default": ""},
            "files": {"type": "list", "elements": "path", "default": []},
            "processes": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {"name": {"type": "str", "required": True}, "health": {"type": "dict"}},
            },
            "reason": {"type": "str", "default": "converge", "choices": list(history.REASONS)},
            "since": {"type": "float", "default": 0},
            "database_at": {"type": "str", "default": ""},
            "keep": {"type": "int", "default": 3},
        },
        supports_check_mode=True,
    )
    given, now = module.params, time.time()
    if given["keep"] < 1:
        module.fail_json(msg=f"keep: expected 1 or more, got {given['keep']}")
    try:
        store = Store(Places(given["name"], ROOT), module.check_mode)
        if given["state"] == "known":
            result: dict[str, Any] = {"changed": False, **store.info()}
        elif given["state"] == "recorded":
            result = recorded(module, store, now)
        elif given["state"] == "restored":
            result = restored(module, store, now)
        else:
            result = pruned(module, store)
    except (ReleaseError, OSError) as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(now=now, **result)


if __name__ == "__main__":
    main()
