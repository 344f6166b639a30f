#!/usr/bin/python
# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: haproxy_server
short_description: Drain a server of HAProxy, or let requests go to it again
version_added: "0.3.0"
description:
  - Drained, a server gets no new request and finishes those it has, whichever process of HAProxy has them.
  - The processes that a reload left to finish their sessions are asked and told too, by the master's socket.
  - Users of sticky sessions go to other servers, as the role M(golive.delivery.haproxy) configures them.
author:
  - The golive.delivery authors (@golive-delivery)
options:
  server:
    description: Name of the server.
    type: str
    required: true
  backend:
    description: Name of the backend; an empty text is every HTTP backend that has the server.
    type: str
    default: ""
  state:
    description:
      - V(drain) waits until the server has no sessions; at the time-out it says how many are left and does not fail.
      - V(ready) waits until the server is UP and fails at the time-out, with what its health check said.
    type: str
    choices: [drain, ready]
    required: true
  timeout:
    description: Seconds to wait.
    type: float
    default: 30
  others_up:
    description:
      - With O(state=drain), how many other servers of each backend have to be UP; with fewer it fails and drains
        nothing.
      - Backends where it is drained already, or gets no requests as it is not UP, are not asked about.
    type: int
    default: 0
  socket:
    description: Socket of HAProxy's master process.
    type: path
    default: /run/haproxy-master.sock
  drained_list:
    description:
      - List of the drained servers, into which the rules of sticky sessions look.
      - Beside it is the file that keeps two who drain at the same time apart.
    type: path
    default: /var/lib/golive/haproxy/drained.list
  save_program:
    description: Program that keeps the state for a restart of HAProxy, run whether anything changed or not.
    type: path
attributes:
  check_mode:
    description: Says what would change, and waits for nothing.
    support: full
  diff_mode:
    description: Shows the state of each server.
    support: full
notes:
  - M(community.general.haproxy) sets the same state in the current process only, knows no check mode, and does not say
    how many sessions are left.
"""

EXAMPLES = r"""
- name: Take app1 out of every backend
  golive.delivery.haproxy_server:
    server: app1
    state: drain
    timeout: 60

- name: Take it in again
  golive.delivery.haproxy_server:
    server: app1
    state: ready
"""

RETURN = r"""
servers:
  description: The server in each backend.
  returned: always, when there is one
  type: list
  elements: dict
  contains:
    backend: {description: Name of the backend., type: str, sample: erp}
    server: {description: Name of the server., type: str, sample: app1}
    old: {description: "State before, V(ready), V(drain) or V(maint).", type: str, sample: ready}
    new: {description: State afterwards., type: str, sample: drain}
    up: {description: Whether it was UP before., type: bool, sample: true}
    others_up: {description: How many other servers of the backend are UP., type: int, sample: 1}
sessions:
  description: Sessions that the server still has.
  returned: success, with O(state=drain)
  type: int
  sample: 0
seconds:
  description: How long it took.
  returned: success
  type: float
  sample: 1.2
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.golive.delivery.plugins.module_utils.haproxy.listed import Listed, cookie
from ansible_collections.golive.delivery.plugins.module_utils.haproxy.runtime import (
    DRAIN,
    MAINTENANCE,
    MASTER_SOCKET,
    Runtime,
    RuntimeApiError,
    Server,
)

_POLL = 0.2  # seconds


def _word(bits: int) -> str:
    return "maint" if bits & MAINTENANCE else "drain" if bits & DRAIN else "ready"


def find(runtime: Runtime, backend: str, name: str) -> tuple[list[Server], list[Server]]:
    """Return the server in each backend that is meant, and all servers of the HTTP backends."""
    servers = list(runtime.servers())
    found = [server for server in servers if server.name == name and backend in ("", server.backend)]
    if not found:
        there = ", ".join(str(server) for server in servers) or "none"
        where = f"backend {backend}" if backend else "no HTTP backend"
        raise RuntimeApiError(f"{where} has {'no' if backend else 'a'} server {name}; servers: {there}")
    return found, servers


@contextlib.contextmanager
def alone(folder: str) -> Iterator[None]:
    """Keep others out: whom one counts as UP another one must not drain."""
    lock = os.open(os.path.join(folder, "drain.lock"), os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def hold(runtime: Runtime, servers: list[Server], state: str) -> None:
    """Give the order again where it does not stand: a reload that began before it does not know of it."""
    orders = runtime.orders()
    for server in servers:
        if _word(orders.get((server.backend, server.name), 0)) != state:
            runtime.order(f"set server {server} state {state}")


def wait_empty(runtime: Runtime, servers: list[Server], timeout: float) -> int:
    """Return how many sessions are left when there are none any more, or when the time is up."""
    deadline = time.monotonic() + timeout
    calm = 0
    while True:
        hold(runtime, servers, "drain")
        left = sum(runtime.sessions(server.backend, server.name) for server in servers)
        # Twice: a request is on its way between two lookups, or between two processes.
        calm = 0 if left else calm + 1
        if calm == 2 or time.monotonic() >= deadline:
            return left
        time.sleep(_POLL)


def wait_up(runtime: Runtime, servers: list[Server], timeout: float) -> None:
    """Return when the server is UP in each backend; raise RuntimeApiError when the time is up."""
    deadline = time.monotonic() + timeout
    names = [str(server) for server in servers]
    while True:
        hold(runtime, servers, "ready")
        seen = {str(server): server for server in runtime.servers() if str(server) in names}
        down = [name for name in names if name not in seen or not seen[name].up]
        if not down:
            return
        if time.monotonic() >= deadline:
            said = [
                f"{name} is {seen[name].status} (its check: {seen[name].last_check})" for name in down if name in seen
            ]
            said += [f"{name} is no longer there" for name in down if name not in seen]
            raise RuntimeApiError(f"not UP within {timeout:g} s: {'; '.join(said)}")
        time.sleep(_POLL)


def refuse_too_few(row: dict, wanted: int) -> None:
    """Raise RuntimeApiError if draining the server would leave fewer servers than wanted."""
    if row["new"] == "drain" and row["old"] == "ready" and row["up"] and row["others_up"] < wanted:
        raise RuntimeApiError(
            f"{row['backend']}/{row['server']} is not drained: {row['others_up']} other servers of the backend are UP, "
            f"at least {wanted} have to be"
        )


def give_orders(module: AnsibleModule, runtime: Runtime, result: dict) -> list[Server]:
    """Give the orders that do not stand yet, say so in the result, and return the server in each backend."""
    given = module.params
    state, name = given["state"], given["server"]
    found, everybody = find(runtime, given["backend"], name)
    orders = runtime.orders()
    drained = Listed(given["drained_list"], runtime)
    for server in found:
        others = [other for other in everybody if other.backend == server.backend and other.name != name]
        row = {"backend": server.backend, "server": name, "old": _word(orders.get((server.backend, name), 0))}
        up = sum(other.up for other in others)
        result["servers"].append({**row, "new": state, "up": server.up, "others_up": up})
    for row in result["servers"]:
        refuse_too_few(row, given["others_up"])
    for server, row in zip(found, result["servers"]):
        value = cookie(server.backend, name)
        on_disk, in_memory = drained.holds(value)
        listed = on_disk and in_memory is not False if state == "drain" else on_disk or bool(in_memory)
        if row["old"] != state or listed != (state == "drain"):
            result["changed"] = True
            if not module.check_mode:
                # Sticky users leave before the server closes to others, and may come back only when it is open.
                if state == "drain":
                    drained.put(value, True)
                runtime.order(f"set server {server} state {state}")
                if state == "ready":
                    drained.put(value, False)
    result["diff"] = {
        "before": "".join(f"{row['backend']}/{name}: {row['old']}\n" for row in result["servers"]),
        "after": "".join(f"{row['backend']}/{name}: {row['new']}\n" for row in result["servers"]),
    }
    # Also when all of them stood: the run that gave them may have been killed before this.
    if given["save_program"] and not module.check_mode:
        module.run_command([given["save_program"], "--drained", "--patient"], check_rc=True)
    return found


def run(module: AnsibleModule, result: dict) -> None:
    """Do what the parameters say and put into the result what came of it."""
    given = module.params
    runtime = Runtime(given["socket"])
    begin = time.monotonic()
    with contextlib.nullcontext() if module.check_mode else alone(os.path.dirname(given["drained_list"])):
        found = give_orders(module, runtime, result)
    if module.check_mode:
        if given["state"] == "drain":
            result["sessions"] = sum(runtime.sessions(server.backend, server.name) for server in found)
    elif given["state"] == "drain":
        result["sessions"] = wait_empty(runtime, found, given["timeout"])
    else:
        wait_up(runtime, found, given["timeout"])
    result["seconds"] = round(time.monotonic() - begin, 1)


def main() -> None:
    """Read the parameters and give back the result."""
    module = AnsibleModule(
        argument_spec={
            "server": {"type": "str", "required": True},
            "backend": {"type": "str", "default": ""},
            "state": {"type": "str", "choices": ["drain", "ready"], "required": True},
            "timeout": {"type": "float", "default": 30},
            "others_up": {"type": "int", "default": 0},
            "socket": {"type": "path", "default": MASTER_SOCKET},
            "drained_list": {"type": "path", "default": "/var/lib/golive/haproxy/drained.list"},
            "save_program": {"type": "path"},
        },
        supports_check_mode=True,
    )
    result: dict = {"changed": False, "servers": []}
    try:
        run(module, result)
    except (RuntimeApiError, OSError) as exc:
        module.fail_json(msg=str(exc), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
