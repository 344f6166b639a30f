"""The callback progress through ansible-playbook: real events of real plays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ANSIBLE_PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")

ROLE = """
- name: Write a file
  ansible.builtin.copy:
    content: "{{ inventory_hostname }}\\n"
    dest: "{{ playbook_dir }}/{{ inventory_hostname }}"
    mode: "0600"
- name: Loop
  ansible.builtin.command: "true"
  changed_when: false
  loop: [1, 2, 3]
  when: item != 2
- name: Include
  ansible.builtin.include_tasks: more.yml
"""

SITE = """
- name: First phase
  hosts: all
  gather_facts: true
  roles: [one]
- name: Nobody
  hosts: nowhere
- import_playbook: second.yml
"""

SECOND = """
- name: Second phase
  hosts: all
  gather_facts: false
  serial: 1
  max_fail_percentage: 100
  tasks:
    - name: Rescue
      when: fail | default(false)
      block:
        - name: Try
          ansible.builtin.command: sh -c 'echo out; echo err >&2; exit 3'
      rescue:
        - name: Ignore
          ansible.builtin.command: sh -c 'echo {{ item }}; exit 1'
          no_log: true
          loop: [hunter2]
          ignore_errors: true  # what is tested: test_failures demands that it is shown as "ignored, the run goes on"
        - name: Fail
          ansible.builtin.fail:
            msg: "first line\\n  second line"
          when: inventory_hostname == 'h1'
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "roles/one/tasks").mkdir(parents=True)
    (tmp_path / "roles/one/tasks/main.yml").write_text(ROLE, encoding="utf-8")
    (tmp_path / "roles/one/tasks/more.yml").write_text("- name: More\n  ansible.builtin.ping:\n", encoding="utf-8")
    (tmp_path / "site.yml").write_text(SITE, encoding="utf-8")
    (tmp_path / "second.yml").write_text(SECOND, encoding="utf-8")
    hosts = "h1\nh2\n[all:vars]\nansible_connection=local\nansible_python_interpreter={{ ansible_playbook_python }}\n"
    (tmp_path / "hosts").write_text(hosts, encoding="utf-8")
    return tmp_path


def play(site: Path, *arguments: str) -> tuple[int, str, dict]:
    run = subprocess.run(
        [ANSIBLE_PLAYBOOK, "-i", "hosts", "site.yml", *arguments],
        cwd=site,
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_STDOUT_CALLBACK": "golive.delivery.progress",
            "GOLIVE_PROGRESS_JSON": str(site / "run.json"),
        },
    )
    assert "hunter2" not in run.stdout + run.stderr
    assert "Callback dispatch" not in run.stderr, run.stderr
    return run.returncode, run.stdout, json.loads((site / "run.json").read_text(encoding="utf-8"))


def test_all_is_well(site: Path) -> None:
    code, text, data = play(site)
    assert code == 0
    starts = ["[1/3] First phase", "[1/3] done: 2 hosts, 2 changed, ", "[2/3] Nobody", "[2/3] done: no hosts, "]
    starts += ["[3/3] Second phase", "[3/3] done: 2 hosts, 0 changed, ", "", "changed=2 ok="]
    lines = text.splitlines()
    assert [line[: len(start)] for line, start in zip(lines, starts)] == starts
    assert len(lines) == len(starts) + 5, "beside them there are only the seconds of the phases"
    assert [phase["name"] for phase in data["phases"]] == ["First phase", "Nobody", "Second phase"]
    count = data["roles"]["one"]["h1"]
    assert (count["tasks"], count["executions"], count["changed"], count["failed"]) == (3, 4, 1, 0)

    _code, text, data = play(site)
    assert text.rstrip().endswith("Nothing changed.")
    assert data["changed"] == 0


def test_check_and_diff(site: Path) -> None:
    code, text, data = play(site, "--check", "--diff")
    assert code == 0
    assert "[1/3] First phase (check mode)" in text
    assert "  changed: [h1] one : Write a file\n--- before\n+++ after" in text
    assert "+h1\n" in text
    assert data["check_mode"] is True


def test_failures(site: Path) -> None:
    code, text, data = play(site, "-e", "{fail: true}")
    assert code == 2
    assert "FAILED: [h1] Try (rescued, the run goes on)\n  phase: [3/3] Second phase\n  file: second.yml:" in text
    assert "  stderr\n    err\n  stdout\n    out\n  rc: 3\n" in text
    assert "FAILED: [h1] Ignore (ignored, the run goes on)" in text
    assert "  1 of 1 items failed on h1" in text
    assert "FAILED: [h1] Fail\n" in text
    assert "  message\n    first line\n      second line\n" in text
    assert "\nh1: ok=" in text
    assert "\nh2: ok=" not in text
    assert "  failed at: Fail (second.yml:" in text
    assert "Nothing changed" not in text
    assert data["failed"] == 1


def test_everything_with_vv(site: Path) -> None:
    _code, text, data = play(site, "-vv")
    assert "TASK [one : Write a file]" in text
    assert "PLAY RECAP" in text
    assert "ok: [h1] => {" in text
    assert data["roles"]["one"]["h2"]["tasks"] == 3
