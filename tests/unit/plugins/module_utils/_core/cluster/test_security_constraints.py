# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.backends.table import BACKENDS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.cluster.bundle import Ref
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.cluster.security_constraints import unmet

from ..helpers import build, running
from ..manifests.test_security import CONSTRAINED, LOGS, placed

CLEAR = running(receivers={"otlp": {"protocols": {"http": None}}})
FOLDERS, PORTS, NETWORK, USER = "folders of the node", "ports of the node", "the node's network", "user 10001"


def wishes(backend: str, config: Any, **options: Any) -> Any:
    order = build(config, backend=backend, **options)
    return [wish.more for wish in unmet(BACKENDS[backend].manifests(order))]


@pytest.mark.parametrize("backend", ["kubernetes", "operator"])
@pytest.mark.parametrize(
    ("config", "options", "more"),
    [
        (CLEAR, {}, (USER,)),
        (CLEAR, {"mode": "daemonset"}, (PORTS, USER)),
        (CLEAR, {"host_network": True}, (NETWORK, USER)),
        (LOGS, {"mode": "daemonset"}, (FOLDERS, "user 0")),
    ],
)
def test_what_pods_ask_for_without_constraints_is_found(backend: str, config: Any, options: Any, more: Any) -> None:
    assert wishes(backend, config, **options) == [more]


def test_a_sidecar_has_a_user_in_the_pods_of_others() -> None:
    assert wishes("operator", CLEAR, mode="sidecar") == [(USER,)]


@pytest.mark.parametrize("backend", ["kubernetes", "operator"])
def test_who_brings_constraints_or_needs_none_is_fine(backend: str) -> None:
    for order in (placed(LOGS, mode="daemonset", backend=backend), placed(CLEAR, backend=backend)):
        assert unmet(BACKENDS[backend].manifests(order)) == []


def test_constraints_of_another_collector_do_not_count() -> None:
    bring = BACKENDS["kubernetes"].manifests(placed(LOGS, platform=CONSTRAINED, mode="daemonset", name="other"))
    ask = BACKENDS["kubernetes"].manifests(build(LOGS, mode="daemonset"))
    assert [wish.owner for wish in unmet([*bring, *ask])] == [Ref("DaemonSet", "telemetry", "gateway")]
