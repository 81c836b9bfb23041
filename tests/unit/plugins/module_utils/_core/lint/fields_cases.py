# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on settings."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.lint.subject import Deployment

from .builds import NOW, OLD
from .cases import PIPELINE, Table, config

ALLOCATED: dict[str, Any] = {**NOW, "deployment": Deployment("statefulset", target_allocator=True)}
ACTION = [{"key": "a", "action": "replace", "value": 1}]


def one(section: str, name: str, settings: Any) -> dict[str, Any]:
    return {section: {name: settings}}


def sent(**settings: Any) -> dict[str, Any]:
    return one("exporters", "otlp_grpc", {"endpoint": "x:4317", **settings})


def measured(**metrics: Any) -> dict[str, Any]:
    return config(service={"telemetry": {"metrics": metrics}, "pipelines": {"traces": PIPELINE}})


SURROUNDINGS = NOW
CASES: Table = {
    "unknown-field": {
        "a misspelt key": (
            sent(tls={"insecur": True}),
            "exporters.otlp_grpc.tls.insecur: 'insecur' is not a setting here; did you mean 'insecure'?",
        ),
        "in a list, by an older name": (
            one("processors", "resourcedetection", {"detectors": ["env"], "detector": "env"}),
            "processors.resourcedetection.detector: did you mean 'detectors'?",
        ),
        "in an item of a list": (
            one("processors", "attributes", {"actions": [{"key": "a", "action": "delete", "valu": 1}]}),
            "processors.attributes.actions[0].valu: did you mean 'value'?",
        ),
        "of own telemetry": (config(service={"telemetry": {"log": {}}}), "service.telemetry.log: did you mean 'logs'?"),
        "a version that was not asked": (
            one("processors", "batch", {"size": 1}),
            "processors.batch.size: (as of 0.155.0; 0.115.0 may differ)",
            OLD,
        ),
        "nothing to set": (one("exporters", "nop", {"a": 1}), "exporters.nop.a: It has no settings"),
        "a key with a way in it": sent(**{"tls::insecure": True}),
        "places that take any key": one("receivers", "host_metrics", {"scrapers": {"cpu": {}}}),
        "a component that nobody asked": one("exporters", "datadog", {"nosuch": 1}),
        "no build": (sent(nosuch=1), "", {}),
        "what moved is another rule's": sent(batcher={}),
    },
    "wrong-type": {
        "a mapping for a list": (
            one("processors", "attributes", {"actions": {"key": "a"}}),
            "processors.attributes.actions: this must be a list, not a mapping",
        ),
        "a number for text": (sent(endpoint=4317), "exporters.otlp_grpc.endpoint: Write `'4317'`."),
        "text for a switch": (sent(tls={"insecure": "yes"}), "exporters.otlp_grpc.tls.insecure: not text"),
        "a list for a component": (one("processors", "batch", []), "processors.batch: a mapping, not a list"),
        "text for a list": one("receivers", "file_log", {"include": "/a,/b"}),
        "variables": sent(tls="${file:a}", timeout="${env:A}", sending_queue={"queue_size": "${A}"}),
        "a fraction for a number": one("processors", "batch", {"send_batch_size": 1.0}),
        "nothing": sent(tls=None),
        "headers as a list": sent(headers=[{"name": "a", "value": "b"}]),
    },
    "invalid-duration": {
        "no unit": (
            one("processors", "batch", {"timeout": "5"}),
            "processors.batch.timeout: '5' is not a duration Write a number with a unit, such as `10s` or `500ms`.",
        ),
        "days": (sent(timeout="1d"), "exporters.otlp_grpc.timeout: '1d' is not a duration"),
        "durations": sent(timeout="1h2m3.5s", retry_on_failure={"max_elapsed_time": 0}),
    },
    "unknown-value": {
        "a verbosity": (
            one("exporters", "debug", {"verbosity": "verbose"}),
            "exporters.debug.verbosity: Use one of basic, normal, detailed.",
        ),
        "an action, not used yet": (
            one("processors", "attributes", {"actions": ACTION}),
            "processors.attributes.actions[0].action: (no pipeline uses it yet)",
        ),
        "in any case": one("exporters", "debug", {"verbosity": "Detailed"}),
        "a level": measured(level="NONE"),
    },
    "missing-field": {
        "an endpoint": (one("exporters", "otlp_grpc", {}), "exporters.otlp_grpc: 'endpoint' is missing"),
        "no settings at all": (one("processors", "resource", None), "processors.resource: Add `attr"),
        "one of several": (
            one("processors", "memory_limiter", {"check_interval": "1s"}),
            "processors.memory_limiter: one of limit_mib, limit_percentage is missing",
        ),
        "a protocol": (one("receivers", "otlp", {"protocols": {}}), "receivers.otlp: protocols.grpc"),
        "a protocol without settings": one("receivers", "otlp", {"protocols": {"http": None}}),
        "what a file may have": one("receivers", "otlp", {"protocols": "${file:x}"}),
        "all from a file": one("receivers", "otlp", "${file:x}"),
        "a key with a way in it": one("receivers", "otlp", {"protocols::grpc": None}),
        "another one of several": one("exporters", "otlphttp", {"logs_endpoint": "x"}),
        "targets": (one("receivers", "prometheus", {}), "receivers.prometheus: scrape_configs"),
        "targets from an allocator": (one("receivers", "prometheus", {}), "", ALLOCATED),
    },
}
