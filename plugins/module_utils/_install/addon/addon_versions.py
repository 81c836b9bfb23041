# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which version of an add-on is meant, by the version of the cluster. Private."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..._otelcol.config.paths import items
from ..._otelcol.errors import Problem, at_most, near

DEFAULT, LATEST = "default", "latest"
SHOWN = 8
NUMBER = re.compile(r"\d{1,18}")


class AddonVersion(NamedTuple):
    """A version that EKS has for the cluster."""

    version: str
    default: bool = False
    configuration_needed: bool = False
    permissions_needed: bool = False


class VersionChoice(NamedTuple):
    """The version to have, its details if EKS still offers it, and a warning."""

    version: str
    details: AddonVersion | None = None
    warning: str = ""


def order(version: str) -> tuple[int, ...]:
    """Return what versions such as v0.151.0-eksbuild.2 are ordered by."""
    return tuple(int(number) for number in NUMBER.findall(version))


def available(addons: Iterable[Mapping[str, Any]], name: str, kubernetes: str) -> list[AddonVersion]:
    """Return what DescribeAddonVersions offers for a version of Kubernetes, the newest first."""
    offered = {}
    for info in _infos_of(addons, name):
        fitting = []
        for compatibility in items(info, "compatibilities"):
            if compatibility.get("clusterVersion") == kubernetes:
                fitting.append(compatibility)
        if fitting:
            offered[info["addonVersion"]] = AddonVersion(
                info["addonVersion"],
                any(compatibility.get("defaultVersion") for compatibility in fitting),
                bool(info.get("requiresConfiguration")),
                bool(info.get("requiresIamPermissions")),
            )
    return sorted(offered.values(), key=lambda offer: order(offer.version), reverse=True)


def _infos_of(addons: Iterable[Mapping[str, Any]], name: str) -> Iterator[Mapping[str, Any]]:
    """Yield what DescribeAddonVersions says of each version of the named add-on."""
    for addon in addons:
        if addon.get("addonName") == name:
            yield from items(addon, "addonVersions")


def choose(
    asked: str | None,
    installed: str | None,
    offered: list[AddonVersion],
    name: str,
    kubernetes: str,
    *,
    elsewhere: Iterable[str] = (),
) -> VersionChoice:
    """Return the version to have. Without a request the installed version stays; `default` and `latest` never go back.

    `elsewhere` are the versions of Kubernetes that something is offered for.
    """
    known = {offer.version: offer for offer in offered}
    if installed and asked in (None, installed):
        return VersionChoice(installed, known.get(installed), _stale(installed, known, name, kubernetes))
    if not offered:
        raise _nothing(name, kubernetes, elsewhere)
    if asked in (None, DEFAULT, LATEST):
        best = _best(offered, latest=asked == LATEST)
        if installed in known and order(str(installed)) > order(best.version):
            return VersionChoice(str(installed), known[str(installed)])
        return VersionChoice(best.version, best)
    if asked not in known:
        raise _unknown(str(asked), known, name, kubernetes)
    return VersionChoice(str(asked), known[str(asked)])


def _best(offered: list[AddonVersion], *, latest: bool) -> AddonVersion:
    """Return the newest version, or the default of EKS if there is one and the latest was not asked for."""
    newest = offered[0]
    if latest:
        return newest
    return next((offer for offer in offered if offer.default), newest)


def _stale(installed: str, known: dict[str, AddonVersion], name: str, kubernetes: str) -> str:
    """Return a warning if EKS does not offer the installed version any more, or an empty text."""
    if not known or installed in known:
        return ""
    return (
        f"{name} {installed} is no longer offered for Kubernetes {kubernetes}."
        f" Set version to default or to one of {at_most(SHOWN, known)}."
    )


def kubernetes_of(addons: Iterable[Mapping[str, Any]], name: str) -> list[str]:
    """Return the versions of Kubernetes that any version of an add-on is offered for, the newest first."""
    cluster_versions = set()
    for info in _infos_of(addons, name):
        for compatibility in items(info, "compatibilities"):
            cluster_versions.add(compatibility["clusterVersion"])
    return sorted(cluster_versions, key=order, reverse=True)


def _nothing(name: str, kubernetes: str, elsewhere: Iterable[str]) -> Problem:
    others = f", only for {at_most(SHOWN, elsewhere)}" if elsewhere else ""
    wrong = f"EKS offers no version of it for Kubernetes {kubernetes}{others}"
    fix = "A new version of Kubernetes may have to wait for it; check the region, and see eks_addon_info."
    return Problem(wrong, asked=f"Choose a version of the add-on {name}", fix=fix)


def _unknown(asked: str, known: dict[str, AddonVersion], name: str, kubernetes: str) -> Problem:
    wrong = f"EKS does not offer {asked} for Kubernetes {kubernetes}{near(asked, known)}"
    fix = f"Take default, latest, or one of {at_most(SHOWN, known)}."
    return Problem(wrong, asked=f"Choose a version of the add-on {name}", where="version", fix=fix)


def no_addon(name: str, names: Iterable[str]) -> Problem:
    """Return the problem of an add-on that EKS does not know."""
    wrong = f"EKS has no add-on of this name{near(name, names)}"
    fix = "See eks_addon_info with available=true for all names."
    return Problem(wrong, asked=f"Choose a version of the add-on {name}", where="name", fix=fix)
