# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collectors of a Linux host in the form in which forecasts take those of a cluster. Private.

A forecast says what a change does to the data that a collector sends (docs/forecast.md). It knows a collector of a
cluster by NAMESPACE/NAME, and takes rows with `kind`, `namespace`, `name`, `config` and `image`. A collector of a host
gets the host as its namespace. For example, `agent` of web1 becomes

    {"kind": "service", "namespace": "web1", "name": "agent", "config": "receivers: …", "image": "…-contrib:0.158.0"}

The actions of the forecast modules and pipeline_savings call this file: for the collectors that the inventory renders,
and for the configs that run on the host before the change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from ..module_utils._host_change.bundle_form import CONFIG
from ..module_utils._otelcol.config.masking import mask_tree
from ._otelcol import _images, _tables
from ._otelcol._forecast.rendered_collectors import SERVICE
from ._otelcol._testing.chosen_collector import ChosenConfig

# The folder of a program on a host: its distribution, its version and the start of the sum of its archive.
_PROGRAM_FOLDER = re.compile(r"(?P<distribution>[a-z0-9-]+)-(?P<version>\d[^-]*)-[0-9a-f]{12}\Z")
# How a config reads a credential. Source: host_credentials.
_CREDENTIAL = re.compile(r"\$\{file:\$\{env:CREDENTIALS_DIRECTORY\}/(\w+)\}")


def build_forecast_input(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return two options of a forecast for a Linux host: its `collectors`, and the `kept_configs` that run there.

    Nothing without `host_running`, since the forecast is about a cluster then.
    """
    if arguments["host_running"] is None:
        return {}
    running_configs = read_running_configs(arguments["host_running"], arguments["host"])
    return {"collectors": list_collectors(arguments), "kept_configs": running_configs}


def list_collectors(arguments: Mapping[str, Any]) -> list[Any]:
    """Return the collectors of the inventory; those of a Linux host in the form of those of a cluster."""
    collectors = arguments["collectors"]
    if not arguments["host_files"]:
        return list(collectors)
    return build_collector_rows(collectors, arguments["host_files"], arguments["host"])


def build_collector_rows(
    collectors: Sequence[Mapping[str, Any]], files: Sequence[Mapping[str, Any]], host: str
) -> list[Any]:
    """Return the collectors of a host in the form of those of a cluster, with the host as their namespace.

    `collectors` and `files` are those of host_render. The files have the configs as the host gets them.
    """
    text_by_path = {str(file["path"]): str(file["content"]) for file in files}
    return [_build_collector_row(collector, text_by_path, host) for collector in collectors]


def _build_collector_row(collector: Mapping[str, Any], text_by_path: Mapping[str, str], host: str) -> dict[str, Any]:
    """Return a collector in the form of one of a cluster. Its `program` is such as `contrib 0.158.0`."""
    name = str(collector["name"])
    distribution, _space, version = str(collector["program"]).partition(" ")
    return {
        "kind": SERVICE,
        "namespace": host,
        "name": name,
        "config": _replace_credentials(text_by_path[f"{name}/{CONFIG}"]),
        "image": _find_image(distribution, version),
    }


def read_running_configs(running_collectors: Sequence[Mapping[str, Any]], host: str) -> dict[str, ChosenConfig]:
    """Return the configs that run on a host by HOST/NAME. `running_collectors` is what host_wave returns, masked."""
    config_by_name: dict[str, ChosenConfig] = {}
    for collector in running_collectors:
        name = f"{host}/{collector['name']}"
        config = mask_tree(collector["config"], _replace_credentials)
        image = _find_image_of_program(str(collector.get("program") or ""))
        config_by_name[name] = ChosenConfig(config, image, f"{name} before the change")
    return config_by_name


def _find_image_of_program(path: str) -> str:
    """Return the image that has a program, by its path on the host; empty for a program of the user.

    For example, /opt/otelcol/contrib-0.158.0-0123456789ab/otelcol-contrib is the program of contrib 0.158.0.
    """
    program_folder = _PROGRAM_FOLDER.match(PurePosixPath(path).parent.name)
    return _find_image(program_folder["distribution"], program_folder["version"]) if program_folder else ""


def _replace_credentials(text: str) -> str:
    """Return a text of a config with variables in place of credentials, which stay on the host.

    For example, `${file:${env:CREDENTIALS_DIRECTORY}/TOKEN}` becomes `${env:TOKEN}`.
    """
    return _CREDENTIAL.sub(r"${env:\1}", text)


def _find_image(distribution: str, version: str) -> str:
    """Return the image that has the program of a distribution; empty for a program of the user."""
    if not version or distribution not in _tables.catalogue("distributions"):
        return ""
    return f"{_images.image_repository(distribution, version)}:{version}"
