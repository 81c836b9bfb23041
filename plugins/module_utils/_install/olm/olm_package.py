# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The version of a package in a catalog for a request, with suggestions. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..._errors import Problem, at_most, near
from ..releases.versions import read
from .olm_objects import PACKAGES, READY, Found, read_csv

AUTOMATIC = "automatic"
# The first to take collectors as v1beta1, as its changelog says.
_FIRST = "0.99.0"


class OlmRequest(NamedTuple):
    """The request to OLM; `config` has the Subscription's changes to the operator's Deployment."""

    package: str
    source: str
    source_namespace: str
    namespace: str
    channel: str = ""
    csv: str = ""
    approval: str = AUTOMATIC
    operator_group: str = ""
    config: Mapping[str, Any] = {}

    @property
    def catalog(self) -> str:
        return f"{self.source_namespace}/{self.source}"

    def problem(self, wrong: str, fix: str) -> Problem:
        """Return what is wrong with what the catalog has."""
        return Problem(wrong, where=f"CatalogSource {self.catalog}", fix=fix)


class PackageVersion(NamedTuple):
    """The channel and the version that a request resolves to."""

    channel: str
    csv: str


def resolve(request: OlmRequest, olm: Found, installed_channel: str = "") -> PackageVersion:
    """Return the requested version. Raises Problem with what the catalog has instead."""
    _check_catalog(request, olm["catalogs"])
    package = olm["package"]
    if package is None:
        similar = olm["packages"]
        listed = f"Packages there that look alike: {_list(similar)}." if similar else "It offers no package at all."
        wrong = f"the catalog has no package {request.package}{near(request.package, similar)}"
        raise request.problem(wrong, f"Set otel_operator_olm_package, or another catalog. {listed}")
    channels = {item["name"]: item for item in package["channels"]}
    # Without a channel option the Subscription keeps its channel, even if the package's default changes.
    name = request.channel or (installed_channel if installed_channel in channels else package["default_channel"])
    if name not in channels:
        wrong = f"package {request.package} has no channel {name}{near(name, channels)}"
        raise request.problem(wrong, f"Set otel_operator_olm_channel to one of: {_list(channels)}.")
    channel = channels[name]
    csv = request.csv or channel["csv"]
    if request.csv and csv not in channel["csvs"]:
        elsewhere = [item["name"] for item in package["channels"] if csv in item["csvs"]]
        there = f"; it is in channel {_list(elsewhere)}" if elsewhere else near(csv, channel["csvs"])
        wrong = f"channel {name} of {request.package} has no {csv}{there}"
        raise request.problem(wrong, f"Set otel_operator_olm_csv to one of: {_list(channel['csvs'])}.")
    _check_channel(request, channel, csv, olm["kubernetes"])
    return PackageVersion(name, csv)


def _check_catalog(request: OlmRequest, catalogs: Iterable[Found]) -> None:
    named = {f"{item['namespace']}/{item['name']}": item for item in catalogs}
    if request.catalog not in named:
        wrong = f"there is no CatalogSource {request.catalog}{near(request.catalog, named)}"
        fix = f"Set otel_operator_olm_source and otel_operator_olm_source_namespace to one of: {_list(named)}."
        raise Problem(wrong, fix=fix)
    catalog = named[request.catalog]
    if catalog["state"] != READY:
        message = f": {catalog['message']}" if catalog["message"] else ""
        wrong = f"the catalog does not answer (its state is {catalog['state'] or 'not known'}){message}"
        pods = f"kubectl -n {request.source_namespace} get pods -l olm.catalogSource={request.source}"
        raise request.problem(wrong, f"Look at its pod: {pods}")


def _check_channel(request: OlmRequest, channel: Found, csv: str, kubernetes: str) -> None:
    """Reject a version that does not work with this collection or cluster."""
    if not channel["all_namespaces"]:
        wrong = f"channel {channel['name']} of {request.package} is not for all namespaces"
        raise request.problem(wrong, "Use a channel of the OpenTelemetry operator; it covers all namespaces.")
    # The channel says what its newest version requires; a pinned version reports its own in its state.
    least, here = read(channel["min_kubernetes"] or ""), read(kubernetes or "")
    if least and here and here < least and not request.csv:
        wrong = f"{csv} needs Kubernetes {least} or later, and this cluster has {here}"
        fix = "Upgrade the cluster, or choose an older channel, or pin an older version (otel_operator_olm_csv)."
        raise request.problem(wrong, fix)
    # A package of another name has versions of its own.
    if request.package in PACKAGES and _is_old(csv):
        fitting = _list(name for name in channel["csvs"] if not _is_old(name))
        wrong = f"{csv} has an operator that does not serve OpenTelemetryCollector as v1beta1"
        raise request.problem(wrong, f"Take a version from {_FIRST} on. Channel {channel['name']} has: {fitting}.")


def _is_old(csv: str) -> bool:
    version, first = read(read_csv(csv).version), read(_FIRST)
    return bool(version and first and version < first)


def _list(names: Iterable[Any]) -> str:
    return at_most(10, names) or "none"
