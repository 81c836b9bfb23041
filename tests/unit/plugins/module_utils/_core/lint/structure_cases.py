# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on the structure of a config: what is missing, moved, expanded or a placeholder."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.config.paths import Position

from .builds import NOW, OWN, on
from .cases import PIPELINE, Case, config, traces
from .shapes import Json, running

TWICE = {"duplicates": ((("receivers", "otlp"), Position("a.yml", 4, 3)),)}

CASES = [
    Case(
        "invalid-id", "white space around", config(receivers={"otlp / a": {}}), "receivers.otlp / a", "Write `otlp/a`."
    ),
    Case("invalid-pipeline-key", "white space around", config(service={"pipelines": {" traces / a ": {}}})),
    Case("not-a-mapping", "a section from a file", config(receivers="${file:x}", service="${file:y}")),
    Case("not-a-list", "a list from a variable", traces(exporters="${env:X}")),
    Case("duplicate-key", "a key that stands twice", config(), "receivers.otlp", "is duplicated Keep one", TWICE),
    Case("duplicate-key", "keys that stand once", config()),
    Case("not-a-mapping", "no config at all", None, "", "a collector config is a mapping, not nothing"),
    Case("not-a-mapping", "a list", [], "", "not a list"),
    Case("not-a-mapping", "a section of text", config(processors="batch"), "processors", "a mapping, not text"),
    Case("not-a-mapping", "a list of pipelines", config(service={"pipelines": []}), "service.pipelines", "not a list"),
    Case("not-a-mapping", "telemetry is on", config(service={"telemetry": True}), "service.telemetry", "true or false"),
    Case(
        "not-a-mapping",
        "a pipeline that is a list",
        config(service={"pipelines": {"traces": ["otlp"]}}),
        "service.pipelines.traces",
        "must be a mapping, not a list",
    ),
    Case("not-a-mapping", "a number for the service", config(service=5), "service", "not a int"),
    Case("not-a-mapping", "an empty section", config(processors=None)),
    Case("not-a-list", "one id as text", traces(exporters="debug"), "service.pipelines.traces.exporters", "[debug]"),
    Case(
        "not-a-list",
        "extensions as a mapping",
        config(service={"extensions": {"health_check": None}}),
        "service.extensions",
        "must be a list of component ids, not a mapping",
    ),
    Case(
        "not-a-list",
        "an id that is a mapping",
        traces(processors=["batch", {"batch": None}]),
        "service.pipelines.traces.processors[1]",
        "a component id is text, not a mapping",
    ),
    Case("not-a-list", "an empty list", traces(processors=None)),
    Case("unknown-section", "a misspelt section", config(processor={}), "processor", "did you mean 'processors'?"),
    Case("unknown-section", "a key that is null", {None: 1}, "None", "Known here: receivers"),
    Case("unknown-section", "all sections", config(connectors={}, extensions={})),
    Case(
        "unknown-key",
        "a misspelt key below service",
        config(service={"pipeline": {}}),
        "service.pipeline",
        "did you mean 'pipelines'?",
    ),
    Case(
        "unknown-key",
        "a key that pipelines do not have",
        traces(connectors=["x"]),
        "service.pipelines.traces.connectors",
        "Known here: receivers, processors, exporters.",
    ),
    Case("unknown-key", "every key there is", config(service={"extensions": [], "pipelines": {}, "telemetry": {}})),
    Case("invalid-id", "a dash in a type", config(receivers={"otlp-2": {}}), "receivers.otlp-2", "letters, digits and"),
    Case("invalid-id", "a digit first", config(receivers={"2otlp": {}}), "receivers.2otlp", "starts with a letter"),
    Case("invalid-id", "a type too long", config(receivers={"a" * 64: {}}), f"receivers.{'a' * 64}", "at most 63"),
    Case("invalid-id", "an empty name", config(receivers={"otlp/": {}}), "receivers.otlp/", "`type/name`"),
    Case(
        "invalid-id", "white space in a name", config(exporters={"otlp/a b": {}}), "exporters.otlp/a b", "white space"
    ),
    Case("invalid-id", "a symbol in a name", config(exporters={"otlp/a+b": {}}), "exporters.otlp/a+b", "symbols"),
    Case(
        "invalid-id",
        "a name too long",
        config(exporters={f"x/{'a' * 1025}": {}}),
        f"exporters.x/{'a' * 1025}",
        "the name",
    ),
    Case("invalid-id", "a number", config(extensions={1: {}}), "extensions[1]", "it is a int, not text"),
    Case("invalid-id", "nothing", config(connectors={None: {}}), "connectors.None", "it is nothing, not text"),
    Case("invalid-id", "a name with slashes and dots", config(receivers={"otlp/my.name/2-x": {}, "a" * 63: {}})),
    Case(
        "invalid-pipeline-key",
        "a misspelt signal",
        config(service={"pipelines": {"trace": {}}}),
        "service.pipelines.trace",
        "'trace' is not a signal; did you mean 'traces'?",
    ),
    Case(
        "invalid-pipeline-key",
        "an empty name",
        config(service={"pipelines": {"traces/": {}}}),
        "service.pipelines.traces/",
        "Write `signal/name`.",
    ),
    Case(
        "invalid-pipeline-key",
        "a wildcard of the user's",
        config(service={"pipelines": {"*": {}}}),
        "service.pipelines.*",
        "Use one of traces, metrics, logs, profiles.",
    ),
    Case(
        "invalid-pipeline-key",
        "every signal",
        config(service={"pipelines": dict.fromkeys(["traces", "metrics/a", "logs/b-c", "profiles"])}),
    ),
]


QUEUE = config(exporters={"otlp_http": {"sending_queue": {"blocking": True}}})
BATCHER = config(exporters={"otlp": {"batcher": None}})


def measured(**metrics: Any) -> dict[str, Any]:
    return config(service={"telemetry": {"metrics": metrics}, "pipelines": {"traces": PIPELINE}})


CASES += [
    Case(
        "removed-setting",
        "the address of the own metrics",
        measured(address=":8888"),
        "service.telemetry.metrics.address",
        "'address' is gone since 0.128.0 Write `readers:",
        NOW,
    ),
    Case("removed-setting", "batcher", BATCHER, "exporters.otlp.batcher", "Write `sending_queue.batch`.", NOW),
    Case("removed-setting", "blocking", QUEUE, "exporters.otlp_http.sending_queue.blocking", "block_on_overflow", NOW),
    Case("removed-setting", "another exporter's batcher", config(exporters={"x": {"batcher": {}}}), more=NOW),
    Case("removed-setting", "what took their place", measured(readers=[]), more=NOW),
    Case("removed-setting", "no build", BATCHER),
    Case(
        "moved-setting",
        "an address that counts still",
        measured(address=":8888"),
        "service.telemetry.metrics.address",
        "'address' is deprecated since 0.111.0",
        on("contrib", "0.115.0"),
    ),
    Case(
        "moved-setting",
        "batcher while it was there",
        BATCHER,
        "exporters.otlp.batcher",
        "deprecated since 0.123.0",
        on("contrib", "0.125.0"),
    ),
    Case("moved-setting", "batcher when it was new", BATCHER, more=on("contrib", "0.115.0")),
    Case("moved-setting", "gone is another rule's", BATCHER, more=NOW),
]


PATH = "exporters.debug.verbosity"


def said(text: Any) -> dict[str, Any]:
    return config(exporters={"debug": {"verbosity": text}})


CASES += [
    Case("invalid-expansion", "a digit first", said("${1}"), PATH, "`${1}` names no variable: '1'"),
    Case("invalid-expansion", "a dash", said("${env:A-B}"), PATH, "Write `$${` for a literal `${`."),
    Case("invalid-expansion", "nothing", said("a${}b"), PATH, "names no variable"),
    Case("invalid-expansion", "a scheme of one letter", said("${e:X}"), PATH, "is not a scheme"),
    Case("invalid-expansion", "a dollar sign inside", said("${env:$X}"), PATH, "has a dollar sign inside"),
    Case("invalid-expansion", "the outer of two", said("${file:${env:A} ${env:B C}}"), PATH, "'B C'"),
    Case("invalid-expansion", "after a stray brace", said("} ${2}"), PATH, "`${2}`"),
    Case(
        "invalid-expansion",
        "in a list",
        config(service={"extensions": ["${a b}"]}),
        "service.extensions[0]",
        "`${a b}`",
    ),
    Case("invalid-expansion", "variables", said("${env:A} ${B} ${env:C:-d e} ${env:${D}} ${env:E:-${F:-}}"[:44])),
    Case("invalid-expansion", "a name from a variable", said("${env:${A}_B} ${${A}:x}")),
    Case("invalid-expansion", "escaped", said("$${1} ${2}")),
    Case("invalid-expansion", "two dollar signs are one, then a variable", said("$$${env:A}")),
    Case("invalid-expansion", "no end", said("${1")),
    Case("invalid-expansion", "other schemes take anything", said("${yaml:a: [1]} ${file:/a b}")),
    Case("invalid-expansion", "keys stay", config(exporters={"debug": {"${1}": 1}})),
    Case("unknown-scheme", "a vault", said("${vault:a}"), PATH, "scheme 'vault' of `${vault:a}` is unknown", NOW),
    Case("unknown-scheme", "env is spelt small", said("${enV:A}"), PATH, "did you mean 'env'?", NOW),
    Case("unknown-scheme", "a default without env", said("${HOST:-a}"), PATH, "scheme 'HOST'", NOW),
    Case("unknown-scheme", "s3 elsewhere", said("${s3:a}"), PATH, "scheme 's3'", NOW),
    Case("unknown-scheme", "a build of one's own may have it", said("${vault:a}"), PATH, "Known: env", OWN),
    Case("unknown-scheme", "s3 of ADOT", said("${s3:a}"), more=on("adot", "0.156.0")),
    Case("unknown-scheme", "known ones", said("${env:A} ${file:a} ${yaml:a} ${http:a} ${https:a} ${A}")),
    Case("bare-variable", "in an endpoint", said("$MY_POD_IP:4317"), PATH, "`$MY_POD_IP` is not replaced"),
    Case("bare-variable", "groups and escapes", said("$1 $$HOME ${HOME} US$ $x")),
]


def exporter(**settings: Any) -> Json:
    return running(exporters={"otlp_http": settings})


CASES += [
    Case(
        "placeholder",
        "parts of an address",
        exporter(endpoint="http://<service>.<namespace>.svc:3100/otlp"),
        "exporters.otlp_http.endpoint",
        "`endpoint` has a placeholder in angle brackets Write the real value",
    ),
    Case("placeholder", "a region", exporter(region="<YOUR_REGION>"), "exporters.otlp_http.region", "`region`"),
    Case("placeholder", "a token", exporter(token="<TOKEN>"), "exporters.otlp_http.token", "`token`"),
    Case("placeholder", "a header", exporter(headers={"x-org": "<ORG>"}), "exporters.otlp_http.headers.x-org", "x-org"),
    Case("placeholder", "an address", exporter(endpoint="http://loki.logs.svc:3100/otlp", region="eu-west-1")),
    Case("placeholder", "a default", exporter(endpoint="${env:ENDPOINT:-<none>}")),
    Case("placeholder", "an expression", running(processors={"filter": {"traces": ["a < 1 and b > 2"], "x": "<a>"}})),
    Case("placeholder", "of what nothing starts", {**running(), "extensions": {"x": {"endpoint": "<HOST>:1"}}}),
]
