# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of values that a check definition may hold: one converter each, which refuses what it cannot read.

Texts such as "5432" or "yes" are read as what they mean, because variables from the command line
and from INI inventories are always texts.
"""

from __future__ import annotations

import ipaddress
import math
import re
from dataclasses import dataclass
from typing import Any, Callable
from urllib.parse import urlsplit

_PORTS = range(1, 65536)


@dataclass(frozen=True)
class Kind:
    """`convert` returns the value to use or raises ValueError; `expected` completes "expected ..."."""

    expected: str
    convert: Callable[[Any], Any]


def _text(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(value)
    return value


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if word in ("true", "yes", "on"):
        return True
    if word in ("false", "no", "off"):
        return False
    raise ValueError(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(value)
    number = float(value)
    if number < 0 or not math.isfinite(number):
        raise ValueError(value)
    return number


def _seconds(value: Any) -> float:
    number = _number(value)
    if number == 0:
        raise ValueError(value)
    return number


def _integer(value: Any) -> int:
    number = _number(value)
    if number != int(number):
        raise ValueError(value)
    return int(number)


def _port(value: Any) -> int:
    port = _integer(value)
    if port not in _PORTS:
        raise ValueError(value)
    return port


def _path(value: Any) -> str:
    path = _text(value)
    if not path.startswith("/") or "\0" in path:
        raise ValueError(value)
    return path


def _pattern(value: Any) -> re.Pattern[str]:
    try:
        return re.compile(_text(value), re.MULTILINE)
    except re.error as exc:
        raise ValueError(value) from exc


def _mode(value: Any) -> int:
    # An unquoted 0640 arrives as the decimal 416: only a text is unambiguous.
    if not isinstance(value, str) or not re.fullmatch("0?[0-7]{3,4}", value):
        raise ValueError(value)
    return int(value, 8)


def _scalar(value: Any) -> Any:
    if not isinstance(value, (str, int, float, bool)):
        raise ValueError(value)
    return value


def _list_of(convert: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    def read(value: Any) -> list[Any]:
        items = value if isinstance(value, list) else [value]
        if not items:
            raise ValueError(value)
        return [convert(item) for item in items]

    return read


def _map_of(convert: Callable[[Any], Any]) -> Callable[[Any], dict[str, Any]]:
    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValueError(value)
        return {_text(key): convert(item) for key, item in value.items()}

    return read


def _network(value: Any) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(_text(value), strict=False)


def _argument(value: Any) -> str:
    if isinstance(value, (bool, list, dict)) or value is None:
        raise ValueError(value)
    return str(value)


def _url(value: Any) -> str:
    url = _text(value)
    parts = urlsplit(url)
    # A user and password in the address would end up in reports and logs.
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise ValueError(value)
    _port(parts.port or 80)
    return url


def _endpoint(value: Any) -> tuple[str, int]:
    found = re.fullmatch(r"\[?([^\[\]]+?)\]?:([0-9]+)", _text(value))
    if not found:
        raise ValueError(value)
    return found.group(1), _port(found.group(2))


KINDS: dict[str, Kind] = {
    "text": Kind("a text that is not empty", _text),
    "texts": Kind("a list of texts", _list_of(_text)),
    "boolean": Kind("true or false", _boolean),
    "number": Kind("a number that is not negative", _number),
    "seconds": Kind("a number of seconds greater than 0", _seconds),
    "integer": Kind("a whole number that is not negative", _integer),
    "integers": Kind("a whole number or a list of whole numbers", _list_of(_integer)),
    "port": Kind("a port from 1 to 65535", _port),
    "path": Kind("an absolute path", _path),
    "paths": Kind("a list of absolute paths", _list_of(_path)),
    "pattern": Kind("a regular expression", _pattern),
    "patterns": Kind("a dictionary of regular expressions", _map_of(_pattern)),
    "mode": Kind('a quoted octal mode such as "0640"', _mode),
    "scalar": Kind("a text, a number or a boolean", _scalar),
    "mapping": Kind("a dictionary of texts", _map_of(_argument)),
    "networks": Kind("a list of IP addresses or networks in CIDR form", _list_of(_network)),
    "arguments": Kind("a list of arguments, the first of them the program", _list_of(_argument)),
    "url": Kind("an http or https address without user and password", _url),
    "endpoint": Kind('an address and a port such as "192.0.2.1:443"', _endpoint),
    "any": Kind("any value", lambda value: value),
}
