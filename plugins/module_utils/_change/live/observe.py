# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watch the pods of a changed collector beside those that run its earlier config, and judge them. Private.

What cannot be read is never good: `require_metrics` stops a change that could not be judged before it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..._collector.options import METRICS_PORT
from ..._diagnose.diagnose_checks import Check
from ..._diagnose.live.dependencies import describe_peers, read_peers_ahead
from ..._diagnose.live.find_collectors import PLURALS
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
from ..canary.canary_places import describe_destinations
from ..canary.hold_times import MARGIN_SECONDS, count_hold_seconds
from ..canary.judge import Judge, Verdict
from ..canary.readings import Revision
from .pod_samples import PodSampler

POLL_SECONDS = 3.0
# Logs and ports of so many pods of each revision are read.
LOG_PODS = 3
_ASKED = "Judge the change of {}"
# The pods of the newest revision of a workload, and those of older ones.
Pods = tuple[list[Object], list[Object]]


class Unreadable(NamedTuple):
    """What of a workload cannot be read, and why; an empty reason if it can."""

    part_name: str
    unread_reason: str


class Observed(NamedTuple):
    """A workload under change, and its new config, which is read from the pods if they show it.

    `baseline` is what the pods were like before the change, for when none of those is left.
    """

    workload: Object
    listeners: Listeners
    config: Mapping[str, Any] | None = None
    baseline: Mapping[str, Any] | None = None


def read_pods(reader: ClusterReader, workload: Object) -> Pods:
    """Return the pods of the newest revision of a workload, and those of older ones, as they are now."""
    return ask_server(f"Read the pods of {ref(workload)}", lambda: _read_pods(reader, workload))


def _read_pods(reader: ClusterReader, workload: Object) -> Pods:
    kind, namespace = workload["kind"], workload["metadata"]["namespace"]
    path = object_path(PLURALS[kind], namespace, workload["metadata"]["name"])
    live = {**(reader.cluster.get(path) or workload), "kind": kind}
    query = _build_selector_query(live)
    revision_plural = "replicasets" if kind == "Deployment" else "controllerrevisions"
    revisions = list(reader.cluster.items(object_path(revision_plural, namespace), query))
    pods = list(reader.cluster.items(object_path("pods", namespace), query))
    owners = [live]
    if kind == "Deployment":
        owners = [revision for revision in revisions if is_owned_by(revision, live)]
    new_pods = select_newest_pods(live, find_newest_revision(live, revisions), pods)
    old_pods: list[Object] = []
    for owner in owners:
        old_pods += select_older_pods(owner, new_pods, pods)
    return new_pods, old_pods


def _build_selector_query(workload: Object) -> dict[str, str]:
    """Return the query for what the selector of a workload selects; for all, if it has none."""
    labels = mapping_at(workload, "spec", "selector", "matchLabels")
    if not labels:
        return {}
    return {"labelSelector": ",".join(f"{key}={value}" for key, value in labels.items())}


class _WatchedPods:
    """The pods of one revision in a cluster."""

    def __init__(self, reader: ClusterReader, observed: Observed, pods: list[Object], *, fresh: bool) -> None:
        new_config = (observed.config or {}) if fresh else {}
        self.sampler = PodSampler(reader, observed.workload, pods, new_config)
        self.config = self.sampler.config
        self.revision = Revision(self.config, observed.listeners, fresh=fresh)
        self.unread_reason, self.notes = self.sampler.unread_reason, self.sampler.notes

    @property
    def hidden_reason(self) -> str:
        """Return why the config cannot be read, or an empty string."""
        if self.config:
            return ""
        reasons = [row["why"] for row in self.notes.build_rows()]
        return "; ".join(reasons) or "it was not found"

    def read_pods(self, pods: list[Object], reading_time: float, ports: Sequence[tuple[str, int]]) -> None:
        """Read the pods that run, all at once."""
        self.revision.add_reading(reading_time, self.sampler.sample_pods(pods, ports, LOG_PODS))

    def find_asked_ports(self, table: Listeners) -> list[tuple[str, int]]:
        """Return the ports that clients use and that answer HTTP; others would take the question for data."""
        component_ports = []
        for listener in find_listeners(self.config, started_parts(self.config), table):
            part = listener.part
            if part is None or part.section != "receivers" or Trait.ANSWERS_HTTP not in traits_of(RECEIVERS, part.id):
                continue
            if listener.is_exposed and listener.protocol == "TCP":
                component_ports.append((part.id, listener.port))
        return list(dict.fromkeys(component_ports))


def require_metrics(reader: ClusterReader, observed: Observed) -> None:
    """Raise Problem if the pods of a workload cannot be judged: before the first write."""
    action_text = _ASKED.format(f"{observed.workload['kind']} {observed.workload['metadata']['name']}")
    pods = _read_all_pods(reader, observed)
    watched = _WatchedPods(reader, observed, pods, fresh=False)
    new_metrics = explain_unreachable_metrics(observed.config, METRICS_PORT) if observed.config is not None else ""
    fix = "Serve the metrics to other pods, or set `strategy: rolling`."
    for unreadable in (
        Unreadable("present config", watched.hidden_reason),
        Unreadable("metrics of the present config", watched.unread_reason),
        Unreadable("metrics of the new config", new_metrics),
    ):
        if unreadable.unread_reason:
            raise Problem(
                f"the {unreadable.part_name} cannot be read: {unreadable.unread_reason}", asked=action_text, fix=fix
            )
    watched.read_pods(pods, 0.0, ())
    samples = list(watched.revision.polls[0].sample_by_pod.values())
    if samples and all(sample.reading is None for sample in samples):
        fix = "Allow `get` on `pods/proxy` and `pods/log` in this namespace, or set `strategy: rolling`."
        wrong = f"the metrics of its pods cannot be read: {samples[0].why}"
        raise Problem(wrong, asked=action_text, where=f"pod {samples[0].pod}", fix=fix)


def read_baseline(reader: ClusterReader, observed: Observed, seconds: float = 18.0) -> dict[str, Any]:
    """Return what the pods of a workload are like before a change, for a change that leaves none of them."""
    watched = _WatchedPods(reader, observed, _read_all_pods(reader, observed), fresh=False)
    ports = watched.find_asked_ports(observed.listeners)
    for reading_time in iterate_poll_times(reader, seconds, reader.cluster.clock()):
        watched.read_pods(_read_all_pods(reader, observed), reading_time, ports)
    return build_rest_facts(watched.revision, utc_now(), make_masker(find_secrets(watched.config)))


def _read_all_pods(reader: ClusterReader, observed: Observed) -> list[Object]:
    new_pods, old_pods = read_pods(reader, observed.workload)
    return [*new_pods, *old_pods]


class Observation:
    """The newest pods of a workload beside its older ones, judged reading by reading.

    `rest` is what the older pods were like, the baseline of a later observation.
    """

    def __init__(self, reader: ClusterReader, observed: Observed, checks: Sequence[Check], pods: Pods) -> None:
        new_pods, old_pods = pods
        self._reader, self._clock = reader, reader.cluster.clock
        self._canary = _WatchedPods(reader, observed, new_pods, fresh=True)
        self._rest = _WatchedPods(reader, observed, old_pods, fresh=False)
        self._mask = make_masker(find_secrets(self._canary.config) | find_secrets(self._rest.config))
        self._checks = [check.id for check in checks]
        self._judge = Judge(compile_search({}), checks, self._mask)
        self._ports = self._canary.find_asked_ports(observed.listeners)
        self._baseline = observed.baseline
        # The object from which connections to peers begin.
        self._sender = new_pods[0] if new_pods else observed.workload
        self._ways: list[PeerRow] = []
        self._facts: dict[str, Any] = {}
        self.started_at = self.alone_since = self._clock()
        self.seconds = 0.0
        self.verdicts: list[Verdict] = []
        self.rest: dict[str, Any] = {}

    def judge_reading(self, pods: Pods, current_time: str) -> list[Verdict]:
        """Read the pods, and return what lasts."""
        new_pods, old_pods = pods
        self.seconds = self._clock() - self.started_at
        self._canary.read_pods(new_pods, self.seconds, self._ports)
        if old_pods:
            self._rest.read_pods(old_pods, self.seconds, self._ports)
            self.alone_since = self.started_at + self.seconds
        facts = collect_facts(self._canary.revision, self._rest.revision, current_time, self._mask, self._baseline)
        self.rest = facts["rest"]
        self._facts = {**facts, "ways": describe_destinations(self._read_destinations(), self.rest)}
        self.verdicts = self._judge.find_verdicts(self._facts)
        return self.verdicts

    def _read_destinations(self) -> list[PeerRow]:
        """Return what the cluster has where the exporters send to; once all lead somewhere, that is not read again."""
        all_lead_somewhere = bool(self._ways) and all(row["state"] == "ok" for row in self._ways)
        if not all_lead_somewhere:
            reader = ClusterReader(self._reader.cluster, self._reader.quick_cluster)
            namespace = str(self._sender["metadata"]["namespace"])
            services = [peer for peer in find_peers(self._canary.config, namespace) if peer.service]
            read_peers_ahead(reader, services)
            self._ways = describe_peers(reader, services, self._sender, find_egress_policies(None, {}), Notes())
        return self._ways

    def find_unjudged_checks(self, seconds: float) -> set[str]:
        """Return the checks that an observation of so many seconds had nothing to compare for."""
        unjudged_ids: set[str] = set()
        if not self._facts["canary"]["received"]:
            unjudged_ids = set(CHECKS_NEEDING_DATA)
        elif count_hold_seconds(self._canary.config) + MARGIN_SECONDS >= seconds:
            unjudged_ids = {"nothing_sent"}
        return unjudged_ids.intersection(self._checks)

    def describe_limits(self, seconds: float) -> list[str]:
        """Return what limits the judgement of so many seconds, for the user to read."""
        canary_received, rest_received = self._facts["canary"]["received"], self._facts["rest"]["received"]
        hold_time = count_hold_seconds(self._canary.config)
        notes = list(self._judge.unfit)
        if not canary_received and not rest_received:
            notes.append("no data came in: judged by start and log alone")
        elif not canary_received:
            notes.append(
                "no data reached the canary, because clients keep their connections to older pods: judged by start,"
                " ports and log alone"
            )
        elif hold_time + MARGIN_SECONDS >= seconds:
            notes.append(
                f"its components may hold data for {round(hold_time)} s: whether it is sent was not judged; set"
                f" `observe_seconds` to more than {round(hold_time + 2 * MARGIN_SECONDS)}"
            )
        for row in self._facts["exports"]:
            fails_in_both = row["failed"] and row["rest_failed"]
            if fails_in_both and not row["failed_excess"]:
                share_text = f"{row['rest_failed']} of {row['rest_offered']} {row['items']}"
                notes.append(f"{row['about']} fails in the rest too ({share_text})")
        return notes + [f"{row['what']}: {row['why']}" for row in self._canary.notes.build_rows()]


def observe_pods(
    reader: ClusterReader,
    observed: Observed,
    seconds: float,
    checks: Sequence[Check],
    *,
    now: Callable[[], str] = utc_now,
    begun: Observation | None = None,
) -> Observation:
    """Judge the newest pods of a workload for some seconds, until the first evidence that lasts.

    An observation that has begun goes on; its seconds count since it has seen no older pod.
    """
    observation = begun or Observation(reader, observed, checks, read_pods(reader, observed.workload))
    start = observation.alone_since if begun else observation.started_at
    for _at in iterate_poll_times(reader, seconds, start):
        if observation.judge_reading(read_pods(reader, observed.workload), now()):
            break
    return observation


def iterate_poll_times(
    reader: ClusterReader, seconds: float, start: float, pause_seconds: float = POLL_SECONDS
) -> Iterator[float]:
    """Yield the seconds since the start, with a pause of so many between, and once more at the end."""
    clock = reader.cluster.clock
    yield clock() - start
    while clock() - start < seconds:
        reader.cluster.sleep(min(pause_seconds, max(seconds - (clock() - start), 0.1)))
        yield clock() - start
