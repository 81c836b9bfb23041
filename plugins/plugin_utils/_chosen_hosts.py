# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of a play by what the user asks for, as patterns of Ansible. Private."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..module_utils._otelcol.errors import Problem

CLUSTERS, LINUX = "clusters", "linux"
_LINUX_HOSTS = "otel_linux"
"""The group of Linux hosts."""
_KINDS = {CLUSTERS: "a cluster", LINUX: f"in the group {_LINUX_HOSTS}"}


def asked_patterns(otel_hosts: Any, groups: Mapping[str, Collection[str]]) -> list[str]:
    """Return the patterns of the variable otel_hosts, a text or a list; None stands for all hosts."""
    if otel_hosts is None:
        return ["all" if groups.get("all") else "localhost"]
    return list(otel_hosts) if isinstance(otel_hosts, list) else [otel_hosts]


def patterns_of_kind(asked: Sequence[str], kind: str, groups: Collection[str]) -> list[str]:
    """Return the patterns for clusters alone, for Linux hosts alone, or for both."""
    if kind == LINUX:
        return [*asked, f"&{_LINUX_HOSTS}"] if _LINUX_HOSTS in groups else []
    if kind == CLUSTERS and _LINUX_HOSTS in groups:
        return [*asked, f"!{_LINUX_HOSTS}"]
    return list(asked)


def why_nothing(asked: Sequence[str], kind: str, *, is_asked: bool) -> str:
    """Return why a play has no host. With `is_asked`, hosts match, and none of them is of the kind."""
    patterns = ", ".join(map(str, asked))
    if is_asked:
        wrong = f"no host of this run is {_KINDS[kind]}, so nothing would be done"
        return str(Problem(wrong, where=patterns, fix="Name hosts that this playbook is for with `otel_hosts`."))
    wrong = f"'{patterns}' matches no host of this run, so nothing would be done"
    fix = "Name a group, a host or a pattern of the inventory, and see what `--limit` leaves."
    return str(Problem(wrong, where="otel_hosts", fix=fix))
