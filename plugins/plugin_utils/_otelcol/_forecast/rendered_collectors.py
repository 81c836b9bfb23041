# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors as the inventory renders them: what each is after a change. Private.

`collector_forecasts.py` makes one of each row of option `collectors`, and compares it with what collectors_before.py
says of it. For example, the row

    {"name": "gateway", "namespace": "shop", "kind": "Deployment", "config": {…}, "image": "otelcol:0.158.0"}

is the collector `shop/gateway`, whose capture is in the folder `shop.gateway`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.kube.objects import ObjectRef
from .. import _inputs
from .._testing.chosen_collector import ChosenConfig

# The kind of a collector of a Linux host.
SERVICE = "service"


@dataclass(frozen=True)
class RenderedCollector:
    """A collector of the inventory, as otel_render returns it.

    `config_after` has its config and image after the change.
    """

    collector_row: Mapping[str, Any]
    workload: ObjectRef
    config_after: ChosenConfig

    @classmethod
    def from_row(cls, row: Mapping[str, Any], row_place: str) -> RenderedCollector:
        """Return the collector of a row. Raises Problem for one without a name, a namespace or a config."""
        fix = "Give `collectors` as otel_render returns them."
        if not row.get("name") or not row.get("namespace"):
            raise Problem("this is no collector with a name and a namespace", where=row_place, fix=fix)
        config = row.get("config")
        inputs = [] if config is None else _inputs.collect_inputs([], config).inputs
        if not inputs or not isinstance(inputs[0].config, Mapping):
            raise Problem("this is no collector with a config", where=row_place, fix=fix)
        workload = ObjectRef(str(row.get("kind")), str(row["namespace"]), str(row["name"]))
        origin = f"{workload.namespace}/{workload.name} of the inventory"
        return cls(row, workload, ChosenConfig(inputs[0].config, str(row.get("image") or ""), origin))

    @property
    def name(self) -> str:
        """Its namespace and name."""
        return f"{self.workload.namespace}/{self.workload.name}"

    @property
    def capture_folder(self) -> str:
        """The name of its capture among those of its host of the inventory."""
        is_of_host = self.workload.kind == SERVICE
        return self.workload.name if is_of_host else f"{self.workload.namespace}.{self.workload.name}"
