# Copyright: (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The signs of the states, drawn here: whether a font has a tick or a cross is nothing to rely on."""

from __future__ import annotations

from .markup import Html, el

# Each has its own outline, so that they differ in black and white as well; C(k) is knocked out in the paper's colour.
_SHAPES = {
    "pass": '<circle cx="8" cy="8" r="7.5"/><path class="k" d="M4.5 8.3l2.4 2.4 4.6-5"/>',
    "warn": '<path d="M8 .8l7.6 14H.4z"/><path class="k" d="M8 6v4M8 12v.6"/>',
    "fail": '<rect x=".7" y=".7" width="14.6" height="14.6" rx="2"/><path class="k" d="M5 5l6 6M11 5l-6 6"/>',
    "waived": '<path d="M8 0l8 8-8 8-8-8z"/><path class="k" d="M4.8 8h6.4"/>',
    "skipped": '<circle class="o" cx="8" cy="8" r="6.7"/><path class="o" d="M5 8h6"/>',
    "error": '<path d="M5 .5h6L15.5 5v6L11 15.5H5L.5 11V5z"/>'
    '<path class="k" d="M6 6.2c0-2.6 4-2.6 4 0 0 1.5-2 1.5-2 3M8 11.6v.6"/>',
    "not_covered": '<circle class="o dash" cx="8" cy="8" r="6.7"/>',
}

_SYMBOLS = "".join(f'<symbol id="i-{name}" viewBox="0 0 16 16">{shape}</symbol>' for name, shape in _SHAPES.items())
SPRITE = Html(f'<svg width="0" height="0" class="sprite" aria-hidden="true">{_SYMBOLS}</svg>\n')


def icon(name: str) -> Html:
    """Return the sign of a check status or of C(not_covered). The word beside it speaks for it."""
    return el("svg", el("use", href="#i-" + name), class_="icon", aria_hidden="true", width="16", height="16")
