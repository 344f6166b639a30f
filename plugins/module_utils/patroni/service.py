# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patroni itself on a host: what its configuration says, and whether the running one has read it. Only reads."""

from __future__ import annotations

import glob
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable

Run = Callable[[list[str]], tuple[int, str, str]]

_PROPERTIES = ("ActiveState", "MainPID", "StateChangeTimestampMonotonic")


@dataclass
class Service:
    """The running Patroni; `stale` when its configuration is newer than its last start or reload."""

    running: bool = False
    listening: bool = False
    stale: bool = False
    watchdog: bool = False


def read_service(run: Run, configuration_file: str, address: str, port: int, proc: str = "/proc") -> Service:
    """Return what systemd and the process say; `run` is called with an argv and returns rc, stdout, stderr."""
    _code, output, _error = run(["systemctl", "show", "patroni", f"--property={','.join(_PROPERTIES)}"])
    unit = dict(line.split("=", 1) for line in output.splitlines() if "=" in line)
    process = int(unit.get("MainPID") or 0)
    if not process or unit.get("ActiveState") not in ("active", "reloading"):
        return Service()
    # systemd's state changes when it has reloaded, too.
    seconds = time.monotonic() - int(unit.get("StateChangeTimestampMonotonic") or 0) / 1e6
    return Service(
        running=True,
        listening=_listens(address, port),
        stale=os.path.exists(configuration_file) and os.path.getmtime(configuration_file) > time.time() - seconds,
        watchdog=_owns(f"{proc}/{process}", "root/dev/watchdog"),
    )


def read_configuration(raw: Any) -> dict[str, Any]:
    """Return of Patroni's configuration what the declaration is compared with; None for what it does not say."""
    raw = raw if isinstance(raw, Mapping) else {}
    store, api, server = (_section(raw, name) for name in ("etcd3", "restapi", "postgresql"))
    login = _section(api, "authentication")
    credentials = [store.get("username"), store.get("password"), login.get("username"), login.get("password")]
    return {
        "scope": raw.get("scope"),
        "namespace": raw.get("namespace"),
        "port": _port(api.get("listen")),
        "server_port": _port(server.get("listen")),
        "etcd_hosts": store.get("hosts"),
        "credentials": [text if text is None else str(text) for text in credentials],
    }


def copies(configuration_file: str) -> list[str]:
    """Return the copies of the configuration that Ansible has made, which hold passwords."""
    return sorted(glob.glob(f"{glob.escape(configuration_file)}.*~"))


def _section(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = raw.get(name)
    return found if isinstance(found, Mapping) else {}


def _port(listen: Any) -> str | None:
    return str(listen).rsplit(":", 1)[1] if listen and ":" in str(listen) else None


def _listens(address: str, port: int) -> bool:
    """Return whether the API is there, whatever its certificate is: without etcd it is not opened at a start."""
    try:
        with socket.create_connection((address, port), 3):
            return True
    except OSError:
        return False


def _owns(process: str, path: str) -> bool:
    """Return whether a process sees a device of its own user: it may have been started with a /dev of its own."""
    try:
        return os.stat(f"{process}/{path}").st_uid == os.stat(process).st_uid
    except OSError:
        return False
