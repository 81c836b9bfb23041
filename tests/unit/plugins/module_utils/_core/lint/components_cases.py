# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on component types."""

from __future__ import annotations

from .builds import FOREIGN, LATER, NOW, OLD, OWN, REDHAT, SMALL, on
from .cases import PIPELINE, Table, config, traces


def pipeline(signal: str, **roles: object) -> dict[str, object]:
    return {"pipelines": {signal: {**PIPELINE, **roles}}}


SURROUNDINGS = NOW
CASES: Table = {
    "unknown-component": {
        "a misspelt type": (
            config(processors={"bacth": {}}),
            "processors.bacth: contrib 0.158.0 has no processor 'bacth'; did you mean 'batch'?",
        ),
        "one that only a larger image has": (
            config(exporters={"awsemf": {}}),
            "exporters.awsemf: k8s 0.158.0 has no exporter 'awsemf' Available in: adot, contrib",
            SMALL,
        ),
        "one that ships in no image": (
            config(extensions={"healthcheckv2": {}}),
            "extensions.healthcheckv2: No official build of this version has it",
        ),
        "a version that nobody knows yet": (
            config(exporters={"brand_new": {}}),
            "exporters.brand_new: checked against 0.159.0, the nearest known version",
            LATER,
        ),
        "a distribution that nobody knows": (
            config(receivers={}, processors={}, exporters={"debug": {}}),
            "exporters.debug: does not know the distribution acme",
            FOREIGN,
        ),
        "a module of the user's own": ({"receivers": {"acme": {}}}, "", OWN),
        "all known": config(),
        "no build": (config(exporters={"nosuch": {}}), "", {}),
        "an id that is none": config(exporters={1: {}, "": {}}),
    },
    "wrong-class": {
        "a processor among the receivers": (
            config(receivers={"batch/2": {}}),
            "receivers.batch/2: 'batch' is not a type of receivers, but of processors Move it to `processors`.",
        ),
        "a type of two classes": config(exporters={"zipkin": {}}, receivers={"zipkin": {}}),
    },
    "newer-name": {
        "today's name on an older version": (
            config(processors={"k8s_attributes": {}}),
            "processors.k8s_attributes: redhat 0.135.0 knows 'k8s_attributes' as 'k8sattributes'; the new name "
            "exists since 0.146.0",
            REDHAT,
        ),
        "the older name there": (config(processors={"k8sattributes": {}}), "", REDHAT),
        "today's name today": config(processors={"k8s_attributes": {}}),
    },
    "removed-component": {
        "an exporter that left": (
            config(exporters={"logging": {}}),
            "exporters.logging: 'logging' was removed from the official builds in 0.111.0 The settings differ: "
            "`verbosity` instead of `loglevel`. Use `debug` in `exporters`.",
        ),
        "an older name that is refused": (
            config(receivers={"awslambda": {}}),
            "receivers.awslambda: rejects the older name Write `aws_lambda`.",
        ),
        "while it was there": (config(exporters={"loki": {}}), "", OLD),
    },
    "older-name": {
        "an alias": (
            config(exporters={"otlphttp/a": {}}),
            "exporters.otlphttp/a: 'otlphttp' is called 'otlp_http' since 0.144.0 Write `otlp_http`.",
        ),
        "the only name of its time": (config(exporters={"otlphttp": {}}), "", OLD),
        "no build": (config(exporters={"otlphttp": {}}), "", {}),
    },
    "unsupported-signal": {
        "an exporter of metrics in traces": (
            traces(exporters=["awsemf"]),
            "service.pipelines.traces.exporters[0]: exporters of type 'awsemf' do not take traces It takes metrics.",
        ),
        "a version between those that are known": (
            traces(exporters=["awsemf"]),
            "service.pipelines.traces.exporters[0]: for a neighbouring version",
            on("contrib", "0.159.0"),
        ),
        "all supported": traces(processors=["batch"]),
        "a connector is another rule's": {**traces(exporters=["span_metrics"]), "connectors": {"span_metrics": {}}},
        "a pipeline of nothing known": config(service=pipeline("spans")),
    },
    "unstable-signal": {
        "alpha": (
            traces(exporters=["otlp_http", "debug"]),
            "service.pipelines.traces.exporters[1]: 'debug' is alpha for traces Expect changes with every version.",
        ),
        "stable": traces(exporters=["otlp_http"]),
    },
}
