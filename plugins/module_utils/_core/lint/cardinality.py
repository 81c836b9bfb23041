# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on settings that multiply the number of series, and what they cost.

Sources: the READMEs of span_metrics, k8s_attributes and awsemf in opentelemetry-collector-contrib. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..config.paths import at, items
from .finding import Fault, rule
from .subject import Subject
from .view import view

_CONTRIB = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main"
# Attributes with a value of their own for nearly every request. Source: OpenTelemetry's semantic conventions.
_UNIQUE = frozenset(
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
_EVERYTHING = re.compile(r"\^?\(?\.[*+]\)?\$?\Z")
_ROLLUP = "NoDimensionRollup"


def unbounded_dimension(subject: Subject) -> Iterator[Fault]:
    """Yield dimensions of span metrics with a value of their own for nearly every span."""
    for part in view(subject).of("connectors", "spanmetrics"):
        if part.settings.get("aggregation_cardinality_limit"):
            continue
        for key in ("dimensions", "calls_dimensions"):
            for index, item in enumerate(items(part.settings, key)):
                name = at(item, ("name",))
                if isinstance(name, str) and name in _UNIQUE:
                    yield Fault(
                        (*part.path, key, index),
                        f"'{name}' has a new value with nearly every span, and each becomes series of its own",
                        "Take a bounded attribute such as http.route, or set `aggregation_cardinality_limit`.",
                    )


def every_label(subject: Subject) -> Iterator[Fault]:
    """Yield k8s_attributes that copy all labels or annotations of a pod, whatever anyone writes there."""
    for part in view(subject).of("processors", "k8sattributes"):
        for what in ("labels", "annotations"):
            for index, item in enumerate(items(part.settings, "extract", what)):
                pattern = at(item, ("key_regex",))
                if isinstance(pattern, str) and _EVERYTHING.match(pattern):
                    yield Fault(
                        (*part.path, "extract", what, index),
                        f"every one of the {what} becomes an attribute",
                        "Name those that are wanted with `key`, or with a narrower `key_regex`.",
                    )


def dimension_rollup(subject: Subject) -> Iterator[Fault]:
    """Yield awsemf exporters that store each metric several times, with ever fewer dimensions."""
    for part in view(subject).of("exporters", "awsemf"):
        if part.settings.get("dimension_rollup_option", "") != _ROLLUP and not part.settings.get("metric_declarations"):
            yield Fault(
                part.path,
                f"'{part.id}' stores, and bills, every metric also without its dimensions and with each alone",
                f"Add `dimension_rollup_option: {_ROLLUP}`.",
            )


RULES = (
    rule("info", unbounded_dimension, documentation=f"{_CONTRIB}/connector/spanmetricsconnector"),
    rule("info", every_label, documentation=f"{_CONTRIB}/processor/k8sattributesprocessor"),
    rule("info", dimension_rollup, documentation=f"{_CONTRIB}/exporter/awsemfexporter"),
)
