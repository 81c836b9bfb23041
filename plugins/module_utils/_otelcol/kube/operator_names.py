# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and labels that the operator gives to what it creates. Private.

Sources: the operator's `internal/naming` and `internal/manifests`, 0.152 to 0.158.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .names import LONGEST_LABEL, OWNER_LABEL

# The label of all objects that the operator creates. Its cluster-wide objects have no owner, only this label.
MANAGED_BY = "opentelemetry-operator"
LONGEST_NAME = 63
# The operator cuts longer names, after which two can be the same; its longest Service is `NAME-collector-monitoring`.
LONGEST_CUSTOM_RESOURCE = LONGEST_LABEL - len("-collector-monitoring")
# The ends of the names of Services beside that of the workload, which has the name of the workload itself.
_SERVICE_SUFFIXES = ("-headless", "-monitoring", "-extension")


def child_name(name: str, suffix: str) -> str:
    """Return the name of a resource's child: long names are cut, characters that DNS forbids become dashes."""
    cut_name = re.sub(r"^[^A-Za-z0-9]+|[^A-Za-z0-9]+$", "", f"{name[: LONGEST_NAME - len(suffix)]}{suffix}")
    return re.sub(r"[^a-z0-9]", "-", cut_name.lower())


def operator_workload_name(name: str) -> str:
    """Return the name that the operator gives to the workload and the Service of a custom resource."""
    return f"{name}-collector"


def target_allocator_name(name: str) -> str:
    """Return the name of a collector's target allocator, which the operator gives to its Service too."""
    return f"{name}-targetallocator"


def list_operator_names(name: str) -> frozenset[str]:
    """Return the names that the operator gives to workloads and Services that it makes of a custom resource."""
    workload_name = operator_workload_name(name)
    service_names = [f"{workload_name}{suffix}" for suffix in _SERVICE_SUFFIXES]
    return frozenset([target_allocator_name(name), workload_name, *service_names])


def operator_labels(resource: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels by which the operator selects a collector's pods. With a long name the namespace is cut."""
    namespace, name = resource["metadata"].get("namespace") or "", resource["metadata"]["name"]
    cut_namespace = namespace[: LONGEST_NAME - len(name) - 1] if len(name) < LONGEST_NAME else ""
    return {
        OWNER_LABEL: MANAGED_BY,
        "app.kubernetes.io/instance": f"{cut_namespace}.{name}",
        "app.kubernetes.io/component": "opentelemetry-collector",
    }
