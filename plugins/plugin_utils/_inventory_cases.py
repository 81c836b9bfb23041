# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collectors of an inventory, as cases of module pipeline_validate. Private.

The module judges configs in files, and the collectors of the inventory (its options `collectors` and `defaults`). A
case is a `JudgedConfig` of _otelcol/_validate.py: one config with its findings. For files, the module makes the cases
itself. For collectors of the inventory, the stages of `_render.py` have judged them already, and this file takes over
the findings. For example, collector `agent` becomes the case `collector 'agent'`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ._otelcol import _builds
from ._otelcol._judged_configs import JudgedConfig


def list_inventory_cases(arguments: Mapping[str, Any]) -> Iterator[JudgedConfig]:
    """Yield each collector of the arguments with its findings. Raises Problem for one that cannot be rendered.

    `arguments` has the options of the module. Without `collectors` and `defaults`, it names no collector.
    """
    if not (arguments["collectors"] or arguments["defaults"]):
        return
    from . import _render, _render_request  # noqa: PLC0415 - files need nothing that renders

    request = _render_request.RenderRequest.from_arguments(arguments)
    for judged in _render.judge_request(request):
        yield JudgedConfig(
            name=f"collector '{judged.collector.name}'",
            findings=list(judged.findings),
            config=judged.composed_config.config,
            locate=judged.composed_config.locate,
            target=judged.target,
            build_label=_builds.build_label(judged.target),
        )
