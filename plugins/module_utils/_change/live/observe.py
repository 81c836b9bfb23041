# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watch the pods of a changed collector beside those that run its earlier config, and judge them. Private.

`canary.py` calls this for a change with strategy `canary`:

1. `require_metrics`, before the first write. It stops a change whose pods could not be judged.
2. `read_baseline`, before the first write too, if the change leaves no pod with the earlier config.
3. `observe_pods`, when pods with the change run. It reads all pods every three seconds, and ends with the first fault
   that lasts, or after `observe_seconds`.
4. While the other pods follow, `canary.py` itself asks a `WorkloadObservation` for reading after reading.
   `continue_observation` goes on with it when all pods have the change.

For example, exporter `otlp` of the new config has a wrong password. Then 3 ends after about ten seconds with

    ObservationResult(
        last_reading=JudgedReading(seconds=9.0, verdicts=[FailedCheck("exports_fail", "exporters/otlp", …)], facts=…),
        unjudged_check_ids=set(),
        limits=[],
    )
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ..._collector.options import METRICS_PORT
from ..._diagnose.diagnose_checks import Check
from ..._diagnose.live.reader import ClusterReader, Object, utc_now
from ..._otelcol.config.config_secrets import find_secrets
from ..._otelcol.config.masking import make_masker
from ..._otelcol.errors import Problem
from ..._rollout.live.jmespath_search import compile_search
from ..._telemetry.metrics_address import explain_unreachable_metrics
from ..canary.canary_facts import build_rest_facts, collect_facts
from ..canary.fact_rows import ComparisonFacts, RestFacts
from ..canary.judge import CanaryJudge, FailedCheck
from ..canary.judgement_limits import describe_data_limits, find_checks_without_data
from .destination_watch import DestinationWatch
from .revision_pods import Pods, read_pods
from .watched_pods import Observed, WatchedPods

# The pause between two readings.
POLL_SECONDS = 3.0
# For how long the pods are read that no pod with the earlier config can be compared with later: seven readings.
BASELINE_SECONDS = 18.0

# ── Before the change ──


def require_metrics(reader: ClusterReader, observed: Observed) -> None:
    """Raise Problem if the pods of a workload could not be judged. Called before the first write."""
    action_text = f"Judge the change of {observed.workload['kind']} {observed.workload['metadata']['name']}"
    pods = read_pods(reader, observed.workload).all
    watched = WatchedPods(reader, observed, pods, began_with_change=False)
    _require_readable("present config", watched.explain_unread_config(), action_text)
    _require_readable("metrics of the present config", watched.unread_metrics_reason, action_text)
    if observed.config is not None:
        unread_reason = explain_unreachable_metrics(observed.config, METRICS_PORT)
        _require_readable("metrics of the new config", unread_reason, action_text)
    watched.read_pods(pods, 0.0, ())
    samples = list(watched.revision.readings[0].sample_by_pod.values())
    if samples and all(sample.reading is None for sample in samples):
        fix = "Allow `get` on `pods/proxy` and `pods/log` in this namespace, or set `strategy: rolling`."
        wrong = f"the metrics of its pods cannot be read: {samples[0].why}"
        raise Problem(wrong, asked=action_text, where=f"pod {samples[0].pod}", fix=fix)


def _require_readable(part_name: str, unread_reason: str, action_text: str) -> None:
    """Raise Problem if there is a reason why a part, such as the present config, cannot be read."""
    if unread_reason:
        fix = "Serve the metrics to other pods, or set `strategy: rolling`."
        raise Problem(f"the {part_name} cannot be read: {unread_reason}", asked=action_text, fix=fix)


def read_baseline(reader: ClusterReader, observed: Observed, seconds: float = BASELINE_SECONDS) -> RestFacts:
    """Return what the pods of a workload are like before a change that leaves none of them."""
    watched = WatchedPods(reader, observed, read_pods(reader, observed.workload).all, began_with_change=False)
    ports = watched.find_ports_to_try(observed.listeners)
    for reading_time in iterate_poll_times(reader, seconds, reader.cluster.clock()):
        watched.read_pods(read_pods(reader, observed.workload).all, reading_time, ports)
    return build_rest_facts(watched.revision, utc_now(), make_masker(find_secrets(watched.config)))


# ── After the change ──


@dataclass(frozen=True)
class JudgedReading:
    """One reading of the pods, and what is wrong by it."""

    seconds: float
    """How long the pods had been observed."""
    verdicts: list[FailedCheck]
    """The checks that fail, and failed at the reading before too."""
    facts: ComparisonFacts
    """What the checks compared. Its `rest` can be the baseline of a later observation."""


@dataclass(frozen=True)
class ObservationResult:
    """What an observation showed when it ended."""

    last_reading: JudgedReading
    unjudged_check_ids: set[str]
    """The checks for which there was nothing to compare, such as `receiver_silent` if nobody sent data."""
    limits: list[str]
    """What limits the judgement, for the user to read: `no data came in: judged by start and log alone`."""


class WorkloadObservation:
    """The newest pods of a workload (the canary) beside its older ones (the rest), judged reading by reading.

    `alone_since` is the time of the last reading with an older pod; that of the start if there was none.
    """

    def __init__(self, reader: ClusterReader, observed: Observed, checks: Sequence[Check], pods: Pods) -> None:
        self._clock = reader.cluster.clock
        self._canary = WatchedPods(reader, observed, pods.newest, began_with_change=True)
        self._rest = WatchedPods(reader, observed, pods.older, began_with_change=False)
        self._mask = make_masker(find_secrets(self._canary.config) | find_secrets(self._rest.config))
        self._check_ids = [check.id for check in checks]
        self._judge = CanaryJudge(compile_search(ready_expressions={}), checks, self._mask)
        self._ports = self._canary.find_ports_to_try(observed.listeners)
        self._baseline = observed.baseline
        sending_object = pods.newest[0] if pods.newest else observed.workload
        self._destinations = DestinationWatch(reader, self._canary.config, sending_object)
        self.started_at = self._clock()
        self.alone_since = self.started_at

    def judge_reading(self, pods: Pods, current_time: str) -> JudgedReading:
        """Read the pods once, and judge them by this reading and those before."""
        seconds = self._clock() - self.started_at
        self._canary.read_pods(pods.newest, seconds, self._ports)
        if pods.older:
            self._rest.read_pods(pods.older, seconds, self._ports)
            self.alone_since = self.started_at + seconds
        facts = collect_facts(self._canary.revision, self._rest.revision, current_time, self._mask, self._baseline)
        destinations = self._destinations.read_destinations(facts["rest"])
        verdicts = self._judge.find_verdicts({**facts, "ways": destinations})
        return JudgedReading(seconds, verdicts, facts)

    def build_result(self, last_reading: JudgedReading, seconds: float) -> ObservationResult:
        """Return what an observation of so many seconds showed, which ended with `last_reading`."""
        facts = last_reading.facts
        config = self._canary.config
        unseen_texts = [f"{row['what']}: {row['why']}" for row in self._canary.notes.build_rows()]
        return ObservationResult(
            last_reading=last_reading,
            unjudged_check_ids=find_checks_without_data(facts, config, seconds).intersection(self._check_ids),
            limits=[*self._judge.unfit, *describe_data_limits(facts, config, seconds), *unseen_texts],
        )


def observe_pods(
    reader: ClusterReader,
    observed: Observed,
    seconds: float,
    checks: Sequence[Check],
    *,
    now: Callable[[], str] = utc_now,
) -> ObservationResult:
    """Judge the newest pods of a workload for some seconds, or until the first fault that lasts."""
    workload = observed.workload
    observation = WorkloadObservation(reader, observed, checks, read_pods(reader, workload))
    poll_times = iterate_poll_times(reader, seconds, observation.started_at)
    last_reading = _observe_until_fault(observation, lambda: read_pods(reader, workload), poll_times, now)
    return observation.build_result(last_reading, seconds)


def continue_observation(
    reader: ClusterReader, observation: WorkloadObservation, workload: Object, seconds: float
) -> ObservationResult:
    """Judge the pods of an observation that has readings already, until they were alone for some seconds.

    The seconds count from the last reading with an older pod. The first fault that lasts ends the observation too.
    """
    poll_times = iterate_poll_times(reader, seconds, observation.alone_since)
    last_reading = _observe_until_fault(observation, lambda: read_pods(reader, workload), poll_times, utc_now)
    return observation.build_result(last_reading, seconds)


def _observe_until_fault(
    observation: WorkloadObservation,
    read_present_pods: Callable[[], Pods],
    poll_times: Iterator[float],
    now: Callable[[], str],
) -> JudgedReading:
    """Read and judge the pods at each poll time, and return the last reading: the first with a fault that lasts."""
    # There is always a first poll time, so there is always a reading.
    for _seconds_since_start in poll_times:
        reading = observation.judge_reading(read_present_pods(), now())
        if reading.verdicts:
            break
    return reading


def iterate_poll_times(
    reader: ClusterReader, seconds: float, start: float, pause_seconds: float = POLL_SECONDS
) -> Iterator[float]:
    """Yield the seconds since `start`, a time of the cluster's clock, again after each pause, and last at the end."""
    clock = reader.cluster.clock
    yield clock() - start
    while clock() - start < seconds:
        reader.cluster.sleep(min(pause_seconds, max(seconds - (clock() - start), 0.1)))
        yield clock() - start
