# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The row of a Helm chart in a lock: whether a chart is the one that was locked. Controller only. Private.

`own_release.py` compares the chart that it applies, and `release_mirror.py` those that it copies. `chart_on_disk.py`
reads a chart. For example, that of cert-manager has the row

    {name: cert-manager v1.18.0, sum: "sha256:…", from: /srv/charts/cert-manager-v1.18.0.tgz}
"""

from __future__ import annotations

from typing import NamedTuple

from ...module_utils._install.releases import lock_file
from ...module_utils._install.releases.products import Product
from ...module_utils._otelcol.errors import strip_credentials
from .chart_on_disk import ChartOnDisk


class ChartRow(NamedTuple):
    """What a lock has of a chart."""

    name: str
    checksum: str
    """Empty for a chart that is not on disk."""
    origin: str
    """The path or the reference of the chart, without a password."""

    def as_dict(self) -> dict[str, str]:
        """Return the row as release_mirror returns it and release_lock takes it."""
        return {"name": self.name, "sum": self.checksum, "from": self.origin}


def build_chart_row(product: Product, reference: str, chart: ChartOnDisk | None) -> ChartRow:
    """Return the row of a chart in a lock. `chart` is None if it is not on disk, and `reference` names it then."""
    if chart is None:
        return ChartRow(f"the chart of {product.title}", "", strip_credentials(reference) or "its repository")
    return ChartRow(f"{product.name} {chart.version}", chart.checksum, chart.path)


def verify_chart(row: ChartRow, lock: lock_file.Lock) -> None:
    """Raise Problem for another chart than the one that is locked."""
    lock.verify_sum(lock_file.CHARTS, row.name, row.checksum, row.origin)


def describe_unlocked_chart(row: ChartRow) -> str:
    """Return the note that no lock says which chart to expect."""
    return f"the chart {row.name} is trusted as read, {row.checksum} from {row.origin}; {lock_file.LOCK_HINT}"
