# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which versions go together by the table of the collection: of products, Kubernetes and collectors. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .image_references import image_name, read_image_tag
from .products import CERT_MANAGER, Product
from .version_numbers import Version, parse_version

# The first version of the operator to take collectors as v1beta1. Source: its changelog.
FIRST_V1BETA1 = Version(0, 99, 0)

# The rows of compatibility.yml of this collection, such as
#   cert_manager: {"1.21": {kubernetes: ["1.33", "1.36"]}}
#   operator: {"0.158.0": {kubernetes: ["1.25", "1.36"], chart: "0.122.0", collector: 0.158.0, java: 2.30.0}}
# newest first; `kubernetes` has the first and the last minor version that a release supports.
Table = Mapping[str, Any]
# By the name of an image whose versions are its own, the Collector in each of them, oldest first, such as
#   aws-otel-collector: {v0.49.0: 0.156.0}
Builds = Mapping[str, Mapping[str, str]]


def find_row(table: Table, product: Product, version: Version) -> Mapping[str, Any] | None:
    """Return the table's row of a version: cert-manager by minor version, the operator by version.

    A version of the operator that the table lacks has the row of another patch of its minor version.
    """
    if product.name == CERT_MANAGER:
        line_row: Mapping[str, Any] | None = table["cert_manager"].get(version.minor_line)
        return line_row
    operators: Mapping[str, Mapping[str, Any]] = table["operator"]
    if str(version) in operators:
        return operators[str(version)]
    for name, operator_row in operators.items():
        if name.startswith(f"{version.minor_line}."):
            return operator_row
    return None


def explain_incompatibility(table: Table, product: Product, version: Version, cluster: str) -> str:
    """Return why a version is incompatible with the cluster's Kubernetes, or an empty string."""
    version_row, cluster_version = find_row(table, product, version), parse_version(cluster)
    if version_row is None or cluster_version is None:
        return ""
    first_text, last_text = version_row["kubernetes"]
    first_version, last_version = parse_version(first_text), parse_version(last_text)
    if first_version and last_version and first_version[:2] <= cluster_version[:2] <= last_version[:2]:
        return ""
    wrong = (
        f"{product.title} {version} is for Kubernetes {first_text} to {last_text}, and this cluster is"
        f" {cluster_version.minor_line}"
    )
    if is_cluster_newer(table, product, version, cluster):
        wrong += ", which is newer"
    return wrong


def is_cluster_newer(table: Table, product: Product, version: Version, cluster: str) -> bool:
    """Whether the cluster's Kubernetes is newer than those of a version: projects list a new one months later."""
    version_row, cluster_version = find_row(table, product, version), parse_version(cluster)
    if version_row is None or cluster_version is None:
        return False
    last_version = parse_version(version_row["kubernetes"][1])
    return last_version is not None and cluster_version[:2] > last_version[:2]


def list_fitting_versions(table: Table, product: Product, cluster: str) -> list[str]:
    """Return the versions that support the cluster's Kubernetes, newest first."""
    rows = table["cert_manager"] if product.name == CERT_MANAGER else table["operator"]
    fitting_names = []
    for name in rows:
        version = parse_version(name)
        if version and not explain_incompatibility(table, product, version, cluster):
            fitting_names.append(name)
    return fitting_names


def warn_if_not_in_table(table: Table, product: Product, version: Version) -> str:
    """Return a warning for a version that the table does not have, or an empty string."""
    if find_row(table, product, version):
        return ""
    return f"{product.title} {version} is not in the table of this collection, so nothing is known of what it goes with"


def find_skew_warnings(
    collectors: Iterable[Mapping[str, Any]], operator: Version, builds: Builds | None = None
) -> Iterator[str]:
    """Yield warnings about collectors whose minor version differs from the operator's.

    `builds` has, by the name of an image whose versions are its own, the Collector that each of them is made of.
    """
    for facts in collectors:
        if facts["kind"] != "OpenTelemetryCollector":
            continue
        name = f"OpenTelemetryCollector {facts['namespace']}/{facts['name']}"
        image_version = _find_collector_version(facts["image"], builds or {})
        if image_version and image_version[:2] != operator[:2]:
            expected_version = (
                f"{operator.minor_line}{_describe_matching_build(facts['image'], operator, builds or {})}"
            )
            yield (
                f"{name} has an image of its own of version {image_version}; the operator is made for"
                f" {expected_version}"
            )
        elif not facts["image"] and not facts["automatic"]:
            collector_version = parse_version(facts["version"] or "")
            if collector_version and collector_version[:2] != operator[:2]:
                yield f"{name} stays at version {collector_version}, since it is not upgraded automatically"


def plan_collector(collector: Mapping[str, Any]) -> dict[str, Any]:
    """Return a collector of an inventory as the custom resource that a run makes of it, for `find_skew_warnings`."""
    identity = {key: collector[key] for key in ("namespace", "name", "image")}
    return {"kind": "OpenTelemetryCollector", **identity, "version": "", "automatic": False}


def _find_collector_version(image: str, builds: Builds) -> Version | None:
    """Return the version of the Collector in an image, or nothing where that is not known."""
    image_tag = read_image_tag(image)
    build_versions = builds.get(image_name(image))
    if build_versions is None:
        return parse_version(image_tag)
    return parse_version(build_versions.get(image_tag, ""))


def _describe_matching_build(image: str, operator: Version, builds: Builds) -> str:
    """Return which versions of a build are of the operator's minor version, where its versions are its own."""
    newest_name = ""
    for name, collector_version in builds.get(image_name(image), {}).items():
        # `or operator` is for the types alone. With it, a text that is no version would count as a match, which nobody
        # wants; there is none, since tests/contract/test_release_roles.py reads every Collector version of the table.
        version = parse_version(collector_version) or operator
        if version[:2] == operator[:2]:
            newest_name = name
    return f", which {newest_name} of this build is of" if newest_name else ""
