# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a list of Instrumentations to all that the role needs."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._instrumentation import bundle

DEFAULTS: dict[str, Any] = {"name": "default", "namespace": "telemetry", "collector": {"name": "gateway"}}
PYTHON: dict[str, Any] = {"languages": {"python": None}}


def test_a_language_needs_no_options() -> None:
    found = bundle([{**PYTHON, "namespaces": ["shop"]}], DEFAULTS)
    assert [item["kind"] for item in found["manifests"]] == ["Namespace", "Instrumentation"]
    assert found["manifests"][1]["spec"]["sampler"] == {"type": "parentbased_always_on"}
    assert found["references"] == ["telemetry/default"]
    (namespace,) = found["namespaces"]
    requirements = found["requirements"]
    assert requirements["namespaces"] == [namespace]
    assert requirements["trials"] == [found["manifests"][1]]
    assert [item["service"] for item in requirements["targets"]] == ["gateway"]
    assert {key: requirements[key] for key in ("languages", "coming", "references", "files")} == {
        "languages": ["python"],
        "coming": ["telemetry"],
        "references": ["telemetry/default"],
        "files": [],
    }


def test_without_items_the_defaults_describe_one() -> None:
    assert bundle([], {**DEFAULTS, **PYTHON})["references"] == ["telemetry/default"]


def test_an_item_replaces_the_common_way_to_say_where_to() -> None:
    found = bundle([{**PYTHON, "endpoint": "http://other:4318"}], DEFAULTS)
    assert found["manifests"][1]["spec"]["exporter"]["endpoint"] == "http://other:4318"
    back = bundle([{**PYTHON, "collector": {"name": "own"}}], {**DEFAULTS, "endpoint": "http://other:4318"})
    assert back["manifests"][1]["spec"]["exporter"]["endpoint"] == "http://own.telemetry.svc:4318"


def test_two_share_a_namespace_but_no_name() -> None:
    names = [
        item["metadata"]["name"]
        for item in bundle([{**PYTHON, "name": "a"}, {**PYTHON, "name": "b"}], DEFAULTS)["manifests"]
    ]
    assert names == ["telemetry", "a", "b"]
    with pytest.raises(Problem, match="two Instrumentations are called telemetry/default"):
        bundle([PYTHON, PYTHON], DEFAULTS)


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ({"langages": {}}, "has no option 'langages'; did you mean 'languages'"),
        ({"languages": {"pyton": {}}}, r"has no option 'languages\.pyton'; did you mean 'python'"),
        ({"languages": {"python": {"imge": "a"}}}, r"has no option 'languages\.python\.imge'; did you mean 'image'"),
        ({"languages": {"python": {"env": ["A"]}}}, "argument 'env' is of type"),
        ({**PYTHON, "collector": {}}, "missing required arguments: name"),
        ({**PYTHON, "image_pull_policy": "never"}, "value of image_pull_policy must be one of"),
    ],
)
def test_wrong_options_are_told_by_name(item: dict[str, Any], says: str) -> None:
    with pytest.raises(Problem, match=f"instrumentation 'default'.*{says}"):
        bundle([item], DEFAULTS)
