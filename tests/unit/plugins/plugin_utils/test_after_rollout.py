# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of new pods right after a rollout: the exporters that do not deliver."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._after_rollout import (
    check_delivery,
    select_changed_collectors,
)

from .test_diagnose import FACTS

PEER = {
    "about": "exporters/otlp/a",
    "endpoint": "https://me:hunter2secret@x:1",
    "state": "no_service",
    "service": "ns/x",
}
LOGGED = {"about": "exporters/otlp/a", "cause": "refused", "current": True, "calm": False, "text": "connection refused"}
ELSEWHERE = {"about": "receivers/otlp", "cause": "disk", "current": True, "calm": False, "text": "the disk is full"}
FAILING = {"about": "exporters/b", "id": "b", "state": "fails", "came": "spans that came before", "failed": 3}


def test_a_quick_look_names_exporters_that_do_not_deliver_with_their_endpoints() -> None:
    seen = FACTS | {
        "peers": [PEER],
        "logs": [LOGGED, ELSEWHERE],
        "exports": [FAILING, {"state": "waits", "about": "c"}],
    }
    result = check_delivery([seen, FACTS | {"peers": [PEER | {"state": "ok"}], "logs": []}], "diagnose it")
    first, second = result["undelivered"]
    address, why = "https://me:********@x:1", "connection refused: Service ns/x does not exist"
    assert first == f"ns/a: exporter otlp/a does not deliver to {address}: {why}"
    assert second == "ns/a: exporter b does not deliver: spans that came before fail at b (3 failed)"
    assert result["warnings"] == [f"{first}; {second}. To see why, run: diagnose it"]
    assert check_delivery([FACTS | {"peers": [], "logs": []}], "x")["warnings"] == []


def test_a_quick_look_is_at_what_a_run_changed() -> None:
    keys = ("kind", "namespace", "name", "action")
    applied = [
        dict(zip(keys, values, strict=True))
        for values in (("Deployment", "ns", "a", "changed"), ("Deployment", "ns", "b", "unchanged"),
                       ("ConfigMap", "ns", "c", "created"), ("DaemonSet", "ns", "d", "created"))
    ]  # fmt: skip
    collectors = [{"kind": kind, "namespace": "ns", "name": name} for kind, name in
                  (("Deployment", "a"), ("Deployment", "b"), ("Deployment", "c"), ("DaemonSet", "d"))]  # fmt: skip
    assert [one["name"] for one in select_changed_collectors(collectors, applied)] == ["a", "d"]
