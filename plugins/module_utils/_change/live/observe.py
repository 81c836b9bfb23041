# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watch the pods of a changed collector beside those that run its earlier config, and judge them. Private.

`canary.py` calls this for a change with strategy `canary`:

1. `require_metrics`, before the first write. It stops a change whose pods could not be judged.
2. `read_baseline`, before the first write too, if the change leaves no pod with the earlier config.
3. `observe_pods`, when pods with the change run. It reads all pods every three seconds, and ends with the first fault
   that lasts, or after `observe_seconds`. Its result, a `WorkloadObservation`, has the faults and what limits them.

While the other pods follow, `canary.py` itself asks a `WorkloadObservation` for reading after reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ..._collector.options import METRICS_PORT
from ..._diagnose.diagnose_checks import Check
from ..._diagnose.live.peers_in_cluster import describe_peers, read_peers_ahead
from ..._diagnose.live.reader import ClusterReader, Notes, utc_now
from ..._diagnose.peer_state import PeerRow
from ..._otelcol.config.config_secrets import find_secrets
from ..._otelcol.config.masking import make_masker
from ..._otelcol.errors import Problem
from ..._otelcol.kube.network_policies import find_egress_policies
from ..._otelcol.needs.peers import find_peers
from ..._rollout.live.jmespath_search import compile_search
from ..._telemetry.metrics_address import explain_unreachable_metrics
from ..canary.canary_destinations import DestinationRow, describe_destinations
from ..canary.canary_facts import build_rest_facts, collect_facts
from ..canary.fact_rows import ComparisonFacts, RestFacts
from ..canary.judge import CanaryJudge, FailedCheck
from ..canary.judgement_limits import describe_data_limits, find_checks_without_data
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


class WorkloadObservation:
    """The newest pods of a workload (the canary) beside its older ones (the rest), judged reading by reading.

    After each `judge_reading`, `seconds`, `verdicts` and `facts` are those of that reading.
    """

    def __init__(self, reader: ClusterReader, observed: Observed, checks: Sequence[Check], pods: Pods) -> None:
        self._reader, self._clock = reader, reader.cluster.clock
        self._canary = WatchedPods(reader, observed, pods.newest, began_with_change=True)
        self._rest = WatchedPods(reader, observed, pods.older, began_with_change=False)
        self._mask = make_masker(find_secrets(self._canary.config) | find_secrets(self._rest.config))
        self._check_ids = [check.id for check in checks]
        self._judge = CanaryJudge(compile_search({}), checks, self._mask)
        self._ports = self._canary.find_ports_to_try(observed.listeners)
        self._baseline = observed.baseline
        # The object from which connections to peers begin.
        self._sender = pods.newest[0] if pods.newest else observed.workload
        # What the cluster has where the exporters send to, as it was read last.
        self._peer_rows: list[PeerRow] = []
        # The facts of the last reading; None before the first one.
        self._facts: ComparisonFacts | None = None
        self.started_at = self._clock()
        # The time of the last reading with an older pod; that of the start if there was none.
        self.alone_since = self.started_at
        # How long the pods had been observed at the last reading, and the faults that last.
        self.seconds = 0.0
        self.verdicts: list[FailedCheck] = []

    @property
    def facts(self) -> ComparisonFacts:
        """The facts of the last reading. Raises ValueError before the first one. Their `rest` is a later baseline."""
        if self._facts is None:
            raise ValueError
        return self._facts

    def judge_reading(self, pods: Pods, current_time: str) -> list[FailedCheck]:
        """Read the pods once, and return the faults that last."""
        self.seconds = self._clock() - self.started_at
        self._canary.read_pods(pods.newest, self.seconds, self._ports)
        if pods.older:
            self._rest.read_pods(pods.older, self.seconds, self._ports)
            self.alone_since = self.started_at + self.seconds
        facts = collect_facts(self._canary.revision, self._rest.revision, current_time, self._mask, self._baseline)
        self._facts = facts
        self.verdicts = self._judge.find_verdicts({**facts, "ways": self._describe_destinations(facts["rest"])})
        return self.verdicts

    def _describe_destinations(self, rest_facts: RestFacts) -> list[DestinationRow]:
        """Return where the exporters send to. Once all addresses lead somewhere, the cluster is not asked again."""
        all_lead_somewhere = bool(self._peer_rows) and all(row["state"] == "ok" for row in self._peer_rows)
        if not all_lead_somewhere:
            self._peer_rows = self._read_peers()
        return describe_destinations(self._peer_rows, rest_facts)

    def _read_peers(self) -> list[PeerRow]:
        """Return what the cluster has now at each Service that an exporter sends to."""
        # A reader keeps what it has read, so each look takes a new one.
        new_reader = ClusterReader(self._reader.cluster, self._reader.quick_cluster)
        namespace = str(self._sender["metadata"]["namespace"])
        service_peers = [peer for peer in find_peers(self._canary.config, namespace) if peer.service]
        read_peers_ahead(new_reader, service_peers)
        no_policies = find_egress_policies(None, {})
        return describe_peers(new_reader, service_peers, self._sender, no_policies, Notes())

    def find_unjudged_checks(self, seconds: float) -> set[str]:
        """Return the ids of the checks for which an observation of so many seconds had nothing to compare."""
        return find_checks_without_data(self.facts, self._canary.config, seconds).intersection(self._check_ids)

    def describe_limits(self, seconds: float) -> list[str]:
        """Return what limits the judgement of so many seconds, for the user to read."""
        unseen_texts = [f"{row['what']}: {row['why']}" for row in self._canary.notes.build_rows()]
        return [
            *self._judge.unfit,
            *describe_data_limits(self.facts, self._canary.config, seconds),
            *unseen_texts,
        ]


def observe_pods(
    reader: ClusterReader,
    observed: Observed,
    seconds: float,
    checks: Sequence[Check],
    *,
    now: Callable[[], str] = utc_now,
    begun: WorkloadObservation | None = None,
) -> WorkloadObservation:
    """Judge the newest pods of a workload for some seconds, or until the first fault that lasts.

    The observation `begun` goes on; then the seconds count from the last reading with an older pod.
    """
    observation = begun or WorkloadObservation(reader, observed, checks, read_pods(reader, observed.workload))
    start = observation.alone_since if begun else observation.started_at
    for _seconds_since_start in iterate_poll_times(reader, seconds, start):
        if observation.judge_reading(read_pods(reader, observed.workload), now()):
            break
    return observation


def iterate_poll_times(
    reader: ClusterReader, seconds: float, start: float, pause_seconds: float = POLL_SECONDS
) -> Iterator[float]:
    """Yield the seconds since `start`, a time of the cluster's clock, again after each pause, and last at the end."""
    clock = reader.cluster.clock
    yield clock() - start
    while clock() - start < seconds:
        reader.cluster.sleep(min(pause_seconds, max(seconds - (clock() - start), 0.1)))
        yield clock() - start
