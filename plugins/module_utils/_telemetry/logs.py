# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the failures in a collector's log, and group them by their cause. Private.

Module diagnose and canaries call `group_log_failures` for logs of pods, with the kubelet's timestamps, and for the
journal of a host. A failure is what one or several entries of the log report (log_entries.py); its cause is a row of
log_causes.py. For example, three entries of the last minute like this one

    2026-01-31T12:00:00Z 2026-01-31T12:00:00.000Z<TAB>error<TAB>Exporting failed.<TAB>{"otelcol.component.kind":
    "exporter", "otelcol.component.id": "otlp", "error": "dial tcp 10.0.0.1:4317: connect: connection refused"}

make one row: about `exporters/otlp`, cause `refused`, address `10.0.0.1:4317`, count 3.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypedDict

from .._otelcol.errors import clean_text
from .log_causes import CAUSES, Cause, find_causes
from .log_entries import FailureEntry, join_log_lines, read_failure_entry
from .times import parse_time

# The longest text of a row, in characters.
LONGEST_TEXT = 400
# A failure that was logged in the last seconds still goes on: a collector that retries logs at least every 30 s.
# Source: max_interval of exporterhelper.
CURRENT_SECONDS = 60
# Ids and numbers, such as `17` and `4bf92f3577b34da6`. Two entries that differ only in them report the same failure.
VARIABLE_PART = re.compile(r"\b(?:0x)?[0-9a-f]{8,}(?:-[0-9a-f]{4,})*\b|\d+")
# The words with which exporterhelper says that it gives up data.
_DROP_WORDS = ("Dropping data", "Rejecting data")
# The address in `dial tcp 10.0.0.1:4317: connect: …`, and the name in `dial tcp: lookup gateway on …`.
# Source: net.OpError and net.DNSError of Go.
_DIALED_ADDRESS = re.compile(r"dial \w+:? (?:lookup (?P<name>[\w.-]+)|(?P<address>\[[\da-fA-F:]+\]:\d+|[\w.-]+:\d+))")


class LogFailure(TypedDict):
    """A failure in a log, as a fact of the checks of module diagnose. All but the count is of its latest entry."""

    level: str
    message: str
    error: str
    """The field `error` of the entry; empty without one."""
    about: str
    """The component, such as `exporters/otlp`; empty if the entry names none."""
    signal: str
    cause: str | None
    """The id of a row of `log_causes.CAUSES`; None if no row fits."""
    text: str
    """What is wrong, by the cause; empty without one."""
    fix: str
    """What to do, by the cause; empty without one."""
    drops: bool
    """Whether an entry said that data is dropped."""
    address: str
    """The address to which a connection failed, see `_find_dialed_address`."""
    count: int
    """How many entries report this failure."""
    time: str
    """The timestamp of the latest entry, as the log has it."""
    said: str
    """The message and the error of the entry."""
    seconds_ago: int
    """How long before the log was read the latest entry was written."""


@dataclass(frozen=True)
class _FailureGroup:
    """The entries of one component and signal that have one cause: the latest entry, and what is known of all."""

    latest_entry: FailureEntry
    latest_time: str
    age: float | None
    """How many seconds before the log was read the latest entry was written; None if its time cannot be read."""
    cause: Cause | None
    count: int
    drops_data: bool


def group_log_failures(log_text: str, read_time: str, mask_secrets: Callable[[str], str]) -> list[LogFailure]:
    """Return the failures in a log, the latest first, without secrets.

    Each line of the log begins with its timestamp, and a blank behind it. `read_time` is when the log was read. The
    logs of several pods may stand one after another.
    """
    end_time = parse_time(read_time)
    group_by_key: dict[tuple[str, str, str], _FailureGroup] = {}
    for log_line in join_log_lines(log_text):
        entry = read_failure_entry(log_line.text)
        if entry is None:
            continue
        cause = next(find_causes(entry.error_text, CAUSES), None)  # the first row that matches is the most exact one
        # Entries without a known cause belong together if they differ only in ids and numbers.
        kind_of_failure = cause.id if cause else VARIABLE_PART.sub("#", entry.error_text)[:LONGEST_TEXT]
        group_key = (entry.about, entry.signal, kind_of_failure)
        entry_time = parse_time(log_line.time)
        age = (end_time - entry_time).total_seconds() if end_time and entry_time else None
        drops_data = any(drop_words in entry.error_text for drop_words in _DROP_WORDS)
        new_group = _FailureGroup(entry, log_line.time, age, cause, count=1, drops_data=drops_data)
        known_group = group_by_key.get(group_key)
        group_by_key[group_key] = _merge_groups(known_group, new_group) if known_group else new_group
    rows = [_build_row(group, mask_secrets) for group in group_by_key.values()]
    return sorted(rows, key=lambda row: row["seconds_ago"])


def _merge_groups(known_group: _FailureGroup, new_group: _FailureGroup) -> _FailureGroup:
    """Return two groups as one, which shows the later entry."""
    return replace(
        known_group if _is_later(known_group, new_group) else new_group,
        count=known_group.count + new_group.count,
        drops_data=known_group.drops_data or new_group.drops_data,
    )


def _is_later(known_group: _FailureGroup, new_group: _FailureGroup) -> bool:
    """Whether a group is later than one that stands behind it in the log. One with a time is later than one without."""
    if known_group.age is None or new_group.age is None:
        return known_group.age is not None
    return known_group.age < new_group.age


def _build_row(group: _FailureGroup, mask_secrets: Callable[[str], str]) -> LogFailure:
    """Return a group as a row. Texts are masked before they are cut, because a mask does not match a cut secret."""
    entry, cause = group.latest_entry, group.cause
    return {
        "level": mask_secrets(entry.level),
        "message": mask_secrets(entry.message),
        "error": mask_secrets(entry.error),
        "about": mask_secrets(entry.about),
        "signal": mask_secrets(entry.signal),
        "cause": mask_secrets(cause.id) if cause else None,
        "text": clean_text(mask_secrets(cause.text if cause else ""), LONGEST_TEXT),
        "fix": mask_secrets(cause.fix if cause else ""),
        "drops": group.drops_data,
        "address": mask_secrets(_find_dialed_address(entry.error_text)),
        "count": group.count,
        "time": mask_secrets(group.latest_time),
        "said": clean_text(mask_secrets(entry.error_text), LONGEST_TEXT),
        "seconds_ago": round(group.age or 0),
    }


def _find_dialed_address(error_text: str) -> str:
    """Return the address to which a connection failed: `HOST:PORT`, or the name that DNS does not know; else empty."""
    match = _DIALED_ADDRESS.search(error_text)
    return str(match["address"] or match["name"]) if match else ""
