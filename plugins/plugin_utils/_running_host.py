# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors of a Linux host as forecasts compare them: as the inventory renders them, and as they run. Private."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from ..module_utils._host_change.bundle_form import CONFIG
from ..module_utils._otelcol.config.masking import masked_tree
from ._otelcol import _builds, _tables
from ._otelcol._forecast.rendered_collectors import SERVICE
from ._otelcol._testing.chosen_bench import Chosen

# The folder of a program on a host: its distribution, its version and the start of the sum of its archive.
_FOLDER = re.compile(r"(?P<distribution>[a-z0-9-]+)-(?P<version>\d[^-]*)-[0-9a-f]{12}\Z")
# How a config reads a credential. Source: host_credentials.
_CREDENTIAL = re.compile(r"\$\{file:\$\{env:CREDENTIALS_DIRECTORY\}/(\w+)\}")


def as_collectors(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a Linux host in the form of those of a cluster: `collectors`, and `kept` as what runs.

    Empty without `host_running`.
    """
    if arguments["host_running"] is None:
        return {}
    forms = running_forms(arguments["host_running"], arguments["host"])
    return {"collectors": collectors_of(arguments), "kept": forms}


def collectors_of(arguments: Mapping[str, Any]) -> list[Any]:
    """Return the collectors of the inventory; those of a Linux host in the form of those of a cluster."""
    collectors = arguments["collectors"]
    if not arguments["host_files"]:
        return list(collectors)
    return rendered_rows(collectors, arguments["host_files"], arguments["host"])


def rendered_rows(collectors: Sequence[Mapping[str, Any]], files: Sequence[Mapping[str, Any]], host: str) -> list[Any]:
    """Return the collectors of a host in the form of those of a cluster, with the host as their namespace.

    `collectors` and `files` are those of host_render. The files have the configs as the host gets them.
    """
    texts = {str(file["path"]): str(file["content"]) for file in files}
    return [_rendered_row(collector, texts, host) for collector in collectors]


def _rendered_row(collector: Mapping[str, Any], texts: Mapping[str, str], host: str) -> dict[str, Any]:
    name = str(collector["name"])
    distribution, _space, version = str(collector["program"]).partition(" ")
    return {
        "kind": SERVICE,
        "namespace": host,
        "name": name,
        "config": _without_credentials(texts[f"{name}/{CONFIG}"]),
        "image": _image(distribution, version),
    }


def running_forms(running: Sequence[Mapping[str, Any]], host: str) -> dict[str, Chosen]:
    """Return what runs on a host by HOST/NAME. `running` is what host_wave returns, with secrets masked."""
    return dict(_running_forms(running, host))


def _running_forms(running: Sequence[Mapping[str, Any]], host: str) -> Iterator[tuple[str, Chosen]]:
    for collector in running:
        name = f"{host}/{collector['name']}"
        folder = _FOLDER.match(PurePosixPath(str(collector.get("program") or "")).parent.name)
        image = _image(folder["distribution"], folder["version"]) if folder else ""
        config = masked_tree(collector["config"], _without_credentials)
        yield name, Chosen(config, image, f"{name} before the change")


def _without_credentials(text: str) -> str:
    """Return a text of a config with variables in place of credentials, which stay on the host."""
    return _CREDENTIAL.sub(r"${env:\1}", text)


def _image(distribution: str, version: str) -> str:
    """Return the image that has the program of a distribution; empty for a program of the user."""
    if not version or distribution not in _tables.catalogue("distributions"):
        return ""
    return f"{_builds.repository(distribution, version)}:{version}"
