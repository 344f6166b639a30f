# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The journal of a restore: what was moved where, whether the target was reached, and with what result.

Under its first name, until the target is reached, it also keeps the server's unit from starting (AssertPathExists).
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any

from golive_backup.settings import FailureError, Settings
from golive_backup.system import write as write_file


def _paths(settings: Settings) -> tuple[str, str]:
    path = os.path.join(settings.state_directory, f"restore-{settings.stanza}")
    return f"{path}.json", f"{path}.recovered.json"


def read(settings: Settings) -> dict[str, Any] | None:
    """Return the journal, None if there is none."""
    for path in reversed(_paths(settings)):
        try:
            with open(path, encoding="utf-8") as file:
                return dict(json.load(file))
        except FileNotFoundError:
            continue
        except ValueError as exc:
            raise FailureError(f"{path} cannot be read: {exc}") from exc
    return None


def write(settings: Settings, content: dict[str, Any]) -> None:
    """Write the journal; with the target reached, under its second name."""
    first, second = _paths(settings)
    write_file(second if content["recovered"] else first, json.dumps(content) + "\n", 0o640)
    if content["recovered"]:
        os.unlink(first)


def forget(settings: Settings) -> None:
    """Remove the journal."""
    # In this order: the first one alone would say that nothing was recovered.
    for path in _paths(settings):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
