# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two configs of a collector that a forecast compares: before a change, and after it. Private.

forecasting.py asks for those that the options of `pipeline_forecast` name:

| option | config before | config after |
|---|---|---|
| `before: old.yaml`, `after: new.yaml` | of the file | of the file |
| `host_running` and `host`, read into `kept` | what runs on the Linux host | of the inventory |
| `resources` | what runs in the cluster | of the inventory |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....module_utils._otelcol.errors import Problem, suggest_word
from ....module_utils._otelcol.rules.report_model import format_count
from ....module_utils._otelcol.testing.case import Suite
from .. import _inputs
from .._testing.chosen_collector import ChosenConfig
from .._testing.running_configs import find_input_in_cluster

_NAME_FILE_FIX = "Name the config of before as a file with `before`."


@dataclass(frozen=True)
class ForecastConfigs:
    """A collector as it is before a change and after it."""

    name: str
    config_before: ChosenConfig
    config_after: ChosenConfig


def read_configs(arguments: Mapping[str, Any], captured_collector: str) -> ForecastConfigs:
    """Return the configs that the options of a forecast name.

    `captured_collector` is the collector that the capture is of. Raises Problem if none or several collectors could be
    meant, and if a config cannot be read.
    """
    name = _choose_collector_name(arguments, captured_collector)
    return ForecastConfigs(name, _read_config_before(name, arguments), _read_config_after(name, arguments))


def _choose_collector_name(arguments: Mapping[str, Any], captured_collector: str) -> str:
    """Return the name of the collector that the capture is of. Raises Problem if none or several could be meant."""
    if arguments["before"] and arguments["after"]:
        return Path(arguments["after"]).name
    collector_names = [str(collector["name"]) for collector in arguments["collectors"]]
    requested_name = arguments["collector"] or captured_collector
    if requested_name in collector_names:
        return str(requested_name)
    if requested_name:
        wrong = f"there is no collector '{requested_name}'{suggest_word(requested_name, collector_names)}"
        raise Problem(wrong, fix=f"Collectors: {', '.join(collector_names) or 'none'}.")
    if len(collector_names) == 1:
        return collector_names[0]
    wrong = f"the capture names no collector, and there are {len(collector_names)}"
    raise Problem(wrong, fix="Name one with `collector`, or give the files `before` and `after`.")


def _read_config_before(name: str, arguments: Mapping[str, Any]) -> ChosenConfig:
    """Return a collector before the change: of a file, as it runs on a host, or as it runs in the cluster."""
    if arguments["before"]:
        return _read_config_of_file(arguments["before"], "before")
    if arguments.get("kept_configs") is not None:
        return _find_config_on_host(name, arguments["kept_configs"])
    if arguments["resources"] is None:
        fix = "Name the config of before as a file with `before`, or give the objects of the cluster."
        raise Problem("the config that runs is not known: the cluster was not read", where="before", fix=fix)
    running_input = find_input_in_cluster(Suite(name, collector=name), arguments["collectors"], arguments["resources"])
    if running_input is None:
        wrong = f"the cluster has no collector '{name}' with one config"
        raise Problem(wrong, where="before", fix=_NAME_FILE_FIX)
    return ChosenConfig(running_input.config, running_input.platform_context.image, f"{name} in the cluster")


def _find_config_on_host(name: str, kept_configs: Mapping[str, ChosenConfig]) -> ChosenConfig:
    """Return what runs on a Linux host. Its collectors have the name of the host before their own."""
    for full_name, kept_config in kept_configs.items():
        if full_name.endswith(f"/{name}") and kept_config.config:
            return kept_config
    wrong = f"no collector '{name}' runs on the host with one config that can be read"
    raise Problem(wrong, where="before", fix=_NAME_FILE_FIX)


def _read_config_after(name: str, arguments: Mapping[str, Any]) -> ChosenConfig:
    """Return a collector after the change: of a file, or as the inventory renders it."""
    if arguments["after"]:
        return _read_config_of_file(arguments["after"], "after")
    rendered = next(collector for collector in arguments["collectors"] if str(collector["name"]) == name)
    config = _inputs.collect_inputs([], rendered["config"]).inputs[0].config
    return ChosenConfig(config, str(rendered.get("image") or ""), f"{name} of the inventory")


def _read_config_of_file(path: str, option: str) -> ChosenConfig:
    """Return the config in the file that an option names. Raises Problem unless there is one."""
    file_inputs = [
        file_input for file_input in _inputs.collect_inputs([path], None).inputs if isinstance(file_input.config, dict)
    ]
    if len(file_inputs) != 1:
        wrong = f"{path} has {format_count(len(file_inputs), 'config')}, and a forecast compares one with another"
        raise Problem(wrong, where=option, fix="Name a file with one config.")
    return ChosenConfig(file_inputs[0].config, file_inputs[0].platform_context.image, path)
