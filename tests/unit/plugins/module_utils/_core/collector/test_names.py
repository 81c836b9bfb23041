# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.collector import names
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem


@pytest.mark.parametrize("name", ["a", "gateway", "gateway-2", "0", "a" * 63])
def test_a_dns_label_passes(name: str) -> None:
    assert names.check_name("name", name) == name


@pytest.mark.parametrize("name", ["", "A", "a_b", "a.b", "-a", "a-", "a b", "ä", "a\n", "a" * 64])
def test_another_name_is_refused_with_the_rule(name: str) -> None:
    with pytest.raises(Problem) as refused:
        names.check_name("name of a collector", name)
    assert refused.value.wrong == f"'{name}' is no valid name of a collector"
    assert "at most 63 lower-case letters, digits and dashes" in refused.value.fix


@pytest.mark.parametrize(
    ("mode", "component"),
    [
        ("daemonset", "agent-collector"),
        ("deployment", "standalone-collector"),
        ("statefulset", "statefulset-collector"),
    ],
)
def test_selectors_have_what_never_changes(mode: str, component: str) -> None:
    assert names.selector_labels("example", mode) == {
        "app.kubernetes.io/name": "opentelemetry-collector",
        "app.kubernetes.io/instance": "example",
        "component": component,
    }


def test_objects_also_say_whose_they_are() -> None:
    assert names.object_labels("gateway", "example", "deployment", "v1.2+3") == {
        **names.selector_labels("example", "deployment"),
        "app.kubernetes.io/managed-by": "o11y.opentelemetry",
        "app.kubernetes.io/version": "v1.2_3",
        "o11y.opentelemetry/collector": "gateway",
    }


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("0.158.0", "0.158.0"),
        ("sha256:abc", "sha256_abc"),
        ("+1+", "1"),
        ("x" * 62 + "-y", "x" * 62),
        ("", ""),
    ],
)
def test_any_text_becomes_a_label_value(text: str, label: str) -> None:
    assert names.label_value(text) == label


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (8888, "8888"), (1.5, "1.5"), ("x", "x"), ("", "")])
def test_all_values_of_metadata_are_text(value: Any, text: str) -> None:
    assert names.texts("labels", {"a": value, 1: "x"}) == {"a": text, "1": "x"}


@pytest.mark.parametrize("value", [None, [], {}])
def test_a_value_that_cannot_be_text_is_refused_with_its_key(value: Any) -> None:
    with pytest.raises(Problem, match=r"labels has a value that is no text, that of 'a'\. Give text for each key\."):
        names.texts("labels", {"a": value})


def test_cluster_wide_names_tell_namespaces_apart() -> None:
    assert names.cluster_wide("a-b", "c") == "a-b.c"
    assert names.cluster_wide("a", "b-c") == "a.b-c"


def test_no_two_releases_are_alike() -> None:
    made = (names.release, names.release_of_instrumentation)
    found = [call(*place) for call in made for place in (("a-b", "c"), ("a", "b-c"), ("a", "b" * 63), ("a", "b" * 62))]
    found += [names.shared_release("a"), names.shared_release("b" * 63), "cert-manager"]
    assert len(set(found)) == len(found)
    assert all(len(value) <= 63 and re.fullmatch(r"[a-z0-9]([-a-z0-9_.]*[a-z0-9])?", value) for value in found)


def test_a_governing_service_is_named_after_its_collector() -> None:
    assert names.headless("store") == "store-headless"
