# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources of clusters as an inventory gives them, and kubeconfigs, which are YAML. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ..module_utils._discovery.source_forms import SOURCES, Source
from ..module_utils._otelcol.errors import Problem
from ._otelcol import _files, _yaml

parsed_kubeconfig = _yaml.parsed


def sources_of(given: Sequence[Any]) -> list[Source]:
    """Return the sources of an inventory. Raises Problem for an unknown type, a wrong option, or none at all."""
    if not given:
        raise Problem("it names no source", where="sources", fix=f"List sources of type {', '.join(SOURCES)}.")
    return [_source(row, f"sources[{number}]") for number, row in enumerate(given)]


def _source(row: Any, where: str) -> Source:
    if not isinstance(row, Mapping):
        raise Problem("it is no mapping", where=where, fix="Write `- type: eks` with its options.")
    kind = str(row.get("type"))
    if kind not in SOURCES:
        raise Problem(f"{kind} is no type of a source", where=f"{where}.type", fix=f"Use {', '.join(SOURCES)}.")
    options = {key: value for key, value in row.items() if key != "type"}
    checked = ArgumentSpecValidator(SOURCES[kind]).validate(options)
    if checked.error_messages:
        raise Problem("; ".join(checked.error_messages), where=where, fix=f"Its options: {', '.join(SOURCES[kind])}.")
    return Source(kind, checked.validated_parameters, where)


def kubeconfig_file(path: str) -> Mapping[str, Any]:
    """Return a kubeconfig of the controller. Raises Problem if it cannot be read or is none."""
    config = _yaml.load(_files.read(Path(path)), path).data
    if not isinstance(config, Mapping):
        raise Problem("it is no kubeconfig", where=path)
    return config
