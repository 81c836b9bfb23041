# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files a service of a host may not read, how to let it, and how long its certificates are valid.

`host_situation.py` calls it with what the host has answered. For a file that the service may not read, the host names
the barrier: the file itself, or the first folder on the way to it that the service may not pass:

    {"what": "folder", "path": "/var/log/app", "owner": "root", "group": "adm", "mode": "750"}

Private.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._otelcol.config.paths import list_at
from .._telemetry.times import describe_duration, seconds_between
from .certificate_facts import judge_dates

_GROUP_OF_ROOT = "root"
# The right of a group to read a file, or to pass a folder.
_GROUP_READS = 0o040
_GROUP_PASSES = 0o010


def list_unreadable_files(patterns: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield a row for each pattern with files that the service may not read: its first such file, and their number."""
    for pattern in patterns:
        unreadable = list_at(pattern, "unreadable")
        if unreadable:
            first_file = unreadable[0]
            # The host lists some of the files, and counts the others in `more`.
            more_count = len(unreadable) - 1 + int(pattern.get("more") or 0)
            others_text = f" and {more_count} more" if more_count else ""
            yield {
                **first_file,
                "about": pattern["about"],
                "others": others_text,
                "fix": _advise_rights(first_file, is_log=True),
            }


def describe_certificate_file(row: Mapping[str, Any], current_time: str, *, running: bool) -> dict[str, Any]:
    """Return the row of a certificate's file, with how long it is valid.

    If the service does not run (`running`), a file that it cannot read is about its start.
    """
    facts = {**row, "file": row.get("file") or row["path"]}  # `path` is that of the barrier if there is one
    if row["state"] == "unreadable":
        facts["fix"] = _advise_rights(row, is_log=False)
    if row["state"] == "there" and row.get("not_after"):
        facts["state"] = judge_dates(row["not_before"], row["not_after"], current_time)
        facts["left"] = describe_duration(abs(seconds_between(current_time, row["not_after"])))
    if not running and row["state"] in ("missing", "unreadable"):
        facts["about"] = "start"
    return facts


def _advise_rights(barrier: Mapping[str, Any], *, is_log: bool) -> str:
    """Return how to let a service read a file, or pass a folder.

    If the group of the file has that right, membership in the group is enough. Else the group needs the right first.
    """
    is_folder = barrier["what"] == "folder"
    is_group_enough = _has_group_right(barrier, _GROUP_PASSES if is_folder else _GROUP_READS)
    # As a member of the group root, the service could read far more than this file.
    if is_group_enough and barrier["group"] != _GROUP_OF_ROOT:
        return f"Add `groups: [{barrier['group']}]` to the collector."
    group_advice = "Let a group enter it (`chmod g+x`)" if is_folder else "Let a group read it"
    if is_log:
        return f"{group_advice} and name the group in `groups`, or consent to `allow: [CAP_DAC_READ_SEARCH]`."
    return f"{group_advice}, and name the group in `groups`; or give the secret as a credential in `env`."


def _has_group_right(barrier: Mapping[str, Any], right: int) -> bool:
    """Whether the mode of a file, which the host writes in octal, gives a right to its group."""
    return bool(int(str(barrier["mode"]), 8) & right)
