# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A build of the user's own, by the manifest of the Collector builder, its schema, or both. Private.

`_builds.py` calls `resolve_own_build`. An own build is a Collector that the user has built with components of their
choice; the manifest is the file from which the builder makes it, the schema the JSON Schema that it prints. An example
of a manifest, which is the build `mine 0.158.0`::

    dist: {name: mine, otelcol_version: 0.158.0}
    exporters: [{gomod: go.opentelemetry.io/collector/exporter/debugexporter v0.158.0}]
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...module_utils._otelcol.catalogue.catalogue import Catalogue
from ...module_utils._otelcol.config.collector_versions import complete_version
from ...module_utils._otelcol.config.paths import SECTIONS
from ...module_utils._otelcol.errors import Problem
from ...module_utils._otelcol.rules.build_facts import TargetBuild
from . import _documents, _tables
from ._build_request import BuildRequest

_DEFAULT_NAME = "custom"
# A module of the Collector with its version, such as `go.opentelemetry.io/collector/receiver/otlpreceiver v0.158.0`.
_MODULE_OF_COLLECTOR = re.compile(
    r"(?:go\.opentelemetry\.io/collector|opentelemetry-collector-contrib)/\S{1,200} v(0\.\d+\.\d+)"
)


def resolve_own_build(request: BuildRequest, catalogue: Catalogue) -> TargetBuild:
    """Return the build of the manifest, the schema, or both, that the user gives.

    `catalogue` knows the released components. Raises Problem for files that are none, or that give no version.
    """
    if not request.schema:
        return _build_from_manifest(request, catalogue)
    schema_types = _tables.read_schema_types(request.schema)
    if request.manifest:
        target = _build_from_manifest(request, catalogue)
        return replace(target, catalogue=target.catalogue.add_schema(target.distribution, schema_types, target.version))
    if not request.version:
        raise Problem(f"{request.schema} does not give the Collector's version", fix="Give `version`.")
    name, version = request.distribution or _DEFAULT_NAME, request.version.removeprefix("v")
    return TargetBuild(catalogue.add_schema(name, schema_types, version), name, version)


def _build_from_manifest(request: BuildRequest, catalogue: Catalogue) -> TargetBuild:
    """Return the build of a manifest. Raises Problem for a file that is none.

    The version is the one of the options, else the one that the manifest gives, else that of its newest module of the
    Collector.
    """
    manifest = _documents.read_unique_yaml(request.manifest)
    if not _is_manifest(manifest):
        wrong = f"{request.manifest} is not a manifest of the Collector builder"
        raise Problem(wrong, fix="It lists gomod per component.")
    dist_section = manifest.get("dist")
    distribution_facts = dist_section if isinstance(dist_section, dict) else {}
    version = (
        request.version
        or complete_version(str(distribution_facts.get("otelcol_version") or ""))
        or _find_newest_module_version(manifest)
    )
    if not version:
        raise Problem(f"{request.manifest} does not give the Collector's version", fix="Give `version`.")
    name = request.distribution or str(distribution_facts.get("name") or _DEFAULT_NAME)
    own_catalogue, _unknown = catalogue.add_manifest(name, manifest, version)
    return TargetBuild(own_catalogue, name, version.removeprefix("v"))


def _is_manifest(document: Any) -> bool:
    """Whether a document lists components as the manifests of the builder do."""
    return isinstance(document, dict) and any(isinstance(document.get(section), list) for section in SECTIONS)


def _find_newest_module_version(manifest: Mapping[str, Any]) -> str:
    """Return the newest version of the Collector's own modules in a manifest; empty text if it names none."""
    versions = _MODULE_OF_COLLECTOR.findall(str(manifest))
    return max(versions, key=lambda version: [int(number) for number in version.split(".")], default="")
