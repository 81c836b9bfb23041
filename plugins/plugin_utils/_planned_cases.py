# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collectors of an inventory as cases of a validation. Private.

Module pipeline_validate judges files and the collectors of the inventory. A `JudgedConfig` is one config with its
findings (_otelcol/_judged_configs.py). The rules judge a collector of the inventory when it is planned, so its case
takes the findings over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ._otelcol import _builds
from ._otelcol._judged_configs import JudgedConfig


def list_planned_cases(arguments: Mapping[str, Any]) -> Iterator[JudgedConfig]:
    """Yield each collector of the arguments with its findings. Raises Problem for one that cannot be planned.

    `arguments` has the options of the module. Without `collectors` and `defaults`, it names no collector.
    """
    if not (arguments["collectors"] or arguments["defaults"]):
        return
    from . import _render, _render_request  # noqa: PLC0415 - files need nothing that renders

    for planned in _render.plan_collectors(_render_request.RenderRequest.from_arguments(arguments)):
        name, build = f"collector '{planned.collector.name}'", _builds.build_label(planned.target)
        yield JudgedConfig(
            name,
            list(planned.findings),
            planned.composed_config.config,
            planned.composed_config.locate,
            planned.target,
            build,
        )
