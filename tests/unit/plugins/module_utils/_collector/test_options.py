# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector import options as core
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube import object_names
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.release_names import (
    collector_release,
    instrumentation_release,
    shared_release,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube import names
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs import memory_sizes, quantities

from ..helpers import LABELS, SELECTOR, Json, cases, collector

DISTRIBUTION = core.Distribution("contrib", "ghcr.io/otel/contrib", 10001)


def test_what_is_not_named_is_named_after_the_collector() -> None:
    one, other = collector(name="agent"), collector(instance="example", service_account_name="shared")
    assert (one.instance, one.service_account_name) == ("agent", "agent")
    assert (other.instance, other.service_account_name) == ("example", "shared")


def test_optional_mappings_are_empty_when_not_given() -> None:
    one = collector()
    assert (one.autoscaling, one.ingress, one.routes) == ({}, {}, {})


@pytest.mark.parametrize("what", ["name", "namespace", "instance", "service_account_name"])
@pytest.mark.parametrize("value", ["Upper", "under_score", "x" * 64])
def test_names_that_kubernetes_would_refuse_are_refused(what: str, value: str) -> None:
    with pytest.raises(Problem, match=f"'{value}' is not a valid {what} of a collector"):
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


def test_only_a_daemonset_is_on_every_node() -> None:
    with pytest.raises(Problem, match=r"'a' is to be on every node .*, and its mode is deployment\. Set `mode: daemon"):
        collector(name="a", mode="deployment", every_node=True)
    agent = collector(name="a", mode="daemonset", every_node=True, tolerations=[{"key": "a", "operator": "Exists"}])
    assert agent.all_tolerations == [{"key": "a", "operator": "Exists"}, {"operator": "Exists"}]


# Which collectors open ports on their node, and which have a Service.
AGENT: Json = {"mode": "daemonset"}
OTHERS: list[Json] = [{"mode": "deployment"}, {"mode": "statefulset"}]
ON_NODE = [AGENT, {"mode": "deployment", "host_ports": True}]
NOT_ON_NODE = [*OTHERS, AGENT | {"host_ports": False}, *(one | {"host_network": True} for one in ON_NODE)]
SERVED = [*OTHERS, AGENT | {"service": {"enabled": True}}, OTHERS[0] | {"service": {"enabled": None}}]
NOT_SERVED = [AGENT, OTHERS[0] | {"service": {"enabled": False}}]


def test_agents_open_ports_on_their_node_and_all_others_have_a_service() -> None:
    assert [options for options in ON_NODE + NOT_ON_NODE if collector(**options).uses_host_ports] == ON_NODE
    assert [options for options in SERVED + NOT_SERVED if collector(**options).wants_service] == SERVED


def test_labels_of_the_user_cannot_replace_ours() -> None:
    labels = {"team": "a", "component": "mine", "app.kubernetes.io/managed-by": "me"}
    assert collector(labels=labels).object_labels == {"team": "a", **LABELS}


@cases(
    "options, image",
    ({}, "ghcr.io/otel/contrib:1.2.3"),
    ({"image": "me/mine:1"}, "me/mine:1"),
    ({"image_registry": "mirror:5000"}, "mirror:5000/otel/contrib:1.2.3"),
    ({"image_registry": "mirror/prefix/"}, "mirror/prefix/otel/contrib:1.2.3"),
    ({"image_registry": "mirror", "image": "otel/contrib:1"}, "mirror/otel/contrib:1"),
    ({"image_registry": "mirror", "image": "localhost/contrib:1"}, "mirror/contrib:1"),
    ({"image_registry": "mirror", "image": "reg:5000/contrib:1"}, "mirror/contrib:1"),
    ({"image_registry": "mirror", "image": "contrib:1"}, "mirror/contrib:1"),
    ({"image_registry": "mirror", "image": "a.b/c@sha256:d"}, "mirror/c@sha256:d"),
)
def test_a_registry_takes_the_place_of_the_images_own(options: dict[str, Any], image: str) -> None:
    assert core.choose_image(collector(**options), DISTRIBUTION) == image


@pytest.mark.parametrize("name", ["a", "gateway", "gateway-2", "0", "a" * 63])
def test_a_dns_label_passes(name: str) -> None:
    assert object_names.check_name("name", name) == name


@pytest.mark.parametrize("name", ["", "A", "a_b", "a.b", "-a", "a-", "a b", "ä", "a\n", "a" * 64])
def test_another_name_is_refused_with_the_rule(name: str) -> None:
    with pytest.raises(Problem) as refused:
        object_names.check_name("name of a collector", name)
    assert refused.value.wrong == f"'{name}' is not a valid name of a collector"
    assert "at most 63 lower-case letters, digits and dashes" in refused.value.fix


@cases("mode, word", ("daemonset", "agent"), ("deployment", "standalone"), ("statefulset", "statefulset"))
def test_selectors_have_what_never_changes(mode: str, word: str) -> None:
    assert object_names.selector_labels("gateway", mode) == SELECTOR | {"component": f"{word}-collector"}


def test_objects_also_say_whose_they_are() -> None:
    found = object_names.object_labels("gateway", "gateway", "deployment", "v1.2+3")
    assert found == {key: LABELS[key] for key in LABELS if not key.endswith("/release")} | {
        "app.kubernetes.io/version": "v1.2_3"
    }


@pytest.mark.parametrize(
    ("text", "label"),
    [("0.158.0", "0.158.0"), ("sha256:abc", "sha256_abc"), ("+1+", "1"), ("x" * 62 + "-y", "x" * 62), ("", "")],
)
def test_any_text_becomes_a_label_value(text: str, label: str) -> None:
    assert object_names.label_value(text) == label


def test_names_of_objects_follow_from_that_of_the_collector_and_tell_namespaces_apart() -> None:
    assert (object_names.cluster_wide_name("a-b", "c"), object_names.cluster_wide_name("a", "b-c")) == (
        "a-b.c",
        "a.b-c",
    )
    assert names.headless_service_name("store") == "store-headless"


def test_no_two_releases_are_alike() -> None:
    made = (collector_release, instrumentation_release)
    found = [call(*place) for call in made for place in (("a-b", "c"), ("a", "b-c"), ("a", "b" * 63), ("a", "b" * 62))]
    found += [shared_release("a"), shared_release("b" * 63), "cert-manager"]
    assert len(set(found)) == len(found)
    assert all(len(value) <= 63 and re.fullmatch(r"[a-z0-9]([-a-z0-9_.]*[a-z0-9])?", value) for value in found)


QUANTITIES = {"1024": 1024, "1k": 1000, "1Ki": 1024, "1M": 10**6, "512Mi": 512 * 2**20, "1.5Gi": 1536 * 2**20}
QUANTITIES |= {"2G": 2 * 10**9, "1T": 10**12, "1Ti": 2**40}


@pytest.mark.parametrize(("text", "number"), QUANTITIES.items())
def test_quantities_are_bytes(text: str, number: int) -> None:
    assert quantities.parse_bytes(text) == number


@pytest.mark.parametrize("text", ["", "lots", "512MB", "512mi", "-1Gi", "1 Gi", "1Gi\n", "Mi"])
def test_what_is_no_quantity_is_refused_by_name(text: str) -> None:
    with pytest.raises(Problem) as refused:
        quantities.parse_bytes(text)
    assert f"'{text}' is not a memory quantity" in str(refused.value)
    assert "512Mi" in refused.value.fix


@cases("limit, mib, spike", ("64Mi", 51, 16), ("512Mi", 409, 128), ("2Gi", 1638, 512), ("1G", 762, 238))
def test_the_limiter_and_the_garbage_collector_follow_from_one_limit(limit: str, mib: int, spike: int) -> None:
    found = memory_sizes.Memory(mib, spike, f"{mib}MiB")
    assert collector(memory_limit=limit).memory == memory_sizes.size_memory(limit) == found


def test_too_little_memory_is_refused_with_what_is_enough() -> None:
    with pytest.raises(Problem, match=r"'63Mi' is too small for a collector. Give at least 64Mi."):
        memory_sizes.size_memory("63Mi")


@cases(
    "options, says",
    ({"replicas": -1}, "`replicas` is -1. Use a number from 0 to 2147483647."),
    ({"replicas": 2**31}, "`replicas` is 2147483648"),
    ({"revision_history_limit": -1}, "`revision_history_limit` is -1"),
    ({"pre_stop_seconds": -5}, "`pre_stop_seconds` is -5"),
    ({"autoscaling": {"min_replicas": 0, "max_replicas": 2}}, "`autoscaling.min_replicas` is 0. Use a number from 1"),
    ({"target_allocator": {"replicas": -1}}, "`target_allocator.replicas` is -1"),
    ({"cpu_limit": "1 core"}, "'1 core' is not a CPU quantity. Write cores or thousandths, e.g. 2, 0.5 or 250m."),
    ({"cpu_request": "100Mi"}, "'100Mi' is not a CPU quantity"),
    ({"cpu_request": "1", "cpu_limit": "900m"}, "`cpu_request` 1 is above `cpu_limit` 900m. Lower the request"),
    ({"storage": {"size": "10GB"}}, "`storage.size`: '10GB' is not a size of a volume. Write a number with a unit, "),
    ({"storage": {"size": "0"}}, "`storage.size`: '0' is not a size of a volume"),
    ({"storage": {"size": "-1Gi"}}, "`storage.size`: '-1Gi' is not a size of a volume"),
    ({"target_allocator": {"memory_limit": "lots"}}, "'lots' is not a memory quantity"),
    ({"target_allocator": {"cpu_request": "lots"}}, "'lots' is not a CPU quantity"),
    ({"name": "1st"}, "'1st' is not a valid name of a collector with a Service. Begin it with a letter."),
    ({"labels": {"team": "Platform Team"}}, "'Platform Team' is not a valid value of the label 'team' (at labels)"),
    ({"pod_labels": {"a b": "c"}}, "'a b' is not a valid key (at pod_labels)"),
    ({"node_selector": {"pool": "x" * 64}}, "is not a valid value of the label 'pool'"),
    ({"annotations": {"Example.com/": "c"}}, "'Example.com/' is not a valid key (at annotations)"),
    ({"service_account_annotations": {"UPPER/x": "c"}}, "'UPPER/x' is not a valid key"),
)
def test_what_kubernetes_would_refuse_is_refused_before(options: Json, says: str) -> None:
    with pytest.raises(Problem) as refused:
        collector(**options)
    assert says in str(refused.value)


TAKEN: list[Json] = [
    {"replicas": 0, "cpu_limit": "", "cpu_request": "0"},
    {"cpu_request": "0.5", "cpu_limit": "500m"},
    {"labels": {"example.com/Team_1": "", "a": "1.0", "on": True}, "annotations": {"a": "any text, of any length"}},
    {"name": "1st", "mode": "daemonset"},
    {"storage": {"size": "1.5Pi"}},
    {"storage": {"size": ""}},
]


@pytest.mark.parametrize("options", TAKEN)
def test_what_kubernetes_takes_is_taken(options: Json) -> None:
    assert collector(**options).name


@cases(
    "options, says",
    ({"memory_percent": 0}, "`memory_percent` is 0. Use a number from 1"),
    ({"autoscaling": {"queue_percent": 500}}, "`autoscaling.queue_percent` is 500. Use a number from 0 to 100."),
    ({"memory_percent": 101}, "`memory_percent` is 101. Use a number from 1 to 100."),
    ({"memory_spike_percent": -1}, "`memory_spike_percent` is -1"),
    ({"memory_percent": 50, "memory_spike_percent": 50}, "`memory_spike_percent` 50 is not below `memory_percent` 50"),
    ({"memory_request": "lots"}, "'lots' is not a memory quantity"),
    ({"memory_request": "1Gi", "memory_limit": "512Mi"}, "`memory_request` 1Gi is above `memory_limit` 512Mi. Lower"),
)
def test_memory_that_the_collector_or_kubernetes_rejects_is_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(Problem, match=re.escape(says)):
        collector(**options)


def test_percentages_size_the_limiter_and_not_the_garbage_collector() -> None:
    found = collector(memory_limit="1000Mi", memory_percent=50, memory_spike_percent=10).memory
    assert found == memory_sizes.Memory(500, 100, "800MiB")
