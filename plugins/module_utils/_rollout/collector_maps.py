# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ConfigMaps beside a collector in which runs note something about it. Private.

They are the record of a change (change_record.py) and the note of a passed wave (wave_note.py). They have the labels of
the collector, so that its removal removes them. The note of the collector `agent` is the ConfigMap `agent-wave`.
"""

from __future__ import annotations

from collections.abc import Mapping

from .._otelcol.config.paths import mapping_at
from .._otelcol.kube.names import COLLECTOR_LABEL, OWNER, OWNER_LABEL, RELEASE_LABEL
from .._otelcol.kube.objects import Manifest


def build_map_beside(collector: Manifest, suffix: str, labels: Mapping[str, str]) -> Manifest:
    """Return the ConfigMap NAME-SUFFIX of a collector, without content.

    `collector` is any object with the labels of the collector. `labels` tell this ConfigMap from others beside it.
    """
    collector_labels = mapping_at(collector, "metadata", "labels")
    kept_labels = {
        key: collector_labels[key] for key in (RELEASE_LABEL, COLLECTOR_LABEL, OWNER_LABEL) if key in collector_labels
    }
    metadata = {
        "name": f"{collector_labels[COLLECTOR_LABEL]}-{suffix}",
        "namespace": collector["metadata"]["namespace"],
        "labels": {OWNER_LABEL: OWNER, **kept_labels, **labels},
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
