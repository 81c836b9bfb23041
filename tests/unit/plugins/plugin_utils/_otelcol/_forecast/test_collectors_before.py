# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a collector before a change, by kept configs and by a cluster."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import MASK, Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._forecast.collectors_before import (
    ClusterBefore,
    KeptBefore,
    choose_before,
)
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._forecast.rendered_collectors import (
    RenderedCollector,
)
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._testing.chosen_collector import ChosenConfig

ARGUMENTS: dict[str, Any] = {"kept_configs": None, "resources": None, "manifests": [], "gitops_path": None}


def config(token: str) -> dict[str, Any]:
    return {"exporters": {"otlp": {"headers": {"authorization": token}}}}


ROW = {"kind": "Deployment", "namespace": "shop", "name": "gateway", "config": config("s3cret-token"), "image": "a:2"}
COLLECTOR = RenderedCollector.from_row(ROW, "collectors[0]")


def test_kept_configs_come_before_the_cluster_and_one_of_both_is_needed() -> None:
    assert isinstance(choose_before({**ARGUMENTS, "kept_configs": {}, "resources": []}), KeptBefore)
    assert isinstance(choose_before({**ARGUMENTS, "resources": []}), ClusterBefore)
    with pytest.raises(Problem, match="the configs of before are not known"):
        choose_before(ARGUMENTS)


def test_a_kept_config_has_the_image_of_the_inventory_and_masked_secrets() -> None:
    before = KeptBefore({"shop/gateway": ChosenConfig(config(MASK), "", "kept")})
    config_before = before.find_config_before(COLLECTOR)
    assert config_before == ChosenConfig(config(MASK), "a:2", "kept")
    assert not before.is_changed(config_before, COLLECTOR.config_after)
    assert ClusterBefore([], [], is_in_repository=False).is_changed(config_before, COLLECTOR.config_after)


def test_a_collector_that_was_not_kept_is_new_and_one_without_a_config_cannot_be_read() -> None:
    assert KeptBefore({}).find_config_before(COLLECTOR) is None
    assert ClusterBefore([], [], is_in_repository=False).find_config_before(COLLECTOR) is None
    with pytest.raises(Problem, match="not one config that can be read"):
        KeptBefore({"shop/gateway": ChosenConfig({}, "", "kept")}).find_config_before(COLLECTOR)


@pytest.mark.parametrize(("image", "changes"), [("a:1", True), ("a:2", False), ("", False)])
def test_an_image_that_is_not_known_is_no_change(image: str, changes: bool) -> None:
    config_before = ChosenConfig(config("s3cret-token"), image, "")
    assert ClusterBefore([], [], is_in_repository=False).is_changed(config_before, COLLECTOR.config_after) is changes
