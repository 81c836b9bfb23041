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

from .._otelcol.config.config_secrets import secrets_in
from .._otelcol.config.masking import masker
from .._otelcol.config.paths import dotted, items, leaves, mappings, section
from .._otelcol.config.pipelines import PipelineGraph
from .._otelcol.kube.objects import ref
from .._otelcol.rules.report_model import markdown_code
from .gitops_layout import COLLECTORS, KUSTOMIZATION, VALUES, Object

Objects = Mapping[str, Sequence[Object]]
Parse = Callable[[str], Any]
# Aspects of a change in the order of the report.
ASPECTS = ("pipeline", "component", "destination", "right", "port", "image", "setting", "object")
PIPELINE, COMPONENT, DESTINATION, RIGHT, PORT, IMAGE, SETTING, OBJECT = ASPECTS
_SECTIONS = ("receivers", "processors", "exporters", "connectors", "extensions")
_PARTS = ("receivers", "processors", "exporters")
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


def changes(before: Objects, after: Objects, parse: Parse) -> list[dict[str, str]]:
    """Return how facts differ between the files of one cluster, in a fixed order; `parse` reads YAML."""
    rows = []
    for file in sorted({*before, *after}):
        if file.endswith((KUSTOMIZATION, VALUES)):
            continue
        old_facts = _facts(before.get(file, ()), parse)
        new_facts = _facts(after.get(file, ()), parse)
        for aspect, text in _differences(old_facts, new_facts):
            rows.append(asdict(FileChange(subject_of(file), aspect, text)))
    return rows


def subject_of(file: str) -> str:
    """Return whom the objects of a file are about, as the report says it."""
    stage, *rest = file.removesuffix(".yml").split("/")
    if stage == COLLECTORS:
        return f"Collector {'/'.join(rest)}" if len(rest) > 1 else f"Namespace {rest[0]}"
    return stage.capitalize()


def _differences(before: Facts, after: Facts) -> Iterator[tuple[str, str]]:
    """Yield aspect and change of all facts that differ; of a component that comes or goes, no settings."""
    keys = sorted({*before, *after}, key=lambda key: (ASPECTS.index(key[0]), key[1]))
    whole_components = []
    for aspect, name in keys:
        is_in_both = (aspect, name) in before and (aspect, name) in after
        if aspect == COMPONENT and not is_in_both:
            whole_components.append(name)
    for key in keys:
        aspect, name = key
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if aspect != SETTING or not _is_of(name, whole_components):
            yield aspect, _in_words(old, new)


def _is_of(setting: str, components: Iterable[str]) -> bool:
    """Whether a setting belongs to a component that comes or goes as a whole."""
    return any(setting == name or setting.startswith((f"{name}.", f"{name}[")) for name in components)


def _in_words(old: Fact | None, new: Fact | None) -> str:
    """Return what became of a fact."""
    if old is None:
        return f"{_ADDED} {_said(new)}" if new else ""
    if new is None:
        return f"{_REMOVED} {_said(old)}"
    text = f"{_CHANGED} {markdown_code(new.key)}"
    if new.aspect == OBJECT:
        return text
    return f"{text}: {markdown_code(old.value)} becomes {markdown_code(new.value)}"


def _said(fact: Fact) -> str:
    """Return a fact as the report says it; the content of an object is too much for it."""
    text = markdown_code(fact.key)
    if fact.value and fact.aspect != OBJECT:
        text += f": {markdown_code(fact.value)}"
    return text


# ── Facts ──


def _facts(objects: Iterable[Object], parse: Parse) -> Facts:
    """Return all that objects say, by aspect and by what it is about."""
    facts = {}
    for manifest in objects:
        for fact in _of_object(manifest, parse):
            facts[fact.aspect, fact.key] = fact
    return facts


def _of_object(manifest: Object, parse: Parse) -> Iterator[Fact]:
    kind = str(manifest.get("kind"))
    config = _config(manifest, parse)
    # The name of a ConfigMap with a config changes with the config, which has facts of its own.
    title = "ConfigMap of the config" if config and kind == "ConfigMap" else str(ref(manifest))
    yield Fact(OBJECT, title, json.dumps(manifest, sort_keys=True, default=str))
    yield from _of_config(config)
    yield from _images(manifest, kind)
    yield from _ports(manifest, kind)
    yield from _rights(manifest, kind)


def _config(manifest: Object, parse: Parse) -> dict[str, Any]:
    """Return the config of a Collector that an object has, with its secrets masked; empty without one."""
    config = section(manifest, "spec", "config")
    if manifest.get("kind") == "ConfigMap":
        text = ""
        for value in section(manifest, "data").values():
            if "service:" in str(value):
                text = value
                break
        config = section({"config": parse(text)}, "config")
    return config if "service" in config else {}


def _of_config(config: Mapping[str, Any]) -> Iterator[Fact]:
    mask = masker(secrets_in(config))
    for part in _SECTIONS:
        for name in section(config, part):
            yield Fact(COMPONENT, f"{part}.{name}")
    graph = PipelineGraph.of(config)
    for name in graph.pipelines:
        parts = (", ".join(graph.listed(name, part)) for part in _PARTS)
        yield Fact(PIPELINE, name, " → ".join(filter(None, parts)))
        for exporter in graph.listed(name, "exporters"):
            endpoint = section(config, "exporters", exporter).get("endpoint")
            if endpoint:
                yield Fact(DESTINATION, f"{name} by {exporter}", mask(str(endpoint)))
    for path, value in leaves(config):
        if path[:2] != ("service", "pipelines"):
            yield Fact(SETTING, dotted(path), mask(str(value)))


def _images(manifest: Object, kind: str) -> Iterator[Fact]:
    image = section(manifest, "spec").get("image")
    if image:
        yield Fact(IMAGE, str(ref(manifest)), str(image))
    for container in _containers(manifest, kind):
        yield Fact(IMAGE, f"{ref(manifest)} container {container.get('name')}", str(container.get("image")))


def _ports(manifest: Object, kind: str) -> Iterator[Fact]:
    """Yield the ports of a Service or custom resource, and those that containers take of the node."""
    title = ref(manifest)
    if kind in ("Service", "OpenTelemetryCollector"):
        for port in mappings(manifest, "spec", "ports"):
            yield Fact(PORT, f"{title} {port.get('port')}/{port.get('protocol', 'TCP')}", str(port.get("name", "")))
    for container in _containers(manifest, kind):
        for port in mappings(container, "ports"):
            if port.get("hostPort"):
                yield Fact(PORT, f"{title} {port['hostPort']}/{port.get('protocol', 'TCP')} of the node")


def _containers(manifest: Object, kind: str) -> list[dict[str, Any]]:
    return mappings(manifest, "spec", "template", "spec", "containers") if kind in _WORKLOADS else []


def _rights(manifest: Object, kind: str) -> Iterator[Fact]:
    """Yield the verbs of each resource; several rules of a role may name the same one."""
    if kind not in _ROLES:
        return
    verbs: dict[str, set[str]] = {}
    for rule in mappings(manifest, "rules"):
        rule_verbs = {str(verb) for verb in items(rule, "verbs")}
        for resource in _resources(rule):
            verbs.setdefault(f"{resource} by {ref(manifest)}", set()).update(rule_verbs)
    for resource, resource_verbs in verbs.items():
        yield Fact(RIGHT, resource, ", ".join(sorted(resource_verbs)))


def _resources(rule: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a rule is about, with the API groups and the names that it is limited to."""
    suffix = ""
    groups = [str(group) for group in items(rule, "apiGroups") if str(group)]
    if groups:
        suffix += f" of {' '.join(groups)}"
    names = ", ".join(str(name) for name in items(rule, "resourceNames"))
    if names:
        suffix += f" named {names}"
    for resource in items(rule, "resources"):
        yield f"{resource}{suffix}"
    for address in items(rule, "nonResourceURLs"):
        yield str(address)


# ── The report ──


def markdown(reports: Mapping[str, Mapping[str, Any]], missing: Sequence[str]) -> str:
    """Return the reports of clusters as Markdown; clusters with the same changes are one section.

    A report has `changes` and `moved`. `missing` are clusters without one.
    """
    changed_clusters = 0
    moves: list[str] = []
    clusters_by_body: dict[str, list[str]] = {}
    for host, report in reports.items():
        changed_clusters += bool(report["changes"] or report["moved"])
        moves += [f"- {host}: {move}" for move in report["moved"]]
        body = "\n".join(_tables(report["changes"]))
        if body:
            clusters_by_body.setdefault(body, []).append(host)
    parts = [f"# {changed_clusters} of {len(reports)} clusters change\n"]
    if missing:
        parts.append(f"Not rendered: {', '.join(missing)}. What changes there is unknown.\n")
    if moves:
        parts.append("\n".join((*moves, "")))
    for body, hosts in clusters_by_body.items():
        parts.append(f"## {', '.join(hosts)}\n\n{body}")
    return "\n".join(parts).rstrip() + "\n"


def _tables(rows: Iterable[Mapping[str, str]]) -> Iterator[str]:
    """Yield the lines of a table for each subject."""
    by_subject: dict[str, list[Mapping[str, str]]] = {}
    for row in rows:
        by_subject.setdefault(row["subject"], []).append(row)
    for subject, subject_rows in by_subject.items():
        yield f"### {subject}\n\n| what | change |\n|---|---|"
        for row in subject_rows[:_MOST_ROWS]:
            yield f"| {row['aspect']} | {row['change']} |"
        if len(subject_rows) > _MOST_ROWS:
            yield f"| … | {len(subject_rows) - _MOST_ROWS} more |"
        yield ""
