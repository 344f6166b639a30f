# Copyright (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of base parameters: one for the whole run, one that collects what is wrong with the items."""

from __future__ import annotations


class BaseParametersError(Exception):
    """Something that ends the run; its text is meant for the user and never holds a secret."""


class ItemError(BaseParametersError):
    """Something wrong with one item; the text starts with the item's name, e.g. ``currency/CNY: ...``."""

    def __init__(self, item: object, text: str) -> None:
        super().__init__(f"{item}: {text}")


class Problems:
    """Collects errors so that a user sees all of them at once instead of one per run."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def add(self, error: Exception) -> None:
        """Note an error; the same text counts once."""
        if str(error) not in self.texts:
            self.texts.append(str(error))

    def stop(self) -> None:
        """Raise BaseParametersError when anything was noted."""
        if self.texts:
            raise BaseParametersError("\n".join([*self.texts, "Nothing was written."]))
