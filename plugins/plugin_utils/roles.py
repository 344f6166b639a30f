# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the roles of a folder say of themselves: their options and their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.golive.delivery.plugins.module_utils.inventory.arguments import names_of

_YAML = (".yml", ".yaml")


class Roles:
    """The roles below a folder that have a meta/argument_specs.yml; files are read once."""

    def __init__(self, path: Path, loader: Any) -> None:
        """Take the folder of the roles and Ansible's DataLoader (which knows of vaulted files)."""
        self.path = path
        self._loader = loader
        if not path.is_dir():
            raise AnsibleActionFail(f"roles_path {path}: there is no such folder")
        self._specs: dict[str, Mapping[str, Any]] = {}
        for file in sorted(path.glob("*/meta/argument_specs.y*ml")):
            if file.suffix in _YAML:
                self._specs[file.parent.parent.name] = (self._load(file) or {}).get("argument_specs") or {}
        self._defaults: dict[str, dict[str, Any]] = {}

    @property
    def names(self) -> list[str]:
        """The names of all roles, sorted."""
        return list(self._specs)

    def options(self, role: str, entry_point: str = "main") -> Mapping[str, Mapping[str, Any]]:
        """Return the options of an entry point, empty if it has none."""
        return (self._specs[role].get(entry_point) or {}).get("options") or {}

    def option_names(self, role: str) -> set[str]:
        """Return the names and aliases of the options of all entry points of a role."""
        return set().union(*(names_of(self.options(role, entry_point)) for entry_point in self._specs[role]))

    def defaults(self, role: str) -> dict[str, Any]:
        """Return a role's defaults and fixed variables, untemplated: a value of the inventory may refer to them."""
        if role not in self._defaults:
            merged: dict[str, Any] = {}
            for folder in ("defaults", "vars"):
                for file in self._files(self.path / role / folder):
                    merged.update(self._load(file) or {})
            self._defaults[role] = merged
        return self._defaults[role]

    @staticmethod
    def _files(folder: Path) -> list[Path]:
        """Return what Ansible loads by itself: main.yml, or everything in a folder main."""
        if (folder / "main").is_dir():
            return sorted(file for file in (folder / "main").rglob("*") if file.suffix in _YAML)
        return [folder / f"main{suffix}" for suffix in _YAML if (folder / f"main{suffix}").is_file()]

    def _load(self, file: Path) -> Any:
        return self._loader.load_from_file(str(file), trusted_as_template=True)
