# Copyright (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a diff."""

from __future__ import annotations

import datetime
import decimal

from ansible_collections.golive.delivery.plugins.module_utils.base_parameters.core.text import to_text


def test_nested_values_read_like_yaml():
    value = {
        "name": "Yuan",
        "rates": [{"date": datetime.date(2026, 1, 1), "rate": decimal.Decimal("0.500")}, {"more": [{"a": 1, "b": 2}]}],
        "users": ["user/admin"],
        "lines": [],
        "active": True,
        "symbol": None,
    }
    assert to_text(value) == (
        "name: Yuan\n"
        "rates:\n"
        "  - date: 2026-01-01\n"
        "    rate: 0.5\n"
        "  - more:\n"
        "      - a: 1\n"
        "        b: 2\n"
        "users:\n"
        "  - user/admin\n"
        "lines: []\n"
        "active: true\n"
        "symbol: null\n"
    )


def test_texts_that_yaml_would_misread_are_quoted():
    assert to_text({"a": "156", "b": "yes", "c": "x: y", "d": "two\nlines", "e": "上海"}) == (
        'a: "156"\nb: "yes"\nc: "x: y"\nd: "two\\nlines"\ne: 上海\n'
    )


def test_whole_numbers_keep_their_zeros():
    assert to_text({"a": decimal.Decimal("100"), "b": decimal.Decimal("1E+2")}) == "a: 100\nb: 100\n"
