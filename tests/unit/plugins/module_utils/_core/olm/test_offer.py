# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a catalog offers, and the words for what it does not."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.olm.offer import (
    PackageOffer,
    PackageRequest,
    offer,
)

from .samples import ONE, THREE, TWO, olm, package

ASKED = PackageRequest("opentelemetry-product", "redhat-operators", "openshift-marketplace")
CATALOG = {"name": "redhat-operators", "namespace": "openshift-marketplace", "state": "READY", "message": ""}


@pytest.mark.parametrize(
    ("channel", "csv", "installed", "expected"),
    [
        ("", "", "", PackageOffer("stable", THREE)),
        ("", "", "old", PackageOffer("old", ONE)),  # who named none stays
        ("", "", "gone", PackageOffer("stable", THREE)),
        ("stable", "", "old", PackageOffer("stable", THREE)),
        ("", TWO, "", PackageOffer("stable", TWO)),
    ],
)
def test_what_is_wanted_now(channel: str, csv: str, installed: str, expected: PackageOffer) -> None:
    assert offer(ASKED._replace(channel=channel, csv=csv), olm(), installed) == expected


@pytest.mark.parametrize(
    ("asked", "found", "words"),
    [
        ({"source": "redhat-operator"}, {}, r"no CatalogSource openshift-marketplace/redhat-operator; did you mean"),
        ({}, {"catalogs": []}, r"to one of: none"),
        (
            {},
            {"catalogs": [{**CATALOG, "state": "TRANSIENT_FAILURE", "message": "no"}]},
            r"TRANSIENT_FAILURE\): no .*pods",
        ),
        ({}, {"catalogs": [{**CATALOG, "state": ""}]}, r"its state is not known"),
        ({}, {"package": None, "packages": ["opentelemetry-products"]}, r"did you mean 'opentelemetry-products'"),
        ({}, {"package": None}, r"It offers no package at all"),
        ({"channel": "stabel"}, {}, r"no channel stabel; did you mean 'stable'.*to one of: stable, old"),
        ({"csv": "opentelemetry-operator.v0.155.0-1"}, {}, r"has no opentelemetry-operator.v0.155.0-1; did you mean"),
        ({"channel": "old", "csv": TWO}, {}, r"it is in channel stable"),
        ({"csv": "latest"}, {}, r"'latest' has no version in it"),
        ({}, {"kubernetes": "v1.24.9"}, r"needs Kubernetes 1.25.0 or later, and this cluster has 1.24.9"),
    ],
)
def test_what_is_not_there_is_refused_with_the_near_word(
    asked: dict[str, Any], found: dict[str, Any], words: str
) -> None:
    with pytest.raises(Problem, match=words):
        offer(ASKED._replace(**asked), olm(**found))


def test_a_pin_may_be_for_an_older_kubernetes_than_the_newest() -> None:
    assert offer(ASKED._replace(csv=ONE), olm(kubernetes="v1.24.9")).csv == ONE


def test_a_channel_that_is_not_for_all_namespaces_is_refused() -> None:
    narrow = package(stable=[ONE])
    narrow["channels"][0]["all_namespaces"] = False
    with pytest.raises(Problem, match="not for all namespaces"):
        offer(ASKED, olm(package=narrow))


def test_long_lists_are_cut() -> None:
    versions = [f"opentelemetry-operator.v0.{minor}.0-1" for minor in range(40, 10, -1)]
    with pytest.raises(Problem, match=r"v0.31.0-1 and 20 more"):
        offer(ASKED._replace(csv=THREE), olm(package=package(stable=versions)))
