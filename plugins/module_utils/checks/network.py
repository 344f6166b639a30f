# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the network: tcp, listen, resolve."""

from __future__ import annotations

import errno
import ipaddress
import socket
import sys
import time
from types import SimpleNamespace
from typing import Union

from ansible_collections.golive.delivery.plugins.module_utils.checks.context import Context
from ansible_collections.golive.delivery.plugins.module_utils.checks.outcome import CheckError, Outcome, judge
from ansible_collections.golive.delivery.plugins.module_utils.checks.sockets import addresses, reason
from ansible_collections.golive.delivery.plugins.module_utils.checks.spec import Parameter, check_type

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

# Answers that say that the port is closed or filtered; a firewall that rejects sends "host unreachable".
_CLOSED = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ETIMEDOUT, errno.ECONNRESET)
_PROC_FILES = ("/proc/net/tcp", "/proc/net/tcp6")
_LISTEN = "0A"


@check_type(
    "tcp",
    Parameter("host", "text", required=True),
    Parameter("port", "port", required=True),
    Parameter("open", "boolean", default=True),
    Parameter("connect_timeout", "seconds", default=3),
)
def tcp(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Connect from this host to a port, by every address of the name until one answers."""
    target = f"{parameters.host}:{parameters.port}"
    notes = []
    for address in addresses(parameters.host, parameters.port):
        start = time.monotonic()
        # A little less than what is left: no answer is a finding here, not a check that could not be made.
        limit = max(0.05, min(parameters.connect_timeout, context.remaining() * 0.9))
        try:
            socket.create_connection((address, parameters.port), timeout=limit).close()
        except socket.timeout:
            notes.append(f"{address}: no answer within {limit:.2g} s")
        except OSError as exc:
            if exc.errno not in _CLOSED and not parameters.open:
                raise CheckError(f"{address}: {reason(exc)}") from exc
            notes.append(f"{address}: {reason(exc)}")
        else:
            notes.append(f"{address}: connected in {(time.monotonic() - start) * 1000:.0f} ms")
            return judge(parameters.open, _state(target, parameters.open), f"{target} is open", "; ".join(notes))
    return judge(not parameters.open, _state(target, parameters.open), "; ".join(notes))


def _state(target: str, opened: bool) -> str:
    return f"{target} is {'open' if opened else 'closed'} as seen from this host"


@check_type(
    "listen",
    Parameter("port", "port", required=True),
    Parameter("addresses", "networks"),
    Parameter("includes", "networks"),
)
def listen(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Compare the addresses on which this host listens on a TCP port: on these only, and on those at least."""
    found = sorted(listeners(parameters.port), key=str)
    allowed, wanted = parameters.addresses, parameters.includes or []
    wrong = [address for address in found if allowed is not None and not any(address in item for item in allowed)]
    missing = [item for item in wanted if not any(_takes(address, item.network_address) for address in found)]
    where = "any address" if allowed is None else ", ".join(_short(item) for item in allowed) + " and nowhere else"
    if wanted:
        where = ", ".join(_short(item) for item in wanted) + ("" if allowed is None else f", of {where}")
    observed = f"listens on {', '.join(map(str, found))}" if found else "nothing listens"
    notes = [f"not allowed: {', '.join(map(str, wrong))}"] if wrong else []
    notes += [f"not taken: {', '.join(_short(item) for item in missing)}"] if missing else []
    good = bool(found) and not notes
    return judge(good, f"port {parameters.port} listens on {where}", observed, "; ".join(notes))


def _takes(listener: Address, address: Address) -> bool:
    """Tell whether connections to an address come to a listener; one on :: takes those of IPv4, too."""
    if listener.is_unspecified:
        return listener.version == 6 or address.version == 4
    return listener == address


def listeners(port: int) -> set[Address]:
    """Return the local addresses that listen on a TCP port; IPv4 addresses in IPv6 form as IPv4."""
    result: set[Address] = set()
    for path in _PROC_FILES:
        try:
            with open(path, encoding="ascii") as file:
                lines = file.read().splitlines()[1:]
        except FileNotFoundError:  # a host without IPv6 has no tcp6
            continue
        for line in lines:
            fields = line.split()
            address, local_port = fields[1].split(":")
            if fields[3] == _LISTEN and int(local_port, 16) == port:
                result.add(_address(address))
    return result


def _address(text: str) -> Address:
    """Return the address of a line of /proc/net/tcp: words of 32 bits in the byte order of the machine."""
    words = [int(text[start : start + 8], 16).to_bytes(4, sys.byteorder) for start in range(0, len(text), 8)]
    address = ipaddress.ip_address(b"".join(words))
    return getattr(address, "ipv4_mapped", None) or address


def _short(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
    return str(network.network_address if network.num_addresses == 1 else network)


@check_type(
    "resolve",
    Parameter("name", "text", required=True),
    Parameter("addresses", "networks"),
)
def resolve(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Resolve a name as the programs of this host do."""
    allowed = parameters.addresses
    expected = f"{parameters.name} resolves"
    if allowed is not None:
        expected += f" to {', '.join(_short(item) for item in allowed)}"
    try:
        found = socket.getaddrinfo(parameters.name, None, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as exc:
        if isinstance(exc, socket.gaierror) and exc.errno == socket.EAI_AGAIN:
            raise CheckError(f"the resolver does not answer: {exc.strerror}") from exc
        return judge(False, expected, f"does not resolve: {getattr(exc, 'strerror', None) or exc}")
    names = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    good = allowed is None or all(
        any(ipaddress.ip_address(name.split("%")[0]) in item for item in allowed) for name in names
    )
    return judge(good, expected, ", ".join(names))
