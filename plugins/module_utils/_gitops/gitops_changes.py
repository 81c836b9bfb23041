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

from .._otelcol.config.masking import masker, secrets_in
from .._otelcol.config.paths import dotted, items, leaves, mappings, section
from .._otelcol.config.pipelines import PipelineGraph
from .._otelcol.kube.objects import ref
from .._otelcol.rules.reports import markdown_code
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


def changes(before: Objects, after: Objects, parse: Parse) -> list[dict[str, str]]:
    """Return how facts differ between the files of one cluster, in a fixed order; `parse` reads YAML."""
    found: list[FileChange] = []
    for file in sorted({*before, *after}):
        if not file.endswith((KUSTOMIZATION, VALUES)):
            sides = [_facts(side.get(file, ()), parse) for side in (before, after)]
            found += (FileChange(subject_of(file), *row) for row in _differences(*sides))
    return [asdict(one) for one in found]


def subject_of(file: str) -> str:
    """Return whom the objects of a file are about, as the report says it."""
    stage, *rest = file.removesuffix(".yml").split("/")
    if stage == COLLECTORS:
        return f"Collector {'/'.join(rest)}" if len(rest) > 1 else f"Namespace {rest[0]}"
    return stage.capitalize()


def _differences(before: Mapping[Any, Fact], after: Mapping[Any, Fact]) -> Iterator[tuple[str, str]]:
    """Yield aspect and change of all facts that differ."""
    keys = sorted({*before, *after}, key=lambda key: (ASPECTS.index(key[0]), key[1]))
    whole = {key for key in keys if key[0] == COMPONENT and (key in before) != (key in after)}
    for key in keys:
        old, new = before.get(key), after.get(key)
        if old != new and not (key[0] == SETTING and _is_of(key[1], whole)):
            yield key[0], _in_words(old, new)


def _is_of(setting: str, components: Iterable[tuple[str, str]]) -> bool:
    """Whether a setting belongs to a component that comes or goes as a whole."""
    return any(setting == name or setting.startswith((f"{name}.", f"{name}[")) for _aspect, name in components)


def _in_words(old: Fact | None, new: Fact | None) -> str:
    if old and new:
        shown = f": {markdown_code(old.value)} becomes {markdown_code(new.value)}" if new.aspect != OBJECT else ""
        return f"{_CHANGED} {markdown_code(new.key)}{shown}"
    return f"{_ADDED} {_said(new)}" if new else f"{_REMOVED} {_said(old)}" if old else ""


def _said(fact: Fact) -> str:
    return markdown_code(fact.key) + (f": {markdown_code(fact.value)}" if fact.value and fact.aspect != OBJECT else "")


# ── Facts ──


def _facts(objects: Iterable[Object], parse: Parse) -> dict[tuple[str, str], Fact]:
    found = {}
    for manifest in objects:
        for fact in _of_object(manifest, parse):
            found[fact.aspect, fact.key] = fact
    return found


def _of_object(manifest: Object, parse: Parse) -> Iterator[Fact]:
    kind = str(manifest.get("kind"))
    config = _config(manifest, parse)
    # The name of a ConfigMap with a config changes with the config, which has facts of its own.
    title = "ConfigMap of the config" if config and kind == "ConfigMap" else str(ref(manifest))
    yield Fact(OBJECT, title, json.dumps(manifest, sort_keys=True, default=str))
    yield from _of_config(config)
    for rows in (_images(manifest, kind), _ports(manifest, kind), _rights(manifest, kind)):
        yield from rows


def _config(manifest: Object, parse: Parse) -> dict[str, Any]:
    """Return the config of a Collector that an object has, with its secrets masked; empty without one."""
    found = section(manifest, "spec", "config")
    if manifest.get("kind") == "ConfigMap":
        texts = (value for value in section(manifest, "data").values() if "service:" in str(value))
        found = section({"config": parse(next(texts, ""))}, "config")
    return found if "service" in found else {}


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
    title = ref(manifest)
    for port in mappings(manifest, "spec", "ports") if kind in ("Service", "OpenTelemetryCollector") else ():
        yield Fact(PORT, f"{title} {port.get('port')}/{port.get('protocol', 'TCP')}", str(port.get("name", "")))
    for container in _containers(manifest, kind):
        for port in mappings(container, "ports"):
            if port.get("hostPort"):
                yield Fact(PORT, f"{title} {port['hostPort']}/{port.get('protocol', 'TCP')} of the node")


def _containers(manifest: Object, kind: str) -> list[dict[str, Any]]:
    return mappings(manifest, "spec", "template", "spec", "containers") if kind in _WORKLOADS else []


def _rights(manifest: Object, kind: str) -> Iterator[Fact]:
    """Yield the verbs of each resource; several rules of a role may name the same one."""
    verbs: dict[str, set[str]] = {}
    for rule in mappings(manifest, "rules") if kind in _ROLES else ():
        for resource in _resources(rule):
            verbs.setdefault(f"{resource} by {ref(manifest)}", set()).update(map(str, items(rule, "verbs")))
    yield from (Fact(RIGHT, resource, ", ".join(sorted(words))) for resource, words in verbs.items())


def _resources(rule: Mapping[str, Any]) -> Iterator[str]:
    groups = " ".join(filter(None, map(str, items(rule, "apiGroups"))))
    named = ", ".join(map(str, items(rule, "resourceNames")))
    suffix = (f" of {groups}" if groups else "") + (f" named {named}" if named else "")
    yield from (f"{resource}{suffix}" for resource in items(rule, "resources"))
    yield from map(str, items(rule, "nonResourceURLs"))


# ── The report ──


def markdown(reports: Mapping[str, Mapping[str, Any]], missing: Sequence[str]) -> str:
    """Return the reports of clusters as Markdown; clusters with the same changes are one section.

    A report has `changes` and `moved`. `missing` are clusters without one.
    """
    groups: dict[str, list[str]] = {}
    for host, report in reports.items():
        body = "\n".join(_tables(report["changes"]))
        if body:
            groups.setdefault(body, []).append(host)
    changed = sum(bool(report["changes"] or report["moved"]) for report in reports.values())
    title = f"# {changed} of {len(reports)} clusters change\n"
    moves = [f"- {host}: {move}" for host, report in reports.items() for move in report["moved"]]
    notes = [f"Not rendered: {', '.join(missing)}. What changes there is unknown.\n"] * bool(missing)
    notes += ["\n".join((*moves, ""))] * bool(moves)
    sections = [f"## {', '.join(hosts)}\n\n{body}" for body, hosts in groups.items()]
    return "\n".join((title, *notes, *sections)).rstrip() + "\n"


def _tables(rows: Iterable[Mapping[str, str]]) -> Iterator[str]:
    by_subject: dict[str, list[Mapping[str, str]]] = {}
    for row in rows:
        by_subject.setdefault(row["subject"], []).append(row)
    for subject, own in by_subject.items():
        yield f"### {subject}\n\n| what | change |\n|---|---|"
        yield from (f"| {row['aspect']} | {row['change']} |" for row in own[:_MOST_ROWS])
        if len(own) > _MOST_ROWS:
            yield f"| … | {len(own) - _MOST_ROWS} more |"
        yield ""
