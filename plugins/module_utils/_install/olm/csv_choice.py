# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The choice of the version that OLM installs, out of what the catalog offers. Private.

olm_decision.py calls `choose_csv`, and explains the words of OLM. For example, if the default channel of the package is
`stable`, a request without a channel and without a pin gets its newest version:

    CsvChoice(channel="stable", csv="opentelemetry-operator.v0.140.0-2")
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ..._otelcol.errors import Problem, join_at_most, suggest_word
from ..releases.supported_kubernetes import FIRST_V1BETA1
from ..releases.version_numbers import parse_release_version
from .csv_names import parse_csv_name
from .olm_objects import PACKAGES, READY, CatalogRow, ChannelRow, FoundOlm, PackageRow, full_name
from .olm_request import OlmRequest

# How many names a message shows.
_MOST_NAMES = 10


class CsvChoice(NamedTuple):
    """The chosen version: a channel, and a ClusterServiceVersion in it."""

    channel: str
    csv: str


def choose_csv(request: OlmRequest, olm: FoundOlm, kubernetes: str, installed_channel: str = "") -> CsvChoice:
    """Return the version to install. Raises Problem with what the catalog has instead.

    `installed_channel` is the channel of the Subscription that is there.
    """
    _check_catalog(request, olm["catalogs"])
    package = olm["package"]
    if package is None:
        raise _build_missing_package_problem(request, olm["packages"])
    channel = _choose_channel(request, package, installed_channel)
    if request.csv and request.csv not in channel["csvs"]:
        raise _build_missing_csv_problem(request, package, channel)
    csv = request.csv or channel["csv"]
    _check_version(request, channel, csv, kubernetes)
    return CsvChoice(channel["name"], csv)


# ── The catalog and its package ──


def _check_catalog(request: OlmRequest, catalogs: Iterable[CatalogRow]) -> None:
    """Raise Problem for a catalog that is not there or does not answer."""
    catalogs_by_name = {full_name(catalog): catalog for catalog in catalogs}
    if request.catalog not in catalogs_by_name:
        wrong = f"there is no CatalogSource {request.catalog}{suggest_word(request.catalog, catalogs_by_name)}"
        fix = (
            "Set otel_operator_olm_source and otel_operator_olm_source_namespace to one of:"
            f" {_join_names(catalogs_by_name)}."
        )
        raise Problem(wrong, fix=fix)
    catalog = catalogs_by_name[request.catalog]
    if catalog["state"] != READY:
        wrong = f"the catalog does not answer (its state is {catalog['state'] or 'not known'})"
        if catalog["message"]:
            wrong += f": {catalog['message']}"
        command = f"kubectl -n {request.source_namespace} get pods -l olm.catalogSource={request.source}"
        raise request.build_catalog_problem(wrong, f"Look at its pod: {command}")


def _build_missing_package_problem(request: OlmRequest, similar_names: list[str]) -> Problem:
    """Return the problem of a catalog that does not offer the package."""
    similar_text = "It offers no package at all."
    if similar_names:
        similar_text = f"Packages there that look alike: {_join_names(similar_names)}."
    wrong = f"the catalog has no package {request.package}{suggest_word(request.package, similar_names)}"
    return request.build_catalog_problem(wrong, f"Set otel_operator_olm_package, or another catalog. {similar_text}")


# ── The channel and its version ──


def _choose_channel(request: OlmRequest, package: PackageRow, installed_channel: str) -> ChannelRow:
    """Return the requested channel, else that of the Subscription, else the default of the package."""
    channels = {channel["name"]: channel for channel in package["channels"]}
    name = package["default_channel"]
    if request.channel:
        name = request.channel
    elif installed_channel in channels:
        # The Subscription keeps its channel, even if the package's default changes.
        name = installed_channel
    if name not in channels:
        wrong = f"package {request.package} has no channel {name}{suggest_word(name, channels)}"
        raise request.build_catalog_problem(wrong, f"Set otel_operator_olm_channel to one of: {_join_names(channels)}.")
    channel = channels[name]
    if not channel["all_namespaces"]:
        wrong = f"channel {name} of {request.package} is not for all namespaces"
        raise request.build_catalog_problem(
            wrong, "Use a channel of the OpenTelemetry operator; it covers all namespaces."
        )
    return channel


def _build_missing_csv_problem(request: OlmRequest, package: PackageRow, channel: ChannelRow) -> Problem:
    """Return the problem of a pinned version that is not in the channel; another channel may have it."""
    other_channels = [
        other_channel["name"] for other_channel in package["channels"] if request.csv in other_channel["csvs"]
    ]
    hint = suggest_word(request.csv, channel["csvs"])
    if other_channels:
        hint = f"; it is in channel {_join_names(other_channels)}"
    wrong = f"channel {channel['name']} of {request.package} has no {request.csv}{hint}"
    return request.build_catalog_problem(wrong, f"Set otel_operator_olm_csv to one of: {_join_names(channel['csvs'])}.")


def _check_version(request: OlmRequest, channel: ChannelRow, csv: str, kubernetes: str) -> None:
    """Raise Problem for a version that does not work with this collection or this cluster."""
    # The channel says what its newest version requires; a pinned version reports its own in its state.
    if not request.csv:
        _check_kubernetes(request, channel, csv, kubernetes)
    # A package of another name has versions of its own.
    if request.package in PACKAGES and _is_old(csv):
        fitting_names = _join_names(name for name in channel["csvs"] if not _is_old(name))
        wrong = f"{csv} has an operator that does not serve OpenTelemetryCollector as v1beta1"
        fix = f"Take a version from {FIRST_V1BETA1} on. Channel {channel['name']} has: {fitting_names}."
        raise request.build_catalog_problem(wrong, fix)


def _check_kubernetes(request: OlmRequest, channel: ChannelRow, csv: str, kubernetes: str) -> None:
    """Raise Problem if the newest version of a channel needs a newer Kubernetes than the cluster has."""
    required_version = parse_release_version(channel["min_kubernetes"] or "")
    cluster_version = parse_release_version(kubernetes or "")
    if required_version and cluster_version and cluster_version < required_version:
        wrong = f"{csv} needs Kubernetes {required_version} or later, and this cluster has {cluster_version}"
        fix = "Upgrade the cluster, or choose an older channel, or pin an older version (otel_operator_olm_csv)."
        raise request.build_catalog_problem(wrong, fix)


def _is_old(csv: str) -> bool:
    """Return whether a version is too old to serve the collectors of this collection."""
    version = parse_release_version(parse_csv_name(csv).version)
    return version is not None and version < FIRST_V1BETA1


def _join_names(names: Iterable[Any]) -> str:
    return join_at_most(_MOST_NAMES, names) or "none"
