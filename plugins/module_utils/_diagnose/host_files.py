# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files a service of a host may not read, how to let it, and how long its certificates are valid.

The host says who owns the file, or the first folder on the way that the service may not pass:

    {"what": "folder", "path": "/var/log/app", "owner": "root", "group": "adm", "mode": "750"}

Private.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._otelcol.config.paths import items
from .._telemetry.times import age, seconds_between
from .checks_trust import state_by_dates

_GROUP_OF_ROOT = "root"
# The right of a group to read a file, or to pass a folder.
_GROUP_READS, _GROUP_PASSES = 0o040, 0o010


def unreadable_files(patterns: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the first file of each pattern that the service may not read, with how many more there are."""
    for pattern in patterns:
        unreadable = items(pattern, "unreadable")
        if unreadable:
            first = unreadable[0]
            more = len(unreadable) - 1 + int(pattern.get("more") or 0)
            others = f" and {more} more" if more else ""
            yield {**first, "about": pattern["about"], "others": others, "fix": _rights_fix(first, is_log=True)}


def certificate_facts(row: Mapping[str, Any], now: str, *, running: bool) -> dict[str, Any]:
    """Return a file of a certificate with how long it is valid. What keeps a service from starting is about that."""
    facts = {**row, "file": row.get("file") or row["path"]}  # `path` is that of the barrier if there is one
    if row["state"] == "unreadable":
        facts["fix"] = _rights_fix(row, is_log=False)
    if row["state"] == "there" and row.get("not_after"):
        facts["state"] = state_by_dates(row["not_before"], row["not_after"], now)
        facts["left"] = age(abs(seconds_between(now, row["not_after"])))
    if not running and row["state"] in ("missing", "unreadable"):
        facts["about"] = "start"
    return facts


def _rights_fix(barrier: Mapping[str, Any], *, is_log: bool) -> str:
    """Return how to let a service read a file, or pass a folder: by its group if that may, else by another right."""
    is_folder = barrier["what"] == "folder"
    group_may = _group_may(barrier, _GROUP_PASSES if is_folder else _GROUP_READS)
    if group_may and barrier["group"] != _GROUP_OF_ROOT:
        return f"Add `groups: [{barrier['group']}]` to the collector."
    let_a_group = "Let a group enter it (`chmod g+x`)" if is_folder else "Let a group read it"
    if is_log:
        return f"{let_a_group} and name the group in `groups`, or consent to `allow: [CAP_DAC_READ_SEARCH]`."
    return f"{let_a_group}, and name the group in `groups`; or give the secret as a credential in `env`."


def _group_may(barrier: Mapping[str, Any], right: int) -> bool:
    """Whether the mode of a file, which the host writes in octal, gives a right to its group."""
    return bool(int(str(barrier["mode"]), 8) & right)
