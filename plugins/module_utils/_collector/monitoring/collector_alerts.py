# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alerts about a collector itself, as a table. docs/monitoring.md has a section for each, with what to do. Private.

`alerts.py` renders the rows of this table: `alert_row.py` says what each field means. `alert_expressions.py` has the
expressions that several alerts need, and those that are long. Prometheus fills in `{{ $labels.pod }}` when an alert
fires.

A cause hides its effects: a receiver that refuses data because the memory limiter refuses it has no alert of its own.
Prometheus evaluates rules in their order. So the rows are in the order of causes: an alert stands behind its causes,
whose state it reads from the series `ALERTS`. The one pair that hides each other is OtelCollectorExportStalled and
OtelCollectorQueueOverflow: the first that fires stays.

Several rows may have the same name. The features of NodeSilent and NodeUncovered let a collector have one of their rows
at most, by the metrics that its cluster has. OtelCollectorDropped has a row for each counter of dropped data.
"""

from __future__ import annotations

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
    UNLESS_ANY_QUEUE_ALERT,
    UNLESS_MEMORY_OR_EXPORT,
    UNLESS_OVERFLOW_FIRES,
    UNLESS_STALLED,
    UNLESS_STALLED_OR_OVERFLOWN,
    counter_grows,
    nodes_without_agent,
)
from .alert_row import Alert

_UNCOVERED_DESCRIPTION = (
    "Prometheus scrapes no agent there. See whether the pod is there and runs: `kubectl get pods -n <namespace> -o wide"
    " --field-selector spec.nodeName={{ $labels.node }}`. The playbook diagnose names the reason."
)

COLLECTOR_ALERTS = (
    Alert(
        name="OtelCollectorDown",
        needed_features=(),
        expr="up{<matchers>} == 0",
        wait_duration="5m",
        severity="critical",
        summary="Prometheus cannot scrape pod {{ $labels.pod }} of collector <name>.",
        description=(
            "The pod does not run, does not answer, or its port is closed. Look at it with `kubectl describe pod -n"
            " <namespace> {{ $labels.pod }}`, and run the playbook diagnose."
        ),
    ),
    Alert(
        name="OtelCollectorAbsent",
        needed_features=(),
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
        needed_features=("daemonset",),
        expr=NODE_LOST_ITS_AGENT,
        wait_duration="5m",
        severity="warning",
        summary="Node {{ $labels.node }} has lost its agent <name>.",
        description=(
            "An agent ran on this node within the last hour, and none runs now. If the node is gone, nothing is wrong."
            " Otherwise look at taints, the node selector and evicted pods."
        ),
        excluding_features=("kube_state_metrics",),
    ),
    Alert(
        name="OtelCollectorNodeSilent",
        needed_features=("daemonset", "kube_state_metrics"),
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
        needed_features=("daemonset", "kube_state_metrics"),
        expr=f"max by (namespace) ({AGENTS_OF_DAEMONSET}) - count by (namespace) (up{{<matchers>}}) > 0",
        wait_duration="15m",
        severity="warning",
        summary="Of collector <name>, {{ $value }} agents are missing.",
        description=(
            "The DaemonSet wants more pods than Prometheus knows. Compare `kubectl get pods -n <namespace> -o wide`"
            " with the nodes."
        ),
        excluding_features=("every_node",),
    ),
    # The cluster has the metric of its nodes from kube-state-metrics, or else from recipe cluster_metrics.
    Alert(
        name="OtelCollectorNodeUncovered",
        needed_features=("daemonset", "every_node", "kube_state_metrics"),
        expr=nodes_without_agent(NODES_OF_STATE),
        wait_duration="15m",
        severity="warning",
        summary="Node {{ $labels.node }} has no agent <name>.",
        description=_UNCOVERED_DESCRIPTION,
    ),
    Alert(
        name="OtelCollectorNodeUncovered",
        needed_features=("daemonset", "every_node", "workloads"),
        expr=nodes_without_agent(NODES_OF_CLUSTER),
        wait_duration="15m",
        severity="warning",
        summary="Node {{ $labels.node }} has no agent <name>.",
        description=_UNCOVERED_DESCRIPTION,
        excluding_features=("kube_state_metrics",),
    ),
    Alert(
        name="OtelCollectorRestarted",
        needed_features=(),
        expr="resets(<process_uptime>[15m]) > 0",
        wait_duration="0m",
        severity="warning",
        summary="Collector <name> has restarted in pod {{ $labels.pod }}.",
        description=(
            "What queues in memory held is lost. Read why with `kubectl describe pod -n <namespace> {{ $labels.pod }}`"
            " (OOMKilled, Error, a failed probe), and the log of the process before with `kubectl logs --previous -n"
            " <namespace> {{ $labels.pod }}`."
        ),
    ),
    Alert(
        name="OtelCollectorMemoryHigh",
        needed_features=(),
        expr="<process_memory_rss> > <memory_share> * <memory_limit>",
        wait_duration="5m",
        severity="warning",
        summary="Collector <name> uses almost all of its memory in pod {{ $labels.pod }}.",
        description=(
            "This is the resident memory that the process tells of itself. The kernel kills it at the limit, and counts"
            " also what it keeps for sockets and volumes in memory. Raise `memory_limit`, add replicas, or shrink"
            " queues and batches."
        ),
    ),
    Alert(
        name="OtelCollectorMemoryLimited",
        needed_features=("processors/memorylimiter",),
        expr=counter_grows("processor_memory_limiter_refused_of", "processor"),
        wait_duration="2m",
        severity="critical",
        summary="The memory limiter of collector <name> refuses <what> in pod {{ $labels.pod }}.",
        description=(
            "Clients that do not retry lose data. Raise `memory_limit`, add replicas, or find the client that sends"
            " more than before."
        ),
        component_kind="processors",
    ),
    Alert(
        name="OtelCollectorExportFailed",
        needed_features=("exporters",),
        expr=counter_grows("exporter_send_failed_of", "exporter"),
        wait_duration="2m",
        severity="critical",
        summary="Exporter {{ $labels.exporter }} of collector <name> loses <what> in pod {{ $labels.pod }}.",
        description=(
            "The backend rejects them, or did not take them until the retries ended. Read the log of the pod: a status"
            " 401 or 403 is a wrong token, 400 is data that the backend does not accept. 413, `received message after"
            " decompression larger than max` and `MESSAGE_TOO_LARGE` are a request or a record above a limit: set"
            " `sending_queue.batch.max_size`, or `max_recv_msg_size_mib` at the receiver."
        ),
        component_kind="exporters",
    ),
    Alert(
        name="OtelCollectorExportStalled",
        needed_features=("exporters", "queue"),
        expr=f"({EXPORTER_IS_STALLED}) {UNLESS_OVERFLOW_FIRES}",
        wait_duration="0m",
        severity="critical",
        summary="Exporter {{ $labels.exporter }} of collector <name> delivers no <what> from pod {{ $labels.pod }}.",
        description=(
            "The queue is not empty, and nothing was delivered for three minutes: the backend does not answer, or asks"
            " to try later. Nothing is lost until the queue is full. See that the backend runs and can be reached."
        ),
        component_kind="exporters",
    ),
    Alert(
        name="OtelCollectorQueueOverflow",
        needed_features=("exporters", "queue"),
        expr=f"({counter_grows('exporter_enqueue_failed_of', 'exporter')}) {UNLESS_STALLED}",
        wait_duration="0m",
        severity="critical",
        summary=(
            "The queue of exporter {{ $labels.exporter }} of collector <name> has no room for <what>"
            " in pod {{ $labels.pod }}."
        ),
        description=(
            "The data is lost, or refused to clients that may send it again. See why the backend takes less than"
            " arrives."
        ),
        component_kind="exporters",
    ),
    Alert(
        name="OtelCollectorQueueNearlyFull",
        needed_features=("exporters", "queue"),
        expr=f"{QUEUE_IS_NEARLY_FULL} {UNLESS_STALLED_OR_OVERFLOWN}",
        wait_duration="5m",
        severity="critical",
        summary=(
            "The queue of exporter {{ $labels.exporter }} of collector <name> is almost full in pod {{ $labels.pod }}."
        ),
        description=(
            "A full queue loses data. See why the backend takes less than arrives. A larger queue only wins time."
        ),
    ),
    Alert(
        name="OtelCollectorQueueFillsSoon",
        needed_features=("exporters", "queue"),
        expr=f"{QUEUE_FILLS_SOON} {UNLESS_ANY_QUEUE_ALERT}",
        wait_duration="5m",
        severity="warning",
        summary="The queue of exporter {{ $labels.exporter }} of collector <name> fills in pod {{ $labels.pod }}.",
        description=(
            "It grows so fast that it will be full within <full_minutes> minutes. The backend takes less than arrives."
            " See how fast it answers, add consumers (`sending_queue.num_consumers`) or replicas."
        ),
    ),
    Alert(
        name="OtelCollectorRefused",
        needed_features=("receivers",),
        expr=f"({RECEIVER_REFUSES}) {UNLESS_MEMORY_OR_EXPORT}",
        wait_duration="5m",
        severity="warning",
        summary="Receiver {{ $labels.receiver }} of collector <name> refuses <what> in pod {{ $labels.pod }}.",
        description=(
            "Neither memory limiter nor exporters refuse, so a processor fails or the data is malformed. Read the log"
            " of the pod."
        ),
        component_kind="receivers",
    ),
    Alert(
        name="OtelCollectorDropped",
        needed_features=("processors/tailsampling",),
        expr=counter_grows("processor_tail_sampling_sampling_trace_dropped_too_early", "processor"),
        wait_duration="2m",
        severity="warning",
        summary="Tail sampling of collector <name> drops traces before it decides in pod {{ $labels.pod }}.",
        description=(
            "More traces wait than `num_traces` allows. Raise it with the memory limit, or shorten `decision_wait`."
        ),
    ),
    Alert(
        name="OtelCollectorDropped",
        needed_features=("processors", "dropped"),
        expr=counter_grows("processor_dropped_of", "processor"),
        wait_duration="2m",
        severity="warning",
        summary="Processor {{ $labels.processor }} of collector <name> drops <what> in pod {{ $labels.pod }}.",
        description="Read the log of the pod: it names what the processor cannot handle.",
        component_kind="processors",
    ),
    Alert(
        name="OtelCollectorConfigOutdated",
        needed_features=("config_hash",),
        expr='up{<matchers>,config_hash!="",config_hash!="<config_hash>"}',
        wait_duration="30m",
        severity="warning",
        summary="Pod {{ $labels.pod }} of collector <name> does not run the config that was applied last.",
        description=(
            "It runs {{ $labels.config_hash }} instead of <config_hash>: a rollout does not go on, or somebody changed"
            " the workload. Run the playbook site again."
        ),
    ),
    Alert(
        name="OtelCollectorCertificateExpires",
        needed_features=("certificates",),
        expr=CERTIFICATE_EXPIRES,
        wait_duration="1h",
        severity="critical",
        summary="Certificate {{ $labels.name }} of collector <name> expires within a week.",
        description=(
            "cert-manager should have renewed it. Read `kubectl describe certificate -n <namespace> {{ $labels.name"
            " }}`."
        ),
    ),
)
