# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose the config with which savings are measured: a file's, a collector's of the inventory, or a plain one. Private.

`_savings.py` calls `choose_measured_config`. For example, a capture of collector `agent` is measured with the config of
`agent` in the inventory. Without a config, all that the capture has goes to one exporter.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..module_utils._otelcol.errors import Problem, suggest_word
from ..module_utils._otelcol.forecast.capture_facts import CaptureFacts
from ..module_utils._otelcol.otlp_requests import LISTS_BY_SIGNAL
from ._otelcol import _inputs
from ._otelcol._testing.chosen_collector import ChosenConfig

# What passes everything on: by it, an option is measured if no config is given.
_PLAIN_CONFIG_TITLE = "a config that passes everything on"


class MeasuredConfig(NamedTuple):
    """The config with which options are measured, and what the report calls it."""

    chosen_config: ChosenConfig
    title: str


def choose_measured_config(arguments: Mapping[str, Any], facts: CaptureFacts) -> MeasuredConfig:
    """Return the config of a task's options: `config`, else the collector that it names or that the capture is of.

    Raises Problem for a file without one config, and for a collector that there is not.
    """
    if arguments["config"]:
        return MeasuredConfig(_read_config(arguments["config"]), Path(arguments["config"]).name)
    collector_by_name = {str(collector["name"]): collector for collector in arguments["collectors"]}
    requested_name = arguments["collector"] or facts.collector
    if requested_name in collector_by_name:
        return MeasuredConfig(_read_collector_config(collector_by_name[requested_name]), requested_name)
    if arguments["collector"]:
        wrong = f"there is no collector '{requested_name}'{suggest_word(requested_name, collector_by_name)}"
        raise Problem(wrong, where="collector", fix=f"Collectors: {', '.join(collector_by_name) or 'none'}.")
    return MeasuredConfig(
        ChosenConfig(_build_plain_config(), "", _PLAIN_CONFIG_TITLE), requested_name or Path(arguments["capture"]).name
    )


def _read_config(path: str) -> ChosenConfig:
    """Return the config in a file. Raises Problem unless there is one."""
    config_inputs = [
        config_input
        for config_input in _inputs.collect_inputs([path], None).inputs
        if isinstance(config_input.config, dict)
    ]
    if len(config_inputs) != 1:
        wrong = f"{path} has {len(config_inputs)} configs, and the options of one are measured"
        raise Problem(wrong, where="config", fix="Name a file with one config.")
    return ChosenConfig(config_inputs[0].config, config_inputs[0].platform_context.image, path)


def _read_collector_config(collector: Mapping[str, Any]) -> ChosenConfig:
    """Return the config of a collector of the inventory."""
    config = _inputs.collect_inputs([], collector["config"]).inputs[0].config
    return ChosenConfig(config, str(collector.get("image") or ""), f"{collector['name']} of the inventory")


def _build_plain_config() -> dict[str, Any]:
    """Return a config with a pipeline for each signal, which has no processor. Nothing is sent to its endpoint."""
    pipeline = {"receivers": ["otlp"], "exporters": ["otlp_http"]}
    return {
        "receivers": {"otlp": {"protocols": {"http": {}}}},
        "exporters": {"otlp_http": {"endpoint": "http://backend:4318"}},
        "service": {"pipelines": dict.fromkeys(LISTS_BY_SIGNAL, pipeline)},
    }
