# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules for etcd have in common."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of every module that talks to etcd."""

    DOCUMENTATION = r"""
options:
  members:
    description: The declared members of the cluster.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the member.
        type: str
        required: true
      address:
        description: Address or resolvable name by which clients and the other members reach it.
        type: str
        required: true
  client_port:
    description: Port of each member for clients.
    type: int
    default: 2379
  certificate:
    description: Client certificate. Its common name is the user of etcd, V(root).
    type: path
    required: true
  key:
    description: Private key of the client certificate.
    type: path
    required: true
  ca:
    description: Certificate of the authority that signed the members' certificates.
    type: path
    required: true
requirements:
  - etcdctl 3.4 or newer on the host
notes:
  - It works with C(etcdctl). No password is in an argument list; etcdctl reads it from its input or its environment.
"""

    MEMBER = r"""
options:
  name:
    description: Name of the member on this host, one of O(members).
    type: str
    required: true
  data_directory:
    description: Where the member keeps its data.
    type: path
    required: true
  configuration:
    description: The member's configuration file.
    type: path
    required: true
"""
