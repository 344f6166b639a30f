# Copyright: (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the report says, in English and Chinese. Both languages have the same keys; a unit test sees to it."""

from __future__ import annotations

from typing import Any, Callable

from . import messages_en, messages_zh

LANGUAGES = {"en": "en", "zh_CN": "zh"}  # language of a report: key of a bilingual text

MESSAGES: dict[str, dict[str, str]] = {"en": messages_en.MESSAGES, "zh_CN": messages_zh.MESSAGES}


def text(language: str, key: str, **values: Any) -> str:
    """Return a message of the language (C(en) or C(zh_CN)) with its values filled in."""
    return MESSAGES[language][key].format(**values)


def plural(language: str, key: str, count: int, **values: Any) -> str:
    """Return the message for one or for any other number; the number is C({count})."""
    return text(language, key + ("_one" if count == 1 else "_other"), count=count, **values)


def both(function: Callable[..., str], *arguments: Any, **values: Any) -> dict[str, str]:
    """Return what the function says in each language, under the keys that titles of checks use."""
    return {short: function(language, *arguments, **values) for language, short in LANGUAGES.items()}
