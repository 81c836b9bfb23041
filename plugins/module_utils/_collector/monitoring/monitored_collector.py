# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tables of alerts and panels are rendered for: a collector, as its monitoring knows it. Private.

`manifests/monitoring_series.py` builds it from the options and the config of a collector. `alerts.py` and
`dashboard.py` render the rows of their tables for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .series import CollectorSeries
from .used_components import UsedComponents


class MonitoredCollector(NamedTuple):
    """A collector: its series in Prometheus, its components, and its features."""

    series: CollectorSeries
    components: UsedComponents
    features: frozenset[str]
    """Words for what it has, such as `exporters`, `processors/memorylimiter` and `gpus` (see alert_row.py)."""

    def has_all(self, features: Iterable[str]) -> bool:
        """Return whether the collector has all of these features."""
        return self.features.issuperset(features)

    def has_any(self, features: Iterable[str]) -> bool:
        """Return whether the collector has one of these features."""
        return not self.features.isdisjoint(features)
