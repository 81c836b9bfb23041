# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check what modules gitops_render and gitops_changes get from other modules, before a file is written. Private.

A play of a user may give them anything. What is no object would end as an error inside of the collection, and what is
no list would count as empty, so that the files of earlier runs would be removed. For example, an object without a name:

    it is no object of Kubernetes (at collectors.manifests[3]). Give what the module that renders it returned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._otelcol.config.paths import mapping_at
from .._otelcol.errors import Problem

_ACTION = "Write the files of a cluster"
_FIX = "Give what the module that renders it returned."
_KEYS_OF_OBJECTS = ("manifests", "namespaces")
_KEYS_OF_CHANGE = ("subject", "aspect", "change")
_HELM = "helm"


def check_rendered_parts(parts: Mapping[str, Any], products: Sequence[Mapping[str, Any]]) -> None:
    """Raise Problem for a part that no role renders.

    `parts` has the results of the roles of collectors and of instrumentations, by the names of the options.
    """
    for option, result in parts.items():
        for key in _KEYS_OF_OBJECTS:
            _check_objects(result.get(key), f"{option}.{key}")
        _check_names(result.get("collectors"), f"{option}.collectors")
    for index, product in enumerate(products):
        place = f"products[{index}]"
        _check_objects(mapping_at(product, "release").get("manifests"), f"{place}.release.manifests")
        if product["provider"] == _HELM and not _is_object(product.get("namespace_object")):
            fix = "Give the Namespace that the chart is installed in."
            wrong = "a Helm release needs its Namespace"
            raise Problem(wrong, asked=_ACTION, where=f"{place}.namespace_object", fix=fix)


def check_changes(clusters: Sequence[Mapping[str, Any]]) -> None:
    """Raise Problem for a row of changes that gitops_render does not return."""
    for index, cluster in enumerate(clusters):
        for row_index, row in enumerate(cluster["changes"]):
            for key in _KEYS_OF_CHANGE:
                if not isinstance(row.get(key), str):
                    place = f"clusters[{index}].changes[{row_index}]"
                    fix = "Give `report` of what gitops_render returned."
                    raise Problem(f"it has no text `{key}`", asked="Write what changes", where=place, fix=fix)


def _check_objects(manifests: Any, place: str) -> None:
    """Raise Problem for what is no list of objects; nothing at all is one."""
    for index, manifest in enumerate(_read_list(manifests, place)):
        if not _is_object(manifest):
            raise Problem("it is no object of Kubernetes", asked=_ACTION, where=f"{place}[{index}]", fix=_FIX)


def _check_names(collectors: Any, place: str) -> None:
    """Raise Problem for a collector without a name or a namespace."""
    for index, collector in enumerate(_read_list(collectors, place)):
        has_names = isinstance(collector, Mapping) and collector.get("name") and collector.get("namespace")
        if not has_names:
            raise Problem("it has no name and namespace", asked=_ACTION, where=f"{place}[{index}]", fix=_FIX)


def _read_list(value: Any, place: str) -> Sequence[Any]:
    """Return a list; an empty one for nothing. Raises Problem for anything else."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise Problem("it is no list", asked=_ACTION, where=place, fix=_FIX)
    return value


def _is_object(value: Any) -> bool:
    """Return whether a value has what every object of Kubernetes has: a kind and a name."""
    if not isinstance(value, Mapping) or not isinstance(value.get("kind"), str):
        return False
    metadata = value.get("metadata")
    return isinstance(metadata, Mapping) and isinstance(metadata.get("name"), str)
