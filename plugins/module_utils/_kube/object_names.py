# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and labels of the objects of a collector. Private.

names.py of the library has the owner, and the labels by which others know what belongs together. Examples:

| what | example |
|---|---|
| the labels of a collector's pods | `o11y.opentelemetry/collector: agent` |
| the instance, which tells the pods of one workload from those of others | `app.kubernetes.io/instance: agent` |
| the name of a cluster-scoped object | `obs.agent` |
"""

from __future__ import annotations

import re

from .._otelcol.errors import Problem
from .._otelcol.kube.names import COLLECTOR_LABEL, LONGEST_LABEL, OWNER, OWNER_LABEL

COMPONENT_BY_MODE = {
    "daemonset": "agent-collector",
    "deployment": "standalone-collector",
    "statefulset": "statefulset-collector",
    "sidecar": "sidecar-collector",
}
# On ConfigMaps of a collector that are not its config, so that none of them counts as an earlier config.
PART_LABEL = "o11y.opentelemetry/part"
# Tells the pods of a collector from those of its target allocator. The operator gives both the labels of the custom
# resource; only this label differs.
# Source: SelectorLabels in the operator's internal/manifests/manifestutils/labels.go.
_ROLE_LABEL = {"app.kubernetes.io/component": "opentelemetry-collector"}
# Selects the nodes that the images run on. A Windows node cannot pull them. Every kubelet gives its node this label.
# Source: Kubernetes, "Well-Known Labels, Annotations and Taints".
LINUX_NODES = {"kubernetes.io/os": "linux"}
# The most characters of the name of a StatefulSet. Kubernetes labels each pod with the revision: the name of the
# StatefulSet, a dash and a hash of ten characters.
LONGEST_STATEFUL_SET = LONGEST_LABEL - 11
# A name that Kubernetes takes as a DNS label (RFC 1123), whatever its length.
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z")


def check_name(subject: str, name: str) -> str:
    """Return the name. Raises Problem when Kubernetes would not take it as a DNS label (RFC 1123)."""
    if not _DNS_LABEL.match(name) or len(name) > LONGEST_LABEL:
        fix = f"Use at most {LONGEST_LABEL} lower-case letters, digits and dashes, no dash at either end."
        raise Problem(f"'{name}' is not a valid {subject}", fix=fix)
    return name


def selector_labels(instance: str, mode: str) -> dict[str, str]:
    """Return the labels that tie a workload to its pods; they can never change, so nothing optional is in them."""
    return {
        "app.kubernetes.io/name": "opentelemetry-collector",
        "app.kubernetes.io/instance": instance,
        "component": COMPONENT_BY_MODE[mode],
    }


def pod_labels(name: str) -> dict[str, str]:
    """Return the labels that a collector's pods have under every backend, so that Services outlive a switch."""
    return {**_ROLE_LABEL, COLLECTOR_LABEL: name}


def object_labels(name: str, instance: str, mode: str, version: str) -> dict[str, str]:
    """Return the labels of each object of a collector, by the recommended labels of Kubernetes."""
    return {
        **selector_labels(instance, mode),
        OWNER_LABEL: OWNER,
        "app.kubernetes.io/version": label_value(version),
        COLLECTOR_LABEL: name,
    }


def is_predefined_namespace(namespace: str) -> bool:
    """Return whether Kubernetes creates this namespace, or reserves its name for its own parts."""
    return namespace == "default" or namespace.startswith("kube-")


def label_value(text: str) -> str:
    """Return text as a label value: digests and build metadata have characters that labels refuse.

    0.158.0+build.7    →    0.158.0_build.7
    """
    return re.sub(r"[^-A-Za-z0-9_.]", "_", text)[:LONGEST_LABEL].strip("-_.")


def cluster_wide_name(namespace: str, name: str) -> str:
    """Return the name of a cluster-scoped object; neither part has a dot, so no two collectors share one."""
    return f"{namespace}.{name}"
