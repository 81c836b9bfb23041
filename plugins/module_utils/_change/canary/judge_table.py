# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table by which a canary is judged against the pods that run the earlier config. Private.

Each row is a JMESPath over the facts that docs/change.md lists; users leave rows out and add rows of their own.
"""

from __future__ import annotations

from typing import NamedTuple

_TELEMETRY = "https://opentelemetry.io/docs/collector/internal-telemetry/"
_RESILIENCY = "https://opentelemetry.io/docs/collector/resiliency/"
_LIMITER = (
    "https://github.com/open-telemetry/opentelemetry-collector/blob/main/processor/memorylimiterprocessor/README.md"
)
_POD = "https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy"
_PROXY = "https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/"


class JudgeRow(NamedTuple):
    """One check of a canary. `find` yields what is wrong; `text` and `fix` have {fields} of it.

    A row counts once it holds in two readings in a row, and if it `grows`, once that field has grown in between: what
    went wrong once, such as one lost connection, goes back for nobody. `threshold` says in words what `find` compares.
    """

    id: str
    find: str
    threshold: str
    text: str
    fix: str
    source: str
    grows: str = ""


ROWS = (
    JudgeRow(
        "exports_fail",
        "exports[?failed >= `5` && failed_excess >= `10`]",
        "5 items, and a share at least 10 points above that of the rest",
        "{about}: {failed} of {offered} {items} failed in the canary ({failed_percent} %), {rest_failed} of"
        " {rest_offered} in the rest ({rest_failed_percent} %)",
        "Check endpoint, credentials, TLS and limits of {id}.",
        _RESILIENCY + "#monitoring-and-early-warning",
        "failed",
    ),
    JudgeRow(
        "receivers_refuse",
        "receives[?rejected >= `5` && rejected_excess >= `10`]",
        "5 items, and a share at least 10 points above that of the rest",
        "{about}: {rejected} of {offered} {items} were refused in the canary ({rejected_percent} %), {rest_rejected} of"
        " {rest_offered} in the rest ({rest_rejected_percent} %)",
        "See which processor or exporter behind {id} refuses: the memory limiter, a full queue, or an error.",
        _TELEMETRY + "#receive-failures",
        "rejected",
    ),
    JudgeRow(
        "nothing_sent",
        "exports[?sent == `0` && failed == `0` && due >= least]",
        "20 items are due, none is sent, and the rest sends; more items are needed for a new sampler",
        "{about}: none of about {due} {items} that were due was sent in the canary, {rest_sent} in the rest",
        "See whether {id} reaches its backend, and whether a processor, connector or route before it drops everything.",
        _TELEMETRY + "#data-flow",
        "due",
    ),
    JudgeRow(
        "all_dropped",
        "processes[?incoming >= least && outgoing == `0` && refused == `0` && passes]",
        "20 items, and the rest lets some pass; more items are needed for a new sampler",
        "{about}: all {incoming} {items} end here in the canary, and {rest_passes} in the rest",
        "Correct the conditions of {id}.",
        _TELEMETRY + "#data-loss",
        "incoming",
    ),
    JudgeRow(
        "queue_grows",
        "exports[?queue_low >= `10` && queue_grown >= `10` && queue_excess >= `10`]",
        "at least 10 requests or items in three readings, 10 more than before, and five times those of the rest",
        "{about}: its queue grew by {queue_grown} to {queue_size} of {queue_capacity} in the canary, and is"
        " {rest_queue} in the rest",
        "See why {id} sends slowly: limits of the backend, the size of batches, `num_consumers`.",
        _TELEMETRY + "#queue-length",
        "queue_size",
    ),
    JudgeRow(
        "receiver_silent",
        "receives[?offered == `0` && due >= `20`]",
        "20 items are due by the rate of the rest, and none came",
        "{about}: no {items} came in, and about {due} were due by the rate before",
        "Check endpoint and protocols of {id}, that clients reach it, and that no exporter behind it blocks.",
        _TELEMETRY + "#data-flow",
        "due",
    ),
    JudgeRow(
        "not_listening",
        "ports[?closed]",
        "a pod of the rest accepts connections on the port, and the canary refuses them",
        "{about}: pod {pod} of the canary refuses connections on port {port}, which the rest accepts",
        "Let {id} listen on the address of the pod: `${{env:MY_POD_IP}}:{port}` or `0.0.0.0:{port}`.",
        _PROXY,
    ),
    JudgeRow(
        "restarts",
        "rest.restarted == `0` && canary.pods[?restarted >= `1` || restarts >= `3`]",
        "1 restart while the canary is watched, or 3 since its start, and none in the rest",
        "pod {name} of the canary restarted {restarts} times, no pod of the rest did",
        "Read the last lines of the log of pod {name} before its restart.",
        _POD,
    ),
    JudgeRow(
        "out_of_memory",
        "!(rest.pods[?oom]) && canary.pods[?oom]",
        "1 container killed for its memory, and none in the rest",
        "pod {name} of the canary was killed because it used more than its memory limit",
        "Raise the memory limit, or let the memory limiter refuse earlier.",
        _LIMITER,
    ),
    JudgeRow(
        "memory_high",
        "rest.memory_percent < `75` && canary.pods[?memory_low >= `90`]",
        "at least 90 % of the limit in three readings in a row, and less than 75 % in the rest",
        "pod {name} of the canary uses {memory_percent} % of its memory limit, the rest {rest_memory} %",
        "Raise the memory limit, or see which component holds data.",
        _LIMITER,
    ),
    JudgeRow(
        "log_errors",
        "logs[?count >= `5` && !known && !calm]",
        "5 entries that the rest does not have, of a component that does not work otherwise",
        "{about} says in the canary ({count} times), and not in the rest: {said}",
        "{fix}",
        _TELEMETRY + "#configure-internal-logs",
        "count",
    ),
    JudgeRow(
        "unreadable",
        "canary.unread",
        "no metrics of a pod, or no pod that runs, in four readings in a row",
        "the metrics of {what} of the canary cannot be read: {why}",
        "Serve them on an address of the pod (`host: 0.0.0.0`), and allow `get` on `pods/proxy`.",
        _TELEMETRY + "#configure-internal-metrics",
    ),
)
NAMES = tuple(row.id for row in ROWS)

# Receivers that answer a request of HTTP on their port; others would take it for data.
PROBED = frozenset(("otlp", "zipkin", "jaeger", "loki", "splunkhec", "datadog", "influxdb", "prometheusremotewrite"))
# Receivers that always find data when they collect.
COLLECTING = frozenset(("hostmetrics", "kubeletstats"))
# How long components hold data, by type without underscores: the setting, and its default in seconds.
# Source: README.md of each component.
HOLDS = {
    "batch": (("timeout",), 0.2),
    "tailsampling": (("decision_wait",), 30.0),
    "groupbytrace": (("wait_duration",), 1.0),
    "interval": (("interval",), 60.0),
    "logdedup": (("interval",), 10.0),
    "spanmetrics": (("metrics_flush_interval",), 60.0),
    "servicegraph": (("metrics_flush_interval",), 60.0),
    # They pass no first point of a series, and points come once a minute.
    "cumulativetodelta": ((), 120.0),
    "deltatorate": ((), 120.0),
    "metricstarttime": ((), 120.0),
}
# Exporters that print data to the log of the Collector.
PRINTERS = ("debug", "logging")
