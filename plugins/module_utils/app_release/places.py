# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an application has its releases and what is remembered of them; how files are written there."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import tempfile
from dataclasses import dataclass
from typing import Any

_FOLDER = re.compile(r"(?P<name>.+)-[0-9a-f]{10}")


class ReleaseError(Exception):
    """What cannot be done, in words for the user."""


def release_name(folder: str) -> str:
    """Return the name of the release in a folder; the folder's name ends with a hash of its content."""
    found = _FOLDER.fullmatch(folder)
    return found.group("name") if found else folder


@dataclass(frozen=True)
class Places:
    """The paths of one application; `root` is another one in tests."""

    name: str
    root: str = "/"

    def _at(self, *parts: str) -> pathlib.Path:
        return pathlib.Path(self.root, *parts)

    @property
    def releases(self) -> pathlib.Path:
        """The folder with a folder for each release."""
        return self._at("opt", self.name, "releases")

    @property
    def link(self) -> pathlib.Path:
        """The link to the current release."""
        return self._at("opt", self.name, "current")

    @property
    def memory(self) -> pathlib.Path:
        """What is remembered: only root reads it, as the snapshots hold secrets."""
        return self._at("var/lib/golive/app_server", self.name)

    @property
    def activations(self) -> pathlib.Path:
        """The list of activations."""
        return self.memory / "activations.json"

    @property
    def pending(self) -> pathlib.Path:
        """The way back that has begun and not ended."""
        return self.memory / "pending.json"

    @property
    def migrations(self) -> pathlib.Path:
        """A mark for each release whose migration is done."""
        return self.memory / "migrations"

    @property
    def initialised(self) -> pathlib.Path:
        """The mark of the initialisation, in the application's own folder."""
        return self._at("var/lib", self.name, "initialised")

    @property
    def etc(self) -> pathlib.Path:
        """The folder of the configuration."""
        return self._at("etc", self.name)

    @property
    def units(self) -> pathlib.Path:
        """The folder of the units."""
        return self._at("etc/systemd/system")

    def snapshot(self, folder: str) -> pathlib.Path:
        """Return the file with what a release ran with."""
        return self.memory / "releases" / folder / "snapshot.json"

    def complete(self, folder: str) -> bool:
        """Tell whether a release was built to its end."""
        return bool(folder) and (self.releases / folder / ".complete").is_file()

    def current(self) -> str:
        """Return the folder of the current release; empty if there is none."""
        try:
            return pathlib.Path(os.readlink(self.link)).name
        except OSError:
            return ""

    def unit_files(self) -> list[pathlib.Path]:
        """Return the units of the application's processes; their first line says whose they are."""
        mark = f"# golive.delivery.app_server: {self.name}\n".encode()
        found = []
        for path in sorted(self.units.glob(f"{self.name}-*.service")):
            if path.is_file() and not path.is_symlink():
                with path.open("rb") as unit:
                    if unit.readline() == mark:
                        found.append(path)
        return found


def read_json(path: pathlib.Path, otherwise: Any) -> Any:
    """Return what a file holds, or the second argument if there is no such file."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return otherwise
    try:
        return json.loads(text)
    except ValueError as exc:
        raise ReleaseError(f"{path} cannot be read ({exc}): move it away, it is written anew") from exc


def sync_folder(path: pathlib.Path) -> None:
    """See that a rename in the folder outlives a loss of power."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_file(path: pathlib.Path, content: bytes, mode: int = 0o600, owner: tuple[int, int] | None = None) -> None:
    """Write a file beside the old one and rename it: at no moment is there half a file."""
    handle, temporary = tempfile.mkstemp(dir=str(path.parent), prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            if owner is not None:
                os.fchown(file.fileno(), *owner)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    sync_folder(path.parent)


def write_json(path: pathlib.Path, value: Any) -> None:
    """Write a file of the memory, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.parent.chmod(0o700)
    replace_file(path, (json.dumps(value, indent=1, sort_keys=True) + "\n").encode())


def switch_link(link: pathlib.Path, target: str) -> None:
    """Let the link point elsewhere by a rename: at no moment is there no release."""
    temporary = link.with_name(f".{link.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    os.symlink(target, temporary)
    os.replace(temporary, link)
    sync_folder(link.parent)
