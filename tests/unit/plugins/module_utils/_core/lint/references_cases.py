# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on wiring."""

from __future__ import annotations

from .builds import NOW
from .cases import PIPELINE, Case, config, traces

STORAGE = {"otlp": {"sending_queue": {"storage": "file_storage"}}}
AUTH = {"otlp": {"protocols": {"grpc": {"auth": {"authenticator": "basicauth/server"}}}}}


def extended(configured: object, started: object, **sections: object) -> dict[str, object]:
    return config(extensions=configured, service={"extensions": started, "pipelines": {"traces": PIPELINE}}, **sections)


def routed(*pipelines: str) -> dict[str, object]:
    """Return a routing connector from traces to traces/2, and what its table names."""
    return config(
        connectors={"routing": {"table": [{"condition": "true", "pipelines": list(pipelines)}]}},
        service={
            "pipelines": {
                "traces": {"receivers": ["otlp"], "exporters": ["routing"]},
                "traces/2": {"receivers": ["routing"], "exporters": ["debug"]},
                "traces/3": PIPELINE,
            }
        },
    )


AUTHENTICATED = {"otlp_http": {"auth": {"authenticator": "${env:AUTH}"}}}
HEADERS = {"headers_setter": {"additional_auth": "sigv4auth"}}
ENCODED = {"kafka": {"logs": {"encoding": "raw"}}}

CASES = [
    Case("undefined-reference", "white space around an id", traces(receivers=["otlp "])),
    Case("no-pipelines", "pipelines from a file", config(service={"pipelines": "${file:x}"})),
    Case("no-components", "receivers from a file", config(receivers="${file:x}")),
    Case("undefined-reference", "receivers from a file", config(receivers="${file:x}")),
    Case("undefined-reference", "an id from a variable", traces(exporters=["${env:X}"])),
    Case("undefined-extension", "an id from a variable", extended({}, [], exporters=AUTHENTICATED), more=NOW),
    Case("undefined-extension", "a built-in encoding", extended({}, [], receivers=ENCODED), more=NOW),
    Case(
        "undefined-extension",
        "a key of one extension",
        extended(HEADERS, ["headers_setter"]),
        "extensions.headers_setter.additional_auth",
        "extension 'sigv4auth' is not configured",
        NOW,
    ),
    Case(
        "undefined-extension",
        "a middleware",
        extended({}, [], receivers={"otlp": {"protocols": {"grpc": {"middlewares": [{"id": "x"}]}}}}),
        "receivers.otlp.protocols.grpc.middlewares[0].id",
        "extension 'x' is not configured",
        NOW,
    ),
    Case(
        "undefined-pipeline",
        "none of that name",
        routed("traces/2", "traces/4"),
        "connectors.routing.table[0].pipelines[1]",
        "there is no pipeline 'traces/4'; did you mean",
        NOW,
    ),
    Case(
        "undefined-pipeline",
        "one that starts elsewhere",
        routed("traces/3"),
        "connectors.routing.table[0].pipelines[0]",
        "pipeline 'traces/3' does not start from 'routing'",
        NOW,
    ),
    Case("undefined-pipeline", "the right one", routed("traces/2"), more=NOW),
    Case("undefined-pipeline", "a connector that nothing uses", {**routed("x"), "service": {}}, more=NOW),
    Case("no-pipelines", "no service", config(service=None), "service.pipelines", "there is no pipeline"),
    Case("no-pipelines", "no pipeline", config(service={"pipelines": {}}), "service.pipelines", "at least one"),
    Case("no-pipelines", "no exporter", traces(exporters=[]), "service.pipelines.traces", "'traces' has no exporters"),
    Case("no-pipelines", "no receiver", traces(receivers=None), "service.pipelines.traces", "has no receivers"),
    Case("no-pipelines", "both ends", traces()),
    Case("no-components", "no receiver", config(receivers={}), "receivers", "no receivers are configured"),
    Case("no-components", "no exporter", config(exporters=None), "exporters", "Add a section `exporters`."),
    Case("no-components", "a connector is both", {"connectors": {"forward": None}}),
    Case("no-components", "one of each", config()),
    Case(
        "undefined-reference",
        "a misspelt exporter",
        traces(exporters=["debgu"]),
        "service.pipelines.traces.exporters[0]",
        "'debgu' is not configured; did you mean 'debug'?",
    ),
    Case(
        "undefined-reference",
        "an exporter among the receivers",
        traces(receivers=["otlp", "debug"]),
        "service.pipelines.traces.receivers[1]",
        "It is configured in `exporters` and cannot be used here.",
    ),
    Case(
        "undefined-reference",
        "an extension that nothing defines",
        extended({}, ["health_check"]),
        "service.extensions[0]",
        "Add it to `extensions`, or remove it here.",
    ),
    Case(
        "undefined-reference",
        "a connector among the processors",
        {**traces(processors=["forward"]), "connectors": {"forward": {}}},
        "service.pipelines.traces.processors[0]",
        "It is configured in `connectors`",
    ),
    Case(
        "undefined-reference",
        "a component whose id is no text",
        {**traces(receivers=["nop"]), "receivers": {1: {}, None: {}}},
        "service.pipelines.traces.receivers[0]",
        "'nop' is not configured",
    ),
    Case("undefined-reference", "all defined", traces(processors=["batch"])),
    Case(
        "undefined-reference",
        "connectors at both ends",
        {**traces(receivers=["forward"], exporters=["forward"]), "connectors": {"forward": {}}},
    ),
    Case(
        "duplicate-processor",
        "one that stands twice",
        traces(processors=["batch", "filter", "batch"]),
        "service.pipelines.traces.processors[2]",
        "'batch' is listed 2 times in one pipeline",
    ),
    Case("duplicate-processor", "two of a type", traces(processors=["batch", "batch/2"])),
    Case("duplicate-processor", "a receiver twice is fine", traces(receivers=["otlp", "otlp"])),
    Case(
        "ambiguous-id",
        "a connector that is also an exporter",
        config(connectors={"debug": {}}),
        "exporters.debug",
        "'debug' is both in exporters and in connectors",
    ),
    Case("ambiguous-id", "a receiver and an exporter may share one", config(exporters={"otlp": {}})),
    Case(
        "undefined-extension",
        "a queue in a storage that nothing defines",
        extended({"file_storage/2": {}}, [], exporters=STORAGE),
        "exporters.otlp.sending_queue.storage",
        "is not configured; did you mean 'file_storage/2'?",
    ),
    Case(
        "undefined-extension",
        "an authenticator that is not started",
        extended({"basicauth/server": {}}, ["other"], receivers=AUTH),
        "receivers.otlp.protocols.grpc.auth.authenticator",
        "Add 'basicauth/server' to service.extensions.",
    ),
    Case(
        "undefined-extension",
        "a started storage",
        extended({"file_storage": {}}, ["file_storage"], exporters=STORAGE),
    ),
    Case(
        "undefined-extension",
        "a list of extensions that is a number",
        extended({"file_storage": {}}, 5, exporters=STORAGE),
        "exporters.otlp.sending_queue.storage",
        "not started",
    ),
    Case(
        "idle-extension",
        "one that is not started",
        extended({"pprof": {}}, None),
        "extensions.pprof",
        "configured but not started",
    ),
    Case("idle-extension", "text is no list", extended({"prof": {}}, "pprof"), "extensions.prof", "not started"),
    Case("idle-extension", "started", extended({"pprof": {}}, ["pprof"])),
    Case(
        "unused-component",
        "a processor in no pipeline",
        config(),
        "processors.batch",
        "no pipeline uses 'batch' Remove it, or list it in a pipeline.",
    ),
    Case(
        "unused-component",
        "a connector in none",
        {**traces(processors=["batch"]), "connectors": {"forward": {}}},
        "connectors.forward",
        "no pipeline uses 'forward'",
    ),
    Case("unused-component", "all used", traces(processors=["batch"])),
    Case(
        "unused-component", "extensions are another rule's", {**traces(processors=["batch"]), "extensions": {"x": {}}}
    ),
]
