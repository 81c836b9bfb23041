# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change of the GitOps files of clusters means, as rows and as a page for a pull request. Private.

Each object gives facts, such as a component of its config, a right or an image. The facts of a file before and after
the change are compared. A file is about one collector, namespace or stage, which is the subject of its rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from .._otelcol.catalogue.rows import SECTION_ORDER
from .._otelcol.config.config_secrets import find_secrets
from .._otelcol.config.masking import make_masker
from .._otelcol.config.paths import format_path, iter_leaves, list_at, mapping_at, mappings_at
from .._otelcol.config.pipelines import PipelineGraph
from .._otelcol.kube.objects import ref
from .._otelcol.rules.report_model import format_markdown_code
from .gitops_layout import COLLECTORS, KUSTOMIZATION, VALUES, Object

Objects = Mapping[str, Sequence[Object]]
"""The objects of a cluster by their file."""
Parse = Callable[[str], Any]
"""Reads a text of YAML, such as the config in a ConfigMap."""
# Aspects of a change in the order of the report.
ASPECTS = ("pipeline", "component", "destination", "right", "port", "image", "setting", "object")
PIPELINE, COMPONENT, DESTINATION, RIGHT, PORT, IMAGE, SETTING, OBJECT = ASPECTS
_PIPELINE_PARTS = ("receivers", "processors", "exporters")
_WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet")
_ROLES = ("Role", "ClusterRole")
_ADDED, _REMOVED, _CHANGED = "added", "removed", "changed"
# How much of a value, and how many rows of one subject, a person reads.
_MOST_ROWS = 100


@dataclass(frozen=True)
class Fact:
    """What an object says."""

    aspect: str
    """One of ASPECTS."""
    key: str
    """What the fact is about, such as `exporters.otlp` for a component."""
    value: str = ""
    """The value as a text; empty if there is none."""


class _FactKey(NamedTuple):
    """By which a fact before a change is found after it."""

    aspect: str
    key: str


Facts = Mapping[_FactKey, Fact]


@dataclass(frozen=True)
class FileChange:
    """A fact that differs: a row of the report."""

    subject: str
    """Whom the fact is about, such as `Collector telemetry/gateway`."""
    aspect: str
    change: str
    """What became of the fact, in Markdown."""


def list_changes(old_objects: Objects, new_objects: Objects, parse: Parse) -> list[dict[str, str]]:
    """Return how facts differ between the files of one cluster, in a fixed order. A row is a FileChange."""
    rows = []
    for file in sorted({*old_objects, *new_objects}):
        if file.endswith((KUSTOMIZATION, VALUES)):
            continue
        old_facts = _collect_facts(old_objects.get(file, ()), parse)
        new_facts = _collect_facts(new_objects.get(file, ()), parse)
        for key in _list_changed_keys(old_facts, new_facts):
            change = _describe_change(old_facts.get(key), new_facts.get(key))
            rows.append(asdict(FileChange(name_subject(file), key.aspect, change)))
    return rows


def name_subject(file: str) -> str:
    """Return whom the objects of a file are about, as the report says it."""
    stage, *path_parts = file.removesuffix(".yml").split("/")
    if stage == COLLECTORS:
        return f"Collector {'/'.join(path_parts)}" if len(path_parts) > 1 else f"Namespace {path_parts[0]}"
    return stage.capitalize()


def _list_changed_keys(old_facts: Facts, new_facts: Facts) -> Iterator[_FactKey]:
    """Yield the keys of all facts that differ, without the settings of a component that comes or goes as a whole."""
    keys = sorted({*old_facts, *new_facts}, key=lambda key: (ASPECTS.index(key.aspect), key.key))
    whole_components = []
    for key in keys:
        is_in_both = key in old_facts and key in new_facts
        if key.aspect == COMPONENT and not is_in_both:
            whole_components.append(key.key)
    for key in keys:
        if old_facts.get(key) == new_facts.get(key):
            continue
        if key.aspect != SETTING or not _belongs_to_any(key.key, whole_components):
            yield key


def _belongs_to_any(setting: str, components: Iterable[str]) -> bool:
    """Return whether a setting belongs to one of these components."""
    return any(setting == name or setting.startswith((f"{name}.", f"{name}[")) for name in components)


def _describe_change(old_fact: Fact | None, new_fact: Fact | None) -> str:
    """Return what became of a fact: it was added, removed or changed."""
    if old_fact is None:
        return f"{_ADDED} {_describe_fact(new_fact)}" if new_fact else ""
    if new_fact is None:
        return f"{_REMOVED} {_describe_fact(old_fact)}"
    text = f"{_CHANGED} {format_markdown_code(new_fact.key)}"
    if new_fact.aspect == OBJECT:
        return text
    return f"{text}: {format_markdown_code(old_fact.value)} becomes {format_markdown_code(new_fact.value)}"


def _describe_fact(fact: Fact) -> str:
    """Return a fact as the report says it; the content of an object is too much for it."""
    text = format_markdown_code(fact.key)
    if fact.value and fact.aspect != OBJECT:
        text += f": {format_markdown_code(fact.value)}"
    return text


# ── Facts ──


def _collect_facts(objects: Iterable[Object], parse: Parse) -> Facts:
    """Return all facts of objects."""
    facts = {}
    for manifest in objects:
        for fact in _list_object_facts(manifest, parse):
            facts[_FactKey(fact.aspect, fact.key)] = fact
    return facts


def _list_object_facts(manifest: Object, parse: Parse) -> Iterator[Fact]:
    """Yield the facts of an object: its whole content is one, and what a person reads of it are others."""
    kind = str(manifest.get("kind"))
    config = _find_config(manifest, parse)
    # The name of a ConfigMap with a config changes with the config, which has facts of its own.
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
        if path[:2] != ("service", "pipelines"):
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


# ── The report ──


def render_markdown(reports: Mapping[str, Mapping[str, Any]], missing_clusters: Sequence[str]) -> str:
    """Return the reports of clusters as Markdown; clusters with the same changes are one section.

    A report has `changes`, which are rows of `list_changes`, and `moved`, which are lines about folders that moved.
    `missing_clusters` are clusters without a report.
    """
    changed_clusters = 0
    moves: list[str] = []
    clusters_by_body: dict[str, list[str]] = {}
    for host, report in reports.items():
        changed_clusters += bool(report["changes"] or report["moved"])
        moves += [f"- {host}: {move}" for move in report["moved"]]
        body = "\n".join(_render_tables(report["changes"]))
        if body:
            clusters_by_body.setdefault(body, []).append(host)
    report_parts = [f"# {changed_clusters} of {len(reports)} clusters change\n"]
    if missing_clusters:
        report_parts.append(f"Not rendered: {', '.join(missing_clusters)}. What changes there is unknown.\n")
    if moves:
        report_parts.append("\n".join((*moves, "")))
    for body, hosts in clusters_by_body.items():
        report_parts.append(f"## {', '.join(hosts)}\n\n{body}")
    return "\n".join(report_parts).rstrip() + "\n"


def _render_tables(rows: Iterable[Mapping[str, str]]) -> Iterator[str]:
    """Yield the lines of a table for each subject."""
    rows_by_subject: dict[str, list[Mapping[str, str]]] = {}
    for row in rows:
        rows_by_subject.setdefault(row["subject"], []).append(row)
    for subject, subject_rows in rows_by_subject.items():
        yield f"### {subject}\n\n| what | change |\n|---|---|"
        for row in subject_rows[:_MOST_ROWS]:
            yield f"| {row['aspect']} | {row['change']} |"
        if len(subject_rows) > _MOST_ROWS:
            yield f"| … | {len(subject_rows) - _MOST_ROWS} more |"
        yield ""
