# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command with which a user runs a playbook of this collection again. Private."""

from __future__ import annotations

from collections.abc import Mapping
from shlex import quote
from typing import Any


def build_playbook_command(playbook: str, variables: Mapping[str, Any]) -> str:
    """Return the command that runs a playbook of this collection for this host and the inventory of this run.

    For example, `ansible-playbook o11y.opentelemetry.diagnose -i hosts.yml --limit prod`.
    """
    sources = variables.get("ansible_inventory_sources") or ["INVENTORY"]
    inventory = " ".join(f"-i {quote(str(source))}" for source in sources)
    host = quote(str(variables["inventory_hostname"]))
    return f"ansible-playbook o11y.opentelemetry.{playbook} {inventory} --limit {host}"
