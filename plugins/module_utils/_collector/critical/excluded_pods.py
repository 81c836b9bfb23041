# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pods that jobs for annotated pods leave out, since the jobs of critical components scrape them. Private.

Recipe `prometheus_scrape` scrapes pods with annotations. `list_excluded_pods` gives its template what each critical
component of the run scrapes, and the template renders a rule of relabeling that drops it.

Example: the target of CoreDNS, with label `k8s-app=kube-dns`, namespace `kube-system` and port 9153, is

    source_labels: [__meta_kubernetes_pod_label_k8s_app, __meta_kubernetes_namespace, __address__]
    regex: kube\\-dns;kube\\-system;.*:9153
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# A character that the label of a series cannot have.
_NOT_IN_LABELS_PATTERN = re.compile(r"[^a-zA-Z0-9_]")
_POD_LABEL = "__meta_kubernetes_pod_label_"


@dataclass(frozen=True)
class ExcludedPods:
    """Some pods with a port: labels of Prometheus' discovery, and the expression that their values match together.

    Prometheus joins the values of the labels with semicolons, and anchors the expression.
    """

    source_labels: tuple[str, ...]
    regex: str


def list_excluded_pods(targets: Iterable[Mapping[str, Any]]) -> list[ExcludedPods]:
    """Return the pods of these targets, which `find_scrape_targets` has found for the collectors of a run."""
    excluded_pods = []
    for target in targets:
        if target["role"] == "pod":
            excluded_pods += [_build_excluded_pods(target, selector) for selector in target["labels"]]
    return excluded_pods


def _build_excluded_pods(target: Mapping[str, Any], selector: str) -> ExcludedPods:
    """Return the pods that a selector, such as `app=web,tier==front`, selects at a target."""
    source_labels = []
    patterns = []
    for term in selector.split(","):
        key, _equals_sign, value = term.strip().partition("=")
        source_labels.append(f"{_POD_LABEL}{_NOT_IN_LABELS_PATTERN.sub('_', key)}")
        # Kubernetes also takes `KEY==VALUE`, of which the second sign is still there.
        patterns.append(re.escape(value.removeprefix("=")))
    if target.get("namespace"):
        source_labels.append("__meta_kubernetes_namespace")
        patterns.append(re.escape(target["namespace"]))
    source_labels.append("__address__")
    patterns.append(f".*:{target['port']}")
    return ExcludedPods(tuple(source_labels), ";".join(patterns))
