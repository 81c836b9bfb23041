# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions in PromQL for the table of alerts in `collector_alerts.py`: those that are long or that several need.

Each name says what the expression finds: `EXPORTER_IS_STALLED`. In an expression,

- `<process_uptime>` and other `<name>` stand for a series or a value of the collector, and `<exporter_sent_of>` and
  other `<name_of>` for the series of one signal: `CollectorSeries.fill_in` fills them in;
- `<COUNTER>` and other marks in capitals are filled in by the functions of this file.

In PromQL, `and` and `unless` bind equally, from the left: `a unless b unless c and d` is
`((a unless b) unless c) and d`. `or` binds less. Private.
"""

from __future__ import annotations

# ── Nodes and their agents ──

# A node of the last hour is no longer scraped, while some other is.
NODE_LOST_ITS_AGENT = (
    "max by (node) (max_over_time(up{<matchers>}[1h])) unless on (node) up{<matchers>} and on () up{<matchers>}"
)
AGENTS_OF_DAEMONSET = 'kube_daemonset_status_desired_number_scheduled{namespace="<namespace>",daemonset="<workload>"}'
# The nodes of the cluster, as kube-state-metrics and as recipe cluster_metrics report them.
NODES_OF_STATE = "max by (node) (kube_node_info)"
NODES_OF_CLUSTER = 'max by (node) (label_replace(k8s_node_condition_ready, "node", "$1", "k8s_node_name", "(.+)"))'
_NODES_WITHOUT_AGENT = (
    "<NODES>"
    " unless on (node) up{<matchers>}"
    ' unless on (node) ALERTS{collector="<name>",alertname="OtelCollectorNodeSilent"}'
    " and on () up{<matchers>}"
)


def nodes_without_agent(nodes: str) -> str:
    """Return the nodes on which no agent is scraped, while some other is, and for which NodeSilent does not fire.

    `nodes` is the expression for all nodes: NODES_OF_STATE or NODES_OF_CLUSTER.
    """
    return _NODES_WITHOUT_AGENT.replace("<NODES>", nodes)


# ── Counters of failures ──

# A counter that began above zero counts with its value, if the pod was scraped before.
_COUNTER_GROWS = (
    "sum by (namespace, pod, <LABEL>) ("
    "(<COUNTER> unless <COUNTER> offset 5m and on (namespace, pod) up{<matchers>} offset 5m == 1)"
    " or rate(<COUNTER>[5m])"
    ") > 0"
)


def counter_grows(metric: str, label: str) -> str:
    """Return the pods and components whose counter has grown within five minutes.

    `label` names the kind of component, such as `exporter`. Example: `exporter_send_failed_of` and `exporter` are

        sum by (namespace, pod, exporter) ((<exporter_send_failed_of> unless <exporter_send_failed_of> offset 5m
        and on (namespace, pod) up{<matchers>} offset 5m == 1) or rate(<exporter_send_failed_of>[5m])) > 0
    """
    return _COUNTER_GROWS.replace("<COUNTER>", f"<{metric}>").replace("<LABEL>", label)


# Newer versions of the Collector count what fails inside of it apart from what it refuses.
RECEIVER_REFUSES = (
    f"{counter_grows('receiver_refused_of', 'receiver')} or {counter_grows('receiver_failed_of', 'receiver')}"
)

# ── Queues of exporters ──

QUEUE_IS_NEARLY_FULL = "<exporter_queue_size> / <exporter_queue_capacity> > <queue_share>"
QUEUE_FILLS_SOON = "predict_linear(<exporter_queue_size>[10m], <full_within>) > <exporter_queue_capacity>"
# The exporters whose queue has held more than a threshold for some time, such as `4m`, and that sent nothing.
# Three minutes have the two samples that a rate needs also where Prometheus scrapes each minute, as by default. After
# scrapes that failed there is no rate, so the counter is compared with what it was too.
_EXPORTER_IS_STALLED = (
    "((sum by (namespace, pod, exporter) ("
    "min_over_time(<exporter_queue_size_by_signal>[<TIME>]) and <exporter_queue_size_by_signal> offset <TIME>"
    ") > <THRESHOLD>) and on (namespace, pod) up{<matchers>} == 1)"
    " unless on (namespace, pod, exporter) ("
    "rate(<exporter_sent_of>[3m]) > 0 or <exporter_sent_of> != <exporter_sent_of> offset <TIME>"
    ")"
)
_HOLDS_DATA_FOR_LONG = _EXPORTER_IS_STALLED.replace("<TIME>", "4m").replace("<THRESHOLD>", "0")
# A queue that fills fast is told earlier: when a fifth of it is in use.
_FILLS_FAST = _EXPORTER_IS_STALLED.replace("<TIME>", "2m").replace(
    "<THRESHOLD>", "0.2 * sum by (namespace, pod, exporter) (<exporter_queue_capacity_by_signal>)"
)
EXPORTER_IS_STALLED = f"({_HOLDS_DATA_FOR_LONG}) or ({_FILLS_FAST})"

# ── Causes ──

# The end of an expression that hides an alert while others of the same collector, its causes, are pending or fire.
UNLESS_MEMORY_OR_EXPORT = (
    'unless on (namespace, pod) ALERTS{collector="<name>",'
    'alertname=~"OtelCollectorMemoryLimited|OtelCollectorExportFailed|OtelCollectorQueueOverflow",records="<noun>"}'
)
UNLESS_STALLED_OR_OVERFLOWN = (
    'unless on (namespace, pod, exporter) ALERTS{collector="<name>",'
    'alertname=~"OtelCollectorExportStalled|OtelCollectorQueueOverflow"}'
)
UNLESS_QUEUE_IS_TOLD = (
    'unless on (namespace, pod, exporter) ALERTS{collector="<name>",'
    'alertname=~"OtelCollectorExportStalled|OtelCollectorQueueOverflow|OtelCollectorQueueNearlyFull"}'
)
# Of ExportStalled and QueueOverflow, the first that fires hides the other one. So one alert alone is told of a queue
# that is full since nothing is sent. Prometheus evaluates ExportStalled first. So ExportStalled sees QueueOverflow as
# it was at the last evaluation, and must ask whether it fired for the same signal. QueueOverflow sees ExportStalled as
# it is now.
UNLESS_STALLED = (
    'unless on (namespace, pod, exporter) ALERTS{collector="<name>",alertname=~"OtelCollectorExportStalled"}'
)
UNLESS_OVERFLOW_FIRES = (
    'unless on (namespace, pod, exporter) ALERTS{collector="<name>",'
    'alertname=~"OtelCollectorQueueOverflow",records="<noun>",alertstate="firing"}'
)

# ── Certificates ──

# 604800 seconds are a week. The namespace of a certificate has another label where Prometheus adds its own to the
# series of cert-manager. `<certificate_matcher>` selects the collector's certificates, such as `name=~"gateway-tls"`.
CERTIFICATE_EXPIRES = (
    'certmanager_certificate_expiration_timestamp_seconds{<certificate_matcher>,namespace="<namespace>"}'
    " - time() < 604800"
    ' or certmanager_certificate_expiration_timestamp_seconds{<certificate_matcher>,exported_namespace="<namespace>"}'
    " - time() < 604800"
)
