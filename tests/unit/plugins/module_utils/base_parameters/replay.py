# Copyright (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that answers with what a real Tryton 8.0 server on PostgreSQL once answered."""

from __future__ import annotations

import json
import pathlib

from ansible_collections.golive.delivery.plugins.module_utils.base_parameters.core.engine import Engine, Plan
from ansible_collections.golive.delivery.plugins.module_utils.base_parameters.tryton.backend import TrytonBackend
from ansible_collections.golive.delivery.plugins.module_utils.base_parameters.tryton.client import Account, Client

FIXTURES = pathlib.Path(__file__).parent / "fixtures"
PASSWORD = "********"
WRITES = (".create", ".write", ".delete", ".execute", "load_translations")


def load(name: str) -> list:
    """Return a fixture, a fresh copy each time."""
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def is_write(method: str) -> bool:
    """Say whether a remote call changes something."""
    return method.endswith(WRITES)


class ReplayClient(Client):
    """Answers each request from a recording; a request that was not recorded fails the test.

    ``answers`` of other tests win over the recording: a dict of method to result, or to an exception to raise.
    """

    def __init__(self, recording: str, answers: dict | None = None) -> None:
        super().__init__(Account("http://127.0.0.1:8000", "erp", "admin", PASSWORD))
        self.recording = load(recording)
        self.answers = answers or {}
        self.methods: list[str] = []

    def _send(self, method: str, body: bytes) -> bytes:
        params = json.loads(body)["params"]
        self.methods.append(method)
        if method in self.answers:
            answer = self.answers[method]
            if isinstance(answer, Exception):
                raise answer
            return json.dumps(answer).encode()
        for entry in self.recording:
            if entry["method"] == method and entry["params"] == params:
                return json.dumps(entry["answer"]).encode()
        raise AssertionError(f"not recorded: {method} {params}")


def engine(client: Client, parameters: list) -> Engine:
    """Return an engine over the Tryton backend."""
    return Engine(TrytonBackend(client), parameters)


def replay(recording: str, parameters: list, check: bool, answers: dict | None = None) -> tuple[list[Plan], Client]:
    """Run against a recording; returns the plans and the client."""
    client = ReplayClient(recording, answers)
    return engine(client, parameters).run(check), client
