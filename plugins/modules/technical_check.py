#!/usr/bin/python
# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: technical_check
short_description: Prove with evidence that a host is ready to go live
version_added: "0.1.0"
description:
  - Makes a list of checks on a host, side by side and in one call, and returns one result for each of them.
  - It only reads. A check that fails does not fail the module; the go-live gate judges the results of all hosts.
  - The module fails when a definition is wrong, with the id of the check, the field and what was expected.
author:
  - The golive.delivery authors (@golive-delivery)
options:
  role:
    description:
      - Name of the role that the checks belong to, lower case letters, digits and underscores.
      - The results are kept as the fact C(golive_checks_ROLE).
    type: str
    required: true
  checks:
    description:
      - The checks, each a dictionary. The order of the results is the order of this list.
      - C(id), required, text - unique among the checks of a host, such as V(postgresql.ready).
      - C(title), required, dictionary - what is proved, as C(en) and C(zh).
      - C(area), required - V(deployment), V(data), V(performance), V(backup), V(monitoring) or V(rollback).
      - >-
        C(severity), required - V(P0) system unusable, V(P1) core function, V(P2) general, V(P3) advice.
      - C(timeout), seconds, default 10 - a check that takes longer has the status V(error).
      - >-
        C(waiver), dictionary - somebody accepts that the check does not pass; C(by), C(reason) and C(until)
        (last day in UTC, such as V(2026-12-31)) are required. Afterwards it does not count.
      - C(enabled), boolean, default true - with V(false) the check is V(skipped); C(reason), text, says why.
      - C(type), required, and C(parameters), dictionary - one of the following types with its parameters.
      - >-
        C(service) - a systemd unit. C(unit) required; C(enabled) default true, starts at boot; C(active) default true,
        with false inactive and not failed; C(max_restarts) at most so many automatic restarts.
      - >-
        C(unit_hardening) - what C(systemd-analyze security) says. C(unit) required; C(max_exposure) required, 0 to 10.
      - >-
        C(unit_limits) - the limits that a unit runs with. C(unit) required; at least one of C(memory_max) such as
        V(800M), C(cpu_quota) such as V(150%), C(tasks_max) and C(open_files), numbers.
      - >-
        C(package) - a Debian package. C(name) required; C(installed) default true; C(version) a beginning such as
        V(15.) or a comparison such as V(>= 15.4).
      - >-
        C(tcp) - connect from this host. C(host) required; C(port) required; C(open) default true, with false refused
        or filtered; C(connect_timeout) seconds for each address, default 3.
      - >-
        C(listen) - this host listens on a TCP port. C(port) required; C(addresses) list of addresses or networks,
        nowhere else may it listen (V(0.0.0.0) and V(::) stand for all addresses), default anywhere; C(includes) list of
        addresses at which it takes connections, by itself or with all others.
      - >-
        C(resolve) - a name resolves on this host. C(name) required; C(addresses) list of addresses or networks, all
        answers must be in them.
      - >-
        C(http) - one request; certificates are verified, redirects are not followed. C(url) required; C(method) V(GET)
        (default), V(HEAD) or V(OPTIONS); C(status) code or list of codes, default 200, with redirect_to any redirect;
        C(headers) dictionary of regular expressions; C(body) regular expression for the first MiB; C(ca_path)
        file or directory, default the system's; C(max_seconds) for the whole answer; C(connect_to)
        V(address:port) of the node to ask, the name stays that of the URL; C(redirect_to) regular expression for
        Location.
      - >-
        C(http_latency) - requests one after the other, each on a connection of its own. C(url) required; C(p95_seconds)
        required, in which 95 % of them are answered; C(requests) default 40, at least 20; C(status) of every answer,
        code or list of codes, default 200; C(method), C(ca_path) and C(connect_to) as above.
      - >-
        C(tls_certificate) - chain, names and end of a certificate. C(host) and C(port), or C(path) of a PEM file with
        its chain; C(names) list that it must be valid for, default the host; C(ca_path) file or directory, default
        the system's; C(warn_days) default 30 and C(fail_days) default 7 days left; C(starttls) V(postgresql).
      - >-
        C(tls_protocol) - which TLS versions a server takes. C(host) required; C(port) required; C(refused) default
        V(TLSv1) and V(TLSv1.1); C(required) default V(TLSv1.2); C(starttls) V(postgresql).
      - C(tls_key_match) - a key belongs to a certificate. C(certificate), C(private_key) required paths.
      - >-
        C(file) - a file or directory, links are followed. C(path) required; C(exists) default true; C(mode) quoted
        octal, at most these bits; C(owner), C(group) name or number; C(contains) and C(absent) regular expressions
        for the content, up to 16 MiB.
      - >-
        C(disk) - free space for other users than root. C(path) required; C(min_free_percent), C(min_free_gib), one of
        them is required.
      - C(link) - a symbolic link to something that exists. C(path) required; C(target) regular expression.
      - >-
        C(time_sync) - chrony is synchronised. C(max_offset_seconds) default 0.5. In a container that cannot set the
        clock chrony only has to run.
      - C(timezone) - the time zone of the host. C(name) required, such as V(Asia/Shanghai).
      - >-
        C(sysctl) - a kernel parameter. C(name) required; C(value) required; C(operator) default V(==). When it differs
        and C(/proc/sys) is read-only the check is V(skipped).
      - C(memory) - memory of the kernel or limit of the container. C(min_mib) required, MiB.
      - >-
        C(limit) - soft limit of the main process of a unit. C(unit) required; C(name) required, such as V(NOFILE);
        C(min) required, a whole number in the unit of the limit (files, bytes, processes) or V(infinity).
      - >-
        C(firewall_table) - a table of nftables. C(family) default V(inet); C(table) required; C(contains) regular
        expression for its rules.
      - >-
        C(command) - a program that only reads, without a shell. C(argv) required list; C(rc) return code or list of
        them, default 0; C(stdout), C(stderr) regular expressions; C(environment) dictionary.
      - >-
        C(postgresql_query) - the result of a query in a read-only transaction, as text. C(query) required; C(expected)
        required, booleans are V(t) and V(f); C(operator) default V(==); C(database) default V(postgres); by the local
        socket as C(system_user), default V(postgres), or by C(host), C(port) default 5432 and C(user); C(sslmode)
        default V(verify-full); C(sslrootcert), for the modes that verify, default
        C(/etc/ssl/certs/ca-certificates.crt); C(password_file) path on the host of a file with one line.
      - >-
        C(postgresql_refused) - the server itself refuses a login. C(host) required; C(port) default 5432; C(user)
        required; C(database) default V(postgres); C(sslmode) default V(require), with V(disable) only a refusal for
        want of encryption counts; C(sslrootcert) as above; C(password_file) path on the host, default a password
        that is wrong by design; C(expected) regular expression for the message, needed where the server does not
        speak English.
      - >-
        C(patroni_cluster) - a PostgreSQL cluster by what Patroni's members say. C(members) required, dictionary of
        addresses by name; C(port) default 8008; C(ca_path); C(aspect) required - V(primary) each member asked, exactly
        one says that it is it; V(members) those declared, all running; V(streaming) every replica, on one timeline;
        V(lag) within C(max_lag_bytes); V(synchronous) at least C(standbys) of them; V(restart) nobody waits for one;
        V(automatic) not paused, no watchdog failed; V(config) has what C(config) says; V(credentials) unsafe requests
        without a password are refused.
      - >-
        C(haproxy_backend) - servers of a backend that are UP. C(backend) required; C(socket) default
        C(/run/haproxy/admin.sock); C(min_up), C(max_up) numbers; C(all_up) default true when no number is given;
        C(backup) counts backup servers only (true) or none of them (false), default all servers.
      - >-
        C(haproxy_drain) - reading only: a server of a backend could be drained, others would stay, and a reload would
        keep it. C(backend) required; C(socket) as above; C(unit) default C(haproxy.service); C(state_program) required,
        which its reload runs first; C(state_file) required.
      - C(haproxy_config) - haproxy accepts its configuration. C(files) default C(/etc/haproxy/haproxy.cfg).
      - >-
        C(etcd_cluster) - what all members of etcd say. C(members) required, dictionary of names and client URLs;
        C(aspect) required, V(members) all are healthy and there is no other, V(leader) all see the same in the same
        term, V(lag) entries that C(name) has not applied, at most C(max_lag), default 1000, V(size) database of
        C(name), at most C(max_percent), default 80, of C(quota_mib); C(certificate), C(key) and C(ca_path) required
        paths of the client certificate of etcd's root.
      - >-
        C(etcd_refused) - etcd itself refuses a request. C(without) required, V(certificate), V(tls) or V(user);
        C(host) required; C(port) default 2379; C(ca_path) required; C(certificate) and C(key), required for V(user), of
        somebody whose common name is no user of etcd.
      - >-
        C(evidence) - what a program has proved before and written down: a JSON file with status, finished_at, seconds,
        reason and details. C(path) required; its status has to be V(passed); C(max_age_hours); C(fields) dictionary of
        values by name with dots, such as V(details.tables), each a value or a dictionary of operator and value.
      - >-
        C(pgbackrest) - a stanza in all its repositories, as pgBackRest on this host sees it. C(stanza) required;
        C(encrypted) boolean; C(min_full) number of full backups; C(max_full_age_hours), C(max_backup_age_hours) age of
        the newest; C(max_wal_age_minutes) age of the newest WAL segment; C(repository) number of the only one to
        look at; C(system_user), default V(postgres).
      - >-
        C(app_release) - the releases of an application of the role app_server. C(name) required; the link and the
        activation have to agree, with each other and with C(current), the folder of the release, if it is given; the
        previous release, if there was one, has to be complete with its snapshot.
      - >-
        C(rollback_rehearsal) - somebody went back to an earlier release of the application C(name), as the file C(path)
        has it; C(max_seconds) it took. It is skipped while there is none to go back to.
      - >-
        C(value) - what another task measured. C(observed) required; C(expected) required; C(operator) default V(==);
        C(evidence) text.
      - An operator is one of V(==), V(!=), V(<), V(<=), V(>), V(>=) (numbers) and V(matches) (regular expression).
      - Regular expressions are searched anywhere in the text, V(^) and V($) match at lines.
    type: list
    elements: dict
    required: true
  overrides:
    description:
      - What a user changes in the checks, a dictionary by check id.
      - Each value is a dictionary with some of C(severity), C(timeout), C(waiver), C(enabled), C(reason) and
        C(parameters), which are merged with those of the check by name.
      - An id that begins with the name of the role must exist; other ids are for other roles.
    type: dict
    default: {}
  workers:
    description: How many checks run at a time.
    type: int
    default: 8
attributes:
  check_mode:
    description: Can run in check mode; it never changes anything.
    support: full
  diff_mode:
    description: There is no difference to show.
    support: none
  facts:
    description: Returns the results as a fact of the host.
    support: full
notes:
  - A definition must not hold a secret; where one is needed the parameter is the path of a file on the host.
"""

EXAMPLES = r"""
- name: Prove that the application answers
  golive.delivery.technical_check:
    role: app_server
    checks:
      - id: app_server.ready
        title: {en: The application is ready, zh: 应用已就绪}
        area: deployment
        type: http
        severity: P0
        parameters:
          url: https://erp.example.com/readyz
          connect_to: 192.0.2.21:443
          body: '"status": *"ok"'
          max_seconds: 2
      - id: app_server.no_tls10
        title: {en: Old TLS versions are refused, zh: 拒绝旧版 TLS}
        area: deployment
        type: tls_protocol
        severity: P2
        parameters: {host: 192.0.2.21, port: 443}

- name: Prove the database, with what this customer decided
  golive.delivery.technical_check:
    role: postgresql
    checks: "{{ postgresql_checks + postgresql_extra_checks }}"
    overrides:
      postgresql.disk:
        parameters: {min_free_percent: 10}
        waiver: {by: A. Customer, reason: The new disk is ordered, until: "2026-12-31"}
"""

RETURN = r"""
results:
  description: One result for each check, in the order of the checks.
  returned: success
  type: list
  elements: dict
  contains:
    id: {description: Id of the check., type: str, sample: app_server.ready}
    title: {description: Title in C(en) and C(zh)., type: dict}
    area: {description: Area of the go-live checklist., type: str, sample: deployment}
    type: {description: Type of the check., type: str, sample: http}
    severity: {description: Severity from P0 to P3., type: str, sample: P0}
    status:
      description: >-
        V(pass), V(warn), V(fail), V(waived) (did not pass, a waiver stands), V(skipped) or V(error) (the check could
        not be made).
      type: str
      sample: pass
    expected: {description: What was expected., type: str, sample: status 200}
    observed: {description: What was found., type: str, sample: status 503}
    evidence: {description: What else was seen; at most 500 characters like every text., type: str}
    seconds: {description: How long the check took., type: float, sample: 0.012}
    waiver: {description: The waiver when it stands., type: dict}
summary:
  description: Number of results of each status.
  returned: success
  type: dict
  sample: {pass: 11, warn: 0, fail: 1, waived: 0, skipped: 0, error: 0}
ansible_facts:
  description: The results as the fact C(golive_checks_ROLE).
  returned: success
  type: dict
  contains:
    golive_checks_ROLE: {description: The same as RV(results)., type: list, elements: dict}
"""

import re

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.golive.delivery.plugins.module_utils.checks import definition, engine


def main() -> None:
    """Read the definitions, run them, return the results."""
    module = AnsibleModule(
        argument_spec={
            "role": {"type": "str", "required": True},
            "checks": {"type": "list", "elements": "dict", "required": True},
            "overrides": {"type": "dict", "default": {}},
            "workers": {"type": "int", "default": 8},
        },
        supports_check_mode=True,
    )
    role, workers = module.params["role"], module.params["workers"]
    if not re.fullmatch("[a-z][a-z0-9_]*", role):
        module.fail_json(msg=f"role: expected lower case letters, digits and underscores, got {role!r}")
    if workers < 1:
        module.fail_json(msg=f"workers: expected a number of at least 1, got {workers}")
    try:
        definitions = definition.load(module.params["checks"], module.params["overrides"], role)
    except definition.DefinitionsError as exc:
        module.fail_json(msg=f"The checks of the role {role} are not valid: {exc}")
    results = engine.run(definitions, workers)
    module.exit_json(
        changed=False,
        results=results,
        summary=engine.summarize(results),
        ansible_facts={f"golive_checks_{role}": results},
    )


if __name__ == "__main__":
    main()
