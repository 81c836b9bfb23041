# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The version of a package in a catalog for a request, with suggestions. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..._errors import Problem, at_most, near
from ..releases.versions import read
from .olm_objects import PACKAGES, READY, checked, read_csv

_SHOWN = 10
# The first to take collectors as v1beta1, as its changelog says.
_FIRST = "0.99.0"
Found = Mapping[str, Any]


class PackageRequest(NamedTuple):
    package: str
    source: str
    source_namespace: str
    channel: str = ""
    csv: str = ""

    @property
    def catalog(self) -> str:
        return f"{self.source_namespace}/{self.source}"


class PackageVersion(NamedTuple):
    """The channel and the version that a request resolves to."""

    channel: str
    csv: str


def resolve(asked: PackageRequest, found: Found, installed_channel: str = "") -> PackageVersion:
    """Return the requested version. Raises Problem with what the catalog has instead."""
    _catalog(asked, found["catalogs"])
    package = _package(asked, found)
    channel = _channel(asked, package, installed_channel)
    if not channel["all_namespaces"]:
        wrong = f"channel {channel['name']} of {asked.package} is not for all namespaces"
        fix = "Use a channel of the OpenTelemetry operator; it covers all namespaces."
        raise Problem(wrong, asked="Install the operator by OLM", fix=fix)
    _kubernetes(asked, channel, found["kubernetes"])
    csv = _csv(asked, package, channel)
    _refuse_old(asked, channel, csv)
    return PackageVersion(channel["name"], csv)


def _refuse_old(asked: PackageRequest, channel: Found, csv: str) -> None:
    """Reject a version of the operator that lacks the required API version. A package of other names has its own."""
    if asked.package not in PACKAGES or not _is_old(csv):
        return
    fitting = [name for name in channel["csvs"] if not _is_old(name)]
    wrong = f"{csv} has an operator that does not serve OpenTelemetryCollector as v1beta1"
    fix = f"Take a version from {_FIRST} on. Channel {channel['name']} has: {_list(fitting)}."
    raise Problem(wrong, asked="Install the operator by OLM", where=f"CatalogSource {asked.catalog}", fix=fix)


def _is_old(csv: str) -> bool:
    found, first = read_csv(csv), read(_FIRST)
    version = read(found.version) if found else None
    return bool(version and first and version < first)


def _catalog(asked: PackageRequest, catalogs: Sequence[Found]) -> None:
    where = f"CatalogSource {asked.catalog}"
    named = {f"{item['namespace']}/{item['name']}": item for item in catalogs}
    if asked.catalog not in named:
        wrong = f"there is no CatalogSource {asked.catalog}{near(asked.catalog, named)}"
        fix = f"Set otel_operator_olm_source and otel_operator_olm_source_namespace to one of: {_list(named)}."
        raise Problem(wrong, asked="Install the operator by OLM", fix=fix)
    found = named[asked.catalog]
    if found["state"] != READY:
        said = f": {found['message']}" if found["message"] else ""
        wrong = f"the catalog does not answer (its state is {found['state'] or 'not known'}){said}"
        fix = f"Look at its pod: kubectl -n {asked.source_namespace} get pods -l olm.catalogSource={asked.source}"
        raise Problem(wrong, asked="Install the operator by OLM", where=where, fix=fix)


def _package(asked: PackageRequest, found: Found) -> Found:
    package: Found | None = found["package"]
    if package is not None:
        return package
    packages = found["packages"]
    listed = f"Packages there that look alike: {_list(packages)}." if packages else "It offers no package at all."
    wrong = f"the catalog has no package {asked.package}{near(asked.package, packages)}"
    fix = f"Set otel_operator_olm_package, or another catalog. {listed}"
    raise Problem(wrong, asked="Install the operator by OLM", where=f"CatalogSource {asked.catalog}", fix=fix)


def _channel(asked: PackageRequest, package: Found, installed: str) -> Found:
    channels = {item["name"]: item for item in package["channels"]}
    # Without a channel option the Subscription keeps its channel, even if the package's default changes.
    name = asked.channel or (installed if installed in channels else package["default_channel"])
    if name not in channels:
        wrong = f"package {asked.package} has no channel {name}{near(name, channels)}"
        fix = f"Set otel_operator_olm_channel to one of: {_list(channels)}."
        raise Problem(wrong, asked="Install the operator by OLM", where=f"CatalogSource {asked.catalog}", fix=fix)
    channel: Found = channels[name]
    return channel


def _csv(asked: PackageRequest, package: Found, channel: Found) -> str:
    if not asked.csv:
        return str(channel["csv"])
    checked(asked.csv, "otel_operator_olm_csv")
    if asked.csv in channel["csvs"]:
        return asked.csv
    elsewhere = [item["name"] for item in package["channels"] if asked.csv in item["csvs"]]
    there = f"; it is in channel {_list(elsewhere)}" if elsewhere else near(asked.csv, channel["csvs"])
    wrong = f"channel {channel['name']} of {asked.package} has no {asked.csv}{there}"
    fix = f"Set otel_operator_olm_csv to one of: {_list(channel['csvs'])}."
    raise Problem(wrong, asked="Install the operator by OLM", where=f"CatalogSource {asked.catalog}", fix=fix)


def _kubernetes(asked: PackageRequest, channel: Found, kubernetes: str) -> None:
    """Check the requirements of a channel's newest version; a pinned version reports its own in its state."""
    least, here = read(channel["min_kubernetes"] or "0.0.0"), read(kubernetes or "0.0.0")
    if least and here and here < least and any(here) and not asked.csv:
        wrong = f"{channel['csv']} needs Kubernetes {least} or later, and this cluster has {here}"
        fix = "Upgrade the cluster, or choose an older channel, or pin an older version (otel_operator_olm_csv)."
        raise Problem(wrong, asked="Install the operator by OLM", fix=fix)


def _list(names: Any) -> str:
    return at_most(_SHOWN, names) or "none"
