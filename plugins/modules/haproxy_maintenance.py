#!/usr/bin/python
# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: haproxy_maintenance
short_description: Show the maintenance page of a backend, or take it away
version_added: "0.3.0"
description:
  - While the page is shown, new requests for the backend get status 503; its servers stay as they are and are checked.
  - It is shown at once, in all processes of HAProxy, and a reload or a restart does not take it away.
author:
  - The golive.delivery authors (@golive-delivery)
options:
  backend:
    description: Name of the backend.
    type: str
    required: true
  state:
    description: Whether the page is shown. V(on) waits until requests that came before have been answered.
    type: str
    choices: ["on", "off"]
    required: true
  timeout:
    description: Seconds to wait for these; afterwards it says how many are left and does not fail.
    type: float
    default: 30
  socket:
    description: Socket of HAProxy's master process.
    type: path
    default: /run/haproxy-master.sock
  maintenance_list:
    description: List of the backends whose page is shown, as the role M(golive.delivery.haproxy) configures it.
    type: path
    default: /var/lib/golive/haproxy/maintenance.list
attributes:
  check_mode:
    description: Says whether it would change, and waits for nothing.
    support: full
  diff_mode:
    description: Shows the state of the page.
    support: full
"""

EXAMPLES = r"""
- name: Show the maintenance page
  golive.delivery.haproxy_maintenance:
    backend: erp
    state: "on"
"""

RETURN = r"""
old:
  description: Whether the page was shown.
  returned: success
  type: str
  sample: "off"
sessions:
  description: Requests that came before the page and are not answered yet.
  returned: success, with O(state=on)
  type: int
  sample: 0
seconds:
  description: How long it took.
  returned: success
  type: float
  sample: 0.4
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.golive.delivery.plugins.module_utils.haproxy.listed import Listed
from ansible_collections.golive.delivery.plugins.module_utils.haproxy.runtime import (
    MASTER_SOCKET,
    Runtime,
    RuntimeApiError,
)

_POLL = 0.2  # seconds


def run(module: AnsibleModule, result: dict) -> None:
    """Do what the parameters say and put into the result what came of it."""
    given = module.params
    runtime = Runtime(given["socket"])
    begin = time.monotonic()
    backend, shown = given["backend"], given["state"] == "on"
    backends = runtime.backends()
    if backend not in backends:
        raise RuntimeApiError(f"there is no backend {backend}; backends: {', '.join(backends)}")
    pages = Listed(given["maintenance_list"], runtime)
    on_disk, in_memory = pages.holds(backend)
    if in_memory is None:
        raise RuntimeApiError(f"HAProxy's rules do not look into {given['maintenance_list']}: converge the role first")
    result["old"] = "on" if in_memory else "off"
    result["changed"] = (on_disk, in_memory) != (shown, shown)
    result["diff"] = {"before": f"{backend}: {result['old']}\n", "after": f"{backend}: {given['state']}\n"}
    if result["changed"] and not module.check_mode:
        pages.put(backend, shown)
    if shown:
        deadline = begin + given["timeout"]
        result["sessions"] = runtime.sessions(backend)
        while result["sessions"] and time.monotonic() < deadline and not module.check_mode:
            time.sleep(_POLL)
            result["sessions"] = runtime.sessions(backend)
    result["seconds"] = round(time.monotonic() - begin, 1)


def main() -> None:
    """Read the parameters and give back the result."""
    module = AnsibleModule(
        argument_spec={
            "backend": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["on", "off"], "required": True},
            "timeout": {"type": "float", "default": 30},
            "socket": {"type": "path", "default": MASTER_SOCKET},
            "maintenance_list": {"type": "path", "default": "/var/lib/golive/haproxy/maintenance.list"},
        },
        supports_check_mode=True,
    )
    result: dict = {"changed": False}
    try:
        run(module, result)
    except (RuntimeApiError, OSError) as exc:
        module.fail_json(msg=str(exc), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
