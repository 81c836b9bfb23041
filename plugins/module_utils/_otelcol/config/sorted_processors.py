# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of processors in a pipeline, as the Collector's documentation recommends it. Private.

Configs are composed in this order, and proposals of savings add processors in it: `memory_limiter`, `k8s_attributes`,
`filter`, `batch`. Source: "Recommended Processors" in the Collector's processor/README.md.
"""

from __future__ import annotations

# The limiter is before all work, enrichment before what reads it, and batches are last. By id, else by type.
PROCESSOR_RANK = {
    "memory_limiter": 0,
    # The recipe gpu_metrics makes resources of labels that name pods, which k8s_attributes reads.
    "filter/gpu": 5,
    "transform/gpu": 6,
    "groupbyattrs/gpu": 7,
    "transform/gpu_pod": 8,
    "k8s_attributes": 10,
    "k8sattributes": 10,
    "resource_detection": 11,
    "resourcedetection": 11,
    "resource": 20,
    "attributes": 21,
    "transform": 22,
    "redaction": 23,
    "filter": 30,
    # The recipe drop_noise removes attributes after its filter has read them.
    "resource/noise": 31,
    "attributes/noise": 31,
    "groupbytrace": 39,
    "probabilistic_sampler": 40,
    "tail_sampling": 41,
    "batch": 90,
}
# Processors that are not in the table: behind enrichment, and before what drops records.
_OTHER_RANK = 25


def processor_rank(component_id: str) -> int:
    """Return where a processor belongs in a pipeline: low numbers first. For `batch/logs`, it is that of `batch`."""
    processor_id = str(component_id)
    if processor_id in PROCESSOR_RANK:
        return PROCESSOR_RANK[processor_id]
    return PROCESSOR_RANK.get(processor_id.partition("/")[0], _OTHER_RANK)
