# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the collectors of one name were judged after the change of a wave, and what messages say of it. Private.

`wave_judgement.py` and `downstream_verdict.py` make a `JudgedGroup` for each name. Its `verdict_line` is, for example:

    agent on web1 and web2: compared with web3; no data came in on web2

Each of its `worse_lines` is, for example, `agent on web1: [exports_fail] exporters/otlp: 50 of 50 spans failed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from .._otelcol.errors import join_at_most
from .wave_tracks import Track

# How many members a line names.
_SHOWN_MEMBERS = 5


@dataclass(frozen=True)
class JudgedGroup:
    """How the collectors of one name were judged. Of collectors without data, only the restarts were judged."""

    name: str
    members: tuple[str, ...]
    """The hosts and clusters with such a collector."""
    compared_with: tuple[str, ...]
    """The sides of the comparisons in words; empty if no other side had data."""
    worse_lines: tuple[str, ...]
    """A line for each thing that is worse; empty if the group has passed."""
    unread_members: tuple[str, ...] = ()
    """A line for each member whose collector could not be read, with the reason."""
    silent_members: tuple[str, ...] = ()
    """The members whose collector got no data."""
    passed_tracks: tuple[Track, ...] = ()
    """The collectors that have passed, with data and after a watch that was long enough."""
    shortness_note: str = ""
    """How long a watch must be to show a silent component; empty if this one was long enough."""

    @property
    def has_data(self) -> bool:
        """Whether one of the collectors got data."""
        return len(self.silent_members) < len(self.members)

    @property
    def is_whole(self) -> bool:
        """Whether every collector had data, and was compared with something for long enough."""
        return bool(self.compared_with) and not (self.unread_members or self.silent_members or self.shortness_note)

    @property
    def verdict_line(self) -> str:
        """How the collectors were judged, in one line."""
        collector_on_members = f"{self.name} on {join_at_most(_SHOWN_MEMBERS, self.members)}"
        if self.unread_members:
            return f"{collector_on_members}: {join_at_most(_SHOWN_MEMBERS, self.unread_members)}"
        if not self.has_data:
            return f"{collector_on_members}: no data came in, so only restarts were judged"
        parts = [f"compared with {' and '.join(self.compared_with) or 'nothing, since nothing else had data'}"]
        if self.silent_members:
            parts.append(f"no data came in on {join_at_most(_SHOWN_MEMBERS, self.silent_members)}")
        if self.shortness_note:
            parts.append(self.shortness_note)
        return f"{collector_on_members}: {'; '.join(parts)}"


def interleave_faults(judged_groups: Sequence[JudgedGroup]) -> list[str]:
    """Return the fault lines of all groups: the first line of each group, then the second of each, and so on.

    Only the first lines of the result are shown, so each group has one of them. Groups with the lines a1, a2 and b1
    give a1, b1, a2.
    """
    lines: list[str] = []
    for lines_of_groups in zip_longest(*(judged_group.worse_lines for judged_group in judged_groups)):
        lines += [line for line in lines_of_groups if line is not None]
    return lines
