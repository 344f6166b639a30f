#!/usr/bin/python
# Copyright: (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges the results of all checks and writes the acceptance report."""

from __future__ import annotations

DOCUMENTATION = r"""
module: acceptance_report
short_description: Judge the results of the checks and write the acceptance report
version_added: "0.1.0"
author: The golive.delivery authors (@golive-delivery)
description:
  - Decides whether a system may go live and writes C(report.html) for the people who sign, C(report.json) for programs
    and C(junit.xml) for Jenkins and other CI servers.
  - The gate is C(failed) if any check of severity P0 or P1 has another status than C(pass) or C(waived), if a host or
    role could not be checked, or if there are no results at all. A waiver whose date has passed does not count.
  - The module does not fail when the gate does; the files are to be collected first. Look at RV(gate) afterwards.
  - Runs on the controller, with C(delegate_to=localhost) or in a play on localhost. It needs no library.
  - C(report.html) is one file without scripts or references to others. It reads well on a phone and prints on A4,
    with a place for the signatures of both sides and the checksum of C(report.json).
options:
  results:
    description:
      - The results of M(golive.delivery.technical_check) by host and role, as the filter
        P(golive.delivery.check_results#filter) collects them.
    type: list
    elements: dict
    required: true
    suboptions:
      host:
        description: Name of the host in the inventory.
        type: str
        required: true
      role:
        description: Role whose checks these are.
        type: str
        required: true
      checks:
        description:
          - The results, each with C(id), C(title) (C(en) and C(zh)), C(area), C(type), C(severity), C(status),
            C(expected), C(observed), C(evidence), C(seconds) and C(waiver).
          - An empty list proves nothing and counts as missing.
        type: list
        elements: dict
        required: true
  missing:
    description: Hosts and roles that should have been checked and were not. Each is reported as a P0 error.
    type: list
    elements: dict
    default: []
    suboptions:
      host:
        description: Name of the host in the inventory.
        type: str
        required: true
      role:
        description: Role whose checks are missing.
        type: str
        required: true
      reason:
        description: Why there are no results.
        type: str
        default: ""
  system:
    description: Name of the system that is accepted, as both sides call it.
    type: str
    required: true
  customer:
    description: Name of the customer, shown in the head and above the signature.
    type: str
    default: ""
  supplier:
    description: Name of the company that delivers, shown in the head and above the signature.
    type: str
    default: ""
  title:
    description: Title of the report. The default is C(Technical acceptance report) in the language of the report.
    type: str
  language:
    description: Language of C(report.html). C(report.json) always holds both.
    type: str
    choices: [en, zh_CN]
    default: en
  directory:
    description:
      - Directory on the controller to write to. It is made with mode 0750 if it does not exist; the files get mode 0640
        and replace those of an earlier report at once.
    type: path
    required: true
  generated_at:
    description: Time of the report in ISO 8601 with its offset, as C(2026-03-31T08:00:00Z). The default is now.
    type: str
attributes:
  check_mode:
    description: In check mode the gate is decided as always, but no file is written.
    support: full
  diff_mode:
    description: There is no diff, for a report is not state.
    support: none
  platform:
    description: Target OS/families that can be operated against.
    support: full
    platforms: posix
notes:
  - RV(ignore:changed) is always C(false). A report is output, as what a command prints; it has a new time in it at each
    run, and a playbook that only looks at hosts should not report a change.
seealso:
  - plugin: golive.delivery.check_results
    plugin_type: filter
  - module: golive.delivery.technical_check
"""

EXAMPLES = r"""
- name: Write the acceptance report
  golive.delivery.acceptance_report:
    results: "{{ collected.results }}"
    missing: "{{ collected.missing }}"
    system: Harbour ERP, production
    customer: Harbour Logistics Ltd
    language: en
    directory: "{{ inventory_dir }}/report"
  delegate_to: localhost
  run_once: true
  become: false
  vars:
    collected: >-
      {{ hostvars | golive.delivery.check_results({'baseline': groups['all'], 'postgresql': groups['database']}) }}
  register: report

- name: Hold the go-live if the gate is shut
  ansible.builtin.assert:
    that: report.gate == 'passed'
    fail_msg: "{{ report.failures | join('\n') }}"
  run_once: true
"""

RETURN = r"""
gate:
  description: Whether the system may go live, C(passed) or C(failed).
  returned: success
  type: str
  sample: failed
failures:
  description: One line for each check that keeps the gate shut, P0 first.
  returned: success
  type: list
  elements: str
  sample: ["P0 db1 postgresql.ready: fail, connection refused"]
summary:
  description: Number of all checks, of each status, and of those that keep the gate shut.
  returned: success
  type: dict
  sample: {checks: 45, pass: 42, warn: 1, fail: 1, waived: 1, skipped: 0, error: 0, blocking: 1}
paths:
  description: The files; in check mode where they would be.
  returned: success
  type: dict
  sample: {html: /srv/report/report.html, json: /srv/report/report.json, junit: /srv/report/junit.xml}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.golive.delivery.plugins.module_utils.report import document, output

ARGUMENT_SPEC = {
    "results": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "host": {"type": "str", "required": True},
            "role": {"type": "str", "required": True},
            "checks": {"type": "list", "elements": "dict", "required": True},
        },
    },
    "missing": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "host": {"type": "str", "required": True},
            "role": {"type": "str", "required": True},
            "reason": {"type": "str", "default": ""},
        },
    },
    "system": {"type": "str", "required": True},
    "customer": {"type": "str", "default": ""},
    "supplier": {"type": "str", "default": ""},
    "title": {"type": "str"},
    "language": {"type": "str", "choices": ["en", "zh_CN"], "default": "en"},
    "directory": {"type": "path", "required": True},
    "generated_at": {"type": "str"},
}


def run(module: AnsibleModule) -> dict:
    """Return the result of the module. Raises ReportError on malformed input, OSError when a file cannot be written."""
    options = dict(module.params)
    directory = options.pop("directory")
    options["generated_at"] = document.read_time(options["generated_at"])
    report = document.build(options.pop("results"), options.pop("missing"), document.Head(**options))
    contents = output.render(report)
    if not module.check_mode:
        output.write(directory, contents)
    return {
        "changed": False,
        "gate": report["gate"],
        "failures": [failure["message"] for failure in report["failures"]],
        "summary": report["totals"],
        "paths": output.paths(directory),
    }


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = run(module)
    except document.ReportError as error:
        module.fail_json(msg=f"The results cannot be reported on: {error}")
    except OSError as error:
        module.fail_json(msg=f"The report cannot be written to {module.params['directory']}: {error}")
    else:
        module.exit_json(**result)


if __name__ == "__main__":
    main()
