# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure what proposals save: what a real Collector sends with the option of each, and without it. Private.

A proposal says what of a capture is worth dropping, such as debug logs (proposals.py). Its option is the recipe or the
processor that drops it. `_savings.py` calls `measure_proposals`. A Collector runs with the config of before, and the
capture is replayed to it. Then it runs once more for each option. For example, exporter `otlp_grpc` sends 1,000 records
without the option and 700 with it: the option drops 30 %.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ..module_utils._otelcol.config.masking import mask_and_clean
from ..module_utils._otelcol.errors import Problem
from ..module_utils._savings.measured_shares import RemovedShares, has_sent_anything, measure_removed_shares
from ..module_utils._savings.proposals import SavingProposal
from ..module_utils._savings.removal_options import RemovalOption
from ..module_utils._savings.savings_report import ReportedProposal
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
class Measurement:
    """What options are compared with: the Collector with the config of before, what is replayed, and what it sent."""

    setup: CollectorSetup
    """Runs the Collector with the config of before."""
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
) -> Iterator[ReportedProposal]:
    """Yield each proposal with its option, and with the shares that real Collectors show for some of them.

    Option `measure` says how many are measured: those with most bytes of each kind come first.
    """
    pipelines = options.pipeline_names(chosen.config)
    # Each measured option is a run of a Collector of its own, so there is a limit.
    measurable = _order_by_turns(filter(_can_measure, proposals))[: arguments["measure"]]
    measurement = _measure_before(chosen, capture, arguments, warn) if measurable else None
    for proposal in proposals:
        option = proposal.option
        pasted_config = option.build_pasted_options(pipelines) if option else {}
        config_yaml = _yaml.dump(pasted_config) if pasted_config else ""
        measured_shares: dict[str, RemovedShares] = {}
        why_not_measured = _explain_unmeasured(proposal, arguments["measure"])
        if measurement and option and proposal in measurable:
            measured_shares = _measure_option(measurement, option)
            why_not_measured = ""
        yield ReportedProposal(
            proposal,
            pasted_config,
            config_yaml,
            measured_shares=measured_shares,
            why_not_measured=why_not_measured,
        )


class _KindTurn(NamedTuple):
    """A proposal, and how many of its kind come before it."""

    earlier_count: int
    proposal: SavingProposal


def _order_by_turns(proposals: Iterable[SavingProposal]) -> list[SavingProposal]:
    """Return proposals, which come by their bytes: the largest of each kind, then the second of each, and so on.

    For example, logs a, logs b and spans c become a, c, b. So each kind is measured before a second of any.
    """
    counts_by_kind = Counter[str]()
    turns: list[_KindTurn] = []
    for proposal in proposals:
        turns.append(_KindTurn(counts_by_kind[proposal.kind], proposal))
        counts_by_kind[proposal.kind] += 1
    return [turn.proposal for turn in sorted(turns, key=lambda turn: turn.earlier_count)]


def _can_measure(proposal: SavingProposal) -> bool:
    """Whether a proposal has an option, and what that drops is the same in a replay, which is faster."""
    return proposal.option is not None and not proposal.option.is_by_time


def _explain_unmeasured(proposal: SavingProposal, most_measured: int) -> str:
    """Return why an option is not among the `most_measured` that are measured; empty if there is none to measure."""
    if proposal.option is None:
        return ""
    if proposal.option.is_by_time:
        return _NOT_MEASURED_BY_TIME
    return _NOT_AMONG_MEASURED.format(measured=most_measured) if most_measured else _NOTHING_MEASURED


# ── The Collector that measures ──


def _measure_before(
    chosen: ChosenConfig, capture: Capture, arguments: Mapping[str, Any], warn: Callable[[str], None]
) -> Measurement:
    """Run the Collector without any option, and return what it sent. Raises Problem if it sends nothing."""
    isolation = choice.choose_isolation(arguments.get("isolation") or choice.AUTO, warn)
    setup = choose_collector(chosen, arguments, isolation, warn)
    replay = Replay(capture.read_requests, arguments["receivers"], arguments["tenant_attribute"])
    target = _builds.resolve_build(BuildRequest.from_arguments(arguments), chosen.image)
    measurement = Measurement(setup, replay, replay_without_secrets(setup, replay), target.version if target else "")
    if not has_sent_anything(measurement.replayed_before.sent_by_exporter):
        wrong = f"no record of {arguments['capture']} reaches an exporter of {chosen.where}, so nothing was measured"
        raise Problem(wrong, fix="Name the config of the collector that the capture is of.")
    return measurement


def _measure_option(measurement: Measurement, option: RemovalOption) -> dict[str, RemovedShares]:
    """Return the shares that an option drops, by signal."""
    replayed_after = measurement.replay_with_option(option)
    return measure_removed_shares(measurement.replayed_before.sent_by_exporter, replayed_after.sent_by_exporter)


def replay_without_secrets(setup: CollectorSetup, replay: Replay) -> Replayed:
    """Return what a config sends. A Problem shows no secret of it."""
    try:
        return replay_capture(setup, replay, "savings")
    except Problem as problem:
        raise Problem(
            mask_and_clean(problem.wrong, mask=setup.hide_secrets), where=problem.where, fix=problem.fix
        ) from problem
