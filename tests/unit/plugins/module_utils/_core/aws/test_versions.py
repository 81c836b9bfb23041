# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which version is chosen."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.aws.versions import (
    AddonVersion,
    choose,
    kubernetes_of,
    no_addon,
    offers,
    order,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem

NEW, DEFAULT, OLD = "v0.151.0-eksbuild.10", "v0.151.0-eksbuild.2", "v0.141.0-eksbuild.1"
OFFERED = [AddonVersion(NEW), AddonVersion(DEFAULT, default=True), AddonVersion(OLD)]


def pick(asked: str | None, installed: str | None, offered: list[AddonVersion] | None = None) -> str:
    return choose(asked, installed, OFFERED if offered is None else offered, "adot", "1.34").version


@pytest.mark.parametrize(
    ("asked", "installed", "chosen"),
    [
        (None, None, DEFAULT),
        (None, OLD, OLD),
        ("default", None, DEFAULT),
        ("default", OLD, DEFAULT),
        ("default", NEW, NEW),  # never back
        ("latest", None, NEW),
        ("latest", DEFAULT, NEW),
        ("latest", NEW, NEW),
        (OLD, None, OLD),
        (OLD, NEW, OLD),  # who names it means it
        ("v0.1.0-eksbuild.1", "v0.1.0-eksbuild.1", "v0.1.0-eksbuild.1"),  # no longer offered, but there
        ("default", "v9.0.0-eksbuild.1", DEFAULT),  # not offered for this version of Kubernetes
    ],
)
def test_the_version_is(asked: str | None, installed: str | None, chosen: str) -> None:
    assert pick(asked, installed) == chosen


def test_builds_are_ordered_by_number() -> None:
    assert order(NEW) > order(DEFAULT) > order(OLD)


def test_without_a_default_it_is_the_newest() -> None:
    assert pick(None, None, [AddonVersion(DEFAULT), AddonVersion(OLD)]) == DEFAULT


def test_what_is_there_but_no_longer_offered_is_warned_of() -> None:
    choice = choose(None, "v0.1.0-eksbuild.1", OFFERED, "adot", "1.34")
    assert choice.warning.startswith("adot v0.1.0-eksbuild.1 is no longer offered for Kubernetes 1.34.")
    assert choose(None, OLD, OFFERED, "adot", "1.34").warning == ""
    assert choose(None, OLD, [], "adot", "1.34").warning == ""  # nothing is known then


@pytest.mark.parametrize(
    ("asked", "offered", "words"),
    [
        ("v0.151.0-eksbuild.1", OFFERED, f"did you mean '{NEW}'?"),
        ("lastest", OFFERED, f"Take default, latest, or one of {NEW}, {DEFAULT}, {OLD}."),
        (None, [], "EKS offers no version of it for Kubernetes 1.34"),
        ("latest", [], "A new version of Kubernetes may have to wait for it"),
    ],
)
def test_what_is_not_on_offer_is_an_error(asked: str | None, offered: list[AddonVersion], words: str) -> None:
    with pytest.raises(Problem, match="adot") as raised:
        pick(asked, None, offered)
    assert words in str(raised.value)


def test_many_versions_are_not_all_named() -> None:
    many = [AddonVersion(f"v0.{number}.0-eksbuild.1") for number in range(30)]
    with pytest.raises(Problem, match="and 22 more"):
        pick("v9", None, many)


def test_offers_are_those_for_the_version_of_the_cluster() -> None:
    def info(version: str, *fits: tuple[str, bool], **more: Any) -> dict[str, Any]:
        return {
            "addonVersion": version,
            "compatibilities": [{"clusterVersion": name, "defaultVersion": default} for name, default in fits],
            **more,
        }

    listed = [
        {"addonName": "other", "addonVersions": [info("v3", ("1.34", True))]},
        {
            "addonName": "adot",
            "addonVersions": [info(OLD, ("1.33", True), ("1.34", False)), info("v0.9", ("1.33", True))],
        },
        {"addonName": "adot", "addonVersions": [info(NEW, ("1.34", True), requiresIamPermissions=True)]},  # next page
    ]
    assert offers(listed, "adot", "1.34") == [
        AddonVersion(NEW, default=True, permissions_needed=True),
        AddonVersion(OLD),
    ]
    assert offers(listed, "adot", "1.99") == []


def test_an_unknown_name_is_answered_with_the_near_one() -> None:
    assert "did you mean 'adot'?" in str(no_addon("adott", ["adot", "coredns"]))


def test_where_nothing_is_on_offer_the_versions_of_kubernetes_that_have_it_are_told() -> None:
    fitting = [{"clusterVersion": "1.9"}, {"clusterVersion": "1.34"}]
    addons = [{"addonName": "adot", "addonVersions": [{"addonVersion": NEW, "compatibilities": fitting}]}]
    elsewhere = kubernetes_of([*addons, {"addonName": "other"}], "adot")
    assert elsewhere == ["1.34", "1.9"]
    with pytest.raises(Problem, match=r"offers no version of it for Kubernetes 1\.99, only for 1\.34, 1\.9"):
        choose(None, None, [], "adot", "1.99", elsewhere=elsewhere)
    with pytest.raises(Problem, match=r"for Kubernetes 1\.99\. A new version"):
        choose(None, None, [], "adot", "1.99")
