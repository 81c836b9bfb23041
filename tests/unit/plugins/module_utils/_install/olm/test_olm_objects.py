# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API's objects say, and what goes with a Subscription."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.olm import olm_objects

from ...helpers import cases
from . import samples
from .samples import NAMESPACE, ONE, THREE, subscription

CSV = {"name": ONE, "namespace": NAMESPACE, "phase": "Succeeded", "reason": "", "message": "", "product": True}
OURS = {"o11y.opentelemetry/release": "opentelemetry-operator"}
OBJECTS = [{"kind": kind, "name": "a"} for kind in ("OperatorGroup", "Subscription")]
NEIGHBOUR = subscription(ours=False, name="tempo-product", package="tempo-product")


def test_a_subscription() -> None:
    metadata = {"name": "a", "namespace": "ns", "labels": OURS}
    spec = {"name": "p", "channel": "c", "source": "s", "sourceNamespace": "sn", "installPlanApproval": "Manual"}
    result = olm_objects.read_subscription({"metadata": metadata, "spec": spec, "status": {"installedCSV": "x"}})
    assert result == {
        **{"name": "a", "namespace": "ns", "ours": True, "package": "p", "channel": "c", "source": "s"},
        **{"source_namespace": "sn", "starting_csv": "", "approval": "Manual", "installed_csv": "x"},
        **{"current_csv": "", "state": ""},
    }


@cases(
    "spec, everywhere",
    ({}, True),
    ({"upgradeStrategy": "Default"}, True),
    ({"targetNamespaces": [""]}, True),
    ({"selector": {}}, True),
    ({"targetNamespaces": ["a"]}, False),
    ({"selector": {"matchLabels": {"a": "b"}}}, False),
    ({"selector": {"matchExpressions": [{"key": "a"}]}}, False),
)
def test_an_operator_group_is_for_all_namespaces_or_not(spec: dict[str, Any], everywhere: bool) -> None:
    assert (
        olm_objects.read_operator_group({"metadata": {"name": "a", "namespace": "ns"}, "spec": spec})["all"]
        is everywhere
    )


def test_a_version_of_the_operator_is_known_by_what_it_defines() -> None:
    told = {**CSV, "ours": False, "phase": "Failed", "reason": "OwnerConflict", "message": "no"}
    assert olm_objects.read_csv_object(samples.csv(ONE, "Failed", "OwnerConflict", "no")) == told
    other = {**samples.csv("tempo-operator.v1.0.0"), "spec": {}}
    assert olm_objects.read_csv_object(other)["product"] is False


def test_what_catalogs_and_packages_offer() -> None:
    metadata = {"name": "a", "namespace": "ns"}
    facts = {"name": "a", "namespace": "ns", "ours": False, "state": "", "message": ""}
    assert olm_objects.read_catalog({"metadata": metadata}) == facts
    status: dict[str, Any] = {"connectionState": {"lastObservedState": "READY"}, "message": "m"}
    assert olm_objects.read_catalog({"metadata": metadata, "status": status})["state"] == olm_objects.READY
    modes = [{"type": "OwnNamespace", "supported": False}, {"type": "AllNamespaces", "supported": True}]
    described = {"minKubeVersion": "1.25.0", "installModes": modes}
    entries = [{"name": ONE}, {"name": THREE}]
    stable = {"name": "stable", "currentCSV": THREE, "currentCSVDesc": described, "entries": entries}
    own = {"name": "own", "currentCSV": ONE, "currentCSVDesc": {"installModes": modes[:1]}}
    status = {"packageName": "p", "catalogSource": "s", "defaultChannel": "stable", "channels": [stable, own]}
    channels = olm_objects.read_package({"metadata": {"name": "p"}, "status": status})["channels"]
    offered = [(channel["csvs"], channel["all_namespaces"]) for channel in channels]
    assert offered == [([THREE, ONE], True), ([ONE], False)]
    assert channels[0]["min_kubernetes"] == "1.25.0"


def test_the_operator_has_two_packages_and_the_one_that_was_asked_for() -> None:
    wanted = [*olm_objects.PACKAGES, "own-build"]
    listed = [subscription(package=name) for name in (*wanted, "tempo-product")]
    assert [item["package"] for item in olm_objects.select_of_operator(listed, "own-build")] == wanted
