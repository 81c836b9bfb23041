# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for a config without a written test: what one planted record for each receiver and signal shows.

Nothing is made up, nothing is lost but by a component whose purpose it is (`followed_counts.py`), and a planted secret
is stopped or named (`secret_leaks.py`). An invariant is such a statement. A breach fails the test, a remark does not.
judged_case.py in plugin_utils asks for them. Private.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .followed_counts import observe_counts
from .planted_records import PlantingPlan
from .records import RecordsByName
from .secret_leaks import observe_leaks


class InvariantJudgement(NamedTuple):
    """A line for each breach of an invariant, and one for each thing that is named only."""

    breaches: list[str]
    remarks: list[str]


def judge_invariants(
    config: Mapping[str, Any], plan: PlantingPlan, records_by_name: RecordsByName, exporters: Sequence[str]
) -> InvariantJudgement:
    """Return what the run of a config with planted records shows.

    `records_by_name` has what arrived at the exporters and at each stage (`pipeline_stages.name_stage`); `exporters`
    are those whose records leave the config.
    """
    judgement = InvariantJudgement([], [])
    for observation in (
        *observe_counts(config, plan, records_by_name, exporters),
        *observe_leaks(plan, records_by_name, exporters),
    ):
        lines = judgement.breaches if observation.is_breach else judgement.remarks
        lines.append(observation.text)
    return judgement
