# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.manifests.build import frame, namespace, present

from ..helpers import METADATA, build, collector, running


def test_a_frame_has_our_metadata_and_the_body() -> None:
    assert frame(build(), "v1", "Thing", spec={"a": 1}) == {
        "apiVersion": "v1",
        "kind": "Thing",
        "metadata": METADATA,
        "spec": {"a": 1},
    }


def test_a_frame_may_have_another_name_and_no_namespace() -> None:
    metadata = frame(build(), "v1", "Thing", name="other", namespaced=False)["metadata"]
    assert (metadata["name"], "namespace" in metadata) == ("other", False)


def test_annotations_of_the_object_win_over_those_of_all() -> None:
    one = build(annotations={"a": "all", "b": "all"})
    assert frame(one, "v1", "Thing", annotations={"b": "own"})["metadata"]["annotations"] == {"a": "all", "b": "own"}


@pytest.mark.parametrize("value", [None, {}, [], "", ()])
def test_what_says_nothing_is_left_out(value: Any) -> None:
    assert present(a=value) == {}


@pytest.mark.parametrize("value", [0, False, "0", [None]])
def test_what_says_something_stays(value: Any) -> None:
    assert present(a=value) == {"a": value}


def test_a_namespace_is_the_same_for_every_collector_in_it() -> None:
    assert namespace(build(labels={"team": "a"}, annotations={"a": "b"})) == {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": "telemetry",
            "labels": {
                "app.kubernetes.io/managed-by": "o11y.opentelemetry",
                "o11y.opentelemetry/release": "telemetry_shared",
            },
        },
    }


def test_only_ports_of_clients_are_exposed() -> None:
    one = build(running(receivers={"zipkin": {}}, extensions={"health_check": {"endpoint": ":1"}}))
    assert [port.name for port in one.exposed] == ["zipkin"]
    assert one.collector == collector()
