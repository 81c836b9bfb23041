# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the readings of collectors that have changed in a wave with each other side. Private.

`wave_judgement.py` calls `compare_collectors`, with all collectors of one name or with one of them. The sides are those
of wave_comparisons.py, such as collectors of later waves. Each side has a judge of the canary (_change/canary), in
which the changed collectors take the place of the canary, and the side takes that of the rest.

What counts is what is worse than every side, in two readings one after the other. For example, of the checks

| side | checks that fail |
|---|---|
| web3 | `exports_fail`, `queue_grows` |
| the readings before the change | `exports_fail` |

the result has `exports_fail` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .._change.canary.canary_facts import compare_sides
from .._change.canary.chosen_checks import choose_checks
from .._change.canary.judge import CanaryJudge, FailedCheck
from .._change.canary.revision import Revision
from .._change.canary.sides import Sides
from .._otelcol.catalogue.port_rows import Listeners
from .wave_comparisons import (
    NO_TIME,
    WaveComparison,
    build_comparisons,
    count_accepted_items,
    mask_nothing,
)
from .wave_tracks import ComparedSides, replay_polls

# This check of the canary is not used: a member whose metrics cannot be read counts as one without data.
_UNREADABLE_CHECK = "unreadable"
# This check of the canary is not used if no data came in before the change either.
_SILENCE_CHECK = "receiver_silent"


@dataclass(frozen=True)
class JudgeTools:
    """What the judge needs beside the readings."""

    listeners: Listeners
    """The ports that each type of component opens."""
    search_facts: Callable[[str, Any], Any]
    """Searches facts by JMESPath."""


@dataclass(frozen=True)
class ComparisonResult:
    """How some collectors, or one of them, do in all comparisons."""

    worse_checks: tuple[FailedCheck, ...]
    """The checks that fail in all comparisons."""
    accepted_items: int
    """How many items came in at their receivers, from the first reading to the last."""
    compared_with: tuple[str, ...]
    """The sides of the comparisons in words."""

    @property
    def faults(self) -> frozenset[tuple[str, str]]:
        """The keys of what is worse. A check that fails again with other figures has the same key."""
        return frozenset(check.fault_key for check in self.worse_checks)


class _JudgedSide(NamedTuple):
    """One side, and the judge that compares the changed collectors with it."""

    comparison: WaveComparison
    judge: CanaryJudge
    """Remembers what failed in the reading before, so each side has a judge of its own."""


def compare_collectors(sides: ComparedSides, tools: JudgeTools) -> ComparisonResult:
    """Compare collectors that have changed with the other sides, reading after reading, as if they were watched now.

    The first faults stay. Later readings are only read for how much data came in.
    """
    comparisons = build_comparisons(sides, tools.listeners)
    checks = choose_checks(list(_list_unused_checks(sides, comparisons.before_change)))
    judged_sides: list[_JudgedSide] = []
    for comparison in comparisons.chosen:
        judged_sides.append(_JudgedSide(comparison, CanaryJudge(tools.search_facts, checks, mask_nothing)))
    revision = Revision(sides.tracks_after[0].config, tools.listeners, began_with_change=False)
    worse_checks: list[FailedCheck] = []
    for poll in replay_polls(sides.tracks_after):
        revision.add_reading(poll.seconds, poll.samples)
        if not worse_checks:
            worse_checks = _find_worse_checks(revision, judged_sides)
    return ComparisonResult(
        worse_checks=tuple(worse_checks),
        accepted_items=_count_items_of_last_reading(revision),
        compared_with=tuple(comparison.description for comparison in comparisons.sides_with_data),
    )


def _list_unused_checks(sides: ComparedSides, before_change: WaveComparison) -> Iterator[str]:
    """Yield the checks of the canary that say nothing of these collectors."""
    yield _UNREADABLE_CHECK
    was_read_before = any(sample.reading for track in sides.tracks_before for sample in track.samples)
    if was_read_before and not before_change.has_data:
        yield _SILENCE_CHECK


def _find_worse_checks(revision: Revision, judged_sides: Sequence[_JudgedSide]) -> list[FailedCheck]:
    """Return the checks that fail against every side, in the last reading of the revision and in the one before.

    To be called once for each reading, since the judges remember what failed in their last call.
    """
    checks_by_side: list[list[FailedCheck]] = []
    for side in judged_sides:
        checks_by_side.append(side.judge.find_verdicts(_collect_facts(revision, side.comparison)))
    return _select_common_checks(checks_by_side)


def _collect_facts(revision: Revision, comparison: WaveComparison) -> Mapping[str, Any]:
    """Return what the checks read: the facts of the changed collectors, beside those of one side."""
    sides = Sides(
        canary=revision,
        canary_facts=revision.build_facts(NO_TIME, mask_nothing),
        rest_config=comparison.config,
        rest_facts=comparison.facts,
        # The side was read before or elsewhere, so from the first reading on, only the changed collectors are.
        seconds_alone=revision.watched_seconds,
    )
    # Key `ways` has where a canary sends to, which is compared with its other pods. Collectors of a wave may send
    # elsewhere than others do.
    return {**compare_sides(sides), "ways": []}


def _select_common_checks(checks_by_side: Sequence[Sequence[FailedCheck]]) -> list[FailedCheck]:
    """Return the failed checks of the first side whose faults all other sides show too.

    There is always a first one: without data of others, the collectors are compared with nothing. The figures in the
    texts are those of the first side.
    """
    first_checks, *checks_of_others = checks_by_side
    common_checks = list(first_checks)
    for failed_checks in checks_of_others:
        fault_keys = {check.fault_key for check in failed_checks}
        common_checks = [check for check in common_checks if check.fault_key in fault_keys]
    return common_checks


def _count_items_of_last_reading(revision: Revision) -> int:
    """Return how many items came in up to the last reading; 0 without readings."""
    return count_accepted_items(revision.readings[-1].count_rows) if revision.readings else 0
