# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and labels: every object name, label and selector of this collection is made here. Private.

A release is a group of objects that are pruned and removed together; its name is the value of `RELEASE_LABEL`. The
owner is who manages an object, by `OWNER_LABEL`. An instance is the value of `app.kubernetes.io/instance`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import Problem

# The owner of objects of this collection, as a label and as the field manager.
OWNER_LABEL = "app.kubernetes.io/managed-by"
OWNER = "o11y.opentelemetry"
COMPONENT_BY_MODE = {
    "daemonset": "agent-collector",
    "deployment": "standalone-collector",
    "statefulset": "statefulset-collector",
    "sidecar": "sidecar-collector",
}
COLLECTOR_LABEL = "o11y.opentelemetry/collector"
# The release that an object belongs to: that of a collector, an Instrumentation, or a product such as cert-manager.
# No two of them are alike: a product has no dot, and the others have what the name of a namespace cannot have.
RELEASE_LABEL = "o11y.opentelemetry/release"
# On objects of a collector that are no config of it, though they are ConfigMaps: no revision goes back to them.
PART_LABEL = "o11y.opentelemetry/part"
# The hash of all that a pod is made of, on the pods that the operator makes: it shows whose spec they have.
SPEC_HASH = "o11y.opentelemetry/spec-hash"
# The operator puts the labels of a custom resource on the pods of its target allocator too; only this one differs.
# Source: SelectorLabels in the operator's internal/manifests/manifestutils/labels.go.
_ROLE_LABEL = {"app.kubernetes.io/component": "opentelemetry-collector"}
# The collector's container by backend. Source of the operator's: Container in its internal/naming.
CONTAINER_BY_BACKEND = {"kubernetes": "opentelemetry-collector", "operator": "otc-container"}
# The nodes that the images run on: a Windows node cannot pull them. Every kubelet gives its node this label.
# Source: Kubernetes, "Well-Known Labels, Annotations and Taints".
LINUX_NODES = {"kubernetes.io/os": "linux"}
# Characters of the value of a label, and of the name of a key behind its domain.
LONGEST_LABEL = 63
# Its revisions are labels: its name, a dash and a hash of ten characters.
LONGEST_STATEFUL_SET = LONGEST_LABEL - 11
# The operator cuts longer names, after which two can be the same; its longest Service is `NAME-collector-monitoring`.
LONGEST_CUSTOM_RESOURCE = LONGEST_LABEL - len("-collector-monitoring")
# Keys and values of labels, and the domain before a key. Source: validation of k8s.io/apimachinery/pkg/util/validation.
_LABEL_PATTERN = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?\Z")
_PREFIX_PATTERN = re.compile(r"([a-z0-9][-a-z0-9.]{0,252})?\Z")
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


def collector_release(namespace: str, name: str) -> str:
    """Return the release of a collector, the same in every inventory that deploys it."""
    return _shorten_release(f"{namespace}.{name}")


def instrumentation_release(namespace: str, name: str) -> str:
    """Return the release of an Instrumentation: what is pruned and removed together has one release."""
    return _shorten_release(f"{namespace}.{name}_instrumentation")


def sample_app_release(namespace: str, name: str) -> str:
    """Return the release of the sample application in a namespace."""
    return _shorten_release(f"{namespace}.{name}_sample-app")


def shared_release(namespace: str) -> str:
    """Return the release of the Namespace and the CA, which collectors and Instrumentations of a namespace share."""
    return _shorten_release(f"{namespace}_shared")


def release_selector(releases: Iterable[str]) -> str:
    """Return the label selector of the objects that this collection made for these releases."""
    return f"{RELEASE_LABEL} in ({','.join(sorted(releases))}),{OWNER_LABEL}={OWNER}"


def _shorten_release(text: str) -> str:
    """Return text as a label value; a long one is cut and ends with its hash, such as `…_0a1b2c3d4e`."""
    if len(text) <= LONGEST_LABEL:
        return text
    hash_suffix = f"_{hashlib.sha256(text.encode()).hexdigest()[:10]}"
    return f"{text[: LONGEST_LABEL - len(hash_suffix)]}{hash_suffix}"


def label_value(text: str) -> str:
    """Return text as a label value: digests and build metadata have characters that labels refuse.

    0.158.0+build.7    →    0.158.0_build.7
    """
    return re.sub(r"[^-A-Za-z0-9_.]", "_", text)[:LONGEST_LABEL].strip("-_.")


def text_value(value: Any) -> str:
    """Return a value as Kubernetes takes it in labels, annotations and variables, where all is text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def variable_text(value: Any) -> str:
    """Return the value of a variable as a process gets it in a pod and on a host: `true`, and empty text for null."""
    return "" if value is None else text_value(value)


def check_texts(subject: str, values: Mapping[str, Any], *, labels: bool = False) -> dict[str, str]:
    """Return a mapping with all its values as text. Raises Problem for what Kubernetes refuses in it.

    `subject` is what the mapping is, such as `annotations`. With `labels`, its values must be values of labels too.
    """
    for key, value in values.items():
        if value is None or isinstance(value, (dict, list)):
            raise Problem(f"{subject} has a value that is not text, that of '{key}'", fix="Give text for each key.")
        prefix, _slash, name = str(key).rpartition("/")
        if not (_LABEL_PATTERN.match(name) and len(name) <= LONGEST_LABEL and _PREFIX_PATTERN.match(prefix)):
            fix = (
                f"Use at most {LONGEST_LABEL} letters, digits, dashes, underscores and dots, after `DOMAIN/` or alone."
            )
            raise Problem(f"'{key}' is not a valid key", where=subject, fix=fix)
        value_text = text_value(value)
        if labels and value_text and not (_LABEL_PATTERN.match(value_text) and len(value_text) <= LONGEST_LABEL):
            fix = f"Use at most {LONGEST_LABEL} letters, digits, dashes, underscores and dots, or an annotation."
            raise Problem(f"'{value_text}' is not a valid value of the label '{key}'", where=subject, fix=fix)
    return {str(key): text_value(value) for key, value in values.items()}


def cluster_wide_name(namespace: str, name: str) -> str:
    """Return the name of a cluster-scoped object; neither part has a dot, so no two collectors share one."""
    return f"{namespace}.{name}"


def headless_service_name(name: str) -> str:
    """Return the name of a StatefulSet's governing Service."""
    return f"{name}-headless"


def target_allocator_name(name: str) -> str:
    """Return the name of a collector's target allocator, which the operator gives to its Service too."""
    return f"{name}-targetallocator"


def operator_child_name(name: str) -> str:
    """Return the name that the operator gives to the workload and the Service of a custom resource."""
    return f"{name}-collector"


def list_operator_names(name: str) -> frozenset[str]:
    """Return the names that the operator gives to workloads and Services that it makes of a custom resource."""
    workload_name = operator_child_name(name)
    return frozenset(
        (
            target_allocator_name(name),
            workload_name,
            *(f"{workload_name}-{kind}" for kind in ("headless", "monitoring", "extension")),
        )
    )
