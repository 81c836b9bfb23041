# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change of the files of clusters means: components, pipelines, destinations, rights, ports and images. Private.

Facts of the objects before and after are compared. A file names whom its facts are about.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .._otelcol.config.config_secrets import find_secrets
from .._otelcol.config.masking import make_masker
from .._otelcol.config.paths import format_path, iter_leaves, list_at, mapping_at, mappings_at
from .._otelcol.config.pipelines import PipelineGraph
from .._otelcol.kube.objects import ref
from .._otelcol.rules.report_model import format_markdown_code
from .gitops_layout import COLLECTORS, KUSTOMIZATION, VALUES, Object

Objects = Mapping[str, Sequence[Object]]
Parse = Callable[[str], Any]
# Aspects of a change in the order of the report.
ASPECTS = ("pipeline", "component", "destination", "right", "port", "image", "setting", "object")
PIPELINE, COMPONENT, DESTINATION, RIGHT, PORT, IMAGE, SETTING, OBJECT = ASPECTS
_SECTIONS = ("receivers", "processors", "exporters", "connectors", "extensions")
_PIPELINE_PARTS = ("receivers", "processors", "exporters")
_WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet")
_ROLES = ("Role", "ClusterRole")
_ADDED, _REMOVED, _CHANGED = "added", "removed", "changed"
# How much of a value, and how many rows of one subject, a person reads.
_MOST_ROWS = 100


@dataclass(frozen=True)
class Fact:
    """What an object says: the aspect, what it is about, and its value as a text; empty if there is none."""

    aspect: str
    key: str
    value: str = ""


@dataclass(frozen=True)
class FileChange:
    """A fact that differs, and whom it is about."""

    subject: str
    aspect: str
    change: str


Facts = Mapping[tuple[str, str], Fact]


def list_changes(old_objects: Objects, new_objects: Objects, parse: Parse) -> list[dict[str, str]]:
    """Return how facts differ between the files of one cluster, in a fixed order; `parse` reads YAML."""
    rows = []
    for file in sorted({*old_objects, *new_objects}):
        if file.endswith((KUSTOMIZATION, VALUES)):
            continue
        old_facts = _collect_facts(old_objects.get(file, ()), parse)
        new_facts = _collect_facts(new_objects.get(file, ()), parse)
        for aspect, text in _list_differences(old_facts, new_facts):
            rows.append(asdict(FileChange(name_subject(file), aspect, text)))
    return rows


def name_subject(file: str) -> str:
    """Return whom the objects of a file are about, as the report says it."""
    stage, *path_parts = file.removesuffix(".yml").split("/")
    if stage == COLLECTORS:
        return f"Collector {'/'.join(path_parts)}" if len(path_parts) > 1 else f"Namespace {path_parts[0]}"
    return stage.capitalize()


def _list_differences(old_facts: Facts, new_facts: Facts) -> Iterator[tuple[str, str]]:
    """Yield aspect and change of all facts that differ; of a component that comes or goes, no settings."""
    keys = sorted({*old_facts, *new_facts}, key=lambda key: (ASPECTS.index(key[0]), key[1]))
    whole_components = []
    for aspect, name in keys:
        is_in_both = (aspect, name) in old_facts and (aspect, name) in new_facts
        if aspect == COMPONENT and not is_in_both:
            whole_components.append(name)
    for key in keys:
        aspect, name = key
        old_fact, new_fact = old_facts.get(key), new_facts.get(key)
        if old_fact == new_fact:
            continue
        if aspect != SETTING or not _belongs_to_any(name, whole_components):
            yield aspect, _describe_change(old_fact, new_fact)


def _belongs_to_any(setting: str, components: Iterable[str]) -> bool:
    """Whether a setting belongs to a component that comes or goes as a whole."""
    return any(setting == name or setting.startswith((f"{name}.", f"{name}[")) for name in components)


def _describe_change(old_fact: Fact | None, new_fact: Fact | None) -> str:
    """Return what became of a fact."""
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
    """Return all that objects say, by aspect and by what it is about."""
    facts = {}
    for manifest in objects:
        for fact in _list_object_facts(manifest, parse):
            facts[fact.aspect, fact.key] = fact
    return facts


def _list_object_facts(manifest: Object, parse: Parse) -> Iterator[Fact]:
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
    """Return the config of a Collector that an object has, with its secrets masked; empty without one."""
    config = mapping_at(manifest, "spec", "config")
    if manifest.get("kind") == "ConfigMap":
        text = ""
        for value in mapping_at(manifest, "data").values():
            if "service:" in str(value):
                text = value
                break
        config = mapping_at({"config": parse(text)}, "config")
    return config if "service" in config else {}


def _list_config_facts(config: Mapping[str, Any]) -> Iterator[Fact]:
    mask = make_masker(find_secrets(config))
    for section_name in _SECTIONS:
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
    return mappings_at(manifest, "spec", "template", "spec", "containers") if kind in _WORKLOADS else []


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
    """Yield what a rule is about, with the API groups and the names that it is limited to."""
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

    A report has `changes` and `moved`. `missing_clusters` are clusters without one.
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
