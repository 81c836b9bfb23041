# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alerts, as a table. docs/monitoring.md has a section for each, with what to do. Private.

In an expression, `<name>` is a series or a value of the collector, and `<name_of>` the series of one signal: such an
alert is a rule for each signal. `alert_expressions.py` has what several alerts need, and what is long.

A cause hides its effects: a receiver that refuses since the memory limiter refuses has no alert of its own. Prometheus
evaluates the rules of a group in their order, so an alert stands behind its causes, which it finds in `ALERTS`. The one
pair that hides each other is OtelCollectorExportStalled and OtelCollectorQueueOverflow: the first that fires stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..critical.critical_table import CRITICAL_ALERTS
from .alert_expressions import (
    AGENTS_OF_DAEMONSET,
    CERTIFICATE_EXPIRES,
    EXPORTER_IS_STALLED,
    NODE_LOST_ITS_AGENT,
    NODES_OF_CLUSTER,
    NODES_OF_STATE,
    QUEUE_FILLS_SOON,
    QUEUE_IS_NEARLY_FULL,
    RECEIVER_REFUSES,
    UNLESS_MEMORY_OR_EXPORT,
    UNLESS_OVERFLOW_FIRES,
    UNLESS_QUEUE_IS_TOLD,
    UNLESS_STALLED,
    UNLESS_STALLED_OR_OVERFLOWN,
    counter_grows,
    nodes_without_agent,
)
from .alert_row import Alert
from .gpu_rules import GPU_ALERTS, GPU_SERIES_LABELS, RECORDING_RULES
from .series import CollectorSeries, Parts
from .workload_alerts import WORKLOAD_ALERTS

# The page of the collection with a section for each alert; `link` is where a copy of it is.
ALERTS_PAGE = "docs/monitoring.md"
POD = "pod {{ $labels.pod }}"
ALERTS = (
    Alert(
        name="OtelCollectorDown",
        needed_facts=(),
        expr="up{<matchers>} == 0",
        wait_duration="5m",
        severity="critical",
        summary=f"Prometheus cannot scrape {POD} of collector <name>.",
        description=(
            "The pod does not run, does not answer, or its port is closed. Look at it with `kubectl describe pod -n"
            " <namespace> {{ $labels.pod }}`, and run the playbook diagnose."
        ),
    ),
    Alert(
        name="OtelCollectorAbsent",
        needed_facts=(),
        expr="absent(up{<matchers>})",
        wait_duration="5m",
        severity="critical",
        summary="Prometheus knows no pod of collector <name>.",
        description=(
            "There is no pod, or Prometheus does not select its PodMonitor or annotations. Look at the targets of"
            " Prometheus first, then at the workload."
        ),
    ),
    Alert(
        name="OtelCollectorNodeSilent",
        needed_facts=("daemonset",),
        expr=NODE_LOST_ITS_AGENT,
        wait_duration="5m",
        severity="warning",
        summary="Node {{ $labels.node }} has lost its agent <name>.",
        description=(
            "An agent ran on this node within the last hour, and none runs now. If the node is gone, nothing is wrong."
            " Otherwise look at taints, the node selector and evicted pods."
        ),
        excluding_facts=("kube_state_metrics",),
    ),
    Alert(
        name="OtelCollectorNodeSilent",
        needed_facts=("daemonset", "kube_state_metrics"),
        expr=f"({NODE_LOST_ITS_AGENT}) and on (node) kube_node_info",
        wait_duration="5m",
        severity="warning",
        summary="Node {{ $labels.node }} has lost its agent <name>.",
        description=(
            "An agent ran on this node within the last hour, and none runs now. Look at taints, the node selector and"
            " evicted pods."
        ),
    ),
    Alert(
        name="OtelCollectorAgentsMissing",
        needed_facts=("daemonset", "kube_state_metrics"),
        expr=f"max({AGENTS_OF_DAEMONSET}) - count(up{{<matchers>}}) > 0",
        wait_duration="15m",
        severity="warning",
        summary="Of collector <name>, {{ $value }} agents are missing.",
        description=(
            "The DaemonSet wants more pods than Prometheus knows. Compare `kubectl get pods -n <namespace> -o wide`"
            " with the nodes."
        ),
        excluding_facts=("every_node",),
    ),
    *(
        Alert(
            name="OtelCollectorNodeUncovered",
            needed_facts=("daemonset", "every_node", source),
            expr=nodes_without_agent(nodes),
            wait_duration="15m",
            severity="warning",
            summary="Node {{ $labels.node }} has no agent <name>.",
            description=(
                "Prometheus scrapes no agent there. See whether the pod is there and runs: `kubectl get pods -n"
                " <namespace> -o wide --field-selector spec.nodeName={{ $labels.node }}`. The playbook diagnose names"
                " the reason."
            ),
            excluding_facts=left_to,
        )
        for source, nodes, left_to in (
            ("kube_state_metrics", NODES_OF_STATE, ()),
            ("workloads", NODES_OF_CLUSTER, ("kube_state_metrics",)),
        )
    ),
    Alert(
        name="OtelCollectorRestarted",
        needed_facts=(),
        expr="resets(<process_uptime>[15m]) > 0",
        wait_duration="0m",
        severity="warning",
        summary=f"Collector <name> has restarted in {POD}.",
        description=(
            "What queues in memory held is lost. Read why with `kubectl describe pod -n <namespace> {{ $labels.pod }}`"
            " (OOMKilled, Error, a failed probe), and the log of the process before with `kubectl logs --previous -n"
            " <namespace> {{ $labels.pod }}`."
        ),
    ),
    Alert(
        name="OtelCollectorMemoryHigh",
        needed_facts=(),
        expr="<process_memory_rss> > <memory_share> * <memory_limit>",
        wait_duration="5m",
        severity="warning",
        summary=f"Collector <name> uses almost all of its memory in {POD}.",
        description=(
            "This is the resident memory that the process tells of itself. The kernel kills it at the limit, and counts"
            " also what it keeps for sockets and volumes in memory. Raise `memory_limit`, add replicas, or shrink"
            " queues and batches."
        ),
    ),
    Alert(
        name="OtelCollectorMemoryLimited",
        needed_facts=("processors/memorylimiter",),
        expr=counter_grows("processor_memory_limiter_refused_of", "processor"),
        wait_duration="2m",
        severity="critical",
        summary=f"The memory limiter of collector <name> refuses <what> in {POD}.",
        description=(
            "Clients that do not retry lose data. Raise `memory_limit`, add replicas, or find the client that sends"
            " more than before."
        ),
        kind="processors",
    ),
    Alert(
        name="OtelCollectorExportFailed",
        needed_facts=("exporters",),
        expr=counter_grows("exporter_send_failed_of", "exporter"),
        wait_duration="2m",
        severity="critical",
        summary=f"Exporter {{{{ $labels.exporter }}}} of collector <name> loses <what> in {POD}.",
        description=(
            "The backend rejects them, or did not take them until the retries ended. Read the log of the pod: a status"
            " 401 or 403 is a wrong token, 400 is data that the backend does not accept. 413, `received message after"
            " decompression larger than max` and `MESSAGE_TOO_LARGE` are a request or a record above a limit: set"
            " `sending_queue.batch.max_size`, or `max_recv_msg_size_mib` at the receiver."
        ),
        kind="exporters",
    ),
    Alert(
        name="OtelCollectorExportStalled",
        needed_facts=("exporters", "queue"),
        expr=f"({EXPORTER_IS_STALLED}) {UNLESS_OVERFLOW_FIRES}",
        wait_duration="0m",
        severity="critical",
        summary=f"Exporter {{{{ $labels.exporter }}}} of collector <name> delivers no <what> from {POD}.",
        description=(
            "The queue is not empty, and nothing was delivered for three minutes: the backend does not answer, or asks"
            " to try later. Nothing is lost until the queue is full. See that the backend runs and can be reached."
        ),
        kind="exporters",
    ),
    Alert(
        name="OtelCollectorQueueOverflow",
        needed_facts=("exporters", "queue"),
        expr=f"({counter_grows('exporter_enqueue_failed_of', 'exporter')}) {UNLESS_STALLED}",
        wait_duration="0m",
        severity="critical",
        summary=(
            f"The queue of exporter {{{{ $labels.exporter }}}} of collector <name> has no room for <what> in {POD}."
        ),
        description=(
            "The data is lost, or refused to clients that may send it again. See why the backend takes less than"
            " arrives."
        ),
        kind="exporters",
    ),
    Alert(
        name="OtelCollectorQueueNearlyFull",
        needed_facts=("exporters", "queue"),
        expr=f"{QUEUE_IS_NEARLY_FULL} {UNLESS_STALLED_OR_OVERFLOWN}",
        wait_duration="5m",
        severity="critical",
        summary=f"The queue of exporter {{{{ $labels.exporter }}}} of collector <name> is almost full in {POD}.",
        description=(
            "A full queue loses data. See why the backend takes less than arrives. A larger queue only wins time."
        ),
    ),
    Alert(
        name="OtelCollectorQueueFillsSoon",
        needed_facts=("exporters", "queue"),
        expr=f"{QUEUE_FILLS_SOON} {UNLESS_QUEUE_IS_TOLD}",
        wait_duration="5m",
        severity="warning",
        summary=f"The queue of exporter {{{{ $labels.exporter }}}} of collector <name> fills in {POD}.",
        description=(
            "It grows so fast that it will be full within <full_minutes> minutes. The backend takes less than arrives."
            " See how fast it answers, add consumers (`sending_queue.num_consumers`) or replicas."
        ),
    ),
    Alert(
        name="OtelCollectorRefused",
        needed_facts=("receivers",),
        expr=f"({RECEIVER_REFUSES}) {UNLESS_MEMORY_OR_EXPORT}",
        wait_duration="5m",
        severity="warning",
        summary=f"Receiver {{{{ $labels.receiver }}}} of collector <name> refuses <what> in {POD}.",
        description=(
            "Neither memory limiter nor exporters refuse, so a processor fails or the data is malformed. Read the log"
            " of the pod."
        ),
        kind="receivers",
    ),
    Alert(
        name="OtelCollectorDropped",
        needed_facts=("processors/tailsampling",),
        expr=counter_grows("processor_tail_sampling_sampling_trace_dropped_too_early", "processor"),
        wait_duration="2m",
        severity="warning",
        summary=f"Tail sampling of collector <name> drops traces before it decides in {POD}.",
        description=(
            "More traces wait than `num_traces` allows. Raise it with the memory limit, or shorten `decision_wait`."
        ),
    ),
    Alert(
        name="OtelCollectorDropped",
        needed_facts=("processors", "dropped"),
        expr=counter_grows("processor_dropped_of", "processor"),
        wait_duration="2m",
        severity="warning",
        summary=f"Processor {{{{ $labels.processor }}}} of collector <name> drops <what> in {POD}.",
        description="Read the log of the pod: it names what the processor cannot handle.",
        kind="processors",
    ),
    Alert(
        name="OtelCollectorConfigOutdated",
        needed_facts=("config_hash",),
        expr='up{<matchers>,config_hash!="",config_hash!="<config_hash>"}',
        wait_duration="30m",
        severity="warning",
        summary=f"{POD.capitalize()} of collector <name> does not run the config that was applied last.",
        description=(
            "It runs {{ $labels.config_hash }} instead of <config_hash>: a rollout does not go on, or somebody changed"
            " the workload. Run the playbook site again."
        ),
    ),
    Alert(
        name="OtelCollectorCertificateExpires",
        needed_facts=("certificates",),
        expr=CERTIFICATE_EXPIRES,
        wait_duration="1h",
        severity="critical",
        summary="Certificate {{ $labels.name }} of collector <name> expires within a week.",
        description=(
            "cert-manager should have renewed it. Read `kubectl describe certificate -n <namespace> {{ $labels.name"
            " }}`."
        ),
    ),
    *WORKLOAD_ALERTS,
    *GPU_ALERTS,
    *CRITICAL_ALERTS,
)
ALERT_NAMES = tuple(dict.fromkeys(alert.name for alert in ALERTS))


def list_alert_rules(
    series: CollectorSeries, parts: Parts, facts: frozenset[str], page_url: str, labels: dict[str, str]
) -> Iterator[Any]:
    """Yield the rules for what a collector has, as Prometheus takes them."""
    for alert in ALERTS:
        if not facts.issuperset(alert.needed_facts) or facts.intersection(alert.excluding_facts):
            continue
        nouns = parts.list_nouns(alert.kind) if alert.kind else ("",)
        for noun in nouns:
            yield _render_rule(alert, series, noun, page_url, labels)


def list_recording_rules(series: CollectorSeries, facts: frozenset[str]) -> Iterator[dict[str, Any]]:
    """Yield the rules that record series, which alerts behind them ask for."""
    for recording in RECORDING_RULES:
        if facts.issuperset(recording.needed_facts):
            yield {"record": recording.name, "expr": series.fill_in(recording.expr)}


def _render_rule(
    alert: Alert, series: CollectorSeries, noun: str, page_url: str, labels: dict[str, str]
) -> dict[str, Any]:
    """Return an alert as a rule; `noun` is the signal that it is about, empty for one about all signals."""
    rule_labels = _select_labels(alert, labels) | {"severity": alert.severity}
    if noun:
        rule_labels["records"] = noun
    signal_words = noun.replace("_", " ")
    annotations = {
        "summary": series.fill_in(alert.summary.replace("<what>", signal_words)),
        "description": series.fill_in(alert.description.replace("<what>", signal_words)),
        ("runbook_url" if page_url else "runbook"): f"{page_url or ALERTS_PAGE}#{alert.name.lower()}",
    }
    if alert.source:
        annotations["source"] = alert.source
    return {
        "alert": alert.name,
        "expr": series.fill_in(alert.expr, noun),
        "for": alert.wait_duration,
        "labels": rule_labels,
        "annotations": annotations,
    }


def _select_labels(alert: Alert, labels: dict[str, str]) -> dict[str, str]:
    """Return the labels that every rule gets, without those that the series of a GPU alert have themselves."""
    if alert not in GPU_ALERTS:
        return dict(labels)
    return {key: value for key, value in labels.items() if key not in GPU_SERIES_LABELS}
