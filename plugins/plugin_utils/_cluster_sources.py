# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources of clusters as an inventory gives them, and kubeconfigs, which are YAML. Private.

A source is a place that knows clusters, such as AWS (`eks`), a kubeconfig or a hub cluster (see source_forms.py). The
inventory plugin `clusters` calls this file with its option `sources`. For example, `{type: eks, region: [a]}` is
refused with the options that type eks has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ..module_utils._discovery.source_forms import OPTIONS_BY_SOURCE, ClusterSource
from ..module_utils._otelcol.errors import Problem
from ._otelcol import _files, _yaml

# Returns the data of the text of a kubeconfig; None for what is no YAML.
parse_kubeconfig = _yaml.parse_or_none


def read_sources(source_rows: Sequence[Any]) -> list[ClusterSource]:
    """Return the sources of an inventory. Raises Problem for an unknown type, a wrong option, or none at all."""
    if not source_rows:
        raise Problem(
            "it names no source", where="sources", fix=f"List sources of type {', '.join(OPTIONS_BY_SOURCE)}."
        )
    return [_read_source(row, f"sources[{index}]") for index, row in enumerate(source_rows)]


def _read_source(source_row: Any, option_path: str) -> ClusterSource:
    """Return a source with its options in their types. `option_path` is its place, such as `sources[0]`."""
    if not isinstance(source_row, Mapping):
        raise Problem("it is no mapping", where=option_path, fix="Write `- type: eks` with its options.")
    source_type = str(source_row.get("type"))
    if source_type not in OPTIONS_BY_SOURCE:
        raise Problem(
            f"{source_type} is no type of a source",
            where=f"{option_path}.type",
            fix=f"Use {', '.join(OPTIONS_BY_SOURCE)}.",
        )
    options = {key: value for key, value in source_row.items() if key != "type"}
    validation = ArgumentSpecValidator(OPTIONS_BY_SOURCE[source_type]).validate(options)
    if validation.error_messages:
        raise Problem(
            "; ".join(validation.error_messages),
            where=option_path,
            fix=f"Its options: {', '.join(OPTIONS_BY_SOURCE[source_type])}.",
        )
    return ClusterSource(source_type, validation.validated_parameters, option_path)


def read_kubeconfig(path: str) -> Mapping[str, Any]:
    """Return a kubeconfig of the controller. Raises Problem if it cannot be read or is none."""
    config = _yaml.load(_files.read_text_file(Path(path)), path).data
    if not isinstance(config, Mapping):
        raise Problem("it is no kubeconfig", where=path, fix="Give the path of a kubeconfig, such as ~/.kube/config.")
    return config
