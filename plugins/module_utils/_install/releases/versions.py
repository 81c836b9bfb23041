# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which versions of products, Kubernetes and collectors go together, by the table of this collection. Private.

The table is compatibility.yml. The decisions on releases and add-ons ask it, and turn the answers into messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypedDict

from .image_references import image_name, read_image_tag
from .products import CERT_MANAGER, Product
from .version_numbers import Version, parse_release_version

# The first version of the operator to take collectors as v1beta1. Source: its changelog.
FIRST_V1BETA1 = Version(0, 99, 0)

# The rows of compatibility.yml of this collection, such as
#   cert_manager: {"1.21": {kubernetes: ["1.33", "1.36"]}}
#   operator: {"0.158.0": {kubernetes: ["1.25", "1.36"], chart: "0.122.0", collector: 0.158.0, java: 2.30.0}}
# newest first; `kubernetes` has the first and the last minor version that a release supports.
Table = Mapping[str, Any]
# Some images of Collectors have version numbers of their own. By the name of such an image: the version of the
# Collector in each of its versions, oldest first, such as
#   aws-otel-collector: {v0.49.0: 0.156.0}
Builds = Mapping[str, Mapping[str, str]]


class CollectorFacts(TypedDict):
    """A custom resource that runs, or will run, under an operator. `ResourceFacts` of release_info has these keys."""

    kind: str
    namespace: str
    name: str
    image: str
    """The image that the user gives; empty for the operator's own."""
    version: str
    """The version that the operator gave it; empty if it does not run yet."""
    automatic: bool
    """Whether the operator upgrades it."""


def find_row(table: Table, product: Product, version: Version) -> Mapping[str, Any] | None:
    """Return the row of a version in the table; None if it has none.

    The table has a row for each minor version of cert-manager, and for each version of the operator. If it lacks a
    version of the operator, a row of the same minor version counts.
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


def find_version_warnings(table: Table, product: Product, version: Version, cluster: str) -> Iterator[str]:
    """Yield warnings about a version: it does not support the cluster's Kubernetes, or the table does not have it."""
    for warning in (
        explain_incompatibility(table, product, version, cluster),
        warn_if_not_in_table(table, product, version),
    ):
        if warning:
            yield warning


def explain_incompatibility(table: Table, product: Product, version: Version, cluster: str) -> str:
    """Return why a version does not support the cluster's Kubernetes; an empty text if it does, or if it is unknown.

    `cluster` is the version of the API server, such as v1.34.4.
    """
    version_row, cluster_version = find_row(table, product, version), parse_release_version(cluster)
    if version_row is None or cluster_version is None:
        return ""
    first_text, last_text = version_row["kubernetes"]
    first_version, last_version = parse_release_version(first_text), parse_release_version(last_text)
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
    """Return whether the cluster's Kubernetes is newer than all that a version supports by the table.

    That alone does not make it unfit: both projects list a new Kubernetes months after its release.
    """
    version_row, cluster_version = find_row(table, product, version), parse_release_version(cluster)
    if version_row is None or cluster_version is None:
        return False
    _first_text, last_text = version_row["kubernetes"]
    last_version = parse_release_version(last_text)
    return last_version is not None and cluster_version[:2] > last_version[:2]


def list_fitting_versions(table: Table, product: Product, cluster: str) -> list[str]:
    """Return the versions of a product that support the cluster's Kubernetes, newest first."""
    rows = table["cert_manager"] if product.name == CERT_MANAGER else table["operator"]
    fitting_names = []
    for name in rows:
        version = parse_release_version(name)
        if version and not explain_incompatibility(table, product, version, cluster):
            fitting_names.append(name)
    return fitting_names


def warn_if_not_in_table(table: Table, product: Product, version: Version) -> str:
    """Return a warning for a version that the table does not have, or an empty string."""
    if find_row(table, product, version):
        return ""
    return f"{product.title} {version} is not in the table of this collection, so nothing is known of what it goes with"


def find_skew_warnings(
    collectors: Iterable[CollectorFacts], operator: Version, builds: Builds | None = None
) -> Iterator[str]:
    """Yield warnings about collectors whose minor version differs from that of their operator."""
    for facts in collectors:
        if facts["kind"] == "OpenTelemetryCollector":
            warning = _explain_skew(facts, operator, builds or {})
            if warning:
                yield warning


def _explain_skew(facts: CollectorFacts, operator: Version, builds: Builds) -> str:
    """Return the warning about a collector; an empty text if its version fits or is not known."""
    name = f"OpenTelemetryCollector {facts['namespace']}/{facts['name']}"
    image_version = _find_collector_version(facts["image"], builds)
    if image_version and image_version[:2] != operator[:2]:
        matching_build = _describe_matching_build(facts["image"], operator, builds)
        return (
            f"{name} has an image of its own of version {image_version}; the operator is made for"
            f" {operator.minor_line}{matching_build}"
        )
    if facts["image"] or facts["automatic"]:
        return ""
    running_version = parse_release_version(facts["version"] or "")
    if running_version and running_version[:2] != operator[:2]:
        return f"{name} stays at version {running_version}, since it is not upgraded automatically"
    return ""


def plan_collector(collector: Mapping[str, Any]) -> CollectorFacts:
    """Return a collector of the inventory, as action otel_render returns it, as the custom resource that it becomes."""
    return {
        "kind": "OpenTelemetryCollector",
        "namespace": collector["namespace"],
        "name": collector["name"],
        "image": collector["image"],
        "version": "",
        "automatic": False,
    }


def _find_collector_version(image: str, builds: Builds) -> Version | None:
    """Return the version of the Collector in an image, by its tag; None if it is not known."""
    image_tag = read_image_tag(image)
    build_versions = builds.get(image_name(image))
    if build_versions is None:
        return parse_release_version(image_tag)
    return parse_release_version(build_versions.get(image_tag, ""))


def _describe_matching_build(image: str, operator: Version, builds: Builds) -> str:
    """Return which version of the same image has a Collector of the operator's minor version; it may be an empty text.

    Only an image with version numbers of its own has such a text, for example `, which v0.49.0 of this build is of`.
    """
    newest_name = ""
    for name, collector_version in builds.get(image_name(image), {}).items():
        # `or operator` is for the types alone. With it, a text that is no version would count as a match, which nobody
        # wants; there is none, since tests/contract/test_release_roles.py reads every Collector version of the table.
        version = parse_release_version(collector_version) or operator
        if version[:2] == operator[:2]:
            newest_name = name
    return f", which {newest_name} of this build is of" if newest_name else ""
