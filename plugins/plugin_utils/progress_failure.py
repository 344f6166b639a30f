# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The whole of a failed result, for people to read."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.playbook.block import Block

# What people look for comes first, each under its own heading with its line breaks.
_TEXTS = ("msg", "censored", "reason", "stderr", "module_stderr", "stdout", "module_stdout")
_HEADINGS = {"msg": "message", "censored": "message", "exception": "traceback"}
# Said elsewhere, or the same thing twice.
_LEFT_OUT = (
    "changed",
    "failed",
    "unreachable",
    "results",
    "item",
    "ansible_loop_var",
    "ansible_index_var",
    "exception",
)
_INDENT = "    "
_WIDE = 100


def is_rescued(task: Any) -> bool:
    """Tell whether a task is in a block that has a rescue section, so that its failure does not end the run."""
    child = task
    parent = getattr(task, "_parent", None)
    while parent is not None:
        if isinstance(parent, Block) and parent.rescue:
            sections = [*parent.rescue, *parent.always]
            if not any(member._uuid == child._uuid for member in sections):
                return True
        child, parent = parent, getattr(parent, "_parent", None)
    return False


def short_path(path: str | None) -> str:
    """Return a path relative to the working folder when that is shorter; empty if there is none."""
    if not path:
        return ""
    return min(path, os.path.relpath(path, os.getcwd()), key=len)


def _block(heading: str, text: str) -> Iterator[str]:
    yield f"  {heading}"
    yield textwrap.indent(text.rstrip("\n"), _INDENT, lambda _line: True)


def _entry(key: str, value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if "\n" in value.strip("\n"):
            yield from _block(key, value)
        else:
            yield f"  {key}: {value.strip()}"
    else:
        text = json.dumps(value, ensure_ascii=False, default=str)
        if len(text) > _WIDE:
            yield from _block(key, json.dumps(value, ensure_ascii=False, indent=2, default=str))
        else:
            yield f"  {key}: {text}"


def _is_in(value: Any, message: Any) -> bool:
    """Tell whether a message says every item of a list of texts already."""
    return (
        isinstance(value, list)
        and isinstance(message, str)
        and bool(value)
        and all(isinstance(item, str) and item in message for item in value)
    )


def describe_result(result: Mapping[str, Any], traceback: str = "") -> list[str]:
    """Return the lines of a result (cleaned of Ansible's internal keys): texts first, then everything else."""
    lines: list[str] = []
    left_out = {*_LEFT_OUT, *_TEXTS, str(result.get("ansible_loop_var", "item"))}
    for key in _TEXTS:
        text = result.get(key)
        if not isinstance(text, str):
            left_out.discard(key)
        elif text.strip():
            lines += _block(_HEADINGS.get(key, key), text)
    for key, value in result.items():
        duplicate = (key.endswith("_lines") and key[: -len("_lines")] in result) or _is_in(value, result.get("msg"))
        if key not in left_out and not duplicate:
            lines += _entry(_HEADINGS.get(key, key), value)
    if "Traceback" in traceback:
        lines += _block("traceback", traceback)
    return lines


def traceback_of(result: Mapping[str, Any]) -> str:
    """Return a result's traceback, if any; of a result that is hidden nothing, for an error may quote a secret."""
    censored = "censored" in result or result.get("_ansible_no_log")
    return "" if censored else str(result.get("exception") or "")
