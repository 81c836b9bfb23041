# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watch the pods of a changed collector beside those that run its earlier config, and judge them. Private.

`canary.py` calls this for a change with strategy `canary`:

1. `require_metrics`, before the first write. It stops a change whose pods could not be judged.
2. `read_baseline`, before the first write too, if the change leaves no pod with the earlier config.
3. `observe_pods`, or an `WorkloadObservation` that it asks reading by reading, when pods with the change run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..._collector.options import METRICS_PORT
from ..._diagnose.diagnose_checks import Check
from ..._diagnose.live.find_collectors import PLURALS
from ..._diagnose.live.peers_in_cluster import describe_peers, read_peers_ahead
from ..._diagnose.live.reader import ClusterReader, Notes, Object, object_path, utc_now
from ..._diagnose.peer_state import PeerRow
from ..._kube.live.api_errors import ask_server
from ..._otelcol.catalogue.port_rows import Listeners
from ..._otelcol.config.config_secrets import find_secrets
from ..._otelcol.config.masking import make_masker
from ..._otelcol.config.paths import mapping_at
from ..._otelcol.errors import Problem
from ..._otelcol.kube.network_policies import find_egress_policies
from ..._otelcol.kube.objects import ref
from ..._otelcol.needs.listeners import find_listeners, started_parts
from ..._otelcol.needs.peers import find_peers
from ..._otelcol.traits import RECEIVERS, Trait, traits_of
from ..._rollout.failures import find_newest_revision, is_owned_by, select_newest_pods, select_older_pods
from ..._rollout.live.jmespath_search import compile_search
from ..._telemetry.metrics import explain_unreachable_metrics
from ..canary.canary_checks import CHECKS_NEEDING_DATA
from ..canary.canary_facts import build_rest_facts, collect_facts
from ..canary.canary_places import DestinationRow, describe_destinations
from ..canary.fact_rows import ComparisonFacts, RestFacts
from ..canary.hold_times import MARGIN_SECONDS, count_hold_seconds
from ..canary.judge import CanaryJudge, FailedCheck
from ..canary.readings import ReceiverPort, Revision
from .pod_samples import PodSampler

# The pause between two readings.
POLL_SECONDS = 3.0
# For how long the pods are read that no pod with the earlier config can be compared with later: seven readings.
BASELINE_SECONDS = 18.0
# Logs and ports of so many pods of each revision are read.
LOG_PODS = 3


class Pods(NamedTuple):
    """The pods of a workload: those of its newest revision, and those of older ones."""

    newest: list[Object]
    older: list[Object]

    @property
    def all(self) -> list[Object]:
        """All pods, the newest first."""
        return [*self.newest, *self.older]


class Observed(NamedTuple):
    """A workload under change."""

    workload: Object
    listeners: Listeners
    config: Mapping[str, Any] | None = None
    """Its new config, for pods that do not show theirs; None if it is not known."""
    baseline: Mapping[str, Any] | None = None
    """The `RestFacts` of before the change, for when no pod with the earlier config is left."""


def read_pods(reader: ClusterReader, workload: Object) -> Pods:
    """Return the pods of the newest revision of a workload, and those of older ones, as they are now."""
    return ask_server(f"Read the pods of {ref(workload)}", lambda: _read_pods(reader, workload))


def _read_pods(reader: ClusterReader, workload: Object) -> Pods:
    """Return the pods as `read_pods` does. Raises ApiError."""
    kind, namespace = workload["kind"], workload["metadata"]["namespace"]
    path = object_path(PLURALS[kind], namespace, workload["metadata"]["name"])
    live = {**(reader.cluster.get(path) or workload), "kind": kind}
    query = _build_selector_query(live)
    revision_plural = "replicasets" if kind == "Deployment" else "controllerrevisions"
    revisions = list(reader.cluster.items(object_path(revision_plural, namespace), query))
    pods = list(reader.cluster.items(object_path("pods", namespace), query))
    # A Deployment owns its pods by its ReplicaSets.
    owners = [live]
    if kind == "Deployment":
        owners = [revision for revision in revisions if is_owned_by(revision, live)]
    newest_pods = select_newest_pods(live, find_newest_revision(live, revisions), pods)
    older_pods: list[Object] = []
    for owner in owners:
        older_pods += select_older_pods(owner, newest_pods, pods)
    return Pods(newest_pods, older_pods)


def _build_selector_query(workload: Object) -> dict[str, str]:
    """Return the query for the objects with the labels of a workload's selector; without a selector, for all."""
    labels = mapping_at(workload, "spec", "selector", "matchLabels")
    if not labels:
        return {}
    return {"labelSelector": ",".join(f"{key}={value}" for key, value in labels.items())}


class _WatchedPods:
    """The pods of one revision in a cluster. With `fresh`, they began with the change and run the new config."""

    def __init__(self, reader: ClusterReader, observed: Observed, pods: list[Object], *, fresh: bool) -> None:
        new_config = (observed.config or {}) if fresh else {}
        self._sampler = PodSampler(reader, observed.workload, pods, new_config)
        self.config = self._sampler.config
        self.revision = Revision(self.config, observed.listeners, fresh=fresh)
        self.unread_metrics_reason, self.notes = self._sampler.unread_reason, self._sampler.notes

    def explain_unread_config(self) -> str:
        """Return why the config of the pods cannot be read, or an empty string."""
        if self.config:
            return ""
        reasons = [row["why"] for row in self.notes.build_rows()]
        return "; ".join(reasons) or "it was not found"

    def read_pods(self, pods: list[Object], reading_time: float, ports: Sequence[ReceiverPort]) -> None:
        """Read the running pods, all at once, and try their ports."""
        self.revision.add_reading(reading_time, self._sampler.sample_pods(pods, ports, LOG_PODS))

    def find_ports_to_try(self, listeners: Listeners) -> list[ReceiverPort]:
        """Return the ports of receivers that other pods use and that answer HTTP.

        A request tries them. A receiver of another protocol would take the request for data.
        """
        ports: list[ReceiverPort] = []
        for listener in find_listeners(self.config, started_parts(self.config), listeners):
            part = listener.part
            if part is None or part.section != "receivers" or Trait.ANSWERS_HTTP not in traits_of(RECEIVERS, part.id):
                continue
            if listener.is_exposed and listener.protocol == "TCP":
                ports.append(ReceiverPort(part.id, listener.port))
        return list(dict.fromkeys(ports))


# ── Before the change ──


def require_metrics(reader: ClusterReader, observed: Observed) -> None:
    """Raise Problem if the pods of a workload could not be judged. Called before the first write."""
    action_text = f"Judge the change of {observed.workload['kind']} {observed.workload['metadata']['name']}"
    pods = read_pods(reader, observed.workload).all
    watched = _WatchedPods(reader, observed, pods, fresh=False)
    _require_readable("present config", watched.explain_unread_config(), action_text)
    _require_readable("metrics of the present config", watched.unread_metrics_reason, action_text)
    if observed.config is not None:
        unread_reason = explain_unreachable_metrics(observed.config, METRICS_PORT)
        _require_readable("metrics of the new config", unread_reason, action_text)
    watched.read_pods(pods, 0.0, ())
    samples = list(watched.revision.polls[0].sample_by_pod.values())
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
    watched = _WatchedPods(reader, observed, read_pods(reader, observed.workload).all, fresh=False)
    ports = watched.find_ports_to_try(observed.listeners)
    for reading_time in iterate_poll_times(reader, seconds, reader.cluster.clock()):
        watched.read_pods(read_pods(reader, observed.workload).all, reading_time, ports)
    return build_rest_facts(watched.revision, utc_now(), make_masker(find_secrets(watched.config)))


# ── After the change ──


class WorkloadObservation:
    """The newest pods of a workload beside its older ones, judged reading by reading."""

    def __init__(self, reader: ClusterReader, observed: Observed, checks: Sequence[Check], pods: Pods) -> None:
        self._reader, self._clock = reader, reader.cluster.clock
        self._canary = _WatchedPods(reader, observed, pods.newest, fresh=True)
        self._rest = _WatchedPods(reader, observed, pods.older, fresh=False)
        self._mask = make_masker(find_secrets(self._canary.config) | find_secrets(self._rest.config))
        self._check_ids = [check.id for check in checks]
        self._judge = CanaryJudge(compile_search({}), checks, self._mask)
        self._ports = self._canary.find_ports_to_try(observed.listeners)
        self._baseline = observed.baseline
        # The object from which connections to peers begin.
        self._sender = pods.newest[0] if pods.newest else observed.workload
        # What the cluster has where the exporters send to, as it was read last.
        self._peer_rows: list[PeerRow] = []
        # The facts of the last reading.
        self._facts: ComparisonFacts | None = None
        # Since when no older pod has been read.
        self.alone_since = self.started_at = self._clock()
        # How long the pods had been observed at the last reading, and what it found.
        self.seconds = 0.0
        self.verdicts: list[FailedCheck] = []

    @property
    def facts(self) -> ComparisonFacts:
        """The facts of the last reading; there is one after `judge_reading`. Their `rest` is a later baseline."""
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
        unjudged_ids: set[str] = set()
        if not self.facts["canary"]["received"]:
            unjudged_ids = set(CHECKS_NEEDING_DATA)
        elif self._may_hold_all_data(seconds):
            unjudged_ids = {"nothing_sent"}
        return unjudged_ids.intersection(self._check_ids)

    def _may_hold_all_data(self, seconds: float) -> bool:
        """Return whether components may still hold what came in since the start of an observation."""
        return count_hold_seconds(self._canary.config) + MARGIN_SECONDS >= seconds

    def describe_limits(self, seconds: float) -> list[str]:
        """Return what limits the judgement of so many seconds, for the user to read."""
        notes = list(self._judge.unfit)
        data_note = self._describe_missing_data(seconds)
        if data_note:
            notes.append(data_note)
        for row in self.facts["exports"]:
            fails_in_both = row["failed"] and row["rest_failed"]
            if fails_in_both and not row["failed_excess"]:
                share_text = f"{row['rest_failed']} of {row['rest_offered']} {row['items']}"
                notes.append(f"{row['about']} fails in the rest too ({share_text})")
        return notes + [f"{row['what']}: {row['why']}" for row in self._canary.notes.build_rows()]

    def _describe_missing_data(self, seconds: float) -> str:
        """Return which data was missing for a judgement of so many seconds; empty if none was."""
        canary_received, rest_received = self.facts["canary"]["received"], self.facts["rest"]["received"]
        if not canary_received and not rest_received:
            return "no data came in: judged by start and log alone"
        if not canary_received:
            return (
                "no data reached the canary, because clients keep their connections to older pods: judged by start,"
                " ports and log alone"
            )
        if self._may_hold_all_data(seconds):
            hold_seconds = count_hold_seconds(self._canary.config)
            return (
                f"its components may hold data for {round(hold_seconds)} s: whether it is sent was not judged; set"
                f" `observe_seconds` to more than {round(hold_seconds + 2 * MARGIN_SECONDS)}"
            )
        return ""


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
