# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on the number of series."""

from __future__ import annotations

from typing import Any

from .cases import Case
from .shapes import Json, running


def spans(**settings: Any) -> Json:
    return running(connectors={"spanmetrics": settings})


def extracted(**settings: Any) -> Json:
    return running(processors={"k8s_attributes": {"extract": settings}})


def emf(**settings: Any) -> Json:
    return running("metrics", exporters={"awsemf": settings})


CASES = [
    Case(
        "unbounded-dimension",
        "a URL",
        spans(dimensions=[{"name": "http.route"}, {"name": "url.full"}]),
        "connectors.spanmetrics.dimensions[1]",
        "'url.full' has a new value with nearly every span",
    ),
    Case("unbounded-dimension", "a route", spans(dimensions=[{"name": "http.route"}])),
    Case("unbounded-dimension", "a limit", spans(dimensions=[{"name": "url.full"}], aggregation_cardinality_limit=9)),
    Case(
        "every-label",
        "all labels",
        extracted(labels=[{"tag_name": "$$1", "key_regex": "(.*)", "from": "pod"}]),
        "processors.k8s_attributes.extract.labels[0]",
        "every one of the labels becomes an attribute",
    ),
    Case("every-label", "one label", extracted(labels=[{"key": "team"}])),
    Case("every-label", "some annotations", extracted(annotations=[{"key_regex": "team/(.*)"}])),
    Case(
        "dimension-rollup",
        "the default",
        emf(),
        "exporters.awsemf",
        "Add `dimension_rollup_option: NoDimensionRollup`.",
    ),
    Case("dimension-rollup", "none", emf(dimension_rollup_option="NoDimensionRollup")),
    Case("dimension-rollup", "declared metrics", emf(metric_declarations=[{"dimensions": [["a"]]}])),
]
