# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which critical components a collector scrapes, where, and what is refused with words."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.critical import critical_use
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

GENERIC: dict[str, Any] = {
    "name": "generic",
    "control_plane": {
        "apiserver": {"role": "endpointslice", "namespace": "default", "label": "a=b", "server_name": "kubernetes"},
        "coredns": {"role": "pod", "namespace": "kube-system", "label": "k8s-app=kube-dns", "port": 9153},
        "etcd": None,
    },
}


def using(*components: str) -> list[Any]:
    return [{"critical_components": {"components": list(components)}}]


@pytest.mark.parametrize(
    ("options", "detects"),
    [
        ({"components": ["coredns", "detect"]}, True),
        ({"components": "coredns, detect"}, True),
        ({"places": {"keda": {"port": 1}}, "components": "detect"}, True),
        ({"components": ["coredns"]}, False),
        ({"components": "coredns", "pipeline": "detect"}, False),
        ({"components": ["keda"], "places": {"keda": {"namespace": "detect"}}}, False),
    ],
    ids=str,
)
def test_the_cluster_is_asked_only_by_the_option(options: dict[str, Any], detects: bool) -> None:
    others = {"resource_detection": {"detectors": ["detect"], "components": ["detect"]}}
    assert critical_use.detects_components(["otlp_ingest", others, {"critical_components": options}]) is detects
    assert not critical_use.detects_components([others])


def test_detect_stands_for_what_the_cluster_has_and_others_stay() -> None:
    recipes = ["otlp_ingest", *using("detect", "keda")]
    detected = critical_use.replace_detect(recipes, ["coredns", "apiserver", "keda"], GENERIC, True)
    assert detected == ["otlp_ingest", *using("keda", "coredns", "apiserver")]
    assert critical_use.list_components([{"critical_components": {"components": "coredns, keda"}}]) == [
        "coredns",
        "keda",
    ]
    assert critical_use.replace_detect(using("keda"), None, GENERIC, True) == using("keda")


def test_what_several_copies_or_the_platform_rule_out_is_left_out() -> None:
    found = ["coredns", "apiserver", "etcd"]
    assert critical_use.list_components(critical_use.replace_detect(using("detect"), found, GENERIC, False)) == [
        "coredns"
    ]
    assert critical_use.list_components(critical_use.replace_detect(using("detect"), found, GENERIC, True)) == found[:2]


@pytest.mark.parametrize(
    ("detected", "words"),
    [(None, "asks the cluster, and this run reads none"), (["etcd"], "the cluster has none of the components")],
)
def test_nothing_detected_is_a_failure(detected: list[str] | None, words: str) -> None:
    with pytest.raises(Problem, match=words):
        critical_use.replace_detect(using("detect"), detected, GENERIC, False)


def test_a_component_belongs_to_one_collector_on_the_same_nodes() -> None:
    def run(*others: tuple[str, list[Any]]) -> list[critical_use.ScrapingCollector]:
        return [critical_use.ScrapingCollector(f"c{number}", *other) for number, other in enumerate(others)]

    critical_use.check_scraped_once(run(("a", using("coredns")), ("b", using("coredns"))))
    critical_use.check_scraped_once(run(("", using("keda")), ("", using("coredns")), ("", ["control_plane_metrics"])))
    planes = [{"control_plane_metrics": {"components": ["coredns", "kube-scheduler"]}}]
    for other in (using("coredns"), planes):
        with pytest.raises(Problem, match="coredns is scraped twice: by recipe 'critical_components' of 'c0', and by"):
            critical_use.check_scraped_once(run(("", using("coredns")), ("", other)))
    with pytest.raises(Problem, match="apiserver is scraped twice"):
        critical_use.check_scraped_once(run(("", [*using("apiserver"), "control_plane_metrics"])))
