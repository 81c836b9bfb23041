# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which version of an EKS add-on does a task install? Private.

`live/addon_wait.py` reads what EKS offers for the Kubernetes of the cluster, and `choose_version` chooses. For example,
with v0.141.0-eksbuild.1 installed and v0.151.0-eksbuild.2 as the default of EKS:

    no version requested → v0.141.0-eksbuild.1     default → v0.151.0-eksbuild.2     latest → the newest one offered

A version that EKS offers no more may stay, with a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..._otelcol.config.paths import list_at
from ..._otelcol.errors import Problem, join_at_most, suggest_word

# The words for a version: the one that EKS has as default for the cluster.
DEFAULT_VERSION = "default"
# The newest one that EKS offers.
LATEST_VERSION = "latest"
# How many versions a message names.
MOST_SHOWN = 8
NUMBER = re.compile(r"\d{1,18}")


class AddonVersion(NamedTuple):
    """A version that EKS has for the cluster."""

    version: str
    is_default: bool = False
    needs_configuration: bool = False
    needs_permissions: bool = False


class AddonVersionChoice(NamedTuple):
    """The version to have, its details if EKS still offers it, and a warning."""

    version: str
    offered_version: AddonVersion | None = None
    """None if EKS offers it no more, or if that was not read."""
    warning: str = ""
    """Empty for none."""


def version_order(version: str) -> tuple[int, ...]:
    """Return what versions such as v0.151.0-eksbuild.2 are ordered by: their numbers, such as (0, 151, 0, 2)."""
    return tuple(int(number) for number in NUMBER.findall(version))


def list_offered_versions(addons: Iterable[Mapping[str, Any]], name: str, kubernetes: str) -> list[AddonVersion]:
    """Return what DescribeAddonVersions offers of an add-on for a version of Kubernetes, the newest first."""
    versions = {}
    for info in _iter_version_infos(addons, name):
        fitting_compatibilities = []
        for compatibility in list_at(info, "compatibilities"):
            if compatibility.get("clusterVersion") == kubernetes:
                fitting_compatibilities.append(compatibility)
        if fitting_compatibilities:
            versions[info["addonVersion"]] = AddonVersion(
                info["addonVersion"],
                is_default=any(compatibility.get("defaultVersion") for compatibility in fitting_compatibilities),
                needs_configuration=bool(info.get("requiresConfiguration")),
                needs_permissions=bool(info.get("requiresIamPermissions")),
            )
    return sorted(versions.values(), key=lambda offer: version_order(offer.version), reverse=True)


def _iter_version_infos(addons: Iterable[Mapping[str, Any]], name: str) -> Iterator[Mapping[str, Any]]:
    """Yield what DescribeAddonVersions says of each version of the named add-on."""
    for addon in addons:
        if addon.get("addonName") == name:
            yield from list_at(addon, "addonVersions")


def choose_version(
    requested_version: str | None,
    installed: str | None,
    offered: list[AddonVersion],
    name: str,
    kubernetes: str,
    *,
    elsewhere: Iterable[str] = (),
) -> AddonVersionChoice:
    """Return the version to have. Without a request the installed version stays; `default` and `latest` never go back.

    `installed` is the installed version, None without one; `kubernetes` is the version of the cluster. `elsewhere` are
    other versions of Kubernetes for which EKS offers the add-on. Raises Problem if no version fits.
    """
    offer_by_version = {offer.version: offer for offer in offered}
    if installed and requested_version in (None, installed):
        warning = _describe_stale_version(installed, offer_by_version, name, kubernetes)
        return AddonVersionChoice(installed, offer_by_version.get(installed), warning)
    if not offered:
        raise _no_version_problem(name, kubernetes, elsewhere)
    if requested_version in (None, DEFAULT_VERSION, LATEST_VERSION):
        best_offer = _choose_best_offer(offered, latest=requested_version == LATEST_VERSION)
        installed_offer = offer_by_version.get(installed or "")
        if installed_offer and version_order(installed_offer.version) > version_order(best_offer.version):
            best_offer = installed_offer
        return AddonVersionChoice(best_offer.version, best_offer)
    requested_offer = offer_by_version.get(str(requested_version))
    if requested_offer is None:
        raise _unknown_version_problem(str(requested_version), offer_by_version, name, kubernetes)
    return AddonVersionChoice(requested_offer.version, requested_offer)


def _choose_best_offer(offered: list[AddonVersion], *, latest: bool) -> AddonVersion:
    """Return the newest version, or the default of EKS if there is one and the latest was not asked for."""
    newest = offered[0]
    if latest:
        return newest
    return next((offer for offer in offered if offer.is_default), newest)


def _describe_stale_version(
    installed_version: str, offer_by_version: dict[str, AddonVersion], name: str, kubernetes: str
) -> str:
    """Return a warning if EKS does not offer the installed version any more, or an empty text."""
    if not offer_by_version or installed_version in offer_by_version:
        return ""
    return (
        f"{name} {installed_version} is no longer offered for Kubernetes {kubernetes}."
        f" Set version to default or to one of {join_at_most(MOST_SHOWN, offer_by_version)}."
    )


def list_kubernetes_versions(addons: Iterable[Mapping[str, Any]], addon_name: str) -> list[str]:
    """Return the versions of Kubernetes that any version of an add-on is offered for, the newest first."""
    cluster_versions = set()
    for info in _iter_version_infos(addons, addon_name):
        for compatibility in list_at(info, "compatibilities"):
            cluster_versions.add(compatibility["clusterVersion"])
    return sorted(cluster_versions, key=version_order, reverse=True)


def _no_version_problem(name: str, kubernetes: str, other_kubernetes: Iterable[str]) -> Problem:
    """Return the problem of an add-on that EKS offers only for other versions of Kubernetes, or for none."""
    others_text = f", only for {join_at_most(MOST_SHOWN, other_kubernetes)}" if other_kubernetes else ""
    wrong = f"EKS offers no version of it for Kubernetes {kubernetes}{others_text}"
    fix = "A new version of Kubernetes may have to wait for it; check the region, and see eks_addon_info."
    return Problem(wrong, asked=f"Choose a version of the add-on {name}", fix=fix)


def _unknown_version_problem(
    requested_version: str, offer_by_version: dict[str, AddonVersion], name: str, kubernetes: str
) -> Problem:
    """Return the problem of a version that EKS does not offer for this Kubernetes."""
    wrong = (
        f"EKS does not offer {requested_version} for Kubernetes"
        f" {kubernetes}{suggest_word(requested_version, offer_by_version)}"
    )
    fix = f"Take default, latest, or one of {join_at_most(MOST_SHOWN, offer_by_version)}."
    return Problem(wrong, asked=f"Choose a version of the add-on {name}", where="version", fix=fix)


def unknown_addon_problem(name: str, known_names: Iterable[str]) -> Problem:
    """Return the problem of an add-on that EKS does not know."""
    wrong = f"EKS has no add-on of this name{suggest_word(name, known_names)}"
    fix = "See eks_addon_info with available=true for all names."
    return Problem(wrong, asked=f"Choose a version of the add-on {name}", where="name", fix=fix)
