# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that every module for Patroni has, as the documentation fragment golive.delivery.patroni says."""

from __future__ import annotations

from typing import Any

from ansible_collections.golive.delivery.plugins.module_utils.patroni.change import Limits
from ansible_collections.golive.delivery.plugins.module_utils.patroni.client import Client


def connection_spec() -> dict[str, Any]:
    """Return the argument spec of the connection."""
    return {
        "members": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {"name": {"type": "str", "required": True}, "address": {"type": "str", "required": True}},
        },
        "port": {"type": "int", "default": 8008},
        "ca_path": {"type": "path"},
    }


def credentials_spec() -> dict[str, Any]:
    """Return the argument spec of what unsafe requests need."""
    return {
        "username": {"type": "str", "required": True},
        "password": {"type": "str", "required": True, "no_log": True},
    }


def limits_spec() -> dict[str, Any]:
    """Return the argument spec of what changes a running cluster."""
    return {
        "maximum_lag_bytes": {"type": "int", "default": 1048576},
        "timeout": {"type": "int", "default": 300},
    }


def client(params: dict[str, Any]) -> Client:
    """Return the client of a module's parameters; raise PatroniError."""
    return Client(
        {item["name"]: item["address"] for item in params["members"]},
        params["port"],
        params["ca_path"],
        params.get("username"),
        params.get("password"),
    )


def limits(params: dict[str, Any]) -> Limits:
    """Return the limits of a module's parameters."""
    timeout = float(params["timeout"])
    return Limits(restart=timeout, catch_up=timeout, switchover=timeout, lag_bytes=params["maximum_lag_bytes"])
