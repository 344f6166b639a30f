# Copyright: (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the three files of a report so that a reader never sees half of one."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile

from . import html, junit

NAMES = {"html": "report.html", "json": "report.json", "junit": "junit.xml"}


def paths(directory: str) -> dict[str, str]:
    """Return where the files of a report are, or would be, in the directory."""
    return {kind: os.path.join(directory, name) for kind, name in NAMES.items()}


def render(document: dict) -> dict[str, bytes]:
    """Return the content of each file. The page names the checksum of report.json, so what is signed binds the data."""
    data = (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode("utf-8")
    page = html.render(document, hashlib.sha256(data).hexdigest())
    return {"html": page.encode("utf-8"), "json": data, "junit": junit.render(document)}


def write(directory: str, contents: dict[str, bytes]) -> dict[str, str]:
    """Write all files beside their old versions first, then rename them. Returns their paths. Raises OSError.

    A directory that is made here gets mode 0750; one that exists keeps its mode, for it may serve other purposes too.
    Files get mode 0640: they name hosts, addresses and versions of a customer's system.
    """
    if not os.path.isdir(directory):
        os.makedirs(directory, mode=0o750)
    targets = paths(directory)
    pending: dict[str, str] = {}
    try:
        for kind, content in contents.items():
            handle, pending[kind] = tempfile.mkstemp(prefix="." + NAMES[kind] + ".", dir=directory)
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(pending[kind], 0o640)
        for kind in list(pending):
            os.replace(pending.pop(kind), targets[kind])
    finally:
        for left in pending.values():
            os.unlink(left)
    return targets
