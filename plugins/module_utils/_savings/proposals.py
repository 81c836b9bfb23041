# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be proposed: a row for each kind, and the option of a collector that does it. Private.

A proposal says that something of the telemetry is worth dropping, such as an attribute that makes many series. Its
option is a recipe or a processor that drops it. `observation.py` collects proposals of a capture.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .._otelcol.config.layers import APPEND_SIGN
from .._otelcol.config.pipelines import signal_of
from .captured_records import Amount


class ProposalKind(NamedTuple):
    """A kind of proposal: what it finds, and what you lose if you follow it."""

    title: str
    loss: str


ATTRIBUTES, CONSTANTS, SERIES, UNCHANGED = "attributes", "constant_resource", "series", "unchanged_metrics"
TEMPLATES, DEBUG, HEALTH, LEAVES = "log_templates", "debug_logs", "health_checks", "leaf_spans"
PLAIN, SCOPES, TWICE, ERRORS = "plain_traces", "duplicate_metrics", "duplicate_records", "repeated_errors"
# What each kind finds, in the order in which they are told.
KINDS: Mapping[str, ProposalKind] = {
    ATTRIBUTES: ProposalKind("attribute", "No search or dashboard finds it any more."),
    CONSTANTS: ProposalKind(
        "resource attributes with one value", "Data of another cluster or host is not told apart by them."
    ),
    SERIES: ProposalKind("attribute that makes series", "Series are summed, or averaged for gauges, without it."),
    UNCHANGED: ProposalKind("metric that never changes", "It may change in an incident. Look at alerts that read it."),
    TEMPLATES: ProposalKind("repeated log template", "The records are gone. Count them first if their number matters."),
    DEBUG: ProposalKind("debug logs", "Nobody can read them later."),
    HEALTH: ProposalKind("spans of health checks", "Slow health checks are not seen in traces."),
    LEAVES: ProposalKind("spans without children and errors", "The time they took counts as that of their parents."),
    PLAIN: ProposalKind(
        "traces without errors, and not slow", "One in ten is kept. Metrics made of spans later on count less."
    ),
    SCOPES: ProposalKind("metric from two scopes", "Dashboards that name the scope see nothing."),
    TWICE: ProposalKind("record that came twice", "Nothing."),
    ERRORS: ProposalKind("error that repeats", "Each repetition within the interval is a count of the first."),
}


@dataclass(frozen=True)
class RemovalOption:
    """What removes something: a recipe with options, or else a processor of the collector's own config.

    `signals` are those of the pipelines that the processor goes into. If what an option keeps depends on the time, it
    is `is_by_time`, and a replay cannot measure it.
    """

    recipe: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    processor: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    signals: tuple[str, ...] = ()
    is_by_time: bool = False

    def build_pasted_options(self, pipelines: Sequence[str]) -> dict[str, Any]:
        """Return what a user pastes into a collector of the inventory. `pipelines` are those of its config."""
        if self.recipe:
            return {"recipes": [{self.recipe: dict(self.options)}]}
        signal_pipelines = [name for name in pipelines if signal_of(name) in self.signals]
        added_processors = {
            name: {f"processors{APPEND_SIGN}": [self.processor]} for name in signal_pipelines or self.signals
        }
        return {
            "config": {"processors": {self.processor: dict(self.settings)}, "service": {"pipelines": added_processors}}
        }


@dataclass(frozen=True)
class SavingProposal:
    """Something that is worth dropping. `removed_amounts` is how much of each signal goes."""

    kind: str
    subject: str
    removed_amounts: Mapping[str, Amount]
    option: RemovalOption | None
    detail: str = ""

    @property
    def size_bytes(self) -> int:
        """The bytes that go, of all signals."""
        return sum(amount.size_bytes for amount in self.removed_amounts.values())


class UntoldKind(NamedTuple):
    """What the capture cannot tell of a kind, and why."""

    kind: str
    reason: str


# What a Collector or Ansible would expand in a config.
_EXPANDED_MARKS = ("${", "$$", "{{", "{%", "{#")


def is_free_of_expansion(option: RemovalOption) -> bool:
    """Return whether the Collector expands nothing in an option, such as `${env:TOKEN}`.

    An option may have names out of telemetry, which anybody may have sent.
    """
    pasted_json = json.dumps(option.build_pasted_options(()), ensure_ascii=False)
    return not any(expanded_mark in pasted_json for expanded_mark in _EXPANDED_MARKS)


def build_noise_recipe(**options: Any) -> RemovalOption:
    """Return recipe `drop_noise` with these options, and without its defaults."""
    empty_defaults = {"probe_paths": [], "minimum_severity": "trace"}
    return RemovalOption(recipe="drop_noise", options={**empty_defaults, **options})


def build_filter_option(name: str, signal: str, record: str, condition: str) -> RemovalOption:
    """Return a processor `filter` that drops the records of a signal that a condition of OTTL is true for."""
    settings = {"error_mode": "ignore", signal: {record: [condition]}}
    return RemovalOption(processor=f"filter/{name}", settings=settings, signals=(signal,))
