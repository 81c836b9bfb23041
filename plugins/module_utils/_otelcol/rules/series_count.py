# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on the number of series: each costs memory and money, and some are measured or stored more than once.

Sources: the READMEs of k8s_attributes, kubelet_stats, span_metrics and awsemf. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    receivers.host_metrics.scrapers.cpu: info [node-measured-twice] scraper cpu of 'host_metrics' and
    'kubelet_stats' both measure the cpu of the node. Remove the scraper, or leave `node` out of the `metric_groups`
    of the kubelet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..config.paths import list_at, mapping_at, value_at
from ..needs.started_components import StartedComponent
from .rule_definitions import Fault, about, define_rules
from .subject import Subject

_CONTRIB = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main"
# Attributes whose value differs for nearly every request. Source: OpenTelemetry's semantic conventions.
_UNIQUE_ATTRIBUTES = frozenset(
    (
        "client.address",
        "client.port",
        "db.query.text",
        "db.statement",
        "enduser.id",
        "exception.stacktrace",
        "http.client_ip",
        "http.target",
        "http.url",
        "messaging.message.id",
        "messaging.message_id",
        "net.peer.port",
        "net.sock.peer.port",
        "network.peer.port",
        "session.id",
        "span.id",
        "span_id",
        "thread.id",
        "trace.id",
        "trace_id",
        "url.full",
        "url.path",
        "url.query",
        "user.id",
    )
)
# A regular expression that matches every key: `.*`, `^(.+)$`.
_EVERY_KEY = re.compile(r"\^?\(?\.[*+]\)?\$?\Z")
_WITHOUT_ROLLUP = "NoDimensionRollup"
_MEASURED_BY_KUBELET = ("cpu", "memory")


@about(receivers=["hostmetrics"])
def node_measured_twice(subject: Subject) -> Iterator[Fault]:
    """Yield scrapers of host_metrics that measure what kubelet_stats of the same collector measures of the node."""
    kubelet_receivers = [
        part.id for part in subject.view.find_parts("receivers", "kubeletstats") if _measures_node(part)
    ]
    if not kubelet_receivers:
        return
    for part in subject.view.find_parts("receivers", "hostmetrics"):
        scrapers = mapping_at(part.settings, "scrapers")
        for scraper in _MEASURED_BY_KUBELET:
            if scraper in scrapers:
                message = (
                    f"scraper {scraper} of '{part.id}' and '{kubelet_receivers[0]}' both measure the {scraper} of the"
                    " node"
                )
                fix = "Remove the scraper, or leave `node` out of the `metric_groups` of the kubelet."
                yield Fault((*part.path, "scrapers", scraper), message, fix)


def _measures_node(part: StartedComponent) -> bool:
    """Whether a receiver kubelet_stats reports the node, as it does by default."""
    groups = part.settings.get("metric_groups")
    return groups is None or "node" in list_at(part.settings, "metric_groups")


@about(connectors=["spanmetrics"])
def unbounded_dimension(subject: Subject) -> Iterator[Fault]:
    """Yield dimensions of span metrics whose value differs for nearly every span."""
    for part in subject.view.find_parts("connectors", "spanmetrics"):
        if part.settings.get("aggregation_cardinality_limit"):
            continue
        for key in ("dimensions", "calls_dimensions"):
            for index, dimension in enumerate(list_at(part.settings, key)):
                attribute = value_at(dimension, ("name",))
                if isinstance(attribute, str) and attribute in _UNIQUE_ATTRIBUTES:
                    message = f"'{attribute}' has a new value in nearly every span, and each value creates new series"
                    fix = "Use a bounded attribute such as http.route, or set `aggregation_cardinality_limit`."
                    yield Fault((*part.path, key, index), message, fix)


@about(processors=["k8sattributes"])
def every_label(subject: Subject) -> Iterator[Fault]:
    """Yield k8s_attributes that copy all labels or annotations of a pod."""
    for part in subject.view.find_parts("processors", "k8sattributes"):
        for metadata_kind in ("labels", "annotations"):
            for index, extraction in enumerate(list_at(part.settings, "extract", metadata_kind)):
                pattern = value_at(extraction, ("key_regex",))
                if isinstance(pattern, str) and _EVERY_KEY.match(pattern):
                    message = f"every one of the {metadata_kind} becomes an attribute"
                    fix = "Name the wanted ones with `key`, or with a narrower `key_regex`."
                    yield Fault((*part.path, "extract", metadata_kind, index), message, fix)


@about(exporters=["awsemf"])
def dimension_rollup(subject: Subject) -> Iterator[Fault]:
    """Yield awsemf exporters that store each metric several times with fewer dimensions."""
    for part in subject.view.find_parts("exporters", "awsemf"):
        rolls_up = part.settings.get("dimension_rollup_option", "") != _WITHOUT_ROLLUP
        if rolls_up and not part.settings.get("metric_declarations"):
            message = f"'{part.id}' stores, and bills, every metric also without its dimensions and with each alone"
            yield Fault(part.path, message, f"Add `dimension_rollup_option: {_WITHOUT_ROLLUP}`.")


RULES = (
    *define_rules("info", node_measured_twice, documentation=f"{_CONTRIB}/receiver/kubeletstatsreceiver"),
    *define_rules("info", unbounded_dimension, documentation=f"{_CONTRIB}/connector/spanmetricsconnector"),
    *define_rules("info", every_label, documentation=f"{_CONTRIB}/processor/k8sattributesprocessor"),
    *define_rules("info", dimension_rollup, documentation=f"{_CONTRIB}/exporter/awsemfexporter"),
)
