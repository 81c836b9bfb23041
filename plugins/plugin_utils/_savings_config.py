# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The config with which options are measured: a file's, a collector's of the inventory, or a plain one. Private."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..module_utils._otelcol.errors import Problem, near
from ..module_utils._otelcol.forecast.capture_facts import CaptureFacts
from ..module_utils._otelcol.otlp_requests import LISTS
from ._otelcol import _inputs
from ._otelcol._testing.chosen_bench import Chosen

# What passes everything on: by it, an option is measured if no config is given.
_PLAIN = "a config that passes everything on"


class MeasuredConfig(NamedTuple):
    """The config with which options are measured, and what the report calls it."""

    chosen: Chosen
    title: str


def measured_config(arguments: Mapping[str, Any], facts: CaptureFacts) -> MeasuredConfig:
    """Return the config of a task's options: `config`, else the collector that it names or that the capture is of.

    Raises Problem for a file without one config, and for a collector that there is not.
    """
    if arguments["config"]:
        return MeasuredConfig(_config_of_file(arguments["config"]), Path(arguments["config"]).name)
    known = {str(collector["name"]): collector for collector in arguments["collectors"]}
    asked = arguments["collector"] or facts.collector
    if asked in known:
        return MeasuredConfig(_config_of_collector(known[asked]), asked)
    if arguments["collector"]:
        wrong = f"there is no collector '{asked}'{near(asked, known)}"
        raise Problem(wrong, where="collector", fix=f"Collectors: {', '.join(known) or 'none'}.")
    return MeasuredConfig(Chosen(_plain_config(), "", _PLAIN), asked or Path(arguments["capture"]).name)


def _config_of_file(path: str) -> Chosen:
    configs = [given for given in _inputs.collect_inputs([path], None).inputs if isinstance(given.config, dict)]
    if len(configs) != 1:
        wrong = f"{path} has {len(configs)} configs, and the options of one are measured"
        raise Problem(wrong, where="config", fix="Name a file with one config.")
    return Chosen(configs[0].config, configs[0].context.image, path)


def _config_of_collector(collector: Mapping[str, Any]) -> Chosen:
    """Return the config of a collector of the inventory."""
    config = _inputs.collect_inputs([], collector["config"]).inputs[0].config
    return Chosen(config, str(collector.get("image") or ""), f"{collector['name']} of the inventory")


def _plain_config() -> dict[str, Any]:
    pipeline = {"receivers": ["otlp"], "exporters": ["otlp_http"]}
    return {
        "receivers": {"otlp": {"protocols": {"http": {}}}},
        "exporters": {"otlp_http": {"endpoint": "http://backend:4318"}},
        "service": {"pipelines": dict.fromkeys(LISTS, pipeline)},
    }
