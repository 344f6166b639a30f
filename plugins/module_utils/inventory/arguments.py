# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values of a role's options against its meta/argument_specs.yml, with the path and the value in every message.

ansible-core's ArgumentSpecValidator judges each value. It is asked option by option, because its messages for a
whole specification neither say which item of a list is wrong nor keep a secret out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import (
    AliasError,
    ArgumentValueError,
    MutuallyExclusiveError,
    RequiredByError,
    RequiredIfError,
    RequiredOneOfError,
    RequiredTogetherError,
)
from ansible_collections.golive.delivery.plugins.module_utils.inventory.problems import given
from ansible_collections.golive.delivery.plugins.module_utils.inventory.variables import is_placeholder, suggest

Options = Mapping[str, Mapping[str, Any]]

# These speak of how options go together.
_RELATIONS = (
    AliasError,
    MutuallyExclusiveError,
    RequiredByError,
    RequiredIfError,
    RequiredOneOfError,
    RequiredTogetherError,
)

_RULES = ("mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by")

_KINDS = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "a mapping",
    "path": "a path",
    "bytes": "a size such as 64M",
    "json": "JSON",
}


@dataclass(frozen=True)
class Finding:
    """A wrong value: the path to it (``postgresql_databases[2].owner``), what is wrong, the value as it was given.

    ``value`` serves to find out where it was written; it may be a secret and is not for display.
    """

    path: str
    message: str
    value: Any = None


def names_of(options: Options) -> set[str]:
    """Return the names of all options with their aliases."""
    return set(options).union(*(spec.get("aliases") or () for spec in options.values()))


def holds_secret(spec: Mapping[str, Any]) -> bool:
    """Tell whether an option or any of its suboptions is no_log: then nothing of its value may be shown."""
    return bool(spec.get("no_log")) or any(holds_secret(sub) for sub in (spec.get("options") or {}).values())


def expected(spec: Mapping[str, Any]) -> str:
    """Return what an option wants, in words."""
    choices = spec.get("choices")
    elements = spec.get("elements")
    if choices:
        shown = ", ".join(str(choice).lower() if isinstance(choice, bool) else str(choice) for choice in choices)
        return f"expected {'a list of' if spec.get('type') == 'list' else 'one of'}: {shown}"
    kind = _KINDS.get(str(spec.get("type") or "str"), str(spec.get("type")))
    if elements and elements != "raw":
        kind += f", each item {_KINDS.get(str(elements), str(elements))}"
    return f"expected {kind}"


def describe(spec: Mapping[str, Any]) -> str:
    """Return the first sentence of an option's description, on one line without markup; empty if there is none."""
    text = spec.get("description") or ""
    if isinstance(text, (list, tuple)):
        text = text[0] if text else ""
    text = re.sub(r"\b[A-Z]\(([^()]*)\)", r"\1", " ".join(str(text).split()))
    return text.split(". ", 1)[0].rstrip(".")


def check_options(options: Options, values: Mapping[str, Any], path: str = "", secret: bool = False) -> list[Finding]:
    """Return what is wrong with the given values; options that are not given are not looked for at the top.

    At the top level (no path) values are variables: a missing one and one that no option knows are the caller's
    business. In a suboption both are findings.
    """
    findings: list[Finding] = []
    given_by = {name: option for option, spec in options.items() for name in [option, *(spec.get("aliases") or ())]}
    prefix = f"{path}." if path else ""
    if path:
        present = {given_by.get(name) for name in values}
        for name in values:
            if name not in given_by:
                hint = suggest(str(name), given_by)
                findings.append(Finding(path, f"there is no option {name}{hint}", name))
        for option, spec in options.items():
            if spec.get("required") and option not in present:
                what = describe(spec)
                findings.append(Finding(path, f"{option} is required{f': {what}' if what else ''}", values))
    for name, value in values.items():
        spec = options.get(given_by.get(name, ""))
        if spec is not None:
            findings.extend(_check_value(spec, value, f"{prefix}{name}", secret))
    return findings


def _check_value(spec: Mapping[str, Any], value: Any, path: str, secret: bool) -> Iterator[Finding]:
    if value is None and not spec.get("required") and spec.get("default") is None:
        return
    wrong, coerced = _leaf(spec, value, path, secret)
    yield from wrong
    if coerced is None:
        return
    if spec.get("no_log") and isinstance(coerced, str) and coerced and is_placeholder(coerced):
        yield Finding(path, "expected a secret, given a placeholder such as changeme", value)
        return
    if spec.get("options"):
        nested = list(_nested(spec, coerced, path, secret or bool(spec.get("no_log"))))
        yield from nested
        if not wrong and not nested and "." not in path:
            yield from _remainder(spec, coerced, path, value)


def _leaf(spec: Mapping[str, Any], value: Any, path: str, secret: bool) -> tuple[list[Finding], Any]:
    """Judge a value without its suboptions; return the findings and the value in the wanted type.

    The value is None if it is wrong as a whole; in a list a wrong item is None, for the others are worth a look.
    """
    hidden = secret or holds_secret(spec)
    kind = str(spec.get("type") or "str")
    if value is None:
        # ansible takes nothing for an empty text, which will not do where something is required.
        empty = kind == "raw" or (kind in ("str", "path") and not spec.get("required"))
        return [] if empty else [Finding(path, f"{expected(spec)}, {given(None)}")], None
    # ansible would turn a list into the text "['a']" and true into the number 1; nobody means that.
    if kind in ("str", "path") and isinstance(value, (Mapping, list, tuple)):
        return [Finding(path, f"{expected(spec)}, {given(value, hidden)}", value)], None
    if kind in ("int", "float") and isinstance(value, bool):
        return [Finding(path, f"{expected(spec)}, {given(value, hidden)}", value)], None
    judged = {key: spec[key] for key in ("type", "choices") if spec.get(key) is not None}
    result = ArgumentSpecValidator({"value": judged}).validate({"value": value})
    coerced = result.validated_parameters.get("value")
    if result.error_messages:
        culprit = value
        if kind == "list" and any(isinstance(error, ArgumentValueError) for error in result.errors.errors):
            culprit = next((item for item in coerced if item not in spec["choices"]), value)
        return [Finding(path, f"{expected(spec)}, {given(culprit, hidden)}", value)], None
    if kind == "list" and spec.get("elements"):
        element = {"type": spec["elements"], "no_log": hidden, "required": True}
        findings: list[Finding] = []
        items = []
        for number, item in enumerate(coerced or []):
            wrong, good = _leaf(element, item, f"{path}[{number}]", hidden)
            findings.extend(wrong)
            items.append(good)
        return findings, items
    return [], coerced


def _nested(spec: Mapping[str, Any], value: Any, path: str, secret: bool) -> Iterator[Finding]:
    items = [(path, value)]
    if isinstance(value, list):
        items = [(f"{path}[{number}]", item) for number, item in enumerate(value)]
    for where, item in items:
        if isinstance(item, Mapping):
            yield from check_options(spec["options"], item, where, secret)
            yield from _relations(spec, item, where, secret or holds_secret(spec))


def _relations(spec: Mapping[str, Any], value: Mapping[str, Any], path: str, hidden: bool) -> Iterator[Finding]:
    """Ask the validator how the suboptions of one mapping go together."""
    flat = {
        name: {"type": "raw", **{key: sub[key] for key in ("aliases", "default") if sub.get(key) is not None}}
        for name, sub in spec["options"].items()
    }
    validator = ArgumentSpecValidator(flat, **{rule: spec.get(rule) for rule in _RULES})
    for error in validator.validate(dict(value)).errors.errors:
        if isinstance(error, RequiredIfError) and hidden:
            # Its message quotes the value on which the requirement depends.
            yield Finding(path, "an option is missing that another one requires", value)
        elif isinstance(error, _RELATIONS):
            yield Finding(path, error.msg, value)


def _remainder(spec: Mapping[str, Any], value: Any, path: str, original: Any) -> Iterator[Finding]:
    """Ask the validator about a whole option in which nothing was found: it has the last word."""
    for error in ArgumentSpecValidator({path: spec}).validate({path: value}).errors.errors:
        yield Finding(path, "does not fulfil the specification" if holds_secret(spec) else error.msg, original)
