# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that the modules for Patroni share."""

from __future__ import annotations


class ModuleDocFragment:
    """Fragments: the connection, the credentials, the limits of a change."""

    DOCUMENTATION = r"""
options:
  members:
    description: The members of the cluster; the first one that answers is asked.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the member in Patroni.
        type: str
        required: true
      address:
        description: Address of its REST API, which its certificate holds.
        type: str
        required: true
  port:
    description: Port of the REST API.
    type: int
    default: 8008
  ca_path:
    description: Certificate of the authority that the members' certificates are verified with. By default the system's.
    type: path
"""

    CREDENTIALS = r"""
options:
  username:
    description: User of the REST API's unsafe methods.
    type: str
    required: true
  password:
    description: Password of that user.
    type: str
    required: true
"""

    LIMITS = r"""
options:
  maximum_lag_bytes:
    description: A replica further behind is no candidate and has not caught up.
    type: int
    default: 1048576
  timeout:
    description: How many seconds one restart, one switchover, or a replica's catching up may take.
    type: int
    default: 300
"""
