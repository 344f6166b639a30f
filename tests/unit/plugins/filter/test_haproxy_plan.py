# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role haproxy refuses, and what it makes of what it takes."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.golive.delivery.plugins.filter.haproxy_plan import FilterModule, haproxy_plan

SERVERS = [{"name": "app1", "address": "192.0.2.21"}, {"name": "app2", "address": "192.0.2.22"}]
BACKEND = {"name": "erp", "port": 8000, "servers": SERVERS}
GIVEN = {
    "server_name": "erp.example.com",
    "server_aliases": [],
    "bind_addresses": ["*"],
    "http_port": 80,
    "https_port": 443,
    "tls_certificate": "/tls/haproxy.pem",
    "extra_certificates": [],
    "tls_profile": "intermediate",
    "hsts": "max-age=31536000",
    "frame_options": "SAMEORIGIN",
    "response_headers": {},
    "internal_paths": [],
    "internal_networks": [],
    "rate_limit": {},
    "max_body": "",
    "extra_frontend": [],
    "frontends": [],
    "backends": [BACKEND],
    "default_backend": "",
    "routes": [],
    "maintenance_networks": [],
    "statistics_address": "127.0.0.1",
    "statistics_port": 8404,
    "statistics_networks": [],
    "database_servers": [],
    "database_bind_addresses": ["*"],
    "database_primary_port": 5432,
    "database_replica_port": 5433,
    "database_networks": [],
    "database_timeout": "24h",
    "timeout_connect": "5s",
    "timeout_client": "60s",
    "timeout_server": "60s",
    "timeout_queue": "5s",
    "timeout_http_request": "10s",
    "timeout_http_keep_alive": "10s",
    "timeout_tunnel": "1h",
    "hard_stop_after": "10m",
    "checks_latency": [],
}
PORTAL = {"name": "portal_side", "server_name": "Portal.example.com", "https_port": 8443, "http_port": 8080}
PATHS = {
    "admin_socket": "/a.sock",
    "state_program": "/s.py",
    "state_file": "/s",
    "ca": "/ca.pem",
    "address": "127.0.0.1",
}
PROFILES = {"intermediate": {"refused": ["TLSv1"], "required": ["TLSv1.3"]}}


def problems(**changes) -> list[str]:
    return haproxy_plan({**GIVEN, **changes})["problems"]


def backend(**changes) -> dict:
    return {"backends": [{**BACKEND, **changes}]}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"timeout_server": "60"}, "haproxy_timeout_server: expected a time with a unit"),
        ({"hard_stop_after": "soon"}, "haproxy_hard_stop_after: expected a time"),
        ({"max_body": "20MB"}, "haproxy_max_body: expected bytes, or a size such as"),
        ({"rate_limit": {"period": "10s"}}, "haproxy_rate_limit.requests: expected a number above 0, given None"),
        ({"rate_limit": {"requests": 5, "period": "10"}}, "haproxy_rate_limit.period: expected a time"),
        ({"rate_limit": {"requests": 5, "exempt": ["10.0.0.0/33"]}}, "haproxy_rate_limit.exempt[0]: expected"),
        ({"internal_networks": ["10.0.0.300"]}, "haproxy_internal_networks[0]: expected an address or a network"),
        ({"internal_paths": ["metrics"]}, "haproxy_internal_paths[0]: expected a path below /"),
        ({"internal_paths": ["/"]}, "haproxy_internal_paths[0]: expected a path below /"),
        ({"internal_paths": ["/a b"]}, "haproxy_internal_paths[0]"),
        ({"default_backend": "erq"}, "haproxy_default_backend: expected one of erp, given 'erq'"),
        ({"routes": [{"backend": "erq"}]}, "haproxy_routes[0].backend: expected one of erp"),
        (
            {"routes": [{"backend": "erp", "hosts": ["x.test"]}]},
            "haproxy_routes[0].hosts[0]: expected names that are in",
        ),
        ({"routes": [{"backend": "erp", "paths": ["api"]}]}, "haproxy_routes[0].paths[0]: expected /path"),
        ({"server_name": "erp example"}, "haproxy_server_name: expected a DNS name"),
        ({"https_port": 70000}, "haproxy_https_port: expected a port from 1 to 65535"),
        ({"response_headers": {"X-A": 'a"b'}}, "haproxy_response_headers.X-A: expected a line without"),
        ({"response_headers": {"X A": "b"}}, "haproxy_response_headers: expected names of HTTP headers"),
        (
            {"backends": [BACKEND, BACKEND]},
            "haproxy_backends, haproxy_frontends: expected different names, given erp 2 times",
        ),
        (backend(name="statistics"), "expected a name that the role does not use itself"),
        (backend(name="e r p"), "haproxy_backends[0].name: expected letters"),
        (backend(servers=[]), "haproxy_backends[0].servers: expected at least one server"),
        (backend(servers=[SERVERS[0], SERVERS[0]]), "expected different names, given app1 2 times"),
        (
            backend(port=None, servers=SERVERS[:1]),
            "haproxy_backends[0].servers[0].port: expected a port from 1 to 65535 here or in",
        ),
        (
            backend(servers=[{"name": "a", "address": "http://x"}]),
            "servers[0].address: expected an IP address or a name",
        ),
        (backend(health_check={"path": "readyz"}), "haproxy_backends[0].health_check.path: expected /path"),
        (backend(health_check={"interval": "1"}), "haproxy_backends[0].health_check.interval: expected a time"),
        (backend(timeouts={"server": "5"}), "haproxy_backends[0].timeouts.server: expected a time"),
        (backend(sticky={"cookie": "a;b"}), "haproxy_backends[0].sticky.cookie: expected letters"),
        (
            {"frontends": [{**PORTAL, "internal_networks": ["10.0.0.300"]}]},
            "haproxy_frontends[0].internal_networks[0]: expected an address or a network",
        ),
        (
            {"frontends": [{**PORTAL, "bind_addresses": ["192.0.2.300"]}]},
            "haproxy_frontends[0].bind_addresses[0]: expected IP addresses or *, given '192.0.2.300'",
        ),
        ({"bind_addresses": ["*:443"]}, "haproxy_bind_addresses[0]: expected IP addresses or *"),
        ({"hsts": 'max-age="1"'}, "haproxy_hsts: expected a line without"),
        ({"frontends": [{**PORTAL, "hsts": 'a"b'}]}, "haproxy_frontends[0].hsts: expected a line without"),
        ({"frame_options": 'DENY"'}, "haproxy_frame_options: expected a line without"),
        (
            {"database_servers": [{"name": "db 1", "address": "192.0.2.31"}]},
            "haproxy_database_servers[0].name: expected a DNS name",
        ),
        (
            {"database_servers": [{"name": "db1", "address": "192.0.2.31:5432,"}]},
            "haproxy_database_servers[0].address: expected an IP address or a name",
        ),
        (
            {"database_servers": [{"name": "db1", "address": f"192.0.2.3{number}"} for number in (1, 2)]},
            "haproxy_database_servers: expected different names, given db1 2 times",
        ),
        (
            {"database_servers": [SERVERS[0]], "database_bind_addresses": ["db.example.com"]},
            "haproxy_database_bind_addresses[0]: expected IP addresses or *",
        ),
        ({"frontends": [{**PORTAL, "http_port": 80}]}, "expected each address and port once, given *:80, *:80"),
        ({"frontends": [{**PORTAL, "name": "https"}]}, "haproxy_frontends[0].name: expected a name that the role"),
        (
            {"frontends": [{**PORTAL, "name": "erp"}]},
            "haproxy_backends, haproxy_frontends: expected different names",
        ),
        (
            {"frontends": [{**PORTAL, "default_backend": "x"}]},
            "haproxy_frontends[0].default_backend: expected one of erp",
        ),
        ({"frontends": [{**PORTAL, "bind_addresses": ["192.0.2.9"], "https_port": 443}]}, "given *:443, 192.0.2.9:443"),
        ({"statistics_port": 443}, "given *:443, 127.0.0.1:443"),
    ],
)
def test_refused_by_name(changes, words):
    found = problems(**changes)
    assert len(found) == 1
    assert words in found[0]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"backends": []},
        {"frontends": [PORTAL]},
        {"bind_addresses": ["*", "[::]"]},
        {"bind_addresses": ["192.0.2.1", "2001:db8::1"]},
        {"internal_networks": ["10.0.0.0/8", "::1", "admin.example.com"]},
        {"rate_limit": {"requests": 100}, "max_body": "20m"},
        {"timeout_server": "500ms"},
        {"frontends": [{**PORTAL, "hsts": None, "bind_addresses": ["[2001:db8::9]"]}]},
        backend(sticky={"cookie": None}),
        backend(sticky={}, health_check={"path": "/ready?deep=1"}, timeouts={"server": None}),
        {"statistics_address": "192.0.2.1", "statistics_port": 8404},
    ],
)
def test_taken(changes):
    assert problems(**changes) == []


def test_a_further_frontend_takes_what_it_leaves_out_from_the_first():
    given = {**GIVEN, "frontends": [PORTAL], "internal_paths": ["/metrics", "/admin/"], "max_body": "1m"}
    first, second = haproxy_plan(given)["frontends"]
    assert (first["name"], first["redirect"], first["https"]) == ("https", "http", ["*:443"])
    assert (second["name"], second["redirect"], second["https"]) == ("portal_side", "portal_side_http", ["*:8443"])
    assert (second["names"], second["port_suffix"]) == (["portal.example.com"], ":8443")
    assert second["internal"] == {"exact": ["/metrics"], "below": ["/metrics/", "/admin/"], "networks": []}
    assert second["max_body"] == 1048576
    assert second["default_backend"] == "erp"


def test_addresses_of_ipv6_get_their_brackets():
    given = {**GIVEN, "bind_addresses": ["2001:db8::1"], "statistics_address": "::1"}
    assert haproxy_plan(given)["endpoints"] == ["[2001:db8::1]:80", "[2001:db8::1]:443", "[::1]:8404"]


def test_a_balancer_for_the_database_alone_has_no_public_side():
    given = {**GIVEN, "backends": [], "database_servers": [{"name": "db1", "address": "192.0.2.31"}]}
    plan = haproxy_plan(given, PATHS, PROFILES)
    assert (plan["frontends"], plan["checks"], plan["security_headers"]) == ([], [], {})
    assert plan["endpoints"] == ["*:5432", "*:5433", "127.0.0.1:8404"]


def test_checks_follow_what_is_declared():
    one = {"name": "one", "port": 80, "servers": SERVERS[:1]}
    latency = [{"path": "/", "p95_seconds": 0.5}]
    given = {**GIVEN, "backends": [BACKEND, one], "frontends": [PORTAL], "checks_latency": latency}
    checks = haproxy_plan(given, PATHS, PROFILES)["checks"]
    assert [check["id"] for check in checks] == [
        "haproxy.backend.erp",
        "haproxy.drain.erp",
        "haproxy.backend.one",
        *(f"haproxy.frontend.portal_side.{kind}" for kind in ("certificate", "certificate_key", "tls_protocol")),
        *(f"haproxy.frontend.portal_side.{kind}" for kind in ("redirect", "security_headers")),
        "haproxy.latency.1",
    ]
    assert {check["area"] for check in checks} == {"deployment"}
    assert checks[-1]["parameters"]["url"] == "https://erp.example.com/"


def test_headers_that_are_left_out_are_not_demanded():
    given = {**GIVEN, "hsts": "", "frame_options": "", "response_headers": {"Referrer-Policy": "no-referrer"}}
    assert haproxy_plan(given)["security_headers"] == {"X-Content-Type-Options": "^nosniff$", "Referrer-Policy": "."}


def test_variables_that_are_none():
    with pytest.raises(AnsibleFilterError, match="haproxy_plan: KeyError"):
        FilterModule().filters()["haproxy_plan"]({})
