# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the variables of the role haproxy: each text names the variable and what was expected."""

from __future__ import annotations

import collections
import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.golive.delivery.plugins.module_utils.haproxy import plan

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]*")
_COOKIE = re.compile(r"[A-Za-z0-9_-]+")
_HEADER = re.compile(r"[A-Za-z0-9-]+")
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9a-fA-F:]+")
_PATH = re.compile(r"/[^\s\"'\\#?]*")
_PATH_AND_QUERY = re.compile(r"/[^\s\"'\\#]*")
_RESERVED = ("http", "https", "statistics", "database", "database_primary", "database_replicas", "MASTER", "GLOBAL")
_TIMES = (
    "timeout_connect",
    "timeout_client",
    "timeout_server",
    "timeout_queue",
    "timeout_http_request",
    "timeout_http_keep_alive",
    "timeout_tunnel",
    "hard_stop_after",
    "database_timeout",
)
_CHECK_TIMES = ("interval", "timeout")
_NETWORKS = ("maintenance_networks", "statistics_networks", "database_networks")
_NETWORK_FORM = "expected an address or a network in CIDR form"
_TIME_FORM = "expected a time with a unit such as 500ms, 30s or 10m"


def _time(value: Any) -> bool:
    """Tell whether this is a time with a unit: of a bare number nobody knows that HAProxy reads milliseconds."""
    return bool(re.fullmatch("[1-9][0-9]*(ms|s|m|h|d)", str(value)))


def _network(value: Any) -> bool:
    try:
        ipaddress.ip_network(str(value), strict=False)
    except ValueError:
        # A name is resolved by HAProxy when it starts.
        return _host(value) and not re.fullmatch("[0-9./]+", str(value))
    return True


def _listen(value: Any) -> bool:
    """Tell whether this is an address to listen on; of IPv6 with or without brackets."""
    text = str(value)
    try:
        return text == "*" or bool(ipaddress.ip_address(re.sub(r"^\[(.*:.*)\]$", r"\1", text)))
    except ValueError:
        return False


def _name(value: Any) -> bool:
    return bool(_NAME.fullmatch(str(value)))


def _host(value: Any) -> bool:
    return bool(_HOST.fullmatch(str(value)))


def _port(value: Any) -> bool:
    return str(value).isdigit() and 1 <= int(value) <= 65535


def _positive(value: Any) -> bool:
    return str(value).isdigit() and int(value) > 0


def _size(value: Any) -> bool:
    return bool(re.fullmatch("[1-9][0-9]*[kmg]?", str(value).lower()))


def _internal_path(value: Any) -> bool:
    text = str(value)
    return bool(_PATH.fullmatch(text)) and text != "/" and ";" not in text and "//" not in text


def _text(value: Any) -> bool:
    return not re.search(r"[\"\\\r\n]", str(value))


def _each(where: str, values: Iterable[Any], good: Callable[[Any], Any], expected: str) -> Iterator[str]:
    for number, value in enumerate(values or []):
        if not good(value):
            yield f"{where}[{number}]: {expected}, given {value!r}"


def _one(where: str, value: Any, good: Callable[[Any], Any], expected: str) -> Iterator[str]:
    if not good(value):
        yield f"{where}: {expected}, given {value!r}"


def _unique(where: str, names: Iterable[Any]) -> Iterator[str]:
    for name, count in collections.Counter(map(str, names)).items():
        if count > 1:
            yield f"{where}: expected different names, given {name} {count} times"


def _backend(where: str, backend: Mapping[str, Any]) -> Iterator[str]:
    name = backend["name"]
    yield from _one(f"{where}.name", name, _name, "expected letters, digits, dot, underscore and hyphen")
    if name in _RESERVED:
        yield f"{where}.name: expected a name that the role does not use itself, given {name}"
    servers = backend.get("servers") or []
    if not servers:
        yield f"{where}.servers: expected at least one server"
    yield from _unique(f"{where}.servers", [server["name"] for server in servers])
    for number, server in enumerate(servers):
        at = f"{where}.servers[{number}]"
        good = "expected letters, digits, dot, underscore and hyphen"
        yield from _one(f"{at}.name", server["name"], _name, good)
        yield from _one(f"{at}.address", server["address"], _host, "expected an IP address or a name")
        port = server.get("port") or backend.get("port")
        yield from _one(f"{at}.port", port, _port, f"expected a port from 1 to 65535 here or in {where}.port")
    check = backend.get("health_check") or {}
    if check.get("path"):
        yield from _one(f"{where}.health_check.path", check["path"], _PATH_AND_QUERY.fullmatch, "expected /path")
    for key in _CHECK_TIMES:
        if check.get(key) is not None:
            yield from _one(f"{where}.health_check.{key}", check[key], _time, _TIME_FORM)
    for key, value in (backend.get("timeouts") or {}).items():
        if value is not None:
            yield from _one(f"{where}.timeouts.{key}", value, _time, _TIME_FORM)
    sticky = backend.get("sticky")
    if sticky is not None:
        form = "expected letters, digits, underscore and hyphen"
        yield from _one(f"{where}.sticky.cookie", sticky.get("cookie") or "GOLIVE", _COOKIE.fullmatch, form)


def _frontend(prefix: str, given: Mapping[str, Any], backends: list[str]) -> Iterator[str]:
    """Look at what the first frontend has in simple variables and the others in an item."""
    names = [given.get("server_name"), *(given.get("server_aliases") or [])]
    yield from _one(f"{prefix}server_name", names[0], _host, "expected a DNS name")
    yield from _each(f"{prefix}server_aliases", names[1:], _host, "expected a DNS name")
    for key in ("http_port", "https_port"):
        if given.get(key) is not None:
            yield from _one(f"{prefix}{key}", given[key], _port, "expected a port from 1 to 65535")
    yield from _each(f"{prefix}bind_addresses", given.get("bind_addresses"), _listen, "expected IP addresses or *")
    if given.get("default_backend") and given["default_backend"] not in backends:
        yield f"{prefix}default_backend: expected one of {', '.join(backends)}, given {given['default_backend']!r}"
    known = [str(name).lower() for name in names]
    for number, route in enumerate(given.get("routes") or []):
        at = f"{prefix}routes[{number}]"
        if route["backend"] not in backends:
            yield f"{at}.backend: expected one of {', '.join(backends)}, given {route['backend']!r}"
        text = f"expected names that are in {prefix}server_name or {prefix}server_aliases"
        yield from _each(f"{at}.hosts", route.get("hosts"), lambda host: str(host).lower() in known, text)
        yield from _each(f"{at}.paths", route.get("paths"), lambda path: _PATH.fullmatch(str(path)), "expected /path")
    text = "expected a path below / without ; ? and //, such as /metrics"
    yield from _each(f"{prefix}internal_paths", given.get("internal_paths"), _internal_path, text)
    yield from _each(f"{prefix}internal_networks", given.get("internal_networks"), _network, _NETWORK_FORM)
    rate = given.get("rate_limit") or {}
    if rate:
        yield from _one(f"{prefix}rate_limit.requests", rate.get("requests"), _positive, "expected a number above 0")
        yield from _one(f"{prefix}rate_limit.period", rate.get("period") or "10s", _time, _TIME_FORM)
        yield from _each(f"{prefix}rate_limit.exempt", rate.get("exempt"), _network, _NETWORK_FORM)
    if given.get("max_body"):
        yield from _one(f"{prefix}max_body", given["max_body"], _size, "expected bytes, or a size such as 512k or 20m")
    for key in ("hsts", "frame_options"):
        yield from _one(f"{prefix}{key}", given.get(key) or "", _text, 'expected a line without " and backslash')
    for key, value in (given.get("response_headers") or {}).items():
        yield from _one(f"{prefix}response_headers", key, _HEADER.fullmatch, "expected names of HTTP headers")
        yield from _one(f"{prefix}response_headers.{key}", value, _text, 'expected a line without " and backslash')


def _database(given: Mapping[str, Any]) -> Iterator[str]:
    members = given["database_servers"]
    yield from _unique("haproxy_database_servers", [member["name"] for member in members])
    for number, member in enumerate(members):
        at = f"haproxy_database_servers[{number}]"
        yield from _one(f"{at}.name", member["name"], _host, "expected a DNS name")
        yield from _one(f"{at}.address", member["address"], _host, "expected an IP address or a name")
    text = "expected IP addresses or *"
    yield from _each("haproxy_database_bind_addresses", given["database_bind_addresses"], _listen, text)


def _overlaps(endpoints: Iterable[str]) -> Iterator[str]:
    """Find addresses and ports that two listeners would share: each would get some of the other's connections."""
    by_port: dict[str, list[str]] = {}
    for text in endpoints:
        address, port = text.rsplit(":", 1)
        by_port.setdefault(port, []).append(address)
    for port, addresses in by_port.items():
        whole = [address for address in addresses if address in ("*", "0.0.0.0", "[::]")]
        twice = [address for address, count in collections.Counter(addresses).items() if count > 1]
        # "*" is every IPv4 address; [::] takes those of IPv6.
        covered = [address for address in addresses if whole and address not in whole and not address.startswith("[")]
        if twice or (covered and any(address != "[::]" for address in whole)):
            shown = ", ".join(f"{address}:{port}" for address in addresses)
            yield f"haproxy_bind_addresses, haproxy_frontends: expected each address and port once, given {shown}"


def find(given: Mapping[str, Any]) -> list[str]:
    """Return all problems of the variables, which are given without their prefix haproxy_."""
    problems: list[str] = []
    backends = [str(backend["name"]) for backend in given["backends"]]
    for number, backend in enumerate(given["backends"]):
        problems += _backend(f"haproxy_backends[{number}]", backend)
    problems += _frontend("haproxy_", given, backends)
    names = [str(frontend["name"]) for frontend in given["frontends"]]
    for number, frontend in enumerate(given["frontends"]):
        at = f"haproxy_frontends[{number}]"
        form = "expected letters, digits, dot, underscore and hyphen"
        problems += _one(f"{at}.name", frontend["name"], _name, form)
        if frontend["name"] in _RESERVED:
            problems.append(f"{at}.name: expected a name that the role does not use itself, given {frontend['name']}")
        problems += _frontend(f"{at}.", frontend, backends)
    problems += _unique("haproxy_backends, haproxy_frontends", [*backends, *names])
    problems += _database(given)
    for key in _TIMES:
        problems += _one(f"haproxy_{key}", given[key], _time, _TIME_FORM)
    for key in _NETWORKS:
        problems += _each(f"haproxy_{key}", given[key], _network, _NETWORK_FORM)
    for key in ("statistics_port", "database_primary_port", "database_replica_port"):
        problems += _one(f"haproxy_{key}", given[key], _port, "expected a port from 1 to 65535")
    if not problems:
        problems += _overlaps(plan.endpoints(given, plan.frontends(given)))
    return problems
