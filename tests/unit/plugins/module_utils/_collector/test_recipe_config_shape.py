# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A recipe renders a part of a config, to which others can add."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.recipe_config_shape import (
    check_config_shape,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ..helpers import cases


@cases(
    "config",
    [],
    {"service": []},
    {"service": {"pipelines": {"traces": ["otlp"]}}},
    {"service": {"pipelines": {"traces": {"receivers": "otlp"}}}},
    {"service": {"pipelines": {1: {"receivers": ["otlp"]}}}},
    {"service": {"extensions": 5}},
    {"receivers": {None: {}}},
    {"receiver": {}},
    {None: {}},
    {"service": {"pipelines": {"traces": {"processors": [{}]}}}},
)
def test_a_recipe_of_the_wrong_shape_is_refused_by_name(config: Any) -> None:
    with pytest.raises(Problem, match=r"recipe 'mine' renders no collector config: ") as refused:
        check_config_shape("recipe 'mine'", config)
    assert refused.value.fix


@cases(
    "config, where",
    ({"service": "${file:a.yml}"}, "service"),
    ({"service": {"extensions": "${env:NAMES}"}}, "service.extensions"),
    ({"service": {"pipelines": "${file:a.yml}"}}, "service.pipelines"),
    ({"service": {"pipelines": {"logs": "${file:a.yml}"}}}, "service.pipelines.logs"),
    ({"service": {"pipelines": {"*": {"receivers": "${env:NAMES}"}}}}, "service.pipelines.*.receivers"),
)
def test_a_recipe_writes_out_what_other_recipes_add_to(config: Any, where: str) -> None:
    with pytest.raises(Problem, match="other recipes add to this, and nobody can add to an expression") as refused:
        check_config_shape("recipe 'mine'", config)
    assert refused.value.where == where
    assert "in `config` of a collector" in refused.value.fix


@cases(
    "config",
    {},
    {"receivers": None},
    {"service": {"pipelines": {"logs": {"receivers": ["${env:NAME}"]}}}},
    {"service": {"pipelines": {"*": {"receivers": None}, "traces*": None}, "telemetry": {"metrics": 1}}},
)
def test_a_recipe_may_leave_out_what_it_does_not_need(config: Any) -> None:
    check_config_shape("recipe 'mine'", config)


@cases("pattern", "*", "*/gateway", "otlp*", "otlp/*", "otlp_*/gateway")
def test_an_id_may_be_any_wildcard(pattern: str) -> None:
    check_config_shape("recipe 'mine'", {"exporters": {pattern: {"sending_queue": {}}}})
