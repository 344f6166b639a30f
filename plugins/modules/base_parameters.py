#!/usr/bin/python
# Copyright (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: base_parameters
short_description: Enter base parameters into an application
version_added: "0.1.0"
description:
  - Enters the base parameters of a business application (currencies, parties, companies, the chart of accounts,
    fiscal years, payment terms) as code through the application's own interface.
  - All items are handled in one session. The records that are named are read once a type, everything is planned and
    checked, and only then the differences are written.
  - Items name each other, or records that are there already, by their natural keys, so that they can be given in any
    order and no database number is needed.
  - Records and values that are not named are left alone.
author:
  - The golive.delivery authors (@golive-delivery)
options:
  backend:
    description:
      - The kind of application.
      - V(tryton) speaks to a Tryton 8.0 server over JSON-RPC.
    type: str
    choices: [tryton]
    default: tryton
  url:
    description:
      - Address of the application, for example C(https://erp.example.com) or C(http://127.0.0.1:8000).
      - Certificates are always verified. Redirects are not followed and proxies are not used.
    type: str
    required: true
  database:
    description: Name of the database.
    type: str
    required: true
  username:
    description:
      - Login of a user who may write the parameters, usually the administrator.
      - Becomes a user of each company that is in the list.
    type: str
    required: true
  password:
    description:
      - Password of O(username).
      - A refused password is never tried again, because the application locks users out.
    type: str
    required: true
  ca_path:
    description: File with the certificates to trust when O(url) is https, instead of those of the system.
    type: path
  timeout:
    description:
      - Seconds to wait for each answer.
      - A chart of accounts or the translations of a language take the application a minute on a slow machine.
    type: int
    default: 120
  language:
    description: Language in which translatable values, such as the name of a currency, are read and written.
    type: str
    default: en
  parameters:
    description:
      - The items. The types with their keys and values are in the guide C(docs/base-parameters.md) of the collection.
      - "A value that refers to another record is written as C({ref: TYPE/KEY}), for example C({ref: party/GLD})."
      - An unknown type or value, a reference to nothing and references in a circle are refused before any write.
    type: list
    elements: dict
    required: true
    suboptions:
      type:
        description:
          - Type of the item.
          - One of V(language), V(country), V(currency), V(party), V(company), V(payment_term), V(chart_of_accounts),
            V(fiscal_year).
          - V(user) can only be referred to.
        type: str
        required: true
      key:
        description: Natural key of the item, for example the code of a currency.
        type: str
        required: true
      values:
        description:
          - What the item is to be. Values that are left out are left alone.
          - Values that creating the record needs may be left out when it is there already.
        type: dict
        default: {}
      state:
        description: The item shall be there. Base parameters are never deleted, as books may refer to them.
        type: str
        choices: [present]
        default: present
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
    details:
      - References to items that would only be created are part of the prediction.
      - What the application itself checks when it saves a record, for example the check digits of a tax number, shows
        only in the real run.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in check_mode), when in diff mode.
    support: full
    details:
      - Shows the differing values of each item only.
notes:
  - Needs nothing but Python on the host that it runs on.
  - An error while writing ends the run. What was written before stays, and the run can be repeated.
seealso:
  - name: Guide to base parameters
    description: Types, keys, values, examples, errors and what cannot be changed afterwards.
    link: https://golive.delivery/docs
"""

EXAMPLES = r"""
- name: Enter currencies and the company
  golive.delivery.base_parameters:
    url: https://erp.example.com
    ca_path: /etc/golive/tls/ca.pem
    database: erp
    username: admin
    password: "{{ app_admin_password }}"
    parameters:
      - type: currency
        key: CNY
        values:
          name: Chinese Yuan
          symbol: "¥"
          numeric_code: "156"
          rates:
            - {date: "2026-01-01", rate: 1}
      - type: party
        key: GLD
        values:
          name: Golive Demo Trading Co., Ltd.
          language: zh_CN
      - type: company
        key: GLD
        values:
          currency: {ref: currency/CNY}
          timezone: Asia/Shanghai
      - type: chart_of_accounts
        key: GLD
        values:
          template: account.account_template_root_en
          default_receivable: "1.2.1"
          default_payable: "2.1.1"
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
actions:
  description:
    - What was done with each item, or in check mode would be done, in the order of the writes.
    - When the module fails while writing, the items that had been dealt with.
  returned: success and failure while writing
  type: list
  elements: dict
  contains:
    item:
      description: Type and key of the item.
      type: str
      sample: currency/CNY
    action:
      description: One of V(created), V(updated), V(unchanged).
      type: str
      sample: updated
    fields:
      description: Names of the values that differ.
      type: list
      elements: str
      sample: [symbol, rates]
calls:
  description: Number of requests sent to the application.
  returned: always
  type: int
  sample: 9
seconds:
  description: Duration of the session in seconds.
  returned: always
  type: float
  sample: 0.8
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.golive.delivery.plugins.module_utils.base_parameters.core.engine import Engine, Plan
from ansible_collections.golive.delivery.plugins.module_utils.base_parameters.core.errors import BaseParametersError
from ansible_collections.golive.delivery.plugins.module_utils.base_parameters.tryton.backend import TrytonBackend
from ansible_collections.golive.delivery.plugins.module_utils.base_parameters.tryton.client import Account, Client


def argument_spec() -> dict:
    """Return the module's arguments."""
    return {
        "backend": {"type": "str", "choices": ["tryton"], "default": "tryton"},
        "url": {"type": "str", "required": True},
        "database": {"type": "str", "required": True},
        "username": {"type": "str", "required": True},
        "password": {"type": "str", "required": True, "no_log": True},
        "ca_path": {"type": "path"},
        "timeout": {"type": "int", "default": 120},
        "language": {"type": "str", "default": "en"},
        "parameters": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "type": {"type": "str", "required": True},
                # A natural key is no secret.
                "key": {"type": "str", "required": True, "no_log": False},
                "values": {"type": "dict", "default": {}},
                "state": {"type": "str", "choices": ["present"], "default": "present"},
            },
        },
    }


def outcome(plans: list[Plan]) -> dict:
    """Return what the plans say of the run."""
    changed = [plan for plan in plans if plan.action != "unchanged"]
    return {
        "changed": bool(changed),
        "actions": [plan.report() for plan in plans],
        "diff": [plan.diff() for plan in changed],
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    args = module.params
    started = time.monotonic()
    client = backend = engine = None
    failure, plans = "", []
    try:
        fields = ("url", "database", "username", "password", "ca_path", "timeout")
        client = Client(Account(*(args[name] for name in fields)))
        backend = TrytonBackend(client, args["language"])
        engine = Engine(backend, args["parameters"])
        plans = engine.run(module.check_mode)
    except BaseParametersError as error:
        failure = str(error)
        plans = engine.done if engine else []
    for warning in backend.warnings if backend else []:
        module.warn(warning)
    result = outcome(plans)
    result["calls"] = client.calls if client else 0
    result["seconds"] = round(time.monotonic() - started, 3)
    if not module._diff:
        del result["diff"]
    if failure:
        module.fail_json(msg=failure, **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
