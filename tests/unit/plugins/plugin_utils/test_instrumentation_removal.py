# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A broken option must not keep Instrumentations, and all that is removed after them, in the cluster."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._instrumentation import (
    build_bundle,
    build_removal_bundle,
)

SOUND: dict[str, Any] = {"name": "shop", "collector": {"name": "gateway"}, "languages": {"python": {}}}
NAMED = {"name": "default", "namespace": "obs"}
BROKEN = {
    "an unknown language": {"languages": {"cobol": {}}},
    "no language": {"languages": {}},
    "a language that is no mapping": {"languages": {"python": "latest"}},
    "no endpoint": {"collector": None},
    "an unknown sampler": {"sampler": {"type": "sometimes"}},
    "an unknown option": {"languagse": {}},
    "a namespace without a language": {"languages": {"python": {}, "java": {}}, "namespaces": ["shop"]},
}


def removal(*items: dict[str, Any], **defaults: Any) -> tuple[dict[str, Any], list[str]]:
    warnings: list[str] = []
    return build_removal_bundle(items, defaults, warnings.append), warnings


def names(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]) for item in found["manifests"]
    ]


def test_what_can_be_rendered_is_removed_whole() -> None:
    items = [SOUND, {**SOUND, **NAMED}]
    assert removal(*items, namespace="web") == (build_bundle(items, {"namespace": "web"}), [])


@pytest.mark.parametrize("options", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("listed", [True, False], ids=["list", "single"])
def test_what_cannot_be_used_does_not_stop_the_removal(options: dict[str, Any], listed: bool) -> None:
    one = {**SOUND, **NAMED, **options}
    items, defaults = ([SOUND, one], {"namespace": "web"}) if listed else ([], one)
    sound = build_bundle([SOUND, {**SOUND, **NAMED}], defaults) if listed else build_bundle([], {**SOUND, **NAMED})
    found, warnings = removal(*items, **defaults)
    assert (found["references"], names(found)) == (sound["references"], names(sound))
    (warning,) = warnings
    assert "'default'" in warning
    assert warning.endswith("The removal goes on without it, and finds the objects by their names.")


@pytest.mark.parametrize("name", ["Not_A_Name", ""])
def test_a_wrong_name_stops_the_removal(name: str) -> None:
    with pytest.raises(Problem, match="name"):
        removal({**SOUND, "name": name}, namespace="Not_A_Namespace")
    with pytest.raises(Problem, match="cobol"):
        removal({"name": name, "namespace": "Not_A_Namespace", "languages": {"cobol": {}}})
