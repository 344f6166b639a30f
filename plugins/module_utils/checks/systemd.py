# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd knows about a unit, asked for in one call."""

from __future__ import annotations

from ansible_collections.golive.delivery.plugins.module_utils.checks.context import Context
from ansible_collections.golive.delivery.plugins.module_utils.checks.outcome import CheckError


def show(context: Context, unit: str, *properties: str) -> dict[str, str]:
    """Return the properties of a unit; one that does not exist has LoadState not-found.

    Raises CheckError when systemd does not answer.
    """
    done = context.run(["systemctl", "show", "--no-pager", f"--property={','.join(properties)}", "--", unit])
    found = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    if done.rc != 0 or not found:
        raise CheckError(f"systemctl show {unit} failed: {done.output or f'return code {done.rc}'}")
    return found
