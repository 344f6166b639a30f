# Copyright: (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text from a host, made fit for XML, HTML and a UTF-8 file."""

from __future__ import annotations

import json
import re
from typing import Any

_TERMINAL_COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
# What XML 1.0 does not allow, not even escaped; lone surrogates cannot be written as UTF-8 either.
# The bidirectional controls are legal, but could make a signed document show another order than it holds.
_ILLEGAL = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u202a-\u202e\u2066-\u2069]"
)


def clean(value: Any) -> str:
    """Return any value as text: None is empty, structures are JSON, characters that are illegal in XML are replaced."""
    if value is None:
        return ""
    if not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    value = _TERMINAL_COLOURS.sub("", value).replace("\r\n", "\n").replace("\r", "\n")
    return _ILLEGAL.sub("\ufffd", value).strip()


def one_line(value: str, length: int) -> str:
    """Return the text on one line of at most I(length) characters, with an ellipsis where it was cut."""
    line = " ".join(value.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "\u2026"
