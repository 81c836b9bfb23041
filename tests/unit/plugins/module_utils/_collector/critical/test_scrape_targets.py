# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unit tests of module_utils/_collector/critical/scrape_targets.py: where components have their metrics."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.critical.scrape_targets import (
    find_scrape_targets,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

GENERIC: dict[str, Any] = {
    "name": "generic",
    "control_plane": {
        "apiserver": {"role": "endpointslice", "namespace": "default", "label": "a=b", "server_name": "kubernetes"},
        "coredns": {"role": "pod", "namespace": "kube-system", "label": "k8s-app=kube-dns", "port": 9153},
        "etcd": None,
    },
}


def test_a_place_is_that_of_the_platform_or_the_table_and_what_the_user_changed() -> None:
    coredns, traefik = find_scrape_targets(["coredns", "traefik"], {"traefik": {"port": 8082}}, GENERIC, False)
    assert (coredns["labels"], coredns["port"], coredns["namespace"]) == (["k8s-app=kube-dns"], 9153, "kube-system")
    assert (traefik["labels"], traefik["port"]) == (["app.kubernetes.io/name=traefik"], 8082)
    (other,) = find_scrape_targets(["keda"], {"keda": {"label": "a=b", "namespace": "ns"}}, GENERIC, True)
    assert (other["labels"], other["namespace"], other["port"]) == (["a=b"], "ns", 8080)


@pytest.mark.parametrize("changed", [{"keda": None}, {"keda": {"port": None, "path": None}}], ids=str)
def test_an_empty_place_and_an_empty_key_of_one_change_nothing(changed: dict[str, Any]) -> None:
    assert find_scrape_targets(["keda"], changed, GENERIC, True) == find_scrape_targets(["keda"], {}, GENERIC, True)


@pytest.mark.parametrize(
    ("names", "changed", "alone", "words"),
    [
        (["core_dns"], {}, True, r"no critical component 'core_dns'.*coredns"),
        (["etcd"], {}, True, "platform 'generic' serves no metrics of etcd"),
        (["apiserver"], {}, False, "apiserver would be scraped by each copy"),
        (["keda"], {"traefik": {}}, True, "`places` has traefik, which is not scraped"),
        (["keda"], {"keda": {"ports": 1}}, True, "`places` of keda is no place"),
        (["keda"], {"keda": 8080}, True, "`places` of keda is no place"),
        (["keda"], ["keda"], True, "`places` is no mapping"),
        (["keda"], {"keda": {"port": "metrics"}}, True, "the port 'metrics' is no port.*places.keda.port"),
        (["keda"], {"keda": {"port": 0}}, True, "the port 0 is no port"),
        (["keda"], {"keda": {"port": True}}, True, "the port True is no port"),
        (["keda"], {"keda": {"label": "app in (a, b)"}}, True, "another term than KEY=VALUE.*places.keda.label"),
        (["keda"], {"keda": {"label": "a=b,app"}}, True, "another term than KEY=VALUE"),
        (["keda"], {"keda": {"label": "app!=a"}}, True, "another term than KEY=VALUE"),
    ],
)
def test_an_unfit_component_or_place_is_refused(names: list[str], changed: Any, alone: bool, words: str) -> None:
    with pytest.raises(Problem, match=words):
        find_scrape_targets(names, changed, GENERIC, alone)
