# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which annotated pods and Services the scrape jobs of a config select, so that two jobs can be compared. Private.

Source: "kubernetes_sd_config" and "relabel_config" of Prometheus' documentation.

A scrape job of receiver prometheus finds pods by service discovery, and keeps some of them by relabelling. For example,
a job with the relabelling step `{action: keep, source_labels: [LABEL], regex: "true"}`, where LABEL stands for
`__meta_kubernetes_pod_annotation_prometheus_io_scrape`, selects the pods with annotation `prometheus.io/scrape:
"true"`. scraping.py reports two jobs with overlapping selections, and data_flow.py finds those of other collectors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..config.paths import Path, list_at, mappings_at, value_at
from ..needs.started_components import StartedComponent

# A label of Prometheus for an annotation: `__meta_kubernetes_pod_annotation_prometheus_io_scrape`.
_ANNOTATION = re.compile(r"__meta_kubernetes_(?:pod|service)_annotation_\w+\Z")
# A step by this label alone leaves out pods that have ended; it limits no selection.
_PHASE = "__meta_kubernetes_pod_phase"
# A selector with the variable of the own node: `spec.nodeName=${env:K8S_NODE_NAME}`.
_OWN_NODE = re.compile(r"NODE_NAME")
# The regular expression of a relabelling step without one.
_DEFAULT_REGEX = "(.*)"


class Selection(NamedTuple):
    """What a job selects."""

    annotations: frozenset[str]
    """The labels of annotations and their values that it asks for, as text."""
    other_limits: frozenset[str]
    """All else by which it leaves targets out, as text: namespaces, selectors, other steps."""
    is_limited_to_own_node: bool
    nodes: str = ""
    """On which nodes its collector runs; empty for all nodes."""

    def overlaps(self, other: Selection) -> bool:
        """Whether both certainly scrape the same targets.

        Where only the nodes differ, as `arm` and `amd` do, two jobs share no target if each collector scrapes the pods
        of its own node. If one of them scrapes those of all nodes, it scrapes the targets of the other one too.
        """
        if self.annotations != other.annotations or self.other_limits != other.other_limits:
            return False
        one_is_everywhere = not self.nodes or not other.nodes
        if one_is_everywhere or self.nodes == other.nodes:
            return True
        both_stay_on_their_node = self.is_limited_to_own_node and other.is_limited_to_own_node
        return not both_stay_on_their_node


class AnnotatedScrape(NamedTuple):
    """A job that scrapes annotated targets."""

    collector: str
    """The name of its collector; empty for that of the config itself."""
    path: Path
    """Where the job stands in the config."""
    job_name: str
    selection: Selection


def find_annotated_scrapes(part: StartedComponent, collector: str = "", nodes: str = "") -> Iterator[AnnotatedScrape]:
    """Yield the jobs of a receiver that scrape annotated targets. `nodes` says on which nodes the collector runs."""
    for index, job in enumerate(list_at(part.settings, "config", "scrape_configs")):
        if not isinstance(job, Mapping):
            continue
        selection = _find_selection(job, nodes)
        if selection:
            path = (*part.path, "config", "scrape_configs", index)
            yield AnnotatedScrape(collector, path, str(job.get("job_name", "")), selection)


class _RelabelStep(NamedTuple):
    """A relabelling step that keeps or drops targets: the labels that it reads, and its condition as text."""

    action: str
    source_labels: list[str]
    condition_text: str

    @property
    def reads_annotation(self) -> bool:
        """Whether an annotation of a pod or Service is among the labels."""
        return any(_ANNOTATION.match(label) for label in self.source_labels)


def _find_selection(job: Mapping[str, Any], nodes: str) -> Selection | None:
    """Return what a job selects; None if it asks for no annotation."""
    annotations: set[str] = set()
    limits = set(_list_discovery_limits(job))
    for step in _list_selecting_steps(job):
        if not step.reads_annotation:
            limits.add(f"{step.action} {step.condition_text}")
        elif step.action == "keep":
            annotations.add(step.condition_text)
        # A step that drops targets by an annotation is left out: jobs that differ in it alone share most targets.
    if not annotations:
        return None
    is_own_node = any(_OWN_NODE.search(selector) for selector in _list_selectors(job))
    return Selection(frozenset(annotations), frozenset(limits), is_own_node, nodes)


def _list_selecting_steps(job: Mapping[str, Any]) -> Iterator[_RelabelStep]:
    """Yield the steps of a job that keep or drop targets, but for those by the phase of a pod alone."""
    for step in mappings_at(job, "relabel_configs"):
        action = step.get("action")
        labels = [str(label) for label in list_at(step, "source_labels")]
        if action in ("keep", "drop") and labels != [_PHASE]:
            regex = str(step.get("regex", _DEFAULT_REGEX)).lower()  # `true` of YAML is "True" for str
            yield _RelabelStep(action, labels, f"{','.join(labels)} {regex}")


def _list_discovery_limits(job: Mapping[str, Any]) -> Iterator[str]:
    """Yield the namespaces and the selectors of a job, without those of the own node."""
    for discovery in mappings_at(job, "kubernetes_sd_configs"):
        namespaces = sorted(str(name) for name in list_at(discovery, "namespaces", "names"))
        is_own_namespace = bool(value_at(discovery, ("namespaces", "own_namespace")))
        yield f"{discovery.get('role')} {','.join(namespaces)} {is_own_namespace}"
    for selector in _list_selectors(job):
        if not _OWN_NODE.search(selector):
            yield selector


def _list_selectors(job: Mapping[str, Any]) -> Iterator[str]:
    """Yield the selectors of the objects of a job, each as text."""
    for discovery in mappings_at(job, "kubernetes_sd_configs"):
        for selector in mappings_at(discovery, "selectors"):
            yield f"{selector.get('role')} {selector.get('label', '')} {selector.get('field', '')}"
