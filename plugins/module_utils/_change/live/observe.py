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
from ..._diagnose.live.dependencies import peer_facts, read_peers
from ..._diagnose.live.find_collectors import PLURALS
from ..._diagnose.live.reader import ClusterReader, Notes, Object, path_of, utc_now
from ..._kube.live.api_errors import asking
from ..._otelcol.catalogue.port_rows import Listeners
from ..._otelcol.config.config_secrets import secrets_in
from ..._otelcol.config.masking import masker
from ..._otelcol.config.paths import section
from ..._otelcol.errors import Problem
from ..._otelcol.kube.network_policies import policies_to
from ..._otelcol.kube.objects import ref
from ..._otelcol.needs.listeners import listeners, started_parts
from ..._otelcol.needs.peers import peers
from ..._otelcol.traits import RECEIVERS, Trait, traits_of
from ..._rollout.failures import newest, newest_pods, older_pods, owned
from ..._rollout.live.jmespath_search import checked_search
from ..._telemetry.metrics import unserved
from ..canary.canary_checks import NEED_DATA
from ..canary.canary_facts import facts_of, rest_facts
from ..canary.canary_places import ways_of
from ..canary.hold_times import MARGIN, hold_seconds
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

    what: str
    why: str


class Observed(NamedTuple):
    """A workload under change, and its new config, which is read from the pods if they show it.

    `baseline` is what the pods were like before the change, for when none of those is left.
    """

    workload: Object
    listeners: Listeners
    config: Mapping[str, Any] | None = None
    baseline: Mapping[str, Any] | None = None


def pods_of(reader: ClusterReader, workload: Object) -> Pods:
    """Return the pods of the newest revision of a workload, and those of older ones, as they are now."""
    return asking(f"Read the pods of {ref(workload)}", lambda: _pods_of(reader, workload))


def _pods_of(reader: ClusterReader, workload: Object) -> Pods:
    kind, namespace = workload["kind"], workload["metadata"]["namespace"]
    path = path_of(PLURALS[kind], namespace, workload["metadata"]["name"])
    live = {**(reader.cluster.get(path) or workload), "kind": kind}
    query = _selecting(live)
    revision_plural = "replicasets" if kind == "Deployment" else "controllerrevisions"
    revisions = list(reader.cluster.items(path_of(revision_plural, namespace), query))
    pods = list(reader.cluster.items(path_of("pods", namespace), query))
    owners = [live]
    if kind == "Deployment":
        owners = [revision for revision in revisions if owned(revision, live)]
    new = newest_pods(live, newest(live, revisions), pods)
    old: list[Object] = []
    for owner in owners:
        old += older_pods(owner, new, pods)
    return new, old


def _selecting(workload: Object) -> dict[str, str]:
    """Return the query for what the selector of a workload selects; for all, if it has none."""
    labels = section(workload, "spec", "selector", "matchLabels")
    if not labels:
        return {}
    return {"labelSelector": ",".join(f"{key}={value}" for key, value in labels.items())}


class _Watched:
    """The pods of one revision in a cluster."""

    def __init__(self, reader: ClusterReader, observed: Observed, pods: list[Object], *, fresh: bool) -> None:
        new_config = (observed.config or {}) if fresh else {}
        self.sampler = PodSampler(reader, observed.workload, pods, new_config)
        self.config = self.sampler.config
        self.revision = Revision(self.config, observed.listeners, fresh=fresh)
        self.why, self.notes = self.sampler.why, self.sampler.notes

    @property
    def hidden(self) -> str:
        """Return why the config cannot be read, or an empty string."""
        if self.config:
            return ""
        reasons = [row["why"] for row in self.notes.rows()]
        return "; ".join(reasons) or "it was not found"

    def read(self, pods: list[Object], at: float, ports: Sequence[tuple[str, int]]) -> None:
        """Read the pods that run, all at once."""
        self.revision.add(at, self.sampler.samples(pods, ports, LOG_PODS))

    def ports(self, table: Listeners) -> list[tuple[str, int]]:
        """Return the ports that clients use and that answer HTTP; others would take the question for data."""
        ports = []
        for listener in listeners(self.config, started_parts(self.config), table):
            part = listener.part
            if part is None or part.section != "receivers" or Trait.ANSWERS_HTTP not in traits_of(RECEIVERS, part.id):
                continue
            if listener.exposed and listener.protocol == "TCP":
                ports.append((part.id, listener.port))
        return list(dict.fromkeys(ports))


def require_metrics(reader: ClusterReader, observed: Observed) -> None:
    """Raise Problem if the pods of a workload cannot be judged: before the first write."""
    asked = _ASKED.format(f"{observed.workload['kind']} {observed.workload['metadata']['name']}")
    pods = _all_pods(reader, observed)
    watched = _Watched(reader, observed, pods, fresh=False)
    new_metrics = unserved(observed.config, METRICS_PORT) if observed.config is not None else ""
    fix = "Serve the metrics to other pods, or set `strategy: rolling`."
    for unreadable in (
        Unreadable("present config", watched.hidden),
        Unreadable("metrics of the present config", watched.why),
        Unreadable("metrics of the new config", new_metrics),
    ):
        if unreadable.why:
            raise Problem(f"the {unreadable.what} cannot be read: {unreadable.why}", asked=asked, fix=fix)
    watched.read(pods, 0.0, ())
    samples = list(watched.revision.polls[0].samples.values())
    if samples and all(sample.reading is None for sample in samples):
        fix = "Allow `get` on `pods/proxy` and `pods/log` in this namespace, or set `strategy: rolling`."
        wrong = f"the metrics of its pods cannot be read: {samples[0].why}"
        raise Problem(wrong, asked=asked, where=f"pod {samples[0].pod}", fix=fix)


def baseline(reader: ClusterReader, observed: Observed, seconds: float = 18.0) -> dict[str, Any]:
    """Return what the pods of a workload are like before a change, for a change that leaves none of them."""
    watched = _Watched(reader, observed, _all_pods(reader, observed), fresh=False)
    ports = watched.ports(observed.listeners)
    for at in times(reader, seconds, reader.cluster.clock()):
        watched.read(_all_pods(reader, observed), at, ports)
    return rest_facts(watched.revision, utc_now(), masker(secrets_in(watched.config)))


def _all_pods(reader: ClusterReader, observed: Observed) -> list[Object]:
    new, old = pods_of(reader, observed.workload)
    return [*new, *old]


class Observation:
    """The newest pods of a workload beside its older ones, judged reading by reading.

    `rest` is what the older pods were like, the baseline of a later observation.
    """

    def __init__(self, reader: ClusterReader, observed: Observed, checks: Sequence[Check], pods: Pods) -> None:
        new, old = pods
        self._reader, self._clock = reader, reader.cluster.clock
        self._canary = _Watched(reader, observed, new, fresh=True)
        self._rest = _Watched(reader, observed, old, fresh=False)
        self._mask = masker(secrets_in(self._canary.config) | secrets_in(self._rest.config))
        self._checks = [check.id for check in checks]
        self._judge = Judge(checked_search({}), checks, self._mask)
        self._ports = self._canary.ports(observed.listeners)
        self._baseline = observed.baseline
        # The object from which connections to peers begin.
        self._sender = new[0] if new else observed.workload
        self._ways: list[dict[str, Any]] = []
        self._facts: dict[str, Any] = {}
        self.since = self.alone_since = self._clock()
        self.seconds = 0.0
        self.verdicts: list[Verdict] = []
        self.rest: dict[str, Any] = {}

    def read(self, pods: Pods, now: str) -> list[Verdict]:
        """Read the pods, and return what lasts."""
        new, old = pods
        self.seconds = self._clock() - self.since
        self._canary.read(new, self.seconds, self._ports)
        if old:
            self._rest.read(old, self.seconds, self._ports)
            self.alone_since = self.since + self.seconds
        facts = facts_of(self._canary.revision, self._rest.revision, now, self._mask, self._baseline)
        self.rest = facts["rest"]
        self._facts = {**facts, "ways": ways_of(self._ways_now(), self.rest)}
        self.verdicts = self._judge.verdicts(self._facts)
        return self.verdicts

    def _ways_now(self) -> list[dict[str, Any]]:
        """Return what the cluster has where the exporters send to; once all lead somewhere, that is not read again."""
        all_lead_somewhere = bool(self._ways) and all(row["state"] == "ok" for row in self._ways)
        if not all_lead_somewhere:
            reader = ClusterReader(self._reader.cluster, self._reader.quick_cluster)
            namespace = str(self._sender["metadata"]["namespace"])
            services = [peer for peer in peers(self._canary.config, namespace) if peer.service]
            read_peers(reader, services)
            self._ways = peer_facts(reader, services, self._sender, policies_to(None, {}), Notes())
        return self._ways

    def unjudged(self, seconds: float) -> set[str]:
        """Return the checks that an observation of so many seconds had nothing to compare for."""
        unjudged: set[str] = set()
        if not self._facts["canary"]["received"]:
            unjudged = set(NEED_DATA)
        elif hold_seconds(self._canary.config) + MARGIN >= seconds:
            unjudged = {"nothing_sent"}
        return unjudged.intersection(self._checks)

    def notes(self, seconds: float) -> list[str]:
        """Return what limits the judgement of so many seconds, for the user to read."""
        came, before = self._facts["canary"]["received"], self._facts["rest"]["received"]
        holds = hold_seconds(self._canary.config)
        notes = list(self._judge.unfit)
        if not came and not before:
            notes.append("no data came in: judged by start and log alone")
        elif not came:
            notes.append(
                "no data reached the canary, because clients keep their connections to older pods: judged by start,"
                " ports and log alone"
            )
        elif holds + MARGIN >= seconds:
            notes.append(
                f"its components may hold data for {round(holds)} s: whether it is sent was not judged; set"
                f" `observe_seconds` to more than {round(holds + 2 * MARGIN)}"
            )
        for row in self._facts["exports"]:
            fails_in_both = row["failed"] and row["rest_failed"]
            if fails_in_both and not row["failed_excess"]:
                share = f"{row['rest_failed']} of {row['rest_offered']} {row['items']}"
                notes.append(f"{row['about']} fails in the rest too ({share})")
        return notes + [f"{row['what']}: {row['why']}" for row in self._canary.notes.rows()]


def observe(
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
    observation = begun or Observation(reader, observed, checks, pods_of(reader, observed.workload))
    start = observation.alone_since if begun else observation.since
    for _at in times(reader, seconds, start):
        if observation.read(pods_of(reader, observed.workload), now()):
            break
    return observation


def times(reader: ClusterReader, seconds: float, start: float, pause: float = POLL_SECONDS) -> Iterator[float]:
    """Yield the seconds since the start, with a pause of so many between, and once more at the end."""
    clock = reader.cluster.clock
    yield clock() - start
    while clock() - start < seconds:
        reader.cluster.sleep(min(pause, max(seconds - (clock() - start), 0.1)))
        yield clock() - start
