# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.addon import addon_inputs
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...helpers import cases

NOTHING: dict[str, Any] = {
    "workloads": {"manager": {"replicas": 1, "resources": {}, "flags": {}, "env": {}, "affinity": {}}},
    "images": {"java": "", "collector": ""},
    **{"feature_gates": [], "watch_namespaces": [], "certificates": "cert_manager", "source": "", "sha256": ""},
    **{"image_registry": "", "image_pull_secrets": []},
}


def test_inputs_that_nobody_gives_are_no_matter_and_a_registry_for_all_roles_does_not_hold_here() -> None:
    addon_inputs.refuse_unsupported_inputs(NOTHING)
    for workloads in ({}, {"manager": None}, {"manager": {"replicas": None}}):
        addon_inputs.refuse_unsupported_inputs({**NOTHING, "workloads": workloads})
    assert list(addon_inputs.list_registry_warnings(NOTHING)) == []
    assert len(list(addon_inputs.list_registry_warnings({**NOTHING, "image_registry": "mirror:5000"}))) == 1


@cases(
    "given, said",
    ({"workloads": {"manager": {"replicas": 2}}}, "take replicas.*Give it as replicaCount in the configuration"),
    ({"workloads": {"manager": {"replicas": 0}}}, "take replicas"),
    ({"workloads": {"manager": {"resources": {"limits": {}}}}}, "Give it as manager.resources"),
    ({"workloads": {"manager": {"flags": {"a": "b"}}}}, "take flags.*the configuration of the add-on has nothing"),
    ({"images": {"java": "x/y:1"}}, "take images"),
    ({"certificates": "generated"}, "take certificates"),
    ({"feature_gates": ["-a"]}, "take feature_gates"),
)
def test_what_an_addon_cannot_be_told_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(Problem, match=said):
        addon_inputs.refuse_unsupported_inputs({**NOTHING, **given})
