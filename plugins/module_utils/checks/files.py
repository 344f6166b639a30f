# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of files and file systems: file, disk, link."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from types import SimpleNamespace
from typing import Any, Callable

from ansible_collections.golive.delivery.plugins.module_utils.checks.context import Context
from ansible_collections.golive.delivery.plugins.module_utils.checks.outcome import (
    CheckError,
    Outcome,
    Verdict,
    judge,
)
from ansible_collections.golive.delivery.plugins.module_utils.checks.spec import (
    Parameter,
    check_type,
    needs_one_of,
)

_CONTENT_LIMIT = 16 * 1024 * 1024  # bytes
_GIB = 1024**3


@check_type(
    "file",
    Parameter("path", "path", required=True),
    Parameter("exists", "boolean", default=True),
    Parameter("mode", "mode"),
    Parameter("owner", "text"),
    Parameter("group", "text"),
    Parameter("contains", "pattern"),
    Parameter("absent", "pattern"),
)
def file(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Compare existence, permissions and content of a file; its content never gets into the result."""
    path = parameters.path
    verdict = Verdict()
    if not parameters.exists:
        verdict.demand(
            not os.path.lexists(path), f"{path} does not exist", "exists" if os.path.lexists(path) else "absent"
        )
        return verdict.outcome()
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        verdict.demand(False, f"{path} exists", "a dangling link" if os.path.islink(path) else "absent")
        return verdict.outcome()
    verdict.demand(True, f"{path} exists", "exists")
    mode = stat.S_IMODE(found.st_mode)
    if parameters.mode is not None:
        verdict.demand(not mode & ~parameters.mode, f"mode at most {parameters.mode:04o}", f"mode {mode:04o}")
    for kind, number, lookup in (("owner", found.st_uid, _user), ("group", found.st_gid, _group)):
        wanted = getattr(parameters, kind)
        if wanted is not None:
            name = lookup(number)
            verdict.demand(wanted in (name, str(number)), f"{kind} {wanted}", f"{kind} {name}")
    if parameters.contains or parameters.absent:
        text = _read(path)
        for name, pattern in (("contains", parameters.contains), ("absent", parameters.absent)):
            if pattern:
                hit = pattern.search(text) is not None
                verb = "has" if name == "contains" else "has no"
                observed = f"{'has' if hit else 'has no'} match for {pattern.pattern!r}"
                verdict.demand(hit == (name == "contains"), f"{verb} match for {pattern.pattern!r}", observed)
    return verdict.outcome(f"{_user(found.st_uid)}:{_group(found.st_gid)} {mode:04o}, {found.st_size} bytes")


def _lookup(database: Callable[[int], Any], number: int) -> str:
    try:
        return str(database(number)[0])
    except KeyError:
        return str(number)


def _user(number: int) -> str:
    return _lookup(pwd.getpwuid, number)


def _group(number: int) -> str:
    return _lookup(grp.getgrgid, number)


def _read(path: str) -> str:
    if not os.path.isfile(path):  # a pipe or device could block for ever
        raise CheckError(f"{path} is no regular file, its content cannot be compared")
    with open(path, "rb") as content:
        data = content.read(_CONTENT_LIMIT + 1)
    if len(data) > _CONTENT_LIMIT:
        raise CheckError(f"{path} is larger than {_CONTENT_LIMIT} bytes")
    return data.decode(errors="replace")


@check_type(
    "disk",
    Parameter("path", "path", required=True),
    Parameter("min_free_percent", "number"),
    Parameter("min_free_gib", "number"),
    rule=needs_one_of("min_free_percent", "min_free_gib"),
)
def disk(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Compare what is free, for users other than root, on the file system of a path."""
    try:
        system = os.statvfs(parameters.path)
    except FileNotFoundError:
        return judge(False, f"{parameters.path} has free space", "the path does not exist")
    free = system.f_bavail * system.f_frsize
    # As df computes it: blocks reserved for root count neither as used nor as free.
    usable = (system.f_blocks - system.f_bfree + system.f_bavail) * system.f_frsize
    percent = 100.0 * free / usable if usable else 0.0
    verdict = Verdict()
    if parameters.min_free_percent is not None:
        wanted = parameters.min_free_percent
        verdict.demand(percent >= wanted, f"at least {wanted:g} % free", f"{percent:.1f} % free")
    if parameters.min_free_gib is not None:
        wanted = parameters.min_free_gib
        verdict.demand(free >= wanted * _GIB, f"at least {wanted:g} GiB free", f"{free / _GIB:.1f} GiB free")
    return verdict.outcome(f"{parameters.path}: {free / _GIB:.1f} of {usable / _GIB:.1f} GiB free")


@check_type(
    "link",
    Parameter("path", "path", required=True),
    Parameter("target", "pattern"),
)
def link(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Compare where a symbolic link points, and that it points at something."""
    path = parameters.path
    verdict = Verdict()
    observed = "absent" if not os.path.lexists(path) else "not a link"
    if not verdict.demand(
        os.path.islink(path), f"{path} is a symbolic link", "a link" if os.path.islink(path) else observed
    ):
        return verdict.outcome()
    target = os.readlink(path)
    if parameters.target:
        matches = parameters.target.search(target) is not None
        verdict.demand(matches, f"its target matches {parameters.target.pattern!r}", f"-> {target}")
    verdict.demand(os.path.exists(path), "its target exists", "target exists" if os.path.exists(path) else "dangling")
    return verdict.outcome(f"{path} -> {target}")
