# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names and texts of variables: to which role a name belongs, what a template refers to, what is no secret."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNDEFINED = re.compile(r"'([A-Za-z_][A-Za-z0-9_]*)' is undefined")

# What a connection is made with comes from the inventory; every other ansible_x is known once a host answers.
_CONNECTION = re.compile(
    r"ansible_(host|port|user|password|connection|shell_type|python_interpreter|private_key_file|(ssh|become)(_\w+)?)"
)

# Compared without case, spaces and punctuation.
_WORDS = """
    admin changeit default dummy empty example fillin fixme foobar letmein none null passw0rd passwd password passwort
    placeholder replace root sample secret tbd test todo undefined xxx xxxx xxxxx xxxxxx xxxxxxxx
    mypassword mysecret yourpassword yoursecret secretpassword topsecret insertpassword setme setthis
"""
_PLACEHOLDERS = frozenset(_WORDS.split())
_PLACEHOLDER_STARTS = ("changeme", "changethis", "pleasechange", "replaceme", "replacethis", "replacewith", "tochange")


def is_placeholder(text: str) -> bool:
    """Tell whether a secret is one that somebody meant to replace: changeme, CHANGE_ME, <password>, password."""
    if re.fullmatch(r"\s*(<.*>|\{\{.*\}\}|\[.*\]|\*+|\.+|-+)\s*", text, re.DOTALL):
        return True
    bare = re.sub(r"[\W_]+", "", text).lower()
    return bare in _PLACEHOLDERS or bare.startswith(_PLACEHOLDER_STARTS)


def suggest(name: str, candidates: Iterable[str], prefix: str = "") -> str:
    """Return "; did you mean x?" for the candidate nearest to a name, else an empty string.

    A prefix that all share is left out of the comparison: it would make everything look alike.
    """
    bare = {candidate[len(prefix) :]: candidate for candidate in candidates if candidate.startswith(prefix)}
    near = difflib.get_close_matches(name[len(prefix) :], sorted(bare), n=1, cutoff=0.6)
    return f"; did you mean {bare[near[0]]}?" if near else ""


class RoleNames:
    """The public variables of all roles, to find names that no role knows."""

    def __init__(self, options: Mapping[str, Iterable[str]], ignored: Iterable[str] = ()) -> None:
        """Take the option names (with aliases) by role and the patterns (fnmatch) of names that are not judged."""
        self._options = {role: set(names) for role, names in options.items()}
        self._known = set().union(*self._options.values())
        self._ignored = list(ignored)
        # The longest first: postgresql_exporter_port belongs to postgresql_exporter, not to postgresql.
        self._roles = sorted(self._options, key=len, reverse=True)

    def owner(self, variable: str) -> str | None:
        """Return the role to whose variables this name belongs, None if to none."""
        return next((role for role in self._roles if variable.startswith(f"{role}_")), None)

    def complaint(self, variable: str) -> str | None:
        """Return what is wrong with a variable's name, None if nothing is."""
        role = self.owner(variable)
        if role is None or variable in self._known:
            return None
        if any(fnmatch.fnmatchcase(variable, pattern) for pattern in self._ignored):
            return None
        return f"role {role} has no such option{suggest(variable, self._options[role], f'{role}_')}"


def undefined_name(message: str) -> str | None:
    """Return the variable that a template's error message calls undefined, None if it names none."""
    found = _UNDEFINED.search(message)
    return found.group(1) if found else None


def known_only_on_contact(name: str) -> bool:
    """Tell whether a variable gets its value from the host or the play, not from the inventory."""
    return name.startswith("ansible_") and not _CONNECTION.fullmatch(name)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for part in value.values():
            yield from _leaves(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _leaves(part)
    else:
        yield value


def sources(value: Any, variables: Mapping[str, Any]) -> tuple[set[str], list[Any]]:
    """Return the names that a value's templates mention, directly or through other variables, and all the leaves.

    Values and variables are untemplated. Words that are no variables (filters, keywords, attributes) are among the
    names: this is a search for what may be meant, not a parser.
    """
    names: set[str] = set()
    leaves: list[Any] = []
    waiting = [value]
    while waiting:
        for leaf in _leaves(waiting.pop()):
            leaves.append(leaf)
            if isinstance(leaf, str) and ("{{" in leaf or "{%" in leaf):
                new = set(_IDENTIFIER.findall(leaf)) - names
                names |= new
                waiting += [variables[name] for name in new if name in variables]
    return names, leaves
