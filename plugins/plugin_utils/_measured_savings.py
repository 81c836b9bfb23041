# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What real Collectors send with the options that proposals make: the shares that each would drop. Private."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ..module_utils._otelcol.config.masking import quoted
from ..module_utils._otelcol.errors import Problem
from ..module_utils._savings.measured_shares import Shares, measured_shares, sent_anything
from ..module_utils._savings.proposals import Option, Proposal
from ..module_utils._savings.told_savings import Told
from . import _savings_options as options
from ._otelcol import _builds, _yaml
from ._otelcol._build_request import BuildRequest
from ._otelcol._forecast.captured import Capture
from ._otelcol._forecast.replay import Replay, Replayed, replayed
from ._otelcol._isolation import choice
from ._otelcol._testing.bench import Bench
from ._otelcol._testing.chosen_bench import Chosen, chosen_bench

_BY_TIME = "what it keeps depends on the time, and a replay is faster than the capture was"
_NONE = "`measure` is 0, so nothing is measured"
_FEWER = "`measure` is {measured}, and others come first: raise it to measure more"


@dataclass(frozen=True)
class Bed:
    """What measures options: the Collector with the config of before, what is replayed, and what was sent then."""

    bench: Bench
    replay: Replay
    before: Replayed
    version: str

    def sent_with(self, option: Option) -> Replayed:
        """Return what is sent with an option."""
        config = options.with_option(self.bench.config, option, self.version)
        return replayed_without_secrets(replace(self.bench, config=config), self.replay)


# ── Each proposal ──


def told_proposals(
    proposals: Sequence[Proposal],
    chosen: Chosen,
    capture: Capture,
    arguments: Mapping[str, Any],
    warn: Callable[[str], None],
) -> Iterator[Told]:
    """Yield each proposal with its option and the shares that real Collectors show, of those with most bytes."""
    pipelines = options.pipelines_of(chosen.config)
    measurable = _largest_of_each_kind(filter(_can_measure, proposals))[: arguments["measure"]]
    bed = _bed(chosen, capture, arguments, warn) if measurable else None
    for proposal in proposals:
        option = proposal.option
        pasted = option.pasted(pipelines) if option else {}
        text = _yaml.dump(pasted) if pasted else ""
        told = Told(proposal, pasted, text, why_not_measured=_why_not(proposal, arguments["measure"]))
        if bed and option and proposal in measurable:
            told = replace(told, measured=_measured(bed, option), why_not_measured="")
        yield told


class _Turn(NamedTuple):
    """A proposal, and how many of its kind come before it."""

    number: int
    proposal: Proposal


def _largest_of_each_kind(proposals: Iterable[Proposal]) -> list[Proposal]:
    """Return proposals, which come by their bytes: the largest of each kind, then the second of each, and so on."""
    seen = Counter[str]()
    turns: list[_Turn] = []
    for proposal in proposals:
        turns.append(_Turn(seen[proposal.kind], proposal))
        seen[proposal.kind] += 1
    return [turn.proposal for turn in sorted(turns, key=lambda turn: turn.number)]


def _can_measure(proposal: Proposal) -> bool:
    return proposal.option is not None and not proposal.option.by_time


def _why_not(proposal: Proposal, most: int) -> str:
    """Return why an option is not among the `most` that are measured; empty if there is none to measure."""
    if proposal.option is None:
        return ""
    if proposal.option.by_time:
        return _BY_TIME
    return _FEWER.format(measured=most) if most else _NONE


# ── The Collector that measures ──


def _bed(chosen: Chosen, capture: Capture, arguments: Mapping[str, Any], warn: Callable[[str], None]) -> Bed:
    """Return what measures options. Raises Problem if the config of before sends nothing."""
    isolation = choice.chosen_isolation(arguments.get("isolation") or choice.AUTO, warn)
    bench = chosen_bench(chosen, arguments, isolation, warn)
    replay = Replay(capture.requests, arguments["receivers"], arguments["tenant_attribute"])
    target = _builds.resolve_build(BuildRequest.from_arguments(arguments), chosen.image)
    bed = Bed(bench, replay, replayed_without_secrets(bench, replay), target.version if target else "")
    if not sent_anything(bed.before.sent):
        wrong = f"no record of {arguments['capture']} reaches an exporter of {chosen.where}, so nothing was measured"
        raise Problem(wrong, fix="Name the config of the collector that the capture is of.")
    return bed


def _measured(bed: Bed, option: Option) -> dict[str, Shares]:
    return measured_shares(bed.before.sent, bed.sent_with(option).sent)


def replayed_without_secrets(bench: Bench, replay: Replay) -> Replayed:
    """Return what a config sends. A Problem shows no secret of it."""
    try:
        return replayed(bench, replay, "savings")
    except Problem as problem:
        raise Problem(quoted(problem.wrong, mask=bench.hidden), where=problem.where, fix=problem.fix) from problem
