# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on shape."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.config.paths import Position

from .cases import Case, config, traces

TWICE = {"duplicates": ((("receivers", "otlp"), Position("a.yml", 4, 3)),)}

CASES = [
    Case(
        "invalid-id", "white space around", config(receivers={"otlp / a": {}}), "receivers.otlp / a", "Write `otlp/a`."
    ),
    Case("invalid-pipeline-key", "white space around", config(service={"pipelines": {" traces / a ": {}}})),
    Case("not-a-mapping", "a section from a file", config(receivers="${file:x}", service="${file:y}")),
    Case("not-a-list", "a list from a variable", traces(exporters="${env:X}")),
    Case("duplicate-key", "a key that stands twice", config(), "receivers.otlp", "a second time Keep one", TWICE),
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
        "'trace' is no signal; did you mean 'traces'?",
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
