# Copyright: (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""junit.xml: a test suite a host and role, a test case a check, as Jenkins, GitLab and others read it."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from .text import one_line


def render(document: dict) -> bytes:
    """Return the document as JUnit XML in UTF-8.

    Red means what the gate means by it: a check that blocks is a failure (also a skipped one), one that could not be
    made is an error, a remark that does not block (warn or fail of P2 and P3) stays green with its text in system-out.
    """
    root = ET.Element("testsuites", name=document["title"])
    suites = [_suite(group, document) for group in document["results"]] or [_nothing_checked(document)]
    root.extend(suites)
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    root.set("time", _seconds(sum(float(suite.get("time", "0")) for suite in suites)))
    ET.indent(root)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _suite(group: dict, document: dict) -> ET.Element:
    name = f"{group['host']}.{group['role']}"
    suite = ET.Element("testsuite", name=name, hostname=group["host"], timestamp=document["generated_at"].rstrip("Z"))
    properties = ET.SubElement(suite, "properties")
    for key in ("system", "customer", "gate"):
        ET.SubElement(properties, "property", name=key, value=document[key])
    for check in group["checks"]:
        # The id alone is the name: it stays when a title is reworded, so Jenkins keeps the test's history.
        case = ET.SubElement(suite, "testcase", classname=name, name=check["id"], time=_seconds(check["seconds"]))
        verdict = _verdict(check)
        if verdict is not None:
            case.append(verdict)
        ET.SubElement(case, "system-out").text = _told(check)
    return _count(suite, sum(check["seconds"] for check in group["checks"]))


def _verdict(check: dict) -> ET.Element | None:
    status, severity = check["status"], check["severity"]
    observed = one_line(check["observed"] or check["title"]["en"], 300)
    if status == "error":
        verdict = ET.Element("error", type=check["type"], message=f"{severity}: {observed}")
    elif check["blocking"]:
        verdict = ET.Element("failure", type=status, message=f"{severity} {status}: {observed}")
    elif status == "waived":
        waiver = check["waiver"]
        message = f"waived by {waiver['by']} until {waiver['until']}: {waiver['reason']}"
        verdict = ET.Element("skipped", message=one_line(message, 300))
    elif status == "skipped":
        verdict = ET.Element("skipped", message=observed)
    else:
        return None
    if verdict.tag != "skipped":
        verdict.text = _told(check)
    return verdict


def _told(check: dict) -> str:
    lines = [
        f"{check['title']['en']} / {check['title']['zh']}",
        f"severity: {check['severity']}, status: {check['status']}",
    ]
    lines += [f"{key}: {check[key]}" for key in ("expected", "observed", "evidence") if check[key]]
    return "\n".join(lines)


def _nothing_checked(document: dict) -> ET.Element:
    """Jenkins takes an empty file for a broken job step; the reason belongs where the results are read."""
    suite = ET.Element("testsuite", name="golive.gate", timestamp=document["generated_at"].rstrip("Z"))
    case = ET.SubElement(suite, "testcase", classname="golive.gate", name="golive.any_result", time="0.000")
    ET.SubElement(case, "failure", type="fail", message=document["gate_reason"]["en"])
    return _count(suite, 0.0)


def _count(suite: ET.Element, seconds: float) -> ET.Element:
    suite.set("tests", str(len(suite.findall("testcase"))))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(len(suite.findall("testcase/" + tag))))
    suite.set("time", _seconds(seconds))
    return suite


def _seconds(value: float) -> str:
    return f"{value:.3f}"
