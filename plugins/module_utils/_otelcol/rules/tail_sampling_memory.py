# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on the memory of tail_sampling: more traces than fit into it.

Source: processor.go and factory.go of tail_sampling. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    processors.tail_sampling.num_traces: warning [traces-above-memory] 'tail_sampling' keeps up to 3000000 traces,
    which take at least 732 MiB of memory, but only 512 MiB may be used. Raise the memory limit, shorten
    `decision_wait`, or lower `num_traces` and `expected_new_traces_per_sec`, which recipe tail_sampling derives
    from `traces_per_second`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ..needs.memory_sizes import DECIDED_TRACE_BYTES, TRACE_BYTES
from ..needs.quantities import MIB, parse_duration
from ..needs.started_components import StartedComponent
from .amounts import nanoseconds_to_seconds
from .memory_limiters import list_started_limiters, read_whole_number
from .rule_definitions import Fault, about, define_rules
from .subject import Subject

_DOCUMENTATION = (
    "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/processor/tailsamplingprocessor"
)
_WAIT_KEYS = ("decision_wait", "decision_wait_after_root_received")
_DEFAULT_WAIT, _DEFAULT_TRACES = "30s", 50_000
# With other values than these, traces are kept elsewhere or for a shorter time.
_KEPT_IN_MEMORY = {"tail_storage": None, "sampling_strategy": "trace-complete"}
_FORGETTING_KEYS = ("decision_cache", "block_on_overflow")
_FIX = (
    "Raise the memory limit, shorten `decision_wait`, or lower `num_traces` and `expected_new_traces_per_sec`, which "
    "recipe tail_sampling derives from `traces_per_second`."
)


class _Sampler(NamedTuple):
    """How many traces a sampler keeps and expects.

    `most_traces` is the most that it keeps. `traces_per_second` are the new ones that it expects, 0 if it is not said,
    and each waits `kept_seconds` for a decision. With `forgets_decided`, it keeps no trace after the decision.
    """

    most_traces: int
    traces_per_second: int
    kept_seconds: float
    forgets_decided: bool

    @property
    def waiting_traces(self) -> int:
        """The traces that wait for a decision."""
        if not self.traces_per_second:
            return 0
        try:
            return min(self.most_traces, int(self.traces_per_second * self.kept_seconds))
        except OverflowError:  # more than a float holds
            return self.most_traces

    @property
    def needed_mib(self) -> int:
        """The MiB that the traces take at least."""
        waiting_count = self.waiting_traces
        decided_count = 0 if self.forgets_decided else self.most_traces - waiting_count
        return (waiting_count * TRACE_BYTES + decided_count * DECIDED_TRACE_BYTES) // MIB


@about(processors=["tailsampling"])
def traces_above_memory(subject: Subject) -> Iterator[Fault]:
    """Yield tail_sampling that keeps more traces than fit into the memory of the collector.

    Each trace counts with the least that it takes (`TRACE_BYTES`), so traces with several spans may need far more.
    """
    available_mib = _find_available_mib(subject)
    for part in subject.view.find_parts("processors", "tailsampling"):
        sampler = _read_sampler(part.settings)
        if sampler and 0 < available_mib < sampler.needed_mib:
            yield _report_traces_above_memory(part, sampler, available_mib)


def _find_available_mib(subject: Subject) -> int:
    """Return the MiB that the container and its limiters admit; 0 if that is not known."""
    container_mib = (subject.deployment.memory_limit_mib if subject.deployment else None) or 0
    limits_mib = [limiter.compute_limit_mib(container_mib) for limiter in list_started_limiters(subject)]
    all_known = bool(limits_mib) and all(limits_mib)
    if not all_known:
        return container_mib
    largest_mib = max(limits_mib)  # a sampler may be behind any of several limiters, so the least strict one counts
    return min(container_mib, largest_mib) if container_mib else largest_mib


def _read_sampler(settings: dict[str, Any]) -> _Sampler | None:
    """Return what the settings of a sampler say; None if it keeps its traces elsewhere, or if a variable decides."""
    for key, default_value in _KEPT_IN_MEMORY.items():
        if settings.get(key) not in (None, default_value):
            return None
    wait, wait_after_root = (settings.get(key) or "" for key in _WAIT_KEYS)
    if "$" in f"{wait}{wait_after_root}":
        return None
    return _Sampler(
        most_traces=read_whole_number(settings.get("num_traces", _DEFAULT_TRACES)) or 0,
        traces_per_second=read_whole_number(settings.get("expected_new_traces_per_sec")) or 0,
        kept_seconds=_find_shortest_wait([wait or _DEFAULT_WAIT, wait_after_root]),
        forgets_decided=any(settings.get(key) for key in _FORGETTING_KEYS),
    )


def _find_shortest_wait(waits: Iterable[Any]) -> float:
    """Return the shortest of these durations in seconds, without those of zero; 0 if no other is left.

    A number without a unit is in nanoseconds.
    """
    wait_seconds = [
        nanoseconds_to_seconds(wait) if isinstance(wait, (int, float)) else parse_duration(wait) for wait in waits
    ]
    # Zero turns a wait off, so it is no wait at all.
    return min((seconds for seconds in wait_seconds if seconds), default=0)


def _report_traces_above_memory(part: StartedComponent, sampler: _Sampler, available_mib: int) -> Fault:
    """Return the fault of a sampler whose traces take more memory than there is."""
    expectation = (
        f" with the {sampler.traces_per_second} new traces a second that it expects"
        if sampler.traces_per_second
        else ""
    )
    message = (
        f"'{part.id}' keeps up to {sampler.most_traces} traces, which take at least {sampler.needed_mib} MiB of "
        f"memory{expectation}, but only {available_mib} MiB may be used"
    )
    path = (*part.path, "num_traces") if "num_traces" in part.settings else part.path
    return Fault(path, message, _FIX)


RULES = define_rules("warning", traces_above_memory, documentation=_DOCUMENTATION)
