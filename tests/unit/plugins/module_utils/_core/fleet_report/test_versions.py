# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions that run and that are wanted."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.fleet_report import versions
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.fleet_report.cluster import FleetCluster

from .helpers import TABLE, Fleet, config

WANTED = {"cert-manager": {"provider": "manifest", "version": ""}, "opentelemetry-operator": {"provider": "existing"}}


def info(version: str, **more: Any) -> dict[str, Any]:
    given = {
        "installed": True,
        "version": version,
        "kubernetes": "v1.34.2",
        "installer": {"by": "helm", "name": "ns/x"},
    }
    return {**given, "resources": [], **more}


def cluster(**given: Any) -> FleetCluster:
    fleet = Fleet().add("a", config({"debug": {}})).add("b", config({"debug": {}}))
    return fleet.cluster(**{"asked": True, "products": WANTED, **given})


def diagnosis(**images: str) -> dict[str, Any]:
    return {
        "verdict": [],
        "collectors": [{"namespace": "obs", "name": name, "image": image} for name, image in images.items()],
    }


def row(found: FleetCluster, what: str) -> dict[str, Any]:
    return next(item for item in versions.rows(found, TABLE) if item["what"].startswith(what))


def test_without_a_cluster_it_says_what_is_wanted() -> None:
    found = row(cluster(), "cert-manager")
    assert (found["wanted"], found["running"], found["state"]) == ("1.21.2, by manifest", "not read", "same")
    assert row(cluster(), "the OpenTelemetry operator")["wanted"] == "existing"
    assert row(cluster(products={}), "cert-manager")["wanted"] == "not by this inventory"
    assert row(cluster(), "Collector image of 2")["running"] == "not read"


@pytest.mark.parametrize("provider", ["eks_addon", "olm"])
def test_a_version_that_somebody_else_chooses_is_not_wanted(provider: str) -> None:
    products = {"opentelemetry-operator": {"provider": provider, "version": ""}}
    found = row(cluster(products=products, operator=info("0.151.0")), "the OpenTelemetry operator")
    assert found["wanted"] == provider
    assert found["state"] != "differs"


def test_what_runs_is_told_with_who_installed_it() -> None:
    found = cluster(cert_manager=info("1.21.2"), operator={"installed": False, "kubernetes": "v1.34.2"})
    assert row(found, "cert-manager")["running"] == "1.21.2, by helm ns/x"
    assert row(found, "the OpenTelemetry operator")["running"] == "none"
    assert row(found, "Kubernetes")["running"] == "v1.34.2"


def test_another_version_than_the_wanted_one_differs() -> None:
    assert row(cluster(cert_manager=info("1.20.1")), "cert-manager")["state"] == "differs"


def test_a_version_that_is_not_for_this_kubernetes_has_a_note() -> None:
    (note,) = row(cluster(cert_manager=info("1.21.2", kubernetes="v1.20.0")), "cert-manager")["notes"]
    assert "is for Kubernetes 1.33 to 1.36, and this cluster is 1.20" in note


def test_a_collector_that_does_not_follow_the_operator_is_a_skew() -> None:
    old = {
        "kind": "OpenTelemetryCollector",
        "namespace": "n",
        "name": "o",
        "image": "x:0.140.0",
        "version": "",
        "automatic": True,
    }
    (note,) = row(cluster(operator=info("0.158.0", resources=[old])), "the OpenTelemetry operator")["notes"]
    assert "n/o has an image of its own of version 0.140.0" in note


def test_images_that_run_are_held_against_those_that_are_wanted() -> None:
    found = row(cluster(diagnosis=diagnosis(a="c:0.158.0", b="c:0.152.0")), "Collector image of 2")
    assert found["running"] == "c:0.152.0 (1 of 2); c:0.158.0 (1 of 2)"
    assert found["state"] == "differs"
    assert row(cluster(diagnosis=diagnosis(a="c:0.158.0", b="c:0.158.0")), "Collector image")["state"] == "same"
    assert row(cluster(diagnosis=diagnosis(a="c:0.158.0")), "Collector image")["running"].endswith("none (1 of 2)")


def test_the_fleet_has_every_version_newest_first() -> None:
    new = cluster(
        diagnosis=diagnosis(a="c:0.158.0", b="c:0.9.0"), cert_manager=info("1.21.2"), operator=info("0.158.0")
    )
    told = {item["what"]: item["versions"] for item in versions.fleet([new, cluster()])}
    assert [(item["version"], item["count"]) for item in told["Collectors"]] == [
        ("0.158.0 wanted", 2), ("0.158.0", 1), ("0.9.0", 1),
    ]  # fmt: skip
    assert told["Kubernetes"] == [{"version": "v1.34.2", "count": 1}, {"version": "not read", "count": 1}]
