# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions in PromQL for the table of alerts in `collector_alerts.py`: those that are long or that several need.

Each name says what the expression finds, such as `EXPORTER_IS_STALLED`. A constant is an expression as a row of the
table has it. A function builds one that several rows have in the same form. An expression has
placeholders, such as `<process_uptime>`. `CollectorSeries.fill_in` (series.py) fills them in for one collector:

| placeholder | stands for | example |
|---|---|---|
| `<process_uptime>` | a series of the collector | `otelcol_process_uptime{…}` |
| `<memory_limit>` | a value from the options of the collector | `536870912` |
| `<exporter_sent_of>` | the series of one signal, with the signal in its name | `otelcol_exporter_sent_spans{…}` |
| `<exporter_queue_size_by_signal>` | the series of one signal, with the signal in a label | see series.py |
| `<matchers>` | the labels that select the collector | `namespace="otel",…` |
| `<noun>` | the records of the signal that the alert is about | `spans` |

In PromQL, a comparison such as `> 0` binds more than `and` and `unless`. These two bind equally, from the left:
`a unless b unless c and d` is `((a unless b) unless c) and d`. `or` binds less than both. Private.
"""

from __future__ import annotations

# ── Nodes and their agents ──

# The nodes whose agent was a target of Prometheus within the last hour and is none now. A target has a series `up`,
# whether Prometheus can scrape it or not. The part behind `and on ()` is true while the agent of any node is a target:
# without it, a Prometheus without targets would report every node. The label `namespace` tells the alert from the one
# of an agent of the same name in another namespace, and Alertmanager finds its team by it.
NODE_LOST_ITS_AGENT = (
    "max by (namespace, node) (max_over_time(up{<matchers>}[1h]))"
    " unless on (node) up{<matchers>} and on () up{<matchers>}"
)
AGENTS_OF_DAEMONSET = 'kube_daemonset_status_desired_number_scheduled{namespace="<namespace>",daemonset="<workload>"}'
# The nodes of the cluster, as kube-state-metrics and as recipe cluster_metrics report them.
NODES_OF_STATE = "max by (node) (kube_node_info)"
NODES_OF_CLUSTER = 'max by (node) (label_replace(k8s_node_condition_ready, "node", "$1", "k8s_node_name", "(.+)"))'


def nodes_without_agent(nodes: str) -> str:
    """Return the nodes whose agent is no target of Prometheus, while that of another node is.

    `nodes` is the expression for all nodes: NODES_OF_STATE or NODES_OF_CLUSTER. Nodes for which the alert NodeSilent is
    pending or fires are left out. Example: for agent `node` in namespace `otel`, NODES_OF_STATE gives

        label_replace(max by (node) (kube_node_info), "namespace", "otel", "", "")    # all nodes
        unless on (node) up{namespace="otel",…}                                       # without those with an agent
        unless on (node) ALERTS{namespace="otel",collector="node",alertname="OtelCollectorNodeSilent"}
        and on () up{namespace="otel",…}                                              # while any agent is a target
    """
    return (
        f'label_replace({nodes}, "namespace", "<namespace>", "", "")'
        " unless on (node) up{<matchers>}"
        ' unless on (node) ALERTS{namespace="<namespace>",collector="<name>",alertname="OtelCollectorNodeSilent"}'
        " and on () up{<matchers>}"
    )


# ── Counters of failures ──


def counter_grows(metric: str, label: str) -> str:
    """Return the pods and components whose counter has grown within five minutes.

    `label` names the kind of component, such as `exporter`. Example: `exporter_send_failed_of` and `exporter` are

        sum by (namespace, pod, exporter) ((<exporter_send_failed_of> unless <exporter_send_failed_of> offset 5m
        and on (namespace, pod) up{<matchers>} offset 5m == 1) or rate(<exporter_send_failed_of>[5m])) > 0

    A counter of failures does not exist before the first failure, so `rate` does not see its first value. The part
    before `or` therefore counts a new counter with its value, if its pod was scraped five minutes before. Without this
    condition, every counter of a pod would seem new when Prometheus begins to scrape it.
    """
    counter = f"<{metric}>"
    return (
        f"sum by (namespace, pod, {label}) ("
        f"({counter} unless {counter} offset 5m and on (namespace, pod) up{{<matchers>}} offset 5m == 1)"
        f" or rate({counter}[5m])"
        ") > 0"
    )


# Newer versions of the Collector count what fails inside of it apart from what it refuses.
RECEIVER_REFUSES = (
    f"{counter_grows('receiver_refused_of', 'receiver')} or {counter_grows('receiver_failed_of', 'receiver')}"
)

# ── Queues of exporters ──

QUEUE_IS_NEARLY_FULL = "<exporter_queue_size> / <exporter_queue_capacity> > <queue_share>"
QUEUE_FILLS_SOON = "predict_linear(<exporter_queue_size>[10m], <full_within>) > <exporter_queue_capacity>"


def exporter_is_stalled(duration: str, threshold: str) -> str:
    """Return the exporters whose queue has held more than `threshold` for `duration`, and that sent nothing.

    Example: `4m` and `0` give this for signal traces. Each `{…}` stands for the labels of the collector, and the
    comments are not part of the expression.

        ((sum by (namespace, pod, exporter) (
            min_over_time(otelcol_exporter_queue_size{…}[4m])       # the least that the queue held within four minutes,
            and otelcol_exporter_queue_size{…} offset 4m            # of a queue that was already there before them,
        ) > 0)                                                      # is more than the threshold,
        and on (namespace, pod) up{…} == 1)                         # in a pod that is scraped now,
        unless on (namespace, pod, exporter) (                      # unless the exporter has sent something:
            rate(otelcol_exporter_sent_spans{…}[3m]) > 0            # by the rate of its counter,
            or otelcol_exporter_sent_spans{…} != otelcol_exporter_sent_spans{…} offset 4m   # or by two of its values
        )

    A rate needs two samples. Three minutes have them also where Prometheus scrapes each minute, as by default. After
    scrapes that failed there is no rate, so the counter is compared with its earlier value too.
    """
    queue_size = "<exporter_queue_size_by_signal>"
    sent = "<exporter_sent_of>"
    return (
        "((sum by (namespace, pod, exporter) ("
        f"min_over_time({queue_size}[{duration}]) and {queue_size} offset {duration}"
        f") > {threshold}) and on (namespace, pod) up{{<matchers>}} == 1)"
        " unless on (namespace, pod, exporter) ("
        f"rate({sent}[3m]) > 0 or {sent} != {sent} offset {duration}"
        ")"
    )


_HOLDS_DATA_FOR_LONG = exporter_is_stalled("4m", threshold="0")
# The alert comes earlier for a queue that fills fast, which is one of which a fifth is in use.
_FILLS_FAST = exporter_is_stalled(
    "2m", threshold="0.2 * sum by (namespace, pod, exporter) (<exporter_queue_capacity_by_signal>)"
)
EXPORTER_IS_STALLED = f"({_HOLDS_DATA_FOR_LONG}) or ({_FILLS_FAST})"

# ── Causes ──

_SAME_POD = "namespace, pod"
_SAME_EXPORTER = "namespace, pod, exporter"
_SAME_SIGNAL = ',records="<noun>"'
_FIRES = ',alertstate="firing"'


def unless_alerts(*causes: str, shared_labels: str = _SAME_EXPORTER, condition: str = "") -> str:
    """Return the end of an expression that hides an alert while one of its causes is pending or fires.

    A cause is the name of another alert of the collector. It hides the alert for the pod, or the exporter of a pod,
    for which both have the same `shared_labels`. `condition` is a further matcher of the cause. Example:

        unless on (namespace, pod, exporter) ALERTS{collector="<name>",alertname=~"OtelCollectorExportStalled"}
    """
    return f'unless on ({shared_labels}) ALERTS{{collector="<name>",alertname=~"{"|".join(causes)}"{condition}}}'


# Which alert each of these ends hides, by the names of alerts without `OtelCollector`:
#
# | end | hides | while one of these is pending or fires |
# |---|---|---|
# | UNLESS_MEMORY_OR_EXPORT | Refused | MemoryLimited, ExportFailed or QueueOverflow, of the same pod and signal |
# | UNLESS_STALLED_OR_OVERFLOWN | QueueNearlyFull | ExportStalled or QueueOverflow |
# | UNLESS_ANY_QUEUE_ALERT | QueueFillsSoon | ExportStalled, QueueOverflow or QueueNearlyFull |
# | UNLESS_STALLED | QueueOverflow | ExportStalled |
# | UNLESS_OVERFLOW_FIRES | ExportStalled | QueueOverflow, of the same signal; it must fire |
UNLESS_MEMORY_OR_EXPORT = unless_alerts(
    "OtelCollectorMemoryLimited",
    "OtelCollectorExportFailed",
    "OtelCollectorQueueOverflow",
    shared_labels=_SAME_POD,
    condition=_SAME_SIGNAL,
)
UNLESS_STALLED_OR_OVERFLOWN = unless_alerts("OtelCollectorExportStalled", "OtelCollectorQueueOverflow")
UNLESS_ANY_QUEUE_ALERT = unless_alerts(
    "OtelCollectorExportStalled", "OtelCollectorQueueOverflow", "OtelCollectorQueueNearlyFull"
)
# A queue that is full because nothing is sent is a case of ExportStalled and of QueueOverflow. Of these two, the first
# that fires hides the other one, so that there is one alert. Prometheus evaluates ExportStalled first. So ExportStalled
# sees QueueOverflow as it was at the last evaluation, and must ask whether it fired for the same signal. QueueOverflow
# sees ExportStalled as it is now.
UNLESS_STALLED = unless_alerts("OtelCollectorExportStalled")
UNLESS_OVERFLOW_FIRES = unless_alerts("OtelCollectorQueueOverflow", condition=f"{_SAME_SIGNAL}{_FIRES}")

# ── Certificates ──

_WEEK_SECONDS = 604800


def _certificate_expires(namespace_label: str) -> str:
    """Return the certificates of the collector that end within a week.

    `namespace_label` is the label with the namespace of a certificate. Example: `namespace` gives for collector
    `gateway` in namespace `otel`

        certmanager_certificate_expiration_timestamp_seconds{name=~"gateway-tls",namespace="otel"} - time() < 604800
    """
    return (
        f'certmanager_certificate_expiration_timestamp_seconds{{<certificate_matcher>,{namespace_label}="<namespace>"}}'
        f" - time() < {_WEEK_SECONDS}"
    )


# Prometheus may add a label `namespace` of its own to the series of cert-manager. Then the namespace of a certificate
# is in `exported_namespace`.
CERTIFICATE_EXPIRES = f"{_certificate_expires('namespace')} or {_certificate_expires('exported_namespace')}"
