# Copyright: (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTML that cannot forget to escape: only what el() returns is markup, every other text is escaped."""

from __future__ import annotations

from html import escape
from typing import Any

_VOID = ("br", "meta", "use")


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def text(value: Any) -> Html:
    """Return a value as markup: Html as it is, None as nothing, lists joined, all else escaped."""
    if isinstance(value, Html):
        return value
    if value is None:
        return Html()
    if isinstance(value, (list, tuple)):
        return Html("".join(text(item) for item in value))
    return Html(escape(str(value), quote=True))


def el(tag: str, /, *children: Any, **attributes: Any) -> Html:
    """Return an element. C(class_) is class and C(data_label) data-label; an attribute that is None is left out."""
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value), quote=True)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if tag in _VOID:
        return Html(f"<{tag}{told}>")
    return Html(f"<{tag}{told}>{text(children)}</{tag}>")
