# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An Instrumentation names a collector of the inventory, and gets its namespace."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _role_options
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._instrumentation import build_bundle
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._instrumentation_options import list_named_collectors

from .helpers import rendered

SHOP: dict[str, Any] = {"name": "shop", "namespace": "web", "collector": {"name": "gw"}, "languages": {"python": {}}}
DEFAULT = _role_options.read_role_options("otel_collector_", ["namespace"])["namespace"]["default"]


def target_of(collectors: list[Any], defaults: dict[str, Any]) -> str:
    """Return the namespace of the collector that the Instrumentation sends to."""
    made = build_bundle([SHOP], {}, collectors=list_named_collectors(collectors, defaults))
    (target,) = made["requirements"]["targets"]
    return str(target["namespace"])


@pytest.mark.parametrize(
    ("collector", "defaults", "namespace"),
    [
        ({"name": "gw", "namespace": "obs"}, {}, "obs"),
        ({"name": "gw"}, {"namespace": "obs"}, "obs"),
        ({"name": "gw"}, {}, DEFAULT),
        ({"name": "gw", "namespace": None}, {}, DEFAULT),
        ({"name": "gw"}, {"namespace": None}, DEFAULT),
        ({"name": "gw", "namespace": None}, {"namespace": "obs"}, DEFAULT),
        ({"name": "gw", "namespace": "web"}, {}, "web"),
    ],
)
def test_a_collector_without_a_namespace_has_that_of_its_defaults(
    collector: dict[str, Any], defaults: dict[str, Any], namespace: str
) -> None:
    assert target_of([collector], defaults) == namespace


def test_a_null_namespace_of_a_collector_is_that_of_its_own_role() -> None:
    """What the role itself makes of null: its default, and not that of the play."""
    made = rendered({"name": "gw", "namespace": None, "recipes": ["otlp_ingest", "debug_output"]})
    assert {item["metadata"].get("namespace", DEFAULT) for item in made["manifests"]} == {DEFAULT}


def test_a_name_in_two_namespaces_is_refused() -> None:
    two = [{"name": "gw", "namespace": "a"}, {"name": "gw", "namespace": "b"}]
    with pytest.raises(Problem, match="the inventory has collectors 'gw' in the namespaces a, b"):
        target_of(two, {})
