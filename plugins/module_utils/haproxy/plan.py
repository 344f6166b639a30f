# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The public sides of a balancer: the simple variables are the first of them, haproxy_frontends the others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

FIRST = "https"

# What a further frontend takes from the first one unless it says something else.
_SHARED = (
    "bind_addresses",
    "tls_certificate",
    "extra_certificates",
    "tls_profile",
    "hsts",
    "frame_options",
    "response_headers",
    "internal_paths",
    "internal_networks",
    "rate_limit",
    "max_body",
    "http_port",
    "https_port",
)
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def endpoint(address: object, port: object) -> str:
    """Return an address and a port as HAProxy writes them."""
    text = str(address)
    return f"[{text}]:{port}" if ":" in text and not text.startswith("[") else f"{text}:{port}"


def size(text: object) -> int:
    """Return the bytes of a size such as 20m; raise ValueError if it is none."""
    found = re.fullmatch("([0-9]+)([kmg]?)", str(text).strip().lower())
    if not found:
        raise ValueError(text)
    return int(found.group(1)) * _UNITS[found.group(2)]


def seconds(text: object) -> float:
    """Return the seconds of a time such as 500ms or 10s (a bare number is milliseconds, as HAProxy reads it)."""
    found = re.fullmatch("([0-9]+)(ms|s|m|h|d)?", str(text).strip())
    if not found:
        raise ValueError(text)
    return int(found.group(1)) * _SECONDS[found.group(2) or "ms"]


def _internal(paths: Sequence[str], networks: Sequence[str]) -> dict[str, list[str]]:
    """Return what a path must equal, and what it must begin with, to be an internal one."""
    bare = [str(path).rstrip("/") for path in paths]
    exact = [path for path, given in zip(bare, paths) if path and not str(given).endswith("/")]
    return {"exact": exact, "below": [f"{path}/" for path in bare], "networks": list(networks)}


def _frontend(given: Mapping[str, Any], name: str, redirect: str, lines: Sequence[str]) -> dict[str, Any]:
    addresses = list(given["bind_addresses"])
    rate = given["rate_limit"] or {}
    limited = {
        "requests": int(rate.get("requests") or 0),
        "period": rate.get("period") or "10s",
        "exempt": list(rate.get("exempt") or []),
    }
    headers = {"X-Frame-Options": given["frame_options"], **(given["response_headers"] or {})}
    names = [str(text).lower() for text in [given["server_name"], *(given.get("server_aliases") or [])]]
    port = int(given["https_port"])
    return {
        "name": name,
        "redirect": redirect,
        "server_name": str(given["server_name"]),
        "names": list(dict.fromkeys(names)),
        "http": [endpoint(address, given["http_port"]) for address in addresses],
        "https": [endpoint(address, port) for address in addresses],
        "http_port": int(given["http_port"]),
        "https_port": port,
        "port_suffix": "" if port == 443 else f":{port}",
        "certificates": [given["tls_certificate"], *(given["extra_certificates"] or [])],
        "profile": given["tls_profile"],
        "hsts": given["hsts"],
        "headers": {key: value for key, value in headers.items() if value},
        "default_backend": given.get("default_backend") or "",
        "routes": [
            {
                "backend": route["backend"],
                "hosts": [str(host).lower() for host in route.get("hosts") or []],
                "paths": list(route.get("paths") or []),
            }
            for route in given.get("routes") or []
        ],
        "internal": _internal(given["internal_paths"] or [], given["internal_networks"] or []),
        "rate": {**limited, "retry_after": max(1, round(seconds(limited["period"])))},
        "max_body": size(given["max_body"]) if given["max_body"] else 0,
        "lines": list(lines),
    }


def frontends(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the frontends in one form; none for a balancer of the database alone."""
    if not given["backends"] and given["database_servers"]:
        return []
    fallback = given["backends"][0]["name"] if given["backends"] else ""
    found = [_frontend(given, FIRST, "http", given["extra_frontend"])]
    for item in given["frontends"]:
        shared = {name: given[name] for name in _SHARED}
        own = {key: value for key, value in item.items() if value is not None}
        found.append(_frontend({**shared, **own}, item["name"], f"{item['name']}_http", own.get("lines") or []))
    for frontend in found:
        frontend["default_backend"] = frontend["default_backend"] or fallback
    return found


def endpoints(given: Mapping[str, Any], public: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return every address and port on which HAProxy listens."""
    found = [text for frontend in public for text in (*frontend["http"], *frontend["https"])]
    if given["database_servers"]:
        ports = (given["database_primary_port"], given["database_replica_port"])
        found += [endpoint(address, port) for address in given["database_bind_addresses"] for port in ports]
    return [*found, endpoint(given["statistics_address"], given["statistics_port"])]
