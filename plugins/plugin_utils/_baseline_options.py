# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What recipe baseline does for a collector: who makes batches, and how much its queues hold. Private.

Recipes read it as facts about the collector (`_recipe_facts.py`), and `_configured_collectors.py` sizes queues by it.
For example, in a build from 0.130.0 on the exporters can make batches themselves, unless the user sets
`{baseline: {batching: processor}}`.
"""

from __future__ import annotations

from typing import Any

from ..module_utils._collector import recipes
from ..module_utils._collector.options import Collector
from ..module_utils._otelcol.config.collector_versions import parse_version
from ..module_utils._otelcol.needs.memory_sizes import compute_queue_mib
from ..module_utils._otelcol.needs.quantities import MIB
from ..module_utils._otelcol.rules.build_facts import TargetBuild, is_from_version
from ..module_utils._otelcol.rules.exporter_batches import EXPORTERS_BATCH_SINCE

BASELINE_RECIPE = "baseline"


def exporters_split_requests(target: TargetBuild | None) -> bool:
    """Whether the exporters of a build split what is too large for a receiver; False if the build is not known."""
    return is_from_version(target, EXPORTERS_BATCH_SINCE)


def exporters_make_batches(collector: Collector, version: str) -> bool:
    """Whether recipe baseline leaves batches to the exporters, where they can make them."""
    if _list_given_options(collector, "batching") == ["processor"]:
        return False
    return parse_version(version) >= parse_version(EXPORTERS_BATCH_SINCE)


def compute_queue_bytes(collector: Collector) -> int:
    """Return the bytes that all queues in the memory of a collector hold together, by recipe baseline."""
    for given_mib in _list_given_options(collector, "queue_mib"):
        if given_mib:
            return int(given_mib) * MIB
    return compute_queue_mib(collector.memory) * MIB


def _list_given_options(collector: Collector, option: str) -> list[Any]:
    """Return the value of an option for each use of recipe baseline; None for a use without that option."""
    values: list[Any] = []
    for use in recipes.read_recipe_uses(collector.recipes):
        if use.name == BASELINE_RECIPE:
            values.append(use.options.get(option))
    return values
