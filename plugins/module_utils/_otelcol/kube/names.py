# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The owner, and the labels by which others know what belongs to a collector. Private.

| what | example |
|---|---|
| the owner, who manages an object | `app.kubernetes.io/managed-by: o11y.opentelemetry` |
| the collector that an object or a pod belongs to | `o11y.opentelemetry/collector: agent` |
| the release, what is pruned and removed together | `o11y.opentelemetry/release: otel.agent` |

object_names.py of the room `_kube` has the names and labels of the objects of a collector, and release_names.py those
of releases. operator_names.py has the names that the operator gives, and text_values.py checks the labels of users.
"""

from __future__ import annotations

# The owner of objects of this collection, as a label and as the field manager.
OWNER_LABEL = "app.kubernetes.io/managed-by"
OWNER = "o11y.opentelemetry"
COLLECTOR_LABEL = "o11y.opentelemetry/collector"
# The release that an object belongs to: that of a collector, an Instrumentation, or a product such as cert-manager.
RELEASE_LABEL = "o11y.opentelemetry/release"
# The hash of all that a pod is made of. A pod that the operator has made shows by it which spec the pod has.
SPEC_HASH = "o11y.opentelemetry/spec-hash"
# The name of the collector's container by backend. Source for the operator: Container in its internal/naming.
CONTAINER_BY_BACKEND = {"kubernetes": "opentelemetry-collector", "operator": "otc-container"}
# The most characters that the value of a label may have, and the name in its key behind the domain.
LONGEST_LABEL = 63


def headless_service_name(name: str) -> str:
    """Return the name of a StatefulSet's governing Service."""
    return f"{name}-headless"
