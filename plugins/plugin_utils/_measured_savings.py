# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What real Collectors send with the options that proposals make: the shares that each would drop. Private.

A proposal says what of a capture is worth dropping (proposals.py), and its option is a recipe or a processor that drops
it. A real Collector runs, and a replay sends the capture to it: once as it is, and once with each option.
`_savings.py` calls this file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ..module_utils._otelcol.config.masking import mask_and_clean
from ..module_utils._otelcol.errors import Problem
from ..module_utils._savings.measured_shares import RemovedShares, has_sent_anything, measure_removed_shares
from ..module_utils._savings.proposals import RemovalOption, SavingProposal
from ..module_utils._savings.told_savings import ToldProposal
from . import _savings_options as options
from ._otelcol import _builds, _yaml
from ._otelcol._build_request import BuildRequest
from ._otelcol._forecast.captured import Capture
from ._otelcol._forecast.replay import Replay, Replayed, replay_capture
from ._otelcol._isolation import choice
from ._otelcol._testing.chosen_collector import ChosenConfig, choose_collector
from ._otelcol._testing.collector_setup import CollectorSetup

_NOT_MEASURED_BY_TIME = "what it keeps depends on the time, and a replay is faster than the capture was"
_NOTHING_MEASURED = "`measure` is 0, so nothing is measured"
_NOT_AMONG_MEASURED = "`measure` is {measured}, and others come first: raise it to measure more"


@dataclass(frozen=True)
class MeasuringBed:
    """What measures options: the Collector with the config of before, what is replayed, and what was sent then."""

    setup: CollectorSetup
    replay: Replay
    replayed_before: Replayed
    """What the Collector sent without any option."""
    version: str
    """The version of the Collector, whose names of components its config has."""

    def replay_with_option(self, option: RemovalOption) -> Replayed:
        """Return what is sent with an option."""
        config = options.add_option(self.setup.config, option, self.version)
        return replay_without_secrets(replace(self.setup, config=config), self.replay)


# ── Each proposal ──


def measure_proposals(
    proposals: Sequence[SavingProposal],
    chosen: ChosenConfig,
    capture: Capture,
    arguments: Mapping[str, Any],
    warn: Callable[[str], None],
) -> Iterator[ToldProposal]:
    """Yield each proposal with its option and the shares that real Collectors show, of those with most bytes."""
    pipelines = options.pipeline_names(chosen.config)
    measurable = _order_by_turns(filter(_can_measure, proposals))[: arguments["measure"]]
    measuring_bed = _prepare_measuring_bed(chosen, capture, arguments, warn) if measurable else None
    for proposal in proposals:
        option = proposal.option
        pasted_config = option.build_pasted_options(pipelines) if option else {}
        config_yaml = _yaml.dump(pasted_config) if pasted_config else ""
        told_proposal = ToldProposal(
            proposal, pasted_config, config_yaml, why_not_measured=_explain_unmeasured(proposal, arguments["measure"])
        )
        if measuring_bed and option and proposal in measurable:
            told_proposal = replace(
                told_proposal, measured_shares=_measure_option(measuring_bed, option), why_not_measured=""
            )
        yield told_proposal


class _KindTurn(NamedTuple):
    """A proposal, and how many of its kind come before it."""

    earlier_count: int
    proposal: SavingProposal


def _order_by_turns(proposals: Iterable[SavingProposal]) -> list[SavingProposal]:
    """Return proposals, which come by their bytes: the largest of each kind, then the second of each, and so on."""
    counts_by_kind = Counter[str]()
    turns: list[_KindTurn] = []
    for proposal in proposals:
        turns.append(_KindTurn(counts_by_kind[proposal.kind], proposal))
        counts_by_kind[proposal.kind] += 1
    return [turn.proposal for turn in sorted(turns, key=lambda turn: turn.earlier_count)]


def _can_measure(proposal: SavingProposal) -> bool:
    return proposal.option is not None and not proposal.option.is_by_time


def _explain_unmeasured(proposal: SavingProposal, most_measured: int) -> str:
    """Return why an option is not among the `most_measured` that are measured; empty if there is none to measure."""
    if proposal.option is None:
        return ""
    if proposal.option.is_by_time:
        return _NOT_MEASURED_BY_TIME
    return _NOT_AMONG_MEASURED.format(measured=most_measured) if most_measured else _NOTHING_MEASURED


# ── The Collector that measures ──


def _prepare_measuring_bed(
    chosen: ChosenConfig, capture: Capture, arguments: Mapping[str, Any], warn: Callable[[str], None]
) -> MeasuringBed:
    """Return the bed that measures options. Raises Problem if the config without them sends nothing."""
    isolation = choice.choose_isolation(arguments.get("isolation") or choice.AUTO, warn)
    setup = choose_collector(chosen, arguments, isolation, warn)
    replay = Replay(capture.read_requests, arguments["receivers"], arguments["tenant_attribute"])
    target = _builds.resolve_build(BuildRequest.from_arguments(arguments), chosen.image)
    measuring_bed = MeasuringBed(setup, replay, replay_without_secrets(setup, replay), target.version if target else "")
    if not has_sent_anything(measuring_bed.replayed_before.sent_by_exporter):
        wrong = f"no record of {arguments['capture']} reaches an exporter of {chosen.where}, so nothing was measured"
        raise Problem(wrong, fix="Name the config of the collector that the capture is of.")
    return measuring_bed


def _measure_option(bed: MeasuringBed, option: RemovalOption) -> dict[str, RemovedShares]:
    return measure_removed_shares(bed.replayed_before.sent_by_exporter, bed.replay_with_option(option).sent_by_exporter)


def replay_without_secrets(setup: CollectorSetup, replay: Replay) -> Replayed:
    """Return what a config sends. A Problem shows no secret of it."""
    try:
        return replay_capture(setup, replay, "savings")
    except Problem as problem:
        raise Problem(
            mask_and_clean(problem.wrong, mask=setup.hide_secrets), where=problem.where, fix=problem.fix
        ) from problem
