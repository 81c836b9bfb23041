# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change of the GitOps files of clusters means, as rows and as a page for a pull request. Private.

The facts of a file (gitops_facts.py) before and after the change are compared. A file is about one collector, namespace
or stage, which is the subject of its rows. For example, if the new config of a collector has one more exporter:

    {"subject": "Collector obs/gateway", "aspect": "component", "change": "added `exporters.debug`"}

| fact before | fact after | the row says |
|---|---|---|
| missing | there | `added`, with the value |
| there | missing | `removed`, with the value |
| there | another value | `changed`, with both values |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypedDict

from .._otelcol.rules.report_model import format_markdown_code
from .gitops_facts import ASPECTS, COMPONENT, OBJECT, SETTING, Fact, FactKey, Facts, Parse, collect_facts
from .gitops_layout import COLLECTORS, KUSTOMIZATION, VALUES, Object

Objects = Mapping[str, Sequence[Object]]
"""The objects of a cluster by their file."""
_ADDED, _REMOVED, _CHANGED = "added", "removed", "changed"
# How many rows of one subject the page shows: more of them nobody reads.
_MOST_ROWS = 100


class FileChange(TypedDict):
    """A fact that differs: a row of the report."""

    subject: str
    """Whom the fact is about, such as `Collector telemetry/gateway`."""
    aspect: str
    """One of ASPECTS."""
    change: str
    """What became of the fact, in Markdown."""


class ClusterReport(TypedDict):
    """What changes for a cluster: the key `report` of gitops_render, and an item of `clusters` of gitops_changes."""

    host: str
    changes: list[FileChange]
    """How the meaning of its files changes, as `list_changes` has it."""
    moved: list[str]
    """How its folder moves, as Markdown."""


def list_changes(old_objects: Objects, new_objects: Objects, parse: Parse) -> list[FileChange]:
    """Return how facts differ between the files of one cluster, in a fixed order."""
    rows: list[FileChange] = []
    for file in sorted({*old_objects, *new_objects}):
        # These have no objects of a cluster: one lists the files beside it, the other has the values of a Helm chart.
        if file.endswith((KUSTOMIZATION, VALUES)):
            continue
        old_facts = collect_facts(old_objects.get(file, ()), parse)
        new_facts = collect_facts(new_objects.get(file, ()), parse)
        for key in _list_changed_keys(old_facts, new_facts):
            change_text = _describe_change(old_facts.get(key), new_facts.get(key))
            rows.append({"subject": name_subject(file), "aspect": key.aspect, "change": change_text})
    return rows


def name_subject(file: str) -> str:
    """Return whom the objects of a file are about, as the report says it.

    | file | subject |
    |---|---|
    | `collectors/obs/gateway.yml` | `Collector obs/gateway` |
    | `collectors/obs.yml`, which collectors of a namespace share | `Namespace obs` |
    | `operator/release.yml` | `Operator` |
    """
    stage, *path_parts = file.removesuffix(".yml").split("/")
    if stage == COLLECTORS:
        return f"Collector {'/'.join(path_parts)}" if len(path_parts) > 1 else f"Namespace {path_parts[0]}"
    return stage.capitalize()


def _list_changed_keys(old_facts: Facts, new_facts: Facts) -> Iterator[FactKey]:
    """Yield the keys of all facts that differ, without the settings of a component that comes or goes as a whole.

    The row of the component says that already; a row for each of its settings would hide the others.
    """
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
    """Return whether a setting belongs to one of these components.

    Such as `exporters.otlp.endpoint` to `exporters.otlp`, to which `exporters.otlp/2.endpoint` does not belong.
    """
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


# ── The report ──


def render_markdown(reports: Mapping[str, ClusterReport], missing_clusters: Sequence[str]) -> str:
    """Return the reports of clusters, by their host, as Markdown; clusters with the same changes are one section.

    `missing_clusters` are clusters without a report.
    """
    changed_clusters = 0
    moves: list[str] = []
    clusters_by_body: dict[str, list[str]] = {}
    for host, report in reports.items():
        changed_clusters += bool(report["changes"] or report["moved"])
        moves += [f"- {host}: {move}" for move in report["moved"]]
        # Equal changes render to equal text, so the text itself is the key of a section.
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


def _render_tables(rows: Iterable[FileChange]) -> Iterator[str]:
    """Yield the lines of a table for each subject."""
    rows_by_subject: dict[str, list[FileChange]] = {}
    for row in rows:
        rows_by_subject.setdefault(row["subject"], []).append(row)
    for subject, subject_rows in rows_by_subject.items():
        yield f"### {subject}\n\n| what | change |\n|---|---|"
        for row in subject_rows[:_MOST_ROWS]:
            yield f"| {row['aspect']} | {row['change']} |"
        if len(subject_rows) > _MOST_ROWS:
            yield f"| … | {len(subject_rows) - _MOST_ROWS} more |"
        yield ""
