# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the project's own recipes render to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render

from tests.support.recipe_options import PARTNERS, RECIPE_OPTIONS

from .real_collector_cases import Broken

FOLDER = Path(__file__).parents[2] / "roles" / "otel_collector" / "recipes"

# Recipes with components that the build of the testbed does not have, or not of its version.
NOT_IN_THE_BUILD = {"cluster_events", "cluster_objects", "datadog_export"}


def own(version: str) -> Iterator[Broken]:
    """Yield what each recipe renders to in each of its modes, beside one that receives and one that sends."""
    for path in sorted(FOLDER.glob("*/recipe.yml")):
        name = path.parent.name
        names = ["otlp_ingest", "debug_output", *([PARTNERS[name]] if name in PARTNERS else []), name]
        used = {one: RECIPE_OPTIONS.get(one, {}) for one in names}
        for mode in yaml.safe_load(path.read_text(encoding="utf-8"))["modes"]:
            item = {
                "name": "one",
                "namespace": "telemetry",
                "mode": mode,
                "recipes": [{key: used[key]} for key in used],
            }
            about = {"distribution": "contrib", "version": version, "backend": "operator"}
            for planned in _render.judge_request(_render.RenderRequest([item], about)):
                yield Broken(f"{name} of a {mode}", "", planned.composed_config.config)
