# Copyright (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Languages ship with Tryton; their translations are loaded when one is made translatable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.engine import Plan
from . import mapping
from .resource import TrytonResource

if TYPE_CHECKING:
    from .backend import Ids, TrytonBackend


class Language(TrytonResource):
    """The flag ``translatable`` is read-only in Tryton: buttons load and unload the translations and set it."""

    def update(self, api: TrytonBackend, plan: Plan, ids: Ids) -> None:
        wanted = dict(plan.wanted)
        translatable = wanted.pop("translatable", None)
        if wanted:
            values = mapping.encode(self.fields, wanted, plan.record.values, plan.record.extra["raw"], ids)
            api.call(f"model.{self.model}.write", [plan.record.id], values, api.context())
        if translatable is not None:
            button = "load_translations" if translatable else "unload_translations"
            api.call(f"model.{self.model}.{button}", [plan.record.id], api.context())
