# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on the structure of a config: what is missing, moved, expanded or a placeholder."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.config.paths import Position

from .builds import NOW, OWN, on
from .cases import PIPELINE, Table, config, traces
from .shapes import Json, running

TWICE = {"duplicates": ((("receivers", "otlp"), Position("a.yml", 4, 3)),)}

CASES: Table = {
    "invalid-id": {
        "white space around": (config(receivers={"otlp / a": {}}), "receivers.otlp / a: Write `otlp/a`."),
        "a dash in a type": (config(receivers={"otlp-2": {}}), "receivers.otlp-2: letters, digits and"),
        "a digit first": (config(receivers={"2otlp": {}}), "receivers.2otlp: starts with a letter"),
        "a type too long": (config(receivers={"a" * 64: {}}), f"receivers.{'a' * 64}: at most 63"),
        "an empty name": (config(receivers={"otlp/": {}}), "receivers.otlp/: `type/name`"),
        "white space in a name": (config(exporters={"otlp/a b": {}}), "exporters.otlp/a b: white space"),
        "a symbol in a name": (config(exporters={"otlp/a+b": {}}), "exporters.otlp/a+b: symbols"),
        "a name too long": (config(exporters={f"x/{'a' * 1025}": {}}), f"exporters.x/{'a' * 1025}: the name"),
        "a number": (config(extensions={1: {}}), "extensions[1]: it is a int, not text"),
        "nothing": (config(connectors={None: {}}), "connectors.None: it is nothing, not text"),
        "a name with slashes and dots": config(receivers={"otlp/my.name/2-x": {}, "a" * 63: {}}),
    },
    "invalid-pipeline-key": {
        "white space around": config(service={"pipelines": {" traces / a ": {}}}),
        "a misspelt signal": (
            config(service={"pipelines": {"trace": {}}}),
            "service.pipelines.trace: 'trace' is not a signal; did you mean 'traces'?",
        ),
        "an empty name": (
            config(service={"pipelines": {"traces/": {}}}),
            "service.pipelines.traces/: Write `signal/name`.",
        ),
        "a wildcard of the user's": (
            config(service={"pipelines": {"*": {}}}),
            "service.pipelines.*: Use one of traces, metrics, logs, profiles.",
        ),
        "every signal": config(service={"pipelines": dict.fromkeys(["traces", "metrics/a", "logs/b-c", "profiles"])}),
    },
    "not-a-mapping": {
        "a section from a file": config(receivers="${file:x}", service="${file:y}"),
        "no config at all": (None, ": a collector config is a mapping, not nothing"),
        "a list": ([], ": not a list"),
        "a section of text": (config(processors="batch"), "processors: a mapping, not text"),
        "a list of pipelines": (config(service={"pipelines": []}), "service.pipelines: not a list"),
        "telemetry is on": (config(service={"telemetry": True}), "service.telemetry: true or false"),
        "a pipeline that is a list": (
            config(service={"pipelines": {"traces": ["otlp"]}}),
            "service.pipelines.traces: must be a mapping, not a list",
        ),
        "a number for the service": (config(service=5), "service: not a int"),
        "an empty section": config(processors=None),
    },
    "not-a-list": {
        "a list from a variable": traces(exporters="${env:X}"),
        "one id as text": (traces(exporters="debug"), "service.pipelines.traces.exporters: [debug]"),
        "extensions as a mapping": (
            config(service={"extensions": {"health_check": None}}),
            "service.extensions: must be a list of component ids, not a mapping",
        ),
        "an id that is a mapping": (
            traces(processors=["batch", {"batch": None}]),
            "service.pipelines.traces.processors[1]: a component id is text, not a mapping",
        ),
        "an empty list": traces(processors=None),
    },
    "duplicate-key": {
        "a key that stands twice": (config(), "receivers.otlp: is duplicated Keep one", TWICE),
        "keys that stand once": config(),
    },
    "unknown-section": {
        "a misspelt section": (config(processor={}), "processor: did you mean 'processors'?"),
        "a key that is null": ({None: 1}, "None: Known here: receivers"),
        "all sections": config(connectors={}, extensions={}),
    },
    "unknown-key": {
        "a misspelt key below service": (
            config(service={"pipeline": {}}),
            "service.pipeline: did you mean 'pipelines'?",
        ),
        "a key that pipelines do not have": (
            traces(connectors=["x"]),
            "service.pipelines.traces.connectors: Known here: receivers, processors, exporters.",
        ),
        "every key there is": config(service={"extensions": [], "pipelines": {}, "telemetry": {}}),
    },
}


QUEUE = config(exporters={"otlp_http": {"sending_queue": {"blocking": True}}})
BATCHER = config(exporters={"otlp": {"batcher": None}})


def measured(**metrics: Any) -> dict[str, Any]:
    return config(service={"telemetry": {"metrics": metrics}, "pipelines": {"traces": PIPELINE}})


CASES |= {
    "removed-setting": {
        "the address of the own metrics": (
            measured(address=":8888"),
            "service.telemetry.metrics.address: 'address' is gone since 0.128.0 Write `readers:",
            NOW,
        ),
        "batcher": (BATCHER, "exporters.otlp.batcher: Write `sending_queue.batch`.", NOW),
        "blocking": (QUEUE, "exporters.otlp_http.sending_queue.blocking: block_on_overflow", NOW),
        "another exporter's batcher": (config(exporters={"x": {"batcher": {}}}), "", NOW),
        "what took their place": (measured(readers=[]), "", NOW),
        "no build": BATCHER,
    },
    "moved-setting": {
        "an address that counts still": (
            measured(address=":8888"),
            "service.telemetry.metrics.address: 'address' is deprecated since 0.111.0",
            on("contrib", "0.115.0"),
        ),
        "batcher while it was there": (
            BATCHER,
            "exporters.otlp.batcher: deprecated since 0.123.0",
            on("contrib", "0.125.0"),
        ),
        "batcher when it was new": (BATCHER, "", on("contrib", "0.115.0")),
        "gone is another rule's": (BATCHER, "", NOW),
    },
}


PATH = "exporters.debug.verbosity"


def said(text: Any) -> dict[str, Any]:
    return config(exporters={"debug": {"verbosity": text}})


CASES |= {
    "invalid-expansion": {
        "a digit first": (said("${1}"), f"{PATH}: `${{1}}` names no variable: '1'"),
        "a dash": (said("${env:A-B}"), f"{PATH}: Write `$${{` for a literal `${{`."),
        "nothing": (said("a${}b"), f"{PATH}: names no variable"),
        "a scheme of one letter": (said("${e:X}"), f"{PATH}: is not a scheme"),
        "a dollar sign inside": (said("${env:$X}"), f"{PATH}: has a dollar sign inside"),
        "the outer of two": (said("${file:${env:A} ${env:B C}}"), f"{PATH}: 'B C'"),
        "after a stray brace": (said("} ${2}"), f"{PATH}: `${{2}}`"),
        "in a list": (config(service={"extensions": ["${a b}"]}), "service.extensions[0]: `${a b}`"),
        "variables": said("${env:A} ${B} ${env:C:-d e} ${env:${D}} ${env:E:-${F:-}}"[:44]),
        "a name from a variable": said("${env:${A}_B} ${${A}:x}"),
        "escaped": said("$${1} ${2}"),
        "two dollar signs are one, then a variable": said("$$${env:A}"),
        "no end": said("${1"),
        "other schemes take anything": said("${yaml:a: [1]} ${file:/a b}"),
        "keys stay": config(exporters={"debug": {"${1}": 1}}),
    },
    "unknown-scheme": {
        "a vault": (said("${vault:a}"), f"{PATH}: scheme 'vault' of `${{vault:a}}` is unknown", NOW),
        "env is spelt small": (said("${enV:A}"), f"{PATH}: did you mean 'env'?", NOW),
        "a default without env": (said("${HOST:-a}"), f"{PATH}: scheme 'HOST'", NOW),
        "s3 elsewhere": (said("${s3:a}"), f"{PATH}: scheme 's3'", NOW),
        "a build of one's own may have it": (said("${vault:a}"), f"{PATH}: Known: env", OWN),
        "s3 of ADOT": (said("${s3:a}"), "", on("adot", "0.156.0")),
        "known ones": said("${env:A} ${file:a} ${yaml:a} ${http:a} ${https:a} ${A}"),
    },
    "bare-variable": {
        "in an endpoint": (said("$MY_POD_IP:4317"), f"{PATH}: `$MY_POD_IP` is not replaced"),
        "groups and escapes": said("$1 $$HOME ${HOME} US$ $x"),
    },
}


def exporter(**settings: Any) -> Json:
    return running(exporters={"otlp_http": settings})


CASES |= {
    "placeholder": {
        "parts of an address": (
            exporter(endpoint="http://<service>.<namespace>.svc:3100/otlp"),
            "exporters.otlp_http.endpoint: `endpoint` has a placeholder in angle brackets Write the real value",
        ),
        "a region": (exporter(region="<YOUR_REGION>"), "exporters.otlp_http.region: `region`"),
        "a token": (exporter(token="<TOKEN>"), "exporters.otlp_http.token: `token`"),
        "a header": (exporter(headers={"x-org": "<ORG>"}), "exporters.otlp_http.headers.x-org: x-org"),
        "an address": exporter(endpoint="http://loki.logs.svc:3100/otlp", region="eu-west-1"),
        "a default": exporter(endpoint="${env:ENDPOINT:-<none>}"),
        "an expression": running(processors={"filter": {"traces": ["a < 1 and b > 2"], "x": "<a>"}}),
        "of what nothing starts": {**running(), "extensions": {"x": {"endpoint": "<HOST>:1"}}},
    }
}
