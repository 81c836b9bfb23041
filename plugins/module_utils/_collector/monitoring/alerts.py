# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alerts, as a table. docs/monitoring.md has a section for each, with what to do. Private.

In an expression, `<name>` is a series or a value of the collector, and `<name_of>` the series of one signal: such an
alert is a rule for each signal. `NEW` also sees a counter that began above zero, whose rate is zero.

A cause hides its effects: a receiver that refuses since the memory limiter refuses has no alert of its own. Prometheus
evaluates the rules of a group in their order, so an alert stands behind its causes, which it finds in `ALERTS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..critical.critical_table import CRITICAL_ALERTS
from .alert_row import Alert
from .gpu_rules import GPU_ALERTS, OWN_LABELS, RECORDED
from .series import Parts, Series
from .workload_alerts import WORKLOAD_ALERTS

_FULL = "<exporter_queue_size> / <exporter_queue_capacity> > <queue_share>"
_SEEN = "max by (node) (max_over_time(up{<matchers>}[1h])) unless on (node) up{<matchers>} and on () up{<matchers>}"
_FILLS = "predict_linear(<exporter_queue_size>[10m], <full_within>) > <exporter_queue_capacity>"
_EXPIRES = 'certmanager_certificate_expiration_timestamp_seconds{<names>,<space>="<namespace>"} - time() < 604800'
_AGENTS = 'kube_daemonset_status_desired_number_scheduled{namespace="<namespace>",daemonset="<workload>"}'
# The nodes of the cluster, as kube-state-metrics and as recipe cluster_metrics report them.
_NODES_OF_STATE = "max by (node) (kube_node_info)"
_NODES_OF_CLUSTER = 'max by (node) (label_replace(k8s_node_condition_ready, "node", "$1", "k8s_node_name", "(.+)"))'
_SILENT = 'ALERTS{collector="<name>",alertname="OtelCollectorNodeSilent"}'


def _new(metric: str) -> str:
    """Return by how much a counter grew. One that began above zero counts with its value, if the pod was scraped."""
    begun = f"{metric} unless {metric} offset 5m and on (namespace, pod) up{{<matchers>}} offset 5m == 1"
    return f"({begun}) or rate({metric}[5m])"


def _without_agent(nodes: str) -> str:
    """Return the nodes on which no agent is scraped, while some other is."""
    return f"{nodes} unless on (node) up{{<matchers>}} unless on (node) {_SILENT} and on () up{{<matchers>}}"


def _grows(metric: str, of: str) -> str:
    return f"sum by (namespace, pod, {of}) ({_new(f'<{metric}>')}) > 0"


def _cause(on: str, *names: str, more: str = "") -> str:
    """Return the alerts, pending or firing, that hide another one of the same pod."""
    causes = "|".join(f"OtelCollector{name}" for name in names)
    return f'unless on ({on}) ALERTS{{collector="<name>",alertname=~"{causes}"{more}}}'


_REFUSED = " or ".join(_grows(metric, "receiver") for metric in ("receiver_refused_of", "receiver_failed_of"))
_WHY = _cause("namespace, pod", "MemoryLimited", "ExportFailed", "QueueOverflow", more=',records="<noun>"')
_STOPPED = _cause("namespace, pod, exporter", "ExportStalled", "QueueOverflow")
_SLOW = _cause("namespace, pod, exporter", "ExportStalled", "QueueOverflow", "QueueNearlyFull")
_QUEUED, _ROOM = "<exporter_queue_size_by_signal>", "<exporter_queue_capacity_by_signal>"


def _stalled(held_for: str, quiet_for: str, least: str) -> str:
    """Return the exporters that hold more than the least for some time, and sent nothing for some time.

    Three minutes have the two samples that a rate needs also where Prometheus scrapes each minute, as by default. After
    scrapes that failed there is no rate, so the counter is compared with what it was too.
    """
    held = f"min_over_time({_QUEUED}[{held_for}]) and {_QUEUED} offset {held_for}"
    waiting = f"sum by (namespace, pod, exporter) ({held}) > {least}"
    scraped = "on (namespace, pod) up{<matchers>} == 1"
    sent = "<exporter_sent_of>"
    delivers = f"rate({sent}[{quiet_for}]) > 0 or {sent} != {sent} offset {held_for}"
    return f"(({waiting}) and {scraped}) unless on (namespace, pod, exporter) ({delivers})"


# A queue that fills fast is told when a fifth of it is in use.
_FIFTH = f"0.2 * sum by (namespace, pod, exporter) ({_ROOM})"
_STALLED = f"({_stalled('4m', '3m', '0')}) or ({_stalled('2m', '3m', _FIFTH)})"
_ALREADY = _cause("namespace, pod, exporter", "ExportStalled")
_OVERFLOWN = _cause("namespace, pod, exporter", "QueueOverflow", more=',records="<noun>",alertstate="firing"')


# The page of the collection with a section for each alert; `link` is where a copy of it is.
PAGE = "docs/monitoring.md"
POD = "pod {{ $labels.pod }}"
ALERTS = (
    Alert(
        "OtelCollectorDown",
        (),
        "up{<matchers>} == 0",
        "5m",
        "critical",
        f"Prometheus cannot scrape {POD} of collector <name>.",
        "The pod does not run, does not answer, or its port is closed. Look at it with"
        " `kubectl describe pod -n <namespace> {{ $labels.pod }}`, and run the playbook diagnose.",
    ),
    Alert(
        "OtelCollectorAbsent",
        (),
        "absent(up{<matchers>})",
        "5m",
        "critical",
        "Prometheus knows no pod of collector <name>.",
        "There is no pod, or Prometheus does not select its PodMonitor or annotations. Look at the targets of"
        " Prometheus first, then at the workload.",
    ),
    Alert(
        "OtelCollectorNodeSilent",
        ("daemonset",),
        _SEEN,
        "5m",
        "warning",
        "Node {{ $labels.node }} has lost its agent <name>.",
        "An agent ran on this node within the last hour, and none runs now. If the node is gone, nothing is wrong."
        " Otherwise look at taints, the node selector and evicted pods.",
        without=("kube_state_metrics",),
    ),
    Alert(
        "OtelCollectorNodeSilent",
        ("daemonset", "kube_state_metrics"),
        f"({_SEEN}) and on (node) kube_node_info",
        "5m",
        "warning",
        "Node {{ $labels.node }} has lost its agent <name>.",
        "An agent ran on this node within the last hour, and none runs now. Look at taints, the node selector and"
        " evicted pods.",
    ),
    Alert(
        "OtelCollectorAgentsMissing",
        ("daemonset", "kube_state_metrics"),
        f"max({_AGENTS}) - count(up{{<matchers>}}) > 0",
        "15m",
        "warning",
        "Of collector <name>, {{ $value }} agents are missing.",
        "The DaemonSet wants more pods than Prometheus knows. Compare `kubectl get pods -n <namespace> -o wide` with"
        " the nodes.",
        without=("every_node",),
    ),
    *(
        Alert(
            "OtelCollectorNodeUncovered",
            ("daemonset", "every_node", source),
            _without_agent(nodes),
            "15m",
            "warning",
            "Node {{ $labels.node }} has no agent <name>.",
            "Prometheus scrapes no agent there. See whether the pod is there and runs: `kubectl get pods -n <namespace>"
            " -o wide --field-selector spec.nodeName={{ $labels.node }}`. The playbook diagnose names the reason.",
            without=left_to,
        )
        for source, nodes, left_to in (
            ("kube_state_metrics", _NODES_OF_STATE, ()),
            ("workloads", _NODES_OF_CLUSTER, ("kube_state_metrics",)),
        )
    ),
    Alert(
        "OtelCollectorRestarted",
        (),
        "resets(<process_uptime>[15m]) > 0",
        "0m",
        "warning",
        f"Collector <name> has restarted in {POD}.",
        "What queues in memory held is lost. Read why with `kubectl describe pod -n <namespace> {{ $labels.pod }}`"
        " (OOMKilled, Error, a failed probe), and the log of the process before with"
        " `kubectl logs --previous -n <namespace> {{ $labels.pod }}`.",
    ),
    Alert(
        "OtelCollectorMemoryHigh",
        (),
        "<process_memory_rss> > <memory_share> * <memory_limit>",
        "5m",
        "warning",
        f"Collector <name> uses almost all of its memory in {POD}.",
        "The kernel kills the process at the limit. Raise `memory_limit`, add replicas, or shrink queues and batches.",
    ),
    Alert(
        "OtelCollectorMemoryLimited",
        ("processors/memorylimiter",),
        _grows("processor_memory_limiter_refused_of", "processor"),
        "2m",
        "critical",
        f"The memory limiter of collector <name> refuses <what> in {POD}.",
        "Clients that do not retry lose data. Raise `memory_limit`, add replicas, or find the client that sends more"
        " than before.",
        "processors",
    ),
    Alert(
        "OtelCollectorExportFailed",
        ("exporters",),
        _grows("exporter_send_failed_of", "exporter"),
        "2m",
        "critical",
        f"Exporter {{{{ $labels.exporter }}}} of collector <name> loses <what> in {POD}.",
        "The backend rejects them, or did not take them until the retries ended. Read the log of the pod: a status 401"
        " or 403 is a wrong token, 400 is data that the backend does not accept. 413, `received message after"
        " decompression larger than max` and `MESSAGE_TOO_LARGE` are a request or a record above a limit: set"
        " `sending_queue.batch.max_size`, or `max_recv_msg_size_mib` at the receiver.",
        "exporters",
    ),
    Alert(
        "OtelCollectorExportStalled",
        ("exporters", "queue"),
        f"({_STALLED}) {_OVERFLOWN}",
        "0m",
        "critical",
        f"Exporter {{{{ $labels.exporter }}}} of collector <name> delivers no <what> from {POD}.",
        "The queue is not empty, and nothing was delivered for three minutes: the backend does not answer, or asks to"
        " try later. Nothing is lost until the queue is full. See that the backend runs and can be reached.",
        "exporters",
    ),
    Alert(
        "OtelCollectorQueueOverflow",
        ("exporters", "queue"),
        f"({_grows('exporter_enqueue_failed_of', 'exporter')}) {_ALREADY}",
        "0m",
        "critical",
        f"The queue of exporter {{{{ $labels.exporter }}}} of collector <name> has no room for <what> in {POD}.",
        "The data is lost, or refused to clients that may send it again. See why the backend takes less than arrives.",
        "exporters",
    ),
    Alert(
        "OtelCollectorQueueNearlyFull",
        ("exporters", "queue"),
        f"{_FULL} {_STOPPED}",
        "5m",
        "critical",
        f"The queue of exporter {{{{ $labels.exporter }}}} of collector <name> is almost full in {POD}.",
        "A full queue loses data. See why the backend takes less than arrives. A larger queue only wins time.",
    ),
    Alert(
        "OtelCollectorQueueFillsSoon",
        ("exporters", "queue"),
        f"{_FILLS} {_SLOW}",
        "5m",
        "warning",
        f"The queue of exporter {{{{ $labels.exporter }}}} of collector <name> fills in {POD}.",
        "It grows so fast that it will be full within <full_minutes> minutes. The backend takes less than arrives. See"
        " how fast it answers, add consumers (`sending_queue.num_consumers`) or replicas.",
    ),
    Alert(
        "OtelCollectorRefused",
        ("receivers",),
        f"({_REFUSED}) {_WHY}",
        "5m",
        "warning",
        f"Receiver {{{{ $labels.receiver }}}} of collector <name> refuses <what> in {POD}.",
        "Neither memory limiter nor exporters refuse, so a processor fails or the data is malformed. Read the log of"
        " the pod.",
        "receivers",
    ),
    Alert(
        "OtelCollectorDropped",
        ("processors/tailsampling",),
        _grows("processor_tail_sampling_sampling_trace_dropped_too_early", "processor"),
        "2m",
        "warning",
        f"Tail sampling of collector <name> drops traces before it decides in {POD}.",
        "More traces wait than `num_traces` allows. Raise it with the memory limit, or shorten `decision_wait`.",
    ),
    Alert(
        "OtelCollectorDropped",
        ("processors", "dropped"),
        _grows("processor_dropped_of", "processor"),
        "2m",
        "warning",
        f"Processor {{{{ $labels.processor }}}} of collector <name> drops <what> in {POD}.",
        "Read the log of the pod: it names what the processor cannot handle.",
        "processors",
    ),
    Alert(
        "OtelCollectorConfigOutdated",
        ("config_hash",),
        'up{<matchers>,config_hash!="",config_hash!="<config_hash>"}',
        "30m",
        "warning",
        f"{POD.capitalize()} of collector <name> does not run the config that was applied last.",
        "It runs {{ $labels.config_hash }} instead of <config_hash>: a rollout does not go on, or somebody changed the"
        " workload. Run the playbook site again.",
    ),
    Alert(
        "OtelCollectorCertificateExpires",
        ("certificates",),
        " or ".join(_EXPIRES.replace("<space>", label) for label in ("namespace", "exported_namespace")),
        "1h",
        "critical",
        "Certificate {{ $labels.name }} of collector <name> expires within a week.",
        "cert-manager should have renewed it. Read `kubectl describe certificate -n <namespace> {{ $labels.name }}`.",
    ),
    *WORKLOAD_ALERTS,
    *GPU_ALERTS,
    *CRITICAL_ALERTS,
)
NAMES = tuple(dict.fromkeys(alert.name for alert in ALERTS))


def rules(series: Series, parts: Parts, facts: frozenset[str], link: str, labels: dict[str, str]) -> Iterator[Any]:
    """Yield the rules for what a collector has, as Prometheus takes them."""
    for alert in ALERTS:
        if not facts.issuperset(alert.needs) or facts.intersection(alert.without):
            continue
        nouns = parts.nouns(alert.kind) if alert.kind else ("",)
        for noun in nouns:
            yield _rule(alert, series, noun, link, labels)


def recorded(series: Series, facts: frozenset[str]) -> Iterator[dict[str, Any]]:
    """Yield the rules that record series, which alerts behind them ask for."""
    for row in RECORDED:
        if facts.issuperset(row.needs):
            yield {"record": row.name, "expr": series.filled(row.expr)}


def _rule(alert: Alert, series: Series, noun: str, link: str, labels: dict[str, str]) -> dict[str, Any]:
    told = {"summary": alert.summary, "description": alert.description}
    what = noun.replace("_", " ")
    more = {key: value for key, value in labels.items() if alert not in GPU_ALERTS or key not in OWN_LABELS}
    source = {"source": alert.source} if alert.source else {}
    return {
        "alert": alert.name,
        "expr": series.filled(alert.expr, noun),
        "for": alert.wait,
        "labels": {**more, "severity": alert.severity, **({"records": noun} if noun else {})},
        "annotations": {
            **{key: series.filled(text.replace("<what>", what)) for key, text in told.items()},
            ("runbook_url" if link else "runbook"): f"{link or PAGE}#{alert.name.lower()}",
            **source,
        },
    }
