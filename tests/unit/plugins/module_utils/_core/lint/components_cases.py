# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on component types."""

from __future__ import annotations

from .builds import FOREIGN, LATER, NOW, OLD, OWN, REDHAT, SMALL, on
from .cases import PIPELINE, Case, config, traces


def pipeline(signal: str, **roles: object) -> dict[str, object]:
    return {"pipelines": {signal: {**PIPELINE, **roles}}}


CASES = [
    Case(
        "unknown-component",
        "a misspelt type",
        config(processors={"bacth": {}}),
        "processors.bacth",
        "contrib 0.158.0 has no processor 'bacth'; did you mean 'batch'?",
        NOW,
    ),
    Case(
        "unknown-component",
        "one that only a larger image has",
        config(exporters={"awsemf": {}}),
        "exporters.awsemf",
        "k8s 0.158.0 has no exporter 'awsemf' Available in: adot, contrib",
        SMALL,
    ),
    Case(
        "unknown-component",
        "one that ships in no image",
        config(extensions={"healthcheckv2": {}}),
        "extensions.healthcheckv2",
        "No official build of this version has it",
        NOW,
    ),
    Case(
        "unknown-component",
        "a version that nobody knows yet",
        config(exporters={"brand_new": {}}),
        "exporters.brand_new",
        "checked against 0.159.0, the nearest known version",
        LATER,
    ),
    Case(
        "unknown-component",
        "a distribution that nobody knows",
        config(receivers={}, processors={}, exporters={"debug": {}}),
        "exporters.debug",
        "does not know the distribution acme",
        FOREIGN,
    ),
    Case("unknown-component", "a module of the user's own", {"receivers": {"acme": {}}}, more=OWN),
    Case("unknown-component", "all known", config(), more=NOW),
    Case("unknown-component", "no build", config(exporters={"nosuch": {}})),
    Case("unknown-component", "an id that is none", config(exporters={1: {}, "": {}}), more=NOW),
    Case(
        "wrong-class",
        "a processor among the receivers",
        config(receivers={"batch/2": {}}),
        "receivers.batch/2",
        "'batch' is not a type of receivers, but of processors Move it to `processors`.",
        NOW,
    ),
    Case("wrong-class", "a type of two classes", config(exporters={"zipkin": {}}, receivers={"zipkin": {}}), more=NOW),
    Case(
        "newer-name",
        "today's name on an older version",
        config(processors={"k8s_attributes": {}}),
        "processors.k8s_attributes",
        "redhat 0.135.0 knows 'k8s_attributes' as 'k8sattributes'; the new name exists since 0.146.0",
        REDHAT,
    ),
    Case("newer-name", "the older name there", config(processors={"k8sattributes": {}}), more=REDHAT),
    Case("newer-name", "today's name today", config(processors={"k8s_attributes": {}}), more=NOW),
    Case(
        "removed-component",
        "an exporter that left",
        config(exporters={"logging": {}}),
        "exporters.logging",
        "'logging' was removed from the official builds in 0.111.0 The settings differ: `verbosity` instead of "
        "`loglevel`. Use `debug` in `exporters`.",
        NOW,
    ),
    Case(
        "removed-component",
        "an older name that is refused",
        config(receivers={"awslambda": {}}),
        "receivers.awslambda",
        "rejects the older name Write `aws_lambda`.",
        NOW,
    ),
    Case("removed-component", "while it was there", config(exporters={"loki": {}}), more=OLD),
    Case(
        "older-name",
        "an alias",
        config(exporters={"otlphttp/a": {}}),
        "exporters.otlphttp/a",
        "'otlphttp' is called 'otlp_http' since 0.144.0 Write `otlp_http`.",
        NOW,
    ),
    Case("older-name", "the only name of its time", config(exporters={"otlphttp": {}}), more=OLD),
    Case("older-name", "no build", config(exporters={"otlphttp": {}})),
    Case(
        "unsupported-signal",
        "an exporter of metrics in traces",
        traces(exporters=["awsemf"]),
        "service.pipelines.traces.exporters[0]",
        "exporters of type 'awsemf' do not take traces It takes metrics.",
        NOW,
    ),
    Case(
        "unsupported-signal",
        "a version between those that are known",
        traces(exporters=["awsemf"]),
        "service.pipelines.traces.exporters[0]",
        "for a neighbouring version",
        on("contrib", "0.159.0"),
    ),
    Case("unsupported-signal", "all supported", traces(processors=["batch"]), more=NOW),
    Case(
        "unsupported-signal",
        "a connector is another rule's",
        {**traces(exporters=["span_metrics"]), "connectors": {"span_metrics": {}}},
        more=NOW,
    ),
    Case("unsupported-signal", "a pipeline of nothing known", config(service=pipeline("spans")), more=NOW),
    Case(
        "unstable-signal",
        "alpha",
        traces(exporters=["otlp_http", "debug"]),
        "service.pipelines.traces.exporters[1]",
        "'debug' is alpha for traces Expect changes with every version.",
        NOW,
    ),
    Case("unstable-signal", "stable", traces(exporters=["otlp_http"]), more=NOW),
]
