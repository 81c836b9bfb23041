# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the objects of a file say, as facts that can be compared before and after a change. Private.

gitops_changes.py compares the facts of each file. An object as a whole is one fact, so that no change goes unnoticed.
What a person reads of it are other facts, such as a component of its config, a right or an image. For example, a
Deployment gives

    Fact("object", "Deployment obs/gateway", <all of it as JSON>)
    Fact("image", "Deployment obs/gateway container otelcol", "otel/opentelemetry-collector-contrib:0.140.0")
    Fact("port", "Deployment obs/gateway 4317/TCP of the node", "")
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from .._otelcol.catalogue.rows import SECTION_ORDER
from .._otelcol.config.config_secrets import find_secrets
from .._otelcol.config.masking import make_masker
from .._otelcol.config.paths import format_path, iter_leaves, list_at, mapping_at, mappings_at
from .._otelcol.config.pipelines import PipelineGraph
from .._otelcol.kube.objects import ref
from .gitops_layout import Object

Parse = Callable[[str], Any]
"""Reads a text of YAML, such as the config in a ConfigMap."""
# What facts are about, in the order of the report.
ASPECTS = ("pipeline", "component", "destination", "right", "port", "image", "setting", "object")
PIPELINE, COMPONENT, DESTINATION, RIGHT, PORT, IMAGE, SETTING, OBJECT = ASPECTS
_PIPELINE_PARTS = ("receivers", "processors", "exporters")
_WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet")
_ROLES = ("Role", "ClusterRole")


@dataclass(frozen=True)
class Fact:
    """What an object says."""

    aspect: str
    """One of ASPECTS."""
    key: str
    """What the fact is about, such as `exporters.otlp` for a component."""
    value: str = ""
    """The value as a text; empty if there is none."""


class FactKey(NamedTuple):
    """By which a fact before a change is found after it."""

    aspect: str
    key: str


Facts = Mapping[FactKey, Fact]


def collect_facts(objects: Iterable[Object], parse: Parse) -> Facts:
    """Return all facts of objects."""
    facts = {}
    for manifest in objects:
        for fact in _list_object_facts(manifest, parse):
            facts[FactKey(fact.aspect, fact.key)] = fact
    return facts


def _list_object_facts(manifest: Object, parse: Parse) -> Iterator[Fact]:
    """Yield the facts of an object: its whole content is one, and what a person reads of it are others."""
    kind = str(manifest.get("kind"))
    config = _find_config(manifest, parse)
    # The name of a ConfigMap with a config changes with the config. Under that name, each change of the config would be
    # one object that goes and another that comes.
    title = "ConfigMap of the config" if config and kind == "ConfigMap" else str(ref(manifest))
    yield Fact(OBJECT, title, json.dumps(manifest, sort_keys=True, default=str))
    yield from _list_config_facts(config)
    yield from _list_image_facts(manifest, kind)
    yield from _list_port_facts(manifest, kind)
    yield from _list_right_facts(manifest, kind)


def _find_config(manifest: Object, parse: Parse) -> dict[str, Any]:
    """Return the config of a Collector that an object has; empty without one."""
    config = mapping_at(manifest, "spec", "config")
    if manifest.get("kind") == "ConfigMap":
        config = mapping_at({"config": parse(_find_config_text(manifest))}, "config")
    return config if "service" in config else {}


def _find_config_text(config_map: Object) -> Any:
    """Return the value of a ConfigMap that looks like a config of a Collector; empty without one."""
    for value in mapping_at(config_map, "data").values():
        # Only a text with this key can be a config. Others, which may be long or no YAML at all, need no parsing.
        if "service:" in str(value):
            return value
    return ""


def _list_config_facts(config: Mapping[str, Any]) -> Iterator[Fact]:
    """Yield the components, pipelines, destinations and settings of a config, without its secrets."""
    mask = make_masker(find_secrets(config))
    for section_name in SECTION_ORDER:
        for name in mapping_at(config, section_name):
            yield Fact(COMPONENT, f"{section_name}.{name}")
    graph = PipelineGraph.of(config)
    for name in graph.pipelines:
        listed_components = (", ".join(graph.list_ids(name, section_name)) for section_name in _PIPELINE_PARTS)
        yield Fact(PIPELINE, name, " → ".join(filter(None, listed_components)))
        for exporter in graph.list_ids(name, "exporters"):
            endpoint = mapping_at(config, "exporters", exporter).get("endpoint")
            if endpoint:
                yield Fact(DESTINATION, f"{name} by {exporter}", mask(str(endpoint)))
    for path, value in iter_leaves(config):
        if path[:2] != ("service", "pipelines"):  # pipelines have facts of their own
            yield Fact(SETTING, format_path(path), mask(str(value)))


def _list_image_facts(manifest: Object, kind: str) -> Iterator[Fact]:
    image = mapping_at(manifest, "spec").get("image")
    if image:
        yield Fact(IMAGE, str(ref(manifest)), str(image))
    for container in _list_containers(manifest, kind):
        yield Fact(IMAGE, f"{ref(manifest)} container {container.get('name')}", str(container.get("image")))


def _list_port_facts(manifest: Object, kind: str) -> Iterator[Fact]:
    """Yield the ports of a Service or custom resource, and those that containers take of the node."""
    title = ref(manifest)
    if kind in ("Service", "OpenTelemetryCollector"):
        for port in mappings_at(manifest, "spec", "ports"):
            yield Fact(PORT, f"{title} {port.get('port')}/{port.get('protocol', 'TCP')}", str(port.get("name", "")))
    for container in _list_containers(manifest, kind):
        for port in mappings_at(container, "ports"):
            if port.get("hostPort"):
                yield Fact(PORT, f"{title} {port['hostPort']}/{port.get('protocol', 'TCP')} of the node")


def _list_containers(manifest: Object, kind: str) -> list[dict[str, Any]]:
    """Return the containers of a workload; none for other kinds."""
    if kind not in _WORKLOADS:
        return []
    return mappings_at(manifest, "spec", "template", "spec", "containers")


def _list_right_facts(manifest: Object, kind: str) -> Iterator[Fact]:
    """Yield the verbs of each resource; several rules of a role may name the same one."""
    if kind not in _ROLES:
        return
    verbs_by_resource: dict[str, set[str]] = {}
    for rule in mappings_at(manifest, "rules"):
        rule_verbs = {str(verb) for verb in list_at(rule, "verbs")}
        for resource in _describe_resources(rule):
            verbs_by_resource.setdefault(f"{resource} by {ref(manifest)}", set()).update(rule_verbs)
    for resource, resource_verbs in verbs_by_resource.items():
        yield Fact(RIGHT, resource, ", ".join(sorted(resource_verbs)))


def _describe_resources(rule: Mapping[str, Any]) -> Iterator[str]:
    """Yield the resources of a rule, such as `deployments of apps named gateway`, and its paths of no resource."""
    suffix = ""
    groups = [str(group) for group in list_at(rule, "apiGroups") if str(group)]
    if groups:
        suffix += f" of {' '.join(groups)}"
    names = ", ".join(str(name) for name in list_at(rule, "resourceNames"))
    if names:
        suffix += f" named {names}"
    for resource in list_at(rule, "resources"):
        yield f"{resource}{suffix}"
    for url_path in list_at(rule, "nonResourceURLs"):
        yield str(url_path)
