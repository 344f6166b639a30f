# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of HAProxy: haproxy_backend, haproxy_config, haproxy_drain."""

from __future__ import annotations

import csv
import os
import socket
from types import SimpleNamespace

from ansible_collections.golive.delivery.plugins.module_utils.checks.context import Context
from ansible_collections.golive.delivery.plugins.module_utils.checks.outcome import CheckError, Outcome, Verdict, judge
from ansible_collections.golive.delivery.plugins.module_utils.checks.sockets import reason
from ansible_collections.golive.delivery.plugins.module_utils.checks.spec import Parameter, check_type

# Of a row of `show servers state`: what an administrator ordered, of which maintenance and drain matter here.
_ADMIN_STATE = 6
_ORDERED = 0x01 | 0x08


@check_type(
    "haproxy_backend",
    Parameter("socket", "path", default="/run/haproxy/admin.sock"),
    Parameter("backend", "text", required=True),
    Parameter("min_up", "integer"),
    Parameter("max_up", "integer"),
    Parameter("all_up", "boolean"),
    Parameter("backup", "boolean"),
)
def haproxy_backend(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Compare how many servers of a backend pass their health check; all of them, unless a number is given.

    Of all servers, unless `backup` asks for the backup servers or for the others only.
    """
    rows = _statistics(parameters.socket, context)
    servers = {
        row["svname"]: row["status"]
        for row in rows
        if row["pxname"] == parameters.backend
        and row["svname"] not in ("FRONTEND", "BACKEND")
        and parameters.backup in (None, row["bck"] == "1")
    }
    name = parameters.backend
    if not servers:
        backends = ", ".join(sorted({row["pxname"] for row in rows if row["svname"] == "BACKEND"}))
        return judge(False, f"backend {name} has servers", "no such backend or no server", f"backends: {backends}")
    # "UP 1/3" is on its way down but still serves; "no check" says nothing about the server.
    count = sum(status.startswith("UP") for status in servers.values())
    observed = f"{count} of {len(servers)} servers UP"
    verdict = Verdict()
    numbered = parameters.min_up is not None or parameters.max_up is not None
    if parameters.all_up or (parameters.all_up is None and not numbered):
        verdict.demand(count == len(servers), f"all servers of {name} UP", observed)
    if parameters.min_up is not None:
        verdict.demand(count >= parameters.min_up, f"at least {parameters.min_up} servers of {name} UP", observed)
    if parameters.max_up is not None:
        verdict.demand(count <= parameters.max_up, f"at most {parameters.max_up} servers of {name} UP", observed)
    return verdict.outcome(", ".join(f"{server} {status}" for server, status in servers.items()))


def _ask(path: str, question: str, context: Context) -> str:
    """Return HAProxy's answer on its socket; raise CheckError when it does not answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(context.remaining())
        try:
            connection.connect(path)
            connection.sendall(f"{question}\n".encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        except socket.timeout:
            raise context.expired() from None
        except OSError as exc:
            raise CheckError(f"haproxy does not answer on {path}: {reason(exc)}") from exc
    return answer.decode(errors="replace")


def _statistics(path: str, context: Context) -> list[dict[str, str]]:
    text = _ask(path, "show stat", context)
    if not text.startswith("# pxname"):
        raise CheckError(f"haproxy gave no statistics on {path}: {text[:200]!r}")
    return list(csv.DictReader(text.lstrip("# ").splitlines()))


@check_type(
    "haproxy_drain",
    Parameter("socket", "path", default="/run/haproxy/admin.sock"),
    Parameter("backend", "text", required=True),
    Parameter("unit", "text", default="haproxy.service"),
    Parameter("state_program", "path", required=True),
    Parameter("state_file", "path", required=True),
)
def haproxy_drain(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Prove, reading only, that a server could be drained: by whom, that others stay, and that a reload keeps it."""
    verdict = Verdict()
    level = _ask(parameters.socket, "show cli level", context).strip()
    verdict.demand(level == "admin", f"orders are taken on {parameters.socket}", f"level {level or 'unknown'}")
    name = parameters.backend
    up = [
        row["svname"]
        for row in _statistics(parameters.socket, context)
        if row["pxname"] == name and row["svname"] not in ("FRONTEND", "BACKEND") and row["status"].startswith("UP")
    ]
    verdict.demand(len(up) > 1, f"without one server of {name} others are UP", f"{len(up)} servers UP")
    state = [line.split(" ") for line in _ask(parameters.socket, "show servers state", context).splitlines()]
    held = [row[3] for row in state if len(row) > _ADMIN_STATE and row[1] == name and int(row[_ADMIN_STATE]) & _ORDERED]
    verdict.demand(not held, "none is out now", f"drained or in maintenance: {', '.join(held) or 'none'}")
    shown = context.run(["systemctl", "show", "--property=ExecReload", parameters.unit]).stdout
    first = shown.find(f"path={parameters.state_program} ")
    signal = shown.rfind("path=/bin/kill ")
    saved = 0 <= first < signal and os.access(parameters.state_program, os.X_OK)
    verdict.demand(saved, "the state is written before a reload", "it is" if saved else "it is not")
    loads = os.path.exists(parameters.state_file)
    verdict.demand(loads, f"{parameters.state_file} exists", "it exists" if loads else "it does not exist")
    return verdict.outcome(f"servers UP: {', '.join(up)}")


@check_type("haproxy_config", Parameter("files", "paths", default=["/etc/haproxy/haproxy.cfg"]))
def haproxy_config(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Let haproxy validate the configuration on disk, the one that the next reload takes."""
    argv = ["haproxy", "-c"]
    for path in parameters.files:
        argv += ["-f", path]
    done = context.run(argv)
    names = ", ".join(parameters.files)
    observed = "valid" if done.rc == 0 else f"refused with return code {done.rc}"
    return judge(done.rc == 0, f"haproxy accepts {names}", observed, done.output)
