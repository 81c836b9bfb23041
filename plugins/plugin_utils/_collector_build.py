# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the build that runs a collector: its distribution in a version, or the image of a user. Private.

A build, or `TargetBuild`, is a program of the Collector in one version, with the components that it has. Recipes need
its version for the names of components, and rules judge for it. For example, `distribution: contrib` with
`version: 0.158.0` is the build contrib 0.158.0 of the catalogue. An image of a user is known by its manifest or its
schema alone. `_cluster_options.py` and `_host_options.py` call `find_collector_build` for each collector that they
resolve.

A distribution may count its own versions: option `version` of a collector is the one of the distribution, such as
v0.43.1 of ADOT. The version of the Collector in it, such as 0.117.0, is what `FoundBuild.version` has.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..module_utils._collector.options import OPERATORS_IMAGE, Collector
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.rules.build_facts import TargetBuild
from ._otelcol import _builds, _tables
from ._otelcol._build_request import BuildRequest

# The beginning of a version, such as `0.158.0` or `v0.43.1`; `-rc.1` may follow, and a fourth number may not.
_VERSION = re.compile(r"v?\d+\.\d+\.\d+(?![\d.])")


class FoundBuild(NamedTuple):
    """The build that will run a collector, and the version of the Collector whose names its recipes use."""

    target: TargetBuild | None
    """None if the build is not known. That of a custom image is known from a manifest, a schema or the image's name."""
    version: str
    """Empty if nothing tells it."""


def find_collector_build(collector: Collector) -> FoundBuild:
    """Return the build that will run a collector. The first of these that the collector has decides:

    | option | build |
    |---|---|
    | `distribution_manifest`, `distribution_schema` | what the manifest or the schema describes |
    | `image` of the user's own | what the name of the image tells; none if it tells nothing |
    | `distribution` with `version` | that of the catalogue |

    Raises Problem for a manifest without the image that was built with it, and for a version that is none.
    """
    collector_version = _builds.load_catalogue().find_collector_version(collector.distribution, collector.version)
    if collector.distribution_manifest or collector.distribution_schema:
        described_build = _resolve_described_build(collector, collector_version)
        return FoundBuild(described_build, described_build.version if described_build else collector_version)
    if collector.image not in ("", OPERATORS_IMAGE):
        # Rules judge without `distribution` and `version`: the image need not have what their defaults name. Recipes
        # need some version for the names of components, and nothing tells a better one.
        return FoundBuild(_builds.resolve_build(BuildRequest(), collector.image), collector_version)
    _check_version(collector)
    if not collector_version:
        return FoundBuild(None, "")
    return FoundBuild(_builds.find_build(collector.distribution, collector.version), collector_version)


def _resolve_described_build(collector: Collector, collector_version: str) -> TargetBuild | None:
    """Return the build that a manifest or a schema of the user describes.

    A manifest says its version itself. A schema does not, so it gets that of the Collector.
    """
    manifest, schema = collector.distribution_manifest, collector.distribution_schema
    if not collector.image:
        given_option = "distribution_manifest" if manifest else "distribution_schema"
        raise Problem(f"it has a {given_option}, but no `image` that was built with it", fix="Give `image` too.")
    version_of_schema = "" if manifest else collector_version
    # The name of the image tells nothing that the manifest or the schema does not tell better.
    build_request = BuildRequest(version=version_of_schema, manifest=manifest, schema=schema)
    return _builds.resolve_build(build_request, image="")


def _check_version(collector: Collector) -> None:
    """Raise Problem for a version that its distribution cannot have.

    A version has three numbers, and begins with `v` if the versions of the distribution do: `v0.43.1` for ADOT, and
    `0.158.0` for contrib.
    """
    tested_version = str(_tables.catalogue("distributions")[collector.distribution]["version"])
    begins_with_v = collector.version.startswith("v")
    if not _VERSION.match(collector.version) or begins_with_v != tested_version.startswith("v"):
        wrong = f"'{collector.version}' is not a version of distribution {collector.distribution}"
        raise Problem(wrong, fix=f"Write it in quotes like '{tested_version}'.")
