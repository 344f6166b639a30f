# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Judge the inventory on the controller, before any host is touched. Documented in the module of the same name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.golive.delivery.plugins.module_utils.inventory import arguments, hosts
from ansible_collections.golive.delivery.plugins.module_utils.inventory.certificates import check_certificate
from ansible_collections.golive.delivery.plugins.module_utils.inventory.problems import Problem, merge, report
from ansible_collections.golive.delivery.plugins.module_utils.inventory.variables import (
    RoleNames,
    is_placeholder,
    undefined_name,
)
from ansible_collections.golive.delivery.plugins.plugin_utils.host_variables import HostVariables, Reading, origin_of
from ansible_collections.golive.delivery.plugins.plugin_utils.roles import Roles

ROLES = Path(__file__).resolve().parents[2] / "roles"
COLLECTION = "golive.delivery."

ARGUMENT_SPEC = {
    "roles": {"type": "dict", "default": {}},
    "roles_path": {"type": "path"},
    "provided": {"type": "dict", "default": {}},
    "ignore_variables": {"type": "list", "elements": "str", "default": []},
    "required_groups": {"type": "dict", "default": {}},
    "maximum": {"type": "dict", "default": {}},
    "odd_groups": {"type": "dict", "default": {}},
    "exclusive_groups": {"type": "list", "elements": "list", "default": []},
    "resolve": {"type": "list", "elements": "str", "default": []},
    "resolve_hosts": {"type": "bool", "default": True},
    "resolve_timeout": {"type": "float", "default": 5.0},
    "certificates": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "certificate": {"type": "str"},
            "private_key": {"type": "str", "no_log": True},
        },
    },
    "certificate_names": {"type": "list", "elements": "str", "default": []},
    "certificate_days": {"type": "int", "default": 0},
    "required_secrets": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "variable": {"type": "str", "required": True},
            "group": {"type": "str", "default": "all"},
        },
    },
}


class ActionModule(ActionBase):
    """Read every host's variables, contact no host, and return all problems at once."""

    TRANSFERS_FILES = False
    # One look at the inventory serves all hosts of the play.
    BYPASS_HOST_LOOP = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return `problems` (lines), `unchecked` (lines) and `hosts` (a number); failed when there are problems."""
        result = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(ARGUMENT_SPEC)
        task_vars = task_vars or {}
        self._groups: Mapping[str, Sequence[str]] = task_vars["groups"]
        self._roles = Roles(Path(args["roles_path"] or ROLES), self._loader)
        self._base = self._loader.get_basedir()
        self._variables: dict[str, HostVariables] = {}
        wanted = self._wanted_roles(args["roles"])
        for host in self._groups["all"]:
            defaults = {
                name: value for role in wanted.get(host, ()) for name, value in self._roles.defaults(role).items()
            }
            self._variables[host] = HostVariables(self._templar, task_vars["hostvars"], host, defaults)

        self._empty = [group for group in args["required_groups"] if not self._groups.get(group)]
        self._unchecked: list[Problem] = []
        lines = merge(
            [
                *self._check_groups(args),
                *self._check_names(args["ignore_variables"]),
                *self._check_roles(wanted, args["provided"]),
                *self._check_secrets(args["required_secrets"]),
                *self._check_certificates(args["certificates"], args["certificate_names"], args["certificate_days"]),
                *self._check_addresses(args["resolve"], args["resolve_hosts"], args["resolve_timeout"]),
            ]
        )
        result.update(changed=False, problems=lines, unchecked=merge(self._unchecked), hosts=len(self._variables))
        if lines:
            result.update(failed=True, msg=report(lines))
        else:
            result["msg"] = f"The inventory is fit: {len(self._variables)} hosts"
        return result

    def _wanted_roles(self, roles: Mapping[str, Any]) -> dict[str, list[str]]:
        """Return the roles of each host, in the order in which they were given."""
        wanted: dict[str, list[str]] = {}
        for group, names in roles.items():
            if isinstance(names, str) or not isinstance(names, Sequence):
                raise AnsibleActionFail(f"roles of group {group}: expected a list of role names")
            for name in names:
                role = str(name).removeprefix(COLLECTION)
                if role not in self._roles.names:
                    text = f"role {role} has no meta/argument_specs.yml in {self._roles.path}"
                    raise AnsibleActionFail(f"roles of group {group}: {text}")
                for host in self._groups.get(group, ()):
                    if role not in wanted.setdefault(host, []):
                        wanted[host].append(role)
        return wanted

    def _origin(self, *values: Any) -> str:
        return origin_of(values, self._base)

    def _check_groups(self, args: Mapping[str, Any]) -> list[Problem]:
        return [
            *hosts.check_required_groups(self._groups, args["required_groups"]),
            *hosts.check_maximum(self._groups, args["maximum"]),
            *hosts.check_odd(self._groups, args["odd_groups"]),
            *hosts.check_exclusive(self._groups, args["exclusive_groups"]),
        ]

    def _check_names(self, ignored: Sequence[str]) -> Iterator[Problem]:
        """Find variables that look like an option of a role of ours and are none."""
        names = RoleNames({role: self._roles.option_names(role) for role in self._roles.names}, ignored)
        for host, variables in self._variables.items():
            for name in variables.own_names:
                if complaint := names.complaint(name):
                    yield Problem(f"variable {name} of ", host, f": {complaint}", self._origin(name))

    def _check_roles(self, wanted: Mapping[str, Sequence[str]], provided: Mapping[str, Any]) -> Iterator[Problem]:
        for host, roles in wanted.items():
            for role in roles:
                yield from self._check_role(host, role, set(provided.get(role) or ()))

    def _check_role(self, host: str, role: str, provided: set[str]) -> Iterator[Problem]:
        variables = self._variables[host]
        for option, spec in self._roles.options(role).items():
            names = [name for name in (option, *(spec.get("aliases") or ())) if name in variables]
            if not names and spec.get("required") and option not in provided:
                what = arguments.describe(spec)
                text = f"variable {option} is required by role {role} on "
                yield Problem(text, host, f": {what}" if what else "")
            for name in names:
                vaulted = variables.is_vaulted(name)
                reading = variables.read(name, secret=vaulted or arguments.holds_secret(spec))
                if problem := self._unreadable(host, name, reading):
                    yield problem
                elif reading.known:
                    for finding in arguments.check_options({option: spec}, {name: reading.value}, secret=vaulted):
                        origin = self._origin(finding.value, reading.raw, name)
                        yield Problem(f"variable {finding.path} of ", host, f": {finding.message}", origin)

    def _unreadable(self, host: str, name: str, reading: Reading) -> Problem | None:
        """Return the problem of a variable whose template fails; only note what cannot be known yet."""
        later = "depends on facts of the host" if reading.later else ""
        if reading.error:
            # An empty group that must not be is a problem of its own; what is derived from it follows.
            empty = "" if undefined_name(reading.error) else self._empty_group_behind(host, name)
            if not empty:
                return Problem(f"variable {name} of ", host, f": {reading.error}", self._origin(reading.raw, name))
            later = f"depends on group {empty}, which has no hosts"
        if later:
            self._unchecked.append(Problem(f"variable {name} of ", host, f": {later}"))
        return None

    def _empty_group_behind(self, host: str, name: str) -> str:
        """Return the required but empty group from which a variable is derived, an empty string if there is none."""
        mentioned = self._variables[host].mentioned_by(name)
        return next((group for group in self._empty if group in mentioned), "")

    def _check_secrets(self, secrets: Sequence[Mapping[str, str]]) -> Iterator[Problem]:
        for secret in secrets:
            name = secret["variable"]
            for host in self._groups.get(secret["group"], ()):
                if name not in self._variables[host]:
                    yield Problem(f"secret {name} of ", host, ": expected a text, but it is not defined")
                    continue
                reading = self._variables[host].read(name, secret=True)
                if problem := self._unreadable(host, name, reading):
                    yield problem
                elif reading.known:
                    value, wrong = reading.value, ""
                    if not isinstance(value, str):
                        wrong = "expected a text, given something else"
                    elif not value.strip():
                        wrong = "expected a text, given an empty one"
                    elif is_placeholder(value):
                        wrong = "expected a secret, given a placeholder such as changeme"
                    if wrong:
                        yield Problem(f"secret {name} of ", host, f": {wrong}", self._origin(reading.raw, name))

    def _check_certificates(
        self, certificates: Sequence[Mapping[str, Any]], names: Sequence[str], days: int
    ) -> Iterator[Problem]:
        for item in certificates:
            if names and item["name"] not in names:
                yield Problem(f"certificate {item['name']}: nothing takes it, expected {' or '.join(names)}")
            pair = {part: (item.get(part) or "").strip() for part in ("certificate", "private_key")}
            missing = [part for part, text in pair.items() if not text]
            # A pair of which nothing is given is one that the delivery makes itself.
            if len(missing) == 1:
                yield Problem(f"certificate {item['name']}: {missing[0]} is missing, expected both or neither")
            elif not missing:
                for text in check_certificate(pair["certificate"], pair["private_key"], days):
                    yield Problem(f"certificate {item['name']}: {text}")

    def _check_addresses(self, extra: Sequence[str], of_hosts: bool, timeout: float) -> Iterator[Problem]:
        addresses: dict[str, str] = {}
        for host, variables in self._variables.items() if of_hosts else ():
            name = next((name for name in ("golive_address", "ansible_host") if name in variables), "")
            reading = variables.read(name) if name else Reading(known=True, value=host)
            if problem := self._unreadable(host, name, reading):
                yield problem
            elif reading.known:
                addresses[host] = str(reading.value or host).strip("[]")
        failed = hosts.resolve([*addresses.values(), *extra], timeout)
        hint = "set ansible_host or golive_address to an address that does"
        for host, address in addresses.items():
            if address in failed:
                yield Problem("", host, f": address {address} does not resolve ({failed[address]}); {hint}")
        for address in dict.fromkeys(extra):
            if address in failed and address not in addresses.values():
                yield Problem(f"address {address} does not resolve ({failed[address]})")
