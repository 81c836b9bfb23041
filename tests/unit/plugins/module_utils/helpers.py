# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors, configs and builds for tests, each as small as it can be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.build import (
    CollectorBuild,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.options import (
    Collector,
    list_option_names,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.catalogue.catalogue import Catalogue
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.layers import Layer
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.derive_needs import Needs, derive_needs
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _yaml

from tests.support import cases as tables

cases = tables.cases
Json = dict[str, Any]

_ROOT = Path(__file__).parents[4]
_TABLES = (_ROOT / "plugins" / "plugin_utils" / "_otelcol" / "_data" / "catalogue").glob("*.json")
CATALOGUE = Catalogue.from_tables({path.stem: json.loads(path.read_text(encoding="utf-8")) for path in _TABLES})
LISTENERS = CATALOGUE.listeners
OPERATOR_KINDS: Json = json.loads(
    (_ROOT / "plugins" / "plugin_utils" / "_otelcol" / "_data" / "operator_kinds.json").read_text(encoding="utf-8")
)

_SPEC = _ROOT / "roles" / "otel_collector" / "meta" / "argument_specs.yml"
SPEC: Json = {
    name.removeprefix("otel_collector_"): option
    for name, option in yaml.safe_load(_SPEC.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"].items()
}
# The role's defaults, for a collector that has a name.
OPTIONS: Json = {name: SPEC[name].get("default") for name in list_option_names()} | {
    "name": "gateway",
    "namespace": "telemetry",
    "version": "1.2.3",
    "replicas": 2,
}

# The labels that its pods have under every backend.
PODS = {"app.kubernetes.io/component": "opentelemetry-collector", "o11y.opentelemetry/collector": "gateway"}
# The labels that every object of the collector above has.
SELECTOR = {
    "app.kubernetes.io/name": "opentelemetry-collector",
    "app.kubernetes.io/instance": "gateway",
    "component": "standalone-collector",
}
LABELS = {
    **SELECTOR,
    "app.kubernetes.io/managed-by": "o11y.opentelemetry",
    "app.kubernetes.io/version": "1.2.3",
    "o11y.opentelemetry/collector": "gateway",
    "o11y.opentelemetry/release": "telemetry.gateway",
}
METADATA = {"name": "gateway", "labels": LABELS, "namespace": "telemetry"}

# The least that a collector starts with.
CONFIG: Json = {
    "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "0.0.0.0:4317"}}}},
    "exporters": {"debug": None},
    "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["debug"]}}},
}


def rows(text: str) -> Any:
    """Return the data of a table in YAML, read as the Collector reads YAML."""
    table = _yaml.load(text, "table")
    assert table.duplicates == ()
    return table.data


def collector(**options: Any) -> Collector:
    """Return a collector with these options and the role's defaults for the others."""
    return Collector.from_options({**OPTIONS, **options})


def build(config: Json | None = None, *, collector_version: str = "0.158.0", **options: Any) -> CollectorBuild:
    """Return a build of a config, the least one when none is given."""
    given = CONFIG if config is None else config
    return CollectorBuild(
        collector=collector(**options),
        needs=needs(given),
        config=given,
        config_text="the: config\n",
        config_hash="f00",
        image="registry.example/collector:1.2.3",
        run_as_user=10001,
        collector_version=collector_version,
    )


def needs(config: Any, environment: dict[str, str] | None = None) -> Needs:
    """Return what a config needs, by the ports of the committed catalogue."""
    return derive_needs(config, LISTENERS, environment=environment)


def manifest(api_version: str, kind: str, metadata: Any = METADATA, **body: Any) -> Json:
    """Return a manifest, which has the metadata of the collector above unless others are given."""
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


def running(extensions: Json | None = None, processors: Json | None = None, **sections: Any) -> Json:
    """Return a config whose one pipeline starts every component that is given."""
    receivers = sections.get("receivers", {"nop": None})
    exporters = sections.get("exporters", {"nop": None})
    return {
        "receivers": receivers,
        "processors": processors or {},
        "exporters": exporters,
        "extensions": extensions or {},
        "service": {
            "extensions": list(extensions or {}),
            "pipelines": {
                "traces": {
                    "receivers": list(receivers),
                    "processors": list(processors or {}),
                    "exporters": list(exporters),
                }
            },
        },
    }


def served(config: Json) -> Json:
    """Return a config that also serves the collector's own metrics, as recipe baseline does."""
    reader = {"pull": {"exporter": {"prometheus": {"host": "${env:MY_POD_IP}", "port": 8888}}}}
    return {**config, "service": {**config["service"], "telemetry": {"metrics": {"readers": [reader]}}}}


def recipe(name: str, config: Any) -> Layer:
    """Return a recipe's layer."""
    return Layer(name, config, recipe=True)


def user(config: Any, **more: Any) -> Layer:
    """Return a layer of the user's."""
    return Layer("config", config, **more)
