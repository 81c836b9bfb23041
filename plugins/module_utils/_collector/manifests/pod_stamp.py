# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The annotation that distinguishes the pods of one config of a collector from those of another. Private.

A PodMonitor makes label `config_hash` of it, and the alert OtelCollectorConfigOutdated compares the label with the hash
that was applied last. Example: `checksum/config: 3f1c…`.
"""

from __future__ import annotations

from typing import NamedTuple

from ..._otelcol.kube import names
from . import open_telemetry_collector
from .build import CollectorBuild
from .pod import HASH_ANNOTATION

# How many digits of the hash label `config_hash` has.
HASH_DIGITS = 10


class PodStamp(NamedTuple):
    """The annotation of the pods that changes with the config, and its value for this config."""

    annotation: str
    value: str

    @property
    def short_hash(self) -> str:
        """The value as label `config_hash` has it."""
        return self.value[:HASH_DIGITS]


def read_pod_stamp(build: CollectorBuild) -> PodStamp:
    """Return the annotation of the pods that changes with the config.

    With backend operator, the hash is over all that replaces the pods.
    """
    if build.collector.backend != "operator":
        return PodStamp(HASH_ANNOTATION, build.config_hash)
    pod_annotations = open_telemetry_collector.render_collector_resource(build)["spec"].get("podAnnotations") or {}
    return PodStamp(names.SPEC_HASH, pod_annotations.get(names.SPEC_HASH, ""))
