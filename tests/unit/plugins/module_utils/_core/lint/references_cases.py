# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on wiring."""

from __future__ import annotations

from .builds import NOW
from .cases import PIPELINE, Table, config, traces

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

CASES: Table = {
    "undefined-reference": {
        "white space around an id": traces(receivers=["otlp "]),
        "receivers from a file": config(receivers="${file:x}"),
        "an id from a variable": traces(exporters=["${env:X}"]),
        "a misspelt exporter": (
            traces(exporters=["debgu"]),
            "service.pipelines.traces.exporters[0]: 'debgu' is not configured; did you mean 'debug'?",
        ),
        "an exporter among the receivers": (
            traces(receivers=["otlp", "debug"]),
            "service.pipelines.traces.receivers[1]: It is configured in `exporters` and cannot be used here.",
        ),
        "an extension that nothing defines": (
            extended({}, ["health_check"]),
            "service.extensions[0]: Add it to `extensions`, or remove it here.",
        ),
        "a connector among the processors": (
            {**traces(processors=["forward"]), "connectors": {"forward": {}}},
            "service.pipelines.traces.processors[0]: It is configured in `connectors`",
        ),
        "a component whose id is no text": (
            {**traces(receivers=["nop"]), "receivers": {1: {}, None: {}}},
            "service.pipelines.traces.receivers[0]: 'nop' is not configured",
        ),
        "all defined": traces(processors=["batch"]),
        "connectors at both ends": {
            **traces(receivers=["forward"], exporters=["forward"]),
            "connectors": {"forward": {}},
        },
    },
    "no-pipelines": {
        "pipelines from a file": config(service={"pipelines": "${file:x}"}),
        "no service": (config(service=None), "service.pipelines: there is no pipeline"),
        "no pipeline": (config(service={"pipelines": {}}), "service.pipelines: at least one"),
        "no exporter": (traces(exporters=[]), "service.pipelines.traces: 'traces' has no exporters"),
        "no receiver": (traces(receivers=None), "service.pipelines.traces: has no receivers"),
        "both ends": traces(),
    },
    "no-components": {
        "receivers from a file": config(receivers="${file:x}"),
        "no receiver": (config(receivers={}), "receivers: no receivers are configured"),
        "no exporter": (config(exporters=None), "exporters: Add a section `exporters`."),
        "a connector is both": {"connectors": {"forward": None}},
        "one of each": config(),
    },
    "undefined-extension": {
        "an id from a variable": (extended({}, [], exporters=AUTHENTICATED), "", NOW),
        "a built-in encoding": (extended({}, [], receivers=ENCODED), "", NOW),
        "a key of one extension": (
            extended(HEADERS, ["headers_setter"]),
            "extensions.headers_setter.additional_auth: extension 'sigv4auth' is not configured",
            NOW,
        ),
        "a middleware": (
            extended({}, [], receivers={"otlp": {"protocols": {"grpc": {"middlewares": [{"id": "x"}]}}}}),
            "receivers.otlp.protocols.grpc.middlewares[0].id: extension 'x' is not configured",
            NOW,
        ),
        "a queue in a storage that nothing defines": (
            extended({"file_storage/2": {}}, [], exporters=STORAGE),
            "exporters.otlp.sending_queue.storage: is not configured; did you mean 'file_storage/2'?",
        ),
        "an authenticator that is not started": (
            extended({"basicauth/server": {}}, ["other"], receivers=AUTH),
            "receivers.otlp.protocols.grpc.auth.authenticator: Add 'basicauth/server' to service.extensions.",
        ),
        "a started storage": extended({"file_storage": {}}, ["file_storage"], exporters=STORAGE),
        "a list of extensions that is a number": (
            extended({"file_storage": {}}, 5, exporters=STORAGE),
            "exporters.otlp.sending_queue.storage: not started",
        ),
    },
    "undefined-pipeline": {
        "none of that name": (
            routed("traces/2", "traces/4"),
            "connectors.routing.table[0].pipelines[1]: there is no pipeline 'traces/4'; did you mean",
            NOW,
        ),
        "one that starts elsewhere": (
            routed("traces/3"),
            "connectors.routing.table[0].pipelines[0]: pipeline 'traces/3' does not start from 'routing'",
            NOW,
        ),
        "the right one": (routed("traces/2"), "", NOW),
        "a connector that nothing uses": ({**routed("x"), "service": {}}, "", NOW),
    },
    "duplicate-processor": {
        "one that stands twice": (
            traces(processors=["batch", "filter", "batch"]),
            "service.pipelines.traces.processors[2]: 'batch' is listed 2 times in one pipeline",
        ),
        "two of a type": traces(processors=["batch", "batch/2"]),
        "a receiver twice is fine": traces(receivers=["otlp", "otlp"]),
    },
    "ambiguous-id": {
        "a connector that is also an exporter": (
            config(connectors={"debug": {}}),
            "exporters.debug: 'debug' is both in exporters and in connectors",
        ),
        "a receiver and an exporter may share one": config(exporters={"otlp": {}}),
    },
    "idle-extension": {
        "one that is not started": (extended({"pprof": {}}, None), "extensions.pprof: configured but not started"),
        "text is no list": (extended({"prof": {}}, "pprof"), "extensions.prof: not started"),
        "started": extended({"pprof": {}}, ["pprof"]),
    },
    "unused-component": {
        "a processor in no pipeline": (
            config(),
            "processors.batch: no pipeline uses 'batch' Remove it, or list it in a pipeline.",
        ),
        "a connector in none": (
            {**traces(processors=["batch"]), "connectors": {"forward": {}}},
            "connectors.forward: no pipeline uses 'forward'",
        ),
        "all used": traces(processors=["batch"]),
        "extensions are another rule's": {**traces(processors=["batch"]), "extensions": {"x": {}}},
    },
}
