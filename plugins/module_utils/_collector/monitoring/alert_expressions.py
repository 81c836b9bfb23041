# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions in PromQL for the alerts in `alerts.py`: each name says what the expression finds. Private.

In them, `<name>` is a series or a value of the collector, and `<name_of>` the series of one signal. `Series.fill_in`
fills them in.

In PromQL, `and` and `unless` bind equally, from the left: `a unless b unless c and d` is
`((a unless b) unless c) and d`. `or` binds less.
"""

from __future__ import annotations

QUEUE_IS_NEARLY_FULL = "<exporter_queue_size> / <exporter_queue_capacity> > <queue_share>"
QUEUE_FILLS_SOON = "predict_linear(<exporter_queue_size>[10m], <full_within>) > <exporter_queue_capacity>"
# A node of the last hour is no longer scraped, while some other is.
NODE_LOST_ITS_AGENT = (
    "max by (node) (max_over_time(up{<matchers>}[1h])) unless on (node) up{<matchers>} and on () up{<matchers>}"
)
AGENTS_OF_DAEMONSET = 'kube_daemonset_status_desired_number_scheduled{namespace="<namespace>",daemonset="<workload>"}'
# The nodes of the cluster, as kube-state-metrics and as recipe cluster_metrics report them.
NODES_OF_STATE = "max by (node) (kube_node_info)"
NODES_OF_CLUSTER = 'max by (node) (label_replace(k8s_node_condition_ready, "node", "$1", "k8s_node_name", "(.+)"))'
_NODE_IS_SILENT = 'ALERTS{collector="<name>",alertname="OtelCollectorNodeSilent"}'
# 604800 seconds are a week.
_CERTIFICATE_EXPIRES = (
    'certmanager_certificate_expiration_timestamp_seconds{<names>,<space>="<namespace>"} - time() < 604800'
)
# The namespace of a certificate has another label where Prometheus adds its own to the series of cert-manager.
CERTIFICATE_EXPIRES = " or ".join(
    _CERTIFICATE_EXPIRES.replace("<space>", label) for label in ("namespace", "exported_namespace")
)


def nodes_without_agent(nodes: str) -> str:
    """Return the nodes on which no agent is scraped, while some other is, and which are not told as silent."""
    return f"{nodes} unless on (node) up{{<matchers>}} unless on (node) {_NODE_IS_SILENT} and on () up{{<matchers>}}"


def counter_grows(metric: str, part: str) -> str:
    """Return the pods and parts, such as an `exporter`, whose counter has grown within five minutes."""
    return f"sum by (namespace, pod, {part}) ({_measure_growth(f'<{metric}>')}) > 0"


def _measure_growth(metric: str) -> str:
    """Return by how much a counter grew. One that began above zero counts with its value, if the pod was scraped."""
    new_counters = f"{metric} unless {metric} offset 5m and on (namespace, pod) up{{<matchers>}} offset 5m == 1"
    return f"({new_counters}) or rate({metric}[5m])"


RECEIVER_REFUSES = " or ".join(
    counter_grows(metric, "receiver") for metric in ("receiver_refused_of", "receiver_failed_of")
)


def _unless_alerts(labels: str, *alert_names: str, extra_matchers: str = "") -> str:
    """Return the end of an expression that hides an alert while others of the same collector are pending or fire."""
    causes = "|".join(f"OtelCollector{name}" for name in alert_names)
    return f'unless on ({labels}) ALERTS{{collector="<name>",alertname=~"{causes}"{extra_matchers}}}'


_SAME_EXPORTER = "namespace, pod, exporter"
UNLESS_MEMORY_OR_EXPORT = _unless_alerts(
    "namespace, pod", "MemoryLimited", "ExportFailed", "QueueOverflow", extra_matchers=',records="<noun>"'
)
UNLESS_STALLED_OR_OVERFLOWN = _unless_alerts(_SAME_EXPORTER, "ExportStalled", "QueueOverflow")
UNLESS_QUEUE_IS_TOLD = _unless_alerts(_SAME_EXPORTER, "ExportStalled", "QueueOverflow", "QueueNearlyFull")
# Of ExportStalled and QueueOverflow, the first that fires hides the other one. So one alert alone is told of a queue
# that is full since nothing is sent. Prometheus evaluates ExportStalled first. So ExportStalled sees QueueOverflow as
# it was at the last evaluation, and must ask whether it fired for the same signal. QueueOverflow sees ExportStalled as
# it is now.
UNLESS_STALLED = _unless_alerts(_SAME_EXPORTER, "ExportStalled")
UNLESS_OVERFLOW_FIRES = _unless_alerts(
    _SAME_EXPORTER, "QueueOverflow", extra_matchers=',records="<noun>",alertstate="firing"'
)
_QUEUE_SIZE, _QUEUE_CAPACITY = "<exporter_queue_size_by_signal>", "<exporter_queue_capacity_by_signal>"


def _select_stalled_exporters(held_for: str, silent_for: str, threshold: str) -> str:
    """Return the exporters whose queue held more than a threshold for some time, and that sent nothing for some time.

    `held_for` and `silent_for` are durations of PromQL, and `threshold` is an expression. Three minutes have the two
    samples that a rate needs also where Prometheus scrapes each minute, as by default. After scrapes that failed there
    is no rate, so the counter is compared with what it was too.
    """
    held_size = f"min_over_time({_QUEUE_SIZE}[{held_for}]) and {_QUEUE_SIZE} offset {held_for}"
    holds_data = f"sum by (namespace, pod, exporter) ({held_size}) > {threshold}"
    is_scraped = "on (namespace, pod) up{<matchers>} == 1"
    sent_counter = "<exporter_sent_of>"
    delivers = f"rate({sent_counter}[{silent_for}]) > 0 or {sent_counter} != {sent_counter} offset {held_for}"
    return f"(({holds_data}) and {is_scraped}) unless on (namespace, pod, exporter) ({delivers})"


# A queue that fills fast is told when a fifth of it is in use.
_FIFTH_OF_CAPACITY = f"0.2 * sum by (namespace, pod, exporter) ({_QUEUE_CAPACITY})"
EXPORTER_IS_STALLED = (
    f"({_select_stalled_exporters('4m', '3m', '0')}) or ({_select_stalled_exporters('2m', '3m', _FIFTH_OF_CAPACITY)})"
)
