# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A build of the user's own, by the manifest of the Collector builder, its schema, or both. Private."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...module_utils._otelcol.catalogue.catalogue import Catalogue
from ...module_utils._otelcol.catalogue.rows import SECTIONS
from ...module_utils._otelcol.config.layers import full_version
from ...module_utils._otelcol.errors import Problem
from ...module_utils._otelcol.rules.build_facts import Target
from . import _documents, _tables
from ._build_request import BuildRequest

_CUSTOM = "custom"
_MODULE_OF_COLLECTOR = re.compile(
    r"(?:go\.opentelemetry\.io/collector|opentelemetry-collector-contrib)/\S{1,200} v(0\.\d+\.\d+)"
)


def users_build(wanted: BuildRequest, catalogue: Catalogue) -> Target:
    """Return the build of the manifest, the schema, or both, that the user gives.

    `catalogue` knows the released components. Raises Problem for files that are none, or that give no version.
    """
    if not wanted.schema:
        return _from_manifest(wanted, catalogue)
    types = _tables.types_of_schema(wanted.schema)
    if wanted.manifest:
        target = _from_manifest(wanted, catalogue)
        return replace(target, catalogue=target.catalogue.with_schema(target.distribution, types, target.version))
    if not wanted.version:
        raise Problem(f"{wanted.schema} does not give the Collector's version", fix="Give `version`.")
    name, version = wanted.distribution or _CUSTOM, wanted.version.removeprefix("v")
    return Target(catalogue.with_schema(name, types, version), name, version)


def _from_manifest(wanted: BuildRequest, catalogue: Catalogue) -> Target:
    manifest = _documents.read_yaml(wanted.manifest)
    if not _is_manifest(manifest):
        wrong = f"{wanted.manifest} is not a manifest of the Collector builder"
        raise Problem(wrong, fix="It lists gomod per component.")
    dist = manifest.get("dist")
    about = dist if isinstance(dist, dict) else {}
    version = wanted.version or full_version(str(about.get("otelcol_version") or "")) or _newest_module(manifest)
    if not version:
        raise Problem(f"{wanted.manifest} does not give the Collector's version", fix="Give `version`.")
    name = wanted.distribution or str(about.get("name") or _CUSTOM)
    own_catalogue, _unknown = catalogue.with_manifest(name, manifest, version)
    return Target(own_catalogue, name, version.removeprefix("v"))


def _is_manifest(document: Any) -> bool:
    """Whether a document lists components as the manifests of the builder do."""
    return isinstance(document, dict) and any(isinstance(document.get(section), list) for section in SECTIONS)


def _newest_module(manifest: Mapping[str, Any]) -> str:
    """Return the newest version of the Collector's own modules in a manifest; empty text if it names none."""
    versions = _MODULE_OF_COLLECTOR.findall(str(manifest))
    return max(versions, key=lambda version: [int(number) for number in version.split(".")], default="")
