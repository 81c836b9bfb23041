# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.collector.collector import Distribution, image_of
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem

from ..helpers import LABELS, collector

DISTRIBUTION = Distribution("contrib", "ghcr.io/otel/contrib", 10001)


def test_what_is_not_named_is_named_after_the_collector() -> None:
    one = collector(name="agent")
    assert (one.instance, one.service_account_name) == ("agent", "agent")


def test_what_is_named_keeps_its_name() -> None:
    one = collector(instance="example", service_account_name="shared")
    assert (one.instance, one.service_account_name) == ("example", "shared")


def test_optional_mappings_are_empty_when_not_given() -> None:
    one = collector()
    assert (one.autoscaling, one.ingress, one.routes) == ({}, {}, {})


@pytest.mark.parametrize("what", ["name", "namespace", "instance", "service_account_name"])
@pytest.mark.parametrize("value", ["Upper", "under_score", "x" * 64])
def test_names_that_kubernetes_would_refuse_are_refused(what: str, value: str) -> None:
    with pytest.raises(Problem, match=f"'{value}' is no valid {what} of a collector"):
        collector(**{what: value})


def test_a_statefulset_leaves_room_in_its_name_for_what_is_named_after_it() -> None:
    assert collector(mode="statefulset", name="x" * 52).name == "x" * 52
    with pytest.raises(Problem, match=r"is too long for a StatefulSet, .* at most 52 characters"):
        collector(mode="statefulset", name="x" * 53)


def test_a_daemonset_cannot_be_autoscaled() -> None:
    with pytest.raises(Problem) as refused:
        collector(name="agent", mode="daemonset", autoscaling={"min_replicas": 1, "max_replicas": 2})
    assert str(refused.value) == (
        "collector 'agent' is a DaemonSet and cannot be autoscaled. "
        "Remove `autoscaling`, or use mode deployment or statefulset."
    )


@pytest.mark.parametrize(
    ("options", "opened"),
    [
        ({"mode": "daemonset"}, True),
        ({"mode": "deployment"}, False),
        ({"mode": "statefulset"}, False),
        ({"mode": "daemonset", "host_ports": False}, False),
        ({"mode": "deployment", "host_ports": True}, True),
        ({"mode": "daemonset", "host_network": True}, False),
        ({"mode": "deployment", "host_ports": True, "host_network": True}, False),
    ],
)
def test_agents_open_ports_on_their_node(options: dict[str, Any], opened: bool) -> None:
    assert collector(**options).uses_host_ports is opened


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"mode": "daemonset"}, False),
        ({"mode": "deployment"}, True),
        ({"mode": "statefulset"}, True),
        ({"mode": "daemonset", "service": {"enabled": True}}, True),
        ({"mode": "deployment", "service": {"enabled": False}}, False),
        ({"mode": "deployment", "service": {"enabled": None}}, True),
    ],
)
def test_all_but_agents_have_a_service(options: dict[str, Any], wanted: bool) -> None:
    assert collector(**options).wants_service is wanted


def test_labels_of_the_user_cannot_replace_ours() -> None:
    labels = {"team": "a", "component": "mine", "app.kubernetes.io/managed-by": "me"}
    assert collector(labels=labels).object_labels == {"team": "a", **LABELS}


def test_numbers_follow_from_the_memory_limit() -> None:
    assert collector(memory_limit="1Gi").memory.limit_mib == 819


@pytest.mark.parametrize(
    ("options", "image"),
    [
        ({}, "ghcr.io/otel/contrib:1.2.3"),
        ({"image": "me/mine:1"}, "me/mine:1"),
        ({"image_registry": "mirror:5000"}, "mirror:5000/otel/contrib:1.2.3"),
        ({"image_registry": "mirror/prefix/"}, "mirror/prefix/otel/contrib:1.2.3"),
        ({"image_registry": "mirror", "image": "otel/contrib:1"}, "mirror/otel/contrib:1"),
        ({"image_registry": "mirror", "image": "localhost/contrib:1"}, "mirror/contrib:1"),
        ({"image_registry": "mirror", "image": "reg:5000/contrib:1"}, "mirror/contrib:1"),
        ({"image_registry": "mirror", "image": "contrib:1"}, "mirror/contrib:1"),
        ({"image_registry": "mirror", "image": "a.b/c@sha256:d"}, "mirror/c@sha256:d"),
    ],
)
def test_a_registry_takes_the_place_of_the_images_own(options: dict[str, Any], image: str) -> None:
    assert image_of(collector(**options), DISTRIBUTION) == image
