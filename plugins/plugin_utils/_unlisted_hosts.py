# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people read about a collector of a host that runs have made, and that the inventory does not list. Private."""

from __future__ import annotations

import json
from shlex import quote


def describe_unlisted(host: str, collector: str) -> str:
    """Return a line about a collector with the command that removes it, and no other collector of the host."""
    removed_collectors = json.dumps({"otel_host_collectors": [{"name": collector}]})
    command = (
        f"ansible-playbook o11y.opentelemetry.remove -i INVENTORY --limit {quote(host)} -e {quote(removed_collectors)}"
    )
    statement = f"collector {collector} of {host} was made by this collection, and the inventory does not list it"
    return f"{statement}. Remove it: `{command}`"


def describe_staying(host: str, collector: str) -> str:
    """Return a line about a collector that a removal of others leaves."""
    return f"collector {collector} of {host} stays, since this removal does not list it"
