# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of role otel_host is said once; what it shares with otel_collector means the same there."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.options import Collector
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host.component_rows import GUARDED, HOST_ROWS, ROOT
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host.host_options import (
    HOST_OPTIONS,
    SHARED_OPTIONS,
    HostCollector,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host.systemd_unit import STRICT_SANDBOX
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.guarded_groups import GUARDED_GROUPS
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _builds, _documents

from .role import PREFIX as CLUSTER_PREFIX
from .role import RECIPES
from .role import ROOT as HERE
from .role import SPEC as CLUSTER_SPEC

ROLE = HERE / "roles" / "otel_host"
PREFIX = "otel_host_"
SPEC: dict[str, Any] = _documents.read_yaml(ROLE / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
DEFAULTS: dict[str, Any] = _documents.read_yaml(ROLE / "defaults" / "main.yml")
OWN_RECIPES = {path.parent.name: _documents.read_yaml(path) for path in sorted((ROLE / "recipes").glob("*/recipe.yml"))}
# What differs by its nature: a right of a host is none of a cluster.
OTHER_VALUES = {"allow", "env", "name"}


def test_options_of_a_collector_are_its_fields() -> None:
    known = {field.name for field in fields(HostCollector)}
    assert {*SHARED_OPTIONS, *HOST_OPTIONS} <= known
    assert set(HOST_OPTIONS) == known - {field.name for field in fields(Collector)}
    assert {PREFIX + name for name in (*SHARED_OPTIONS, *HOST_OPTIONS)} <= set(SPEC)


@pytest.mark.parametrize("name", sorted(set(SHARED_OPTIONS) - OTHER_VALUES))
def test_what_both_roles_have_has_one_type_and_default(name: str) -> None:
    of_host, of_cluster = SPEC[PREFIX + name], CLUSTER_SPEC[CLUSTER_PREFIX + name]
    for key in ("type", "elements", "choices", "default"):
        assert of_host.get(key) == of_cluster.get(key), key


def test_the_defaults_are_those_of_the_argument_specs() -> None:
    looked_up = {name for name, value in DEFAULTS.items() if "{{" in str(value)}
    assert looked_up == {f"{PREFIX}mirror", f"{PREFIX}lock_file"}
    assert {name: option.get("default") for name, option in SPEC.items()} == DEFAULTS | dict.fromkeys(looked_up, "")


def test_consent_is_for_what_the_code_guards() -> None:
    assert set(SPEC[f"{PREFIX}allow"]["choices"]) == {*GUARDED, *GUARDED_GROUPS, ROOT}


@pytest.mark.parametrize("name", OWN_RECIPES)
def test_a_recipe_of_hosts_describes_itself(name: str) -> None:
    recipe = OWN_RECIPES[name]
    assert set(recipe) == {"summary", "signals", "modes", "hosts", "use_on", "options"}
    assert recipe["hosts"] is True
    assert recipe["modes"] == [], "a recipe for clusters too is with those of role otel_collector"
    assert recipe["summary"].endswith(".")
    assert all(option["description"].endswith(".") for option in recipe["options"].values())


def test_a_recipe_of_the_same_name_is_not_said_to_work_on_both() -> None:
    assert [name for name in OWN_RECIPES if RECIPES.get(name, {}).get("hosts")] == []


def test_rows_of_needs_name_components_that_there_are() -> None:
    unknown = [(section, kind) for section, kind in HOST_ROWS if not _builds.load_catalogue().is_known(section, kind)]
    assert unknown == []


def test_a_relaxation_is_a_setting_of_the_unit() -> None:
    text = Path(HERE / "plugins/module_utils/_host/component_rows.py").read_text(encoding="utf-8")
    yielded = set(re.findall(r'yield UnitSetting\("(\w+)"', text))
    assert yielded - {"SupplementaryGroups", "RestrictAddressFamilies"} <= set(STRICT_SANDBOX)
    assert len(yielded) > 2
