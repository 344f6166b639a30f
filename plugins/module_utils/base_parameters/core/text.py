# Copyright (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as the YAML-like text that a diff shows."""

from __future__ import annotations

import datetime
import decimal
import json
import re

_PLAIN = re.compile(r"^[^\W\d_][\w ./()@+-]*$")
_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "none"}


def scalar(value: object) -> str:
    """Return one value (text, number, date, truth value or None) on one line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, decimal.Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, (int, datetime.date)):
        return str(value)
    text = str(value)
    if _PLAIN.match(text) and text == text.strip() and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)


def to_text(value: object, indent: int = 0) -> str:
    """Return a dict or list of plain values as lines, each ending in a newline."""
    pad = " " * indent
    lines = []
    if isinstance(value, dict):
        for name, part in value.items():
            if isinstance(part, (dict, list)) and part:
                lines.append(f"{pad}{name}:\n{to_text(part, indent + 2)}")
            else:
                lines.append(f"{pad}{name}: {'[]' if part == [] else scalar(part)}\n")
    elif isinstance(value, list):
        for part in value:
            if isinstance(part, dict) and part:
                # The dash takes the place of the first line's indent.
                lines.append(f"{pad}- {to_text(part, indent + 2)[indent + 2 :]}")
            else:
                lines.append(f"{pad}- {scalar(part)}\n")
    return "".join(lines)
