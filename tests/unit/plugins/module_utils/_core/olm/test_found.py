# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API's objects say, in short."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.olm import found

from . import samples

OURS = {"o11y.opentelemetry/release": "opentelemetry-operator"}


def test_a_subscription() -> None:
    metadata = {"name": "a", "namespace": "ns", "labels": OURS}
    spec = {"name": "p", "channel": "c", "source": "s", "sourceNamespace": "sn", "installPlanApproval": "Manual"}
    result = found.subscription({"metadata": metadata, "spec": spec, "status": {"installedCSV": "x"}})
    assert result == {
        **{"name": "a", "namespace": "ns", "ours": True, "package": "p", "channel": "c", "source": "s"},
        **{"source_namespace": "sn", "starting_csv": "", "approval": "Manual", "installed_csv": "x"},
        **{"current_csv": "", "state": ""},
    }


@pytest.mark.parametrize(
    ("spec", "everywhere"),
    [
        ({}, True),
        ({"upgradeStrategy": "Default"}, True),
        ({"targetNamespaces": [""]}, True),
        ({"selector": {}}, True),
        ({"targetNamespaces": ["a"]}, False),
        ({"selector": {"matchLabels": {"a": "b"}}}, False),
        ({"selector": {"matchExpressions": [{"key": "a"}]}}, False),
    ],
)
def test_an_operator_group_is_for_all_namespaces_or_not(spec: dict[str, Any], everywhere: bool) -> None:
    assert found.operator_group({"metadata": {"name": "a"}, "spec": spec})["all"] is everywhere


def test_a_version_of_the_operator_is_known_by_what_it_defines() -> None:
    assert found.csv(samples.csv(samples.ONE, "Failed", "OwnerConflict", "no")) == {
        **{"name": samples.ONE, "namespace": samples.NAMESPACE, "phase": "Failed", "reason": "OwnerConflict"},
        **{"message": "no", "product": True},
    }
    other = samples.csv("tempo-operator.v1.0.0")
    other["spec"] = {}
    assert found.csv(other)["product"] is False


def test_a_catalog() -> None:
    metadata = {"name": "a", "namespace": "ns"}
    assert found.catalog({"metadata": metadata}) == {"name": "a", "namespace": "ns", "state": "", "message": ""}
    status = {"connectionState": {"lastObservedState": "READY"}, "message": "m"}
    assert found.catalog({"metadata": metadata, "status": status})["state"] == found.READY


def test_what_a_package_offers() -> None:
    modes = [{"type": "OwnNamespace", "supported": False}, {"type": "AllNamespaces", "supported": True}]
    described = {"minKubeVersion": "1.25.0", "installModes": modes}
    entries = [{"name": samples.ONE}, {"name": samples.THREE}]
    stable = {"name": "stable", "currentCSV": samples.THREE, "currentCSVDesc": described, "entries": entries}
    own = {"name": "own", "currentCSV": samples.ONE, "currentCSVDesc": {"installModes": modes[:1]}}
    status = {"packageName": "p", "catalogSource": "s", "defaultChannel": "stable", "channels": [stable, own]}
    result = found.package({"metadata": {"name": "p"}, "status": status})
    assert [channel["csvs"] for channel in result["channels"]] == [[samples.THREE, samples.ONE], [samples.ONE]]
    assert [channel["all_namespaces"] for channel in result["channels"]] == [True, False]
    assert result["channels"][0]["min_kubernetes"] == "1.25.0"


def test_the_operator_has_two_packages_and_the_one_that_was_asked_for() -> None:
    listed = [samples.subscription(package=name) for name in (*found.PACKAGES, "own-build", "tempo-product")]
    assert [item["package"] for item in found.of_operator(listed, "own-build")] == [*found.PACKAGES, "own-build"]
