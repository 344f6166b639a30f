# Copyright: (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Both languages say everything, with the same values in it."""

from __future__ import annotations

import re
import string

from ansible_collections.golive.delivery.plugins.module_utils.report import i18n


def _fields(message: str) -> set:
    return {field for _text, field, _spec, _conversion in string.Formatter().parse(message) if field}


def test_same_keys() -> None:
    assert set(i18n.MESSAGES) == set(i18n.LANGUAGES) == {"en", "zh_CN"}
    assert set(i18n.MESSAGES["en"]) == set(i18n.MESSAGES["zh_CN"])


def test_nothing_is_empty_and_no_value_is_forgotten() -> None:
    for key, english in i18n.MESSAGES["en"].items():
        chinese = i18n.MESSAGES["zh_CN"][key]
        assert english.strip(), key
        assert chinese.strip(), key
        # "the only one" needs no number
        if not key.endswith("_one"):
            assert _fields(english) == _fields(chinese), key


def test_chinese_is_chinese() -> None:
    # What has no words: a language tag, the numbers of the months, a dash.
    wordless = {"lang", "months", "none", "separator", "list_separator"}
    for key, message in i18n.MESSAGES["zh_CN"].items():
        assert key in wordless or re.search("[\u4e00-\u9fff]", message), key


def test_plural() -> None:
    assert i18n.plural("en", "checks", 1) == "1 check"
    assert i18n.plural("en", "checks", 0) == "0 checks"
    assert i18n.both(i18n.plural, "checks", 2) == {"en": "2 checks", "zh": "2 项检查"}
