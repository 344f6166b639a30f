# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""haproxy_drain against a fake admin socket: that it reads only, and what would not let a server be drained."""

from __future__ import annotations

import socket
import threading

import pytest

STATISTICS = """# pxname,svname,status,
app,app1,UP,
app,app2,{},
app,BACKEND,UP,
"""
STATE = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state\n" + "".join(
    f"3 app {number} app{number} 10.0.0.1 2 {drained} 1\n" for number, drained in ((1, "0"), (2, "{}"))
)


@pytest.fixture
def prove(check, program, tmp_path):
    """Run the check against a balancer of which one thing may be wrong; return the result and what was asked."""
    asked: list[str] = []
    path = str(tmp_path / "admin.sock")
    saver, state = tmp_path / "bin" / "saver", tmp_path / "state"
    program("saver", "true")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen()

    def run(level="admin", status="UP", orders=0, reload="{saver}, /bin/kill", has_state=True):
        answers = {
            "show cli level": f"{level}\n",
            "show stat": STATISTICS.format(status),
            "show servers state": STATE.format(orders),
        }
        steps = reload.replace("{saver}", str(saver)).split(", ")
        shown = "\n".join(f"ExecReload={{ path={step} ; argv[]={step} x ; ignore_errors=no }}" for step in steps)
        program("systemctl", f"cat <<'END'\n{shown}\nEND")
        if has_state:
            state.write_text("1\n", encoding="utf-8")

        def serve() -> None:
            for _number in answers:
                connection = listener.accept()[0]
                with connection:
                    question = connection.recv(100).decode().strip()
                    asked.append(question)
                    connection.sendall(answers[question].encode())

        threading.Thread(target=serve, daemon=True).start()
        return check(
            "haproxy_drain", socket=path, backend="app", state_program=str(saver), state_file=str(state)
        ), asked

    yield run
    listener.close()


def test_it_reads_only(prove):
    result, asked = prove()
    assert (result["status"], result["evidence"]) == ("pass", "servers UP: app1, app2")
    assert asked == ["show cli level", "show stat", "show servers state"]


@pytest.mark.parametrize(
    ("wrong", "observed"),
    [
        ({"level": "operator"}, "level operator"),
        ({"status": "DOWN"}, "1 servers UP"),
        ({"orders": 8}, "drained or in maintenance: app2"),
        ({"orders": 1}, "drained or in maintenance: app2"),
        ({"reload": "/usr/sbin/haproxy, /bin/kill"}, "it is not"),
        ({"reload": "/bin/kill, {saver}"}, "it is not"),
        ({"has_state": False}, "it does not exist"),
    ],
)
def test_what_stands_in_the_way(prove, wrong, observed):
    result, _asked = prove(**wrong)
    assert result["status"] == "fail"
    assert observed in result["observed"].split("; ")
