# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that depend on what is declared: of each backend, of each further frontend, of the declared latencies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any


def _check(name: str, en: str, zh: str, kind: str, severity: str, **parameters: Any) -> dict[str, Any]:
    return {
        "id": f"haproxy.{name}",
        "title": {"en": en, "zh": zh},
        "area": "deployment",
        "type": kind,
        "severity": severity,
        "parameters": parameters,
    }


def of_backends(given: Mapping[str, Any], paths: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield what is proved of each backend: all servers are up, not only enough of them, and one could be drained."""
    for backend in given["backends"]:
        name = backend["name"]
        yield _check(
            f"backend.{name}",
            f"Every server of {name} is up",
            f"{name} 的所有服务器均在线",
            "haproxy_backend",
            "P1",
            socket=paths["admin_socket"],
            backend=name,
            all_up=True,
        )
        if len(backend["servers"]) > 1:
            yield _check(
                f"drain.{name}",
                f"A server of {name} can be drained, also across a reload",
                f"{name} 的服务器可平滑摘除，重载后仍有效",
                "haproxy_drain",
                "P2",
                socket=paths["admin_socket"],
                backend=name,
                state_program=paths["state_program"],
                state_file=paths["state_file"],
            )


def of_frontend(frontend: Mapping[str, Any], paths: Mapping[str, str], tls: Mapping[str, Any]) -> Iterator[dict]:
    """Yield what is proved of a further frontend, as the role's own list does of the first one."""
    name, host = frontend["name"], frontend["server_name"]
    address = paths["address"]
    secure = {"host": address, "port": frontend["https_port"]}
    to = f"{address}:{frontend['https_port']}"
    here = f"frontend.{name}"
    certificate = frontend["certificates"][0]
    yield _check(
        f"{here}.certificate",
        f"{name}: the certificate is trusted and valid for every name",
        f"{name}：证书受信任且覆盖所有域名",
        "tls_certificate",
        "P0",
        **secure,
        names=frontend["names"],
        ca_path=paths["ca"],
        warn_days=30,
        fail_days=7,
    )
    yield _check(
        f"{here}.certificate_key",
        f"{name}: the private key belongs to the certificate",
        f"{name}：私钥与证书匹配",
        "tls_key_match",
        "P1",
        certificate=certificate,
        private_key=f"{certificate}.key",
    )
    yield _check(
        f"{here}.tls_protocol",
        f"{name}: old TLS versions are refused and current ones accepted",
        f"{name}：拒绝旧版 TLS 并接受当前版本",
        "tls_protocol",
        "P1",
        **secure,
        refused=tls["refused"],
        required=tls["required"],
    )
    yield _check(
        f"{here}.redirect",
        f"{name}: plain HTTP is sent to HTTPS",
        f"{name}：HTTP 请求跳转到 HTTPS",
        "http",
        "P1",
        url=f"http://{host}/golive-check",
        connect_to=f"{address}:{frontend['http_port']}",
        status=[301, 308],
        redirect_to=f"^https://{re.escape(host)}{frontend['port_suffix']}/golive-check$",
    )
    yield _check(
        f"{here}.security_headers",
        f"{name}: the security headers are sent",
        f"{name}：已发送安全响应头",
        "http",
        "P2",
        url=f"https://{host}{frontend['port_suffix']}/",
        connect_to=to,
        ca_path=paths["ca"],
        status=[200, 301, 302, 303, 307, 308, 401, 403, 404, 503],
        headers=security_headers(frontend),
    )


def security_headers(frontend: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that each answer of a frontend has; where the application says its own, any value will do."""
    wanted = {"X-Content-Type-Options": "^nosniff$", **dict.fromkeys(frontend["headers"], ".")}
    if frontend["hsts"]:
        wanted["Strict-Transport-Security"] = "max-age=[1-9][0-9]{6,}"
    return wanted


def of_latencies(
    given: Mapping[str, Any], frontend: Mapping[str, Any], paths: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """Yield a check of each declared latency, asked of the first frontend."""
    for number, item in enumerate(given["checks_latency"], start=1):
        path = item["path"]
        yield _check(
            f"latency.{number}",
            f"{path} answers in time",
            f"{path} 响应时间达标",
            "http_latency",
            item.get("severity") or "P2",
            url=f"https://{frontend['server_name']}{frontend['port_suffix']}{path}",
            connect_to=f"{paths['address']}:{frontend['https_port']}",
            ca_path=paths["ca"],
            status=item.get("status") or 200,
            requests=item.get("requests") or 40,
            p95_seconds=item["p95_seconds"],
        )
