# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The variables of one host as a role would see them, read on the controller without asking the host."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible.errors import AnsibleError, AnsibleUndefinedVariable
from ansible.parsing.vault import EncryptedString
from ansible_collections.golive.delivery.plugins.module_utils.inventory.variables import (
    known_only_on_contact,
    sources,
    undefined_name,
)

try:
    # Where a value was written is a convenience of the messages; without this internal class they do not say it.
    from ansible._internal._datatag._tags import Origin
except ImportError:
    Origin = None


_NO_TEXTS = ("hostvars", "groups", "ansible_facts", "vars")


@dataclass(frozen=True)
class Reading:
    """A variable's value, or why there is none: an error, or that only a host in contact can tell (`later`)."""

    known: bool = False
    value: Any = None
    raw: Any = None
    error: str = ""
    later: bool = False


def plain(value: Any) -> Any:
    """Return a templated value in plain containers; its scalars keep the tag that tells their origin."""
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return value


def origin_of(values: Iterable[Any], base: str) -> str:
    """Return the file (relative to a folder where it is below it) and line of the first value that knows them."""
    if Origin is None:
        return ""
    for value in values:
        origin = Origin.get_tag(value)
        if origin is not None and origin.path:
            path = os.path.relpath(origin.path, os.getcwd())
            path = min((origin.path, path, os.path.relpath(origin.path, base)), key=len)
            return f"{path}:{origin.line_num}" if origin.line_num else path
    return ""


class HostVariables:
    """The variables of a host: what the inventory says, over the defaults of the roles that it gets."""

    def __init__(self, templar: Any, hostvars: Any, host: str, defaults: Mapping[str, Any]) -> None:
        """Take the untemplated defaults; `hostvars` is Ansible's object of that name."""
        self._own = hostvars.raw_get(host)
        self._all = {**defaults, **self._own, "hostvars": hostvars}
        # Where to look for what a template is made of: not in the variables of all other hosts.
        self._texts = {name: value for name, value in self._all.items() if name not in _NO_TEXTS}
        self._defaults = defaults
        self._templar = templar.copy_with_new_env(available_variables=self._all)

    @property
    def own_names(self) -> Iterable[str]:
        """The names that the inventory sets, not those of defaults."""
        return list(self._own)

    def __contains__(self, name: object) -> bool:
        """Tell whether the inventory or a default sets a variable."""
        return name in self._own or name in self._defaults

    def mentioned_by(self, name: str) -> set[str]:
        """Return the names that a variable's templates mention, directly or through other variables."""
        return sources(self._all[name], self._texts)[0]

    def is_vaulted(self, name: str) -> bool:
        """Tell whether a variable is made of vaulted values or of variables that are named vault_x."""
        names, leaves = sources(self._all[name], self._texts)
        return any(isinstance(leaf, EncryptedString) for leaf in leaves) or any(
            name.startswith("vault_") for name in names
        )

    def read(self, name: str, secret: bool = False) -> Reading:
        """Return the templated value of a variable that is set; of a secret an error tells no details."""
        raw = self._all[name]
        try:
            # As an item of a dict, for then a template that yields `omit` leaves nothing behind.
            found = self._templar.template({name: raw})
            return Reading(known=name in found, value=plain(found.get(name)), raw=raw)
        except AnsibleUndefinedVariable as error:
            message = str(error)
            missing = undefined_name(message)
            if missing and known_only_on_contact(missing):
                return Reading(raw=raw, later=True)
            # "object of type 'dict' has no attribute ..." does not say which; facts are empty before contact.
            if not missing and "ansible_facts" in self.mentioned_by(name):
                return Reading(raw=raw, later=True)
            return Reading(raw=raw, error=" ".join(message.split()))
        except AnsibleError as error:
            message = " ".join(str(error).split())
            if secret and "decrypt" not in message:
                message = "its template fails; the details are not shown because it holds a secret"
            return Reading(raw=raw, error=message)
