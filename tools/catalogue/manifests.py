# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who ships what: the modules of every distribution and version, from the lists that the builds themselves use.

Sources: opentelemetry-collector-releases `distributions/*/manifest.yaml`, aws-otel-collector
`pkg/defaultcomponents/defaults.go` and `go.mod`, redhat-opentelemetry-collector `manifest.yaml`, at their release tags.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from plugins.module_utils._otelcol.catalogue.builds import BUILDER_SCHEMES, list_modules, list_schemes
from plugins.module_utils._otelcol.catalogue.rows import Module
from plugins.module_utils._otelcol.config.collector_versions import Version, parse_version

from .clones import Clone
from .versions import FIRST_VERSION, describe_ranges

# Distribution → version of the Collector inside → modules.
ModulesByBuild = dict[str, dict[Version, set[Module]]]

_FOLDERS = {"otelcol": "core", "otelcol-contrib": "contrib", "otelcol-k8s": "k8s", "otelcol-otlp": "otlp"}
# A line of an import in Go, such as `"go.opentelemetry.io/collector/exporter/otlpexporter"`.
_IMPORT = re.compile(r'^\s*"((?:github\.com|go\.opentelemetry\.io)/\S+)"$', re.MULTILINE)
# A call such as `otlpexporter.NewFactory()`.
_FACTORY = re.compile(r"\b(\w+)\.NewFactory\(\)")
# The line of go.mod that tells the version of the Collector.
_COLLECTOR = re.compile(r"^\s*go\.opentelemetry\.io/collector/exporter/otlpexporter (v\S+)", re.MULTILINE)
_CLASSES = ("receiver", "processor", "exporter", "connector", "extension")
# Red Hat's builds without a tag in the clone, 3.8 and 3.9. This manifest has the components whose schemas later commits
# publish for them (configschemas/schemas).
_UNTAGGED = {
    (0, 140, 0): "753d5e301b66564cdfd9f637a7dc71e05d5b914a",
    (0, 144, 0): "753d5e301b66564cdfd9f637a7dc71e05d5b914a",
}
# Neither lists its providers in a manifest. Red Hat's is built without any; ADOT's are in pkg/config.
_SCHEMES_WITHOUT_MANIFEST = {"adot": (*BUILDER_SCHEMES, "s3"), "redhat": BUILDER_SCHEMES}
_OLDEST_ADOT = (0, 42, 0)  # the first with Collector 0.110.0 or newer inside


def read_upstream_modules(releases: Clone, oldest_version: Version = ()) -> ModulesByBuild:
    """Return the modules of the four official distributions."""
    modules_by_build: ModulesByBuild = {name: {} for name in _FOLDERS.values()}
    for version, tag in sorted(releases.tag_by_version.items()):
        for folder, name in _FOLDERS.items():
            manifest = (
                releases.read_file(tag, f"distributions/{folder}/manifest.yaml") if version >= oldest_version else None
            )
            if manifest:
                modules_by_build[name][version] = set(list_modules(_load_yaml(manifest)))
    return modules_by_build


def list_scheme_rows(releases: Clone, modules_by_build: ModulesByBuild) -> list[dict[str, Any]]:
    """Return one row for each scheme of `${scheme:…}`: the builds and versions that have a provider for it."""
    versions_of_build = {name: sorted(filter(_is_known, versions)) for name, versions in modules_by_build.items()}
    builds_with: dict[str, dict[str, list[Version]]] = {}
    for folder, name in _FOLDERS.items():
        for version in filter(_is_known, modules_by_build[name]):
            manifest = _load_yaml(
                releases.read_file(releases.tag_by_version[version], f"distributions/{folder}/manifest.yaml") or ""
            )
            for scheme in list_schemes(manifest):
                builds_with.setdefault(scheme, {}).setdefault(name, []).append(version)
    for name, listed_schemes in _SCHEMES_WITHOUT_MANIFEST.items():
        for scheme in listed_schemes:
            builds_with.setdefault(scheme, {})[name] = list(filter(_is_known, modules_by_build[name]))
    rows = []
    for scheme, builds in sorted(builds_with.items()):
        version_ranges = {
            name: describe_ranges(versions, versions_of_build[name]) for name, versions in sorted(builds.items())
        }
        rows.append({"scheme": scheme, "in": version_ranges})
    return rows


def _is_known(version: Version) -> bool:
    """Whether the tables say anything of a version."""
    return version >= FIRST_VERSION


def read_redhat_modules(clone: Clone, oldest_version: Version) -> dict[Version, set[Module]]:
    """Return the modules of the Red Hat build; its versions are the Collector's."""
    modules = {}
    for version, revision in sorted((_UNTAGGED | clone.tag_by_version).items()):
        manifest = clone.read_file(revision, "manifest.yaml") if version >= oldest_version else None
        if manifest:
            modules[version] = set(list_modules(_load_yaml(manifest)))
    return modules


def read_adot_modules(clone: Clone) -> tuple[dict[Version, set[Module]], dict[str, Version]]:
    """Return the modules of the AWS distribution by Collector version, and that version by the build's own."""
    modules: dict[Version, set[Module]] = {}
    collector_of_tag: dict[str, Version] = {}
    for own_version, tag in sorted(clone.tag_by_version.items()):
        if own_version < _OLDEST_ADOT:
            continue
        defaults_source = clone.read_file(tag, "pkg/defaultcomponents/defaults.go")
        collector_match = _COLLECTOR.search(clone.read_file(tag, "go.mod") or "") if defaults_source else None
        if defaults_source and collector_match:
            collector_of_tag[tag] = parse_version(collector_match[1])
            modules[collector_of_tag[tag]] = set(_find_factory_modules(defaults_source))
    return modules, collector_of_tag


def _find_factory_modules(source: str) -> list[Module]:
    """Return the modules whose factories a Go file calls, those behind feature gates with them."""
    path_of_name = {path.rpartition("/")[2]: path for path in _IMPORT.findall(source)}
    called_paths = [path_of_name[name] for name in _FACTORY.findall(source) if name in path_of_name]
    manifest: dict[str, list[dict[str, str]]] = {}
    for kind in _CLASSES:
        manifest[f"{kind}s"] = [{"gomod": path} for path in called_paths if f"/{kind}/" in path]
    return list_modules(manifest)


def _load_yaml(text: str) -> Any:
    return yaml.load(text, Loader=yaml.CSafeLoader)
