# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where exporters send to, and what the cluster has there."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.diagnose.network import Policies
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.diagnose.peers import Peer, peers, told

OPEN = Policies([], {}, "Egress")
SERVICE = {"spec": {"ports": [{"port": 4317}]}}
READY = [{"endpoints": [{"conditions": {"ready": True}}], "ports": [{"port": 4317}]}]
WAITING = [{"endpoints": [{"conditions": {"ready": False}}]}]


def found(exporter: str, **settings: Any) -> list[Peer]:
    pipelines = {"traces": {"receivers": ["otlp"], "exporters": [exporter]}}
    return peers(
        {"exporters": {exporter: settings, "unused": {"endpoint": "x:1"}}, "service": {"pipelines": pipelines}}, "ns"
    )


@pytest.mark.parametrize(
    ("exporter", "settings", "place"),
    [
        ("otlp/a", {"endpoint": "jaeger:4317"}, ("ns", "jaeger", 4317, True)),
        ("otlp_grpc", {"endpoint": "jaeger.obs"}, ("obs", "jaeger", 4317, False)),
        ("otlp_http", {"endpoint": "http://jaeger.obs.svc:4318/v1"}, ("obs", "jaeger", 4318, True)),
        ("otlp_http", {"traces_endpoint": "https://j.obs.svc.cluster.local"}, ("obs", "j", 443, True)),
        ("otlp", {"endpoint": "j-0.j.obs.svc.cluster.local:1"}, ("obs", "j", 1, True)),
        ("otlp", {"endpoint": "dns:///j.obs.svc:1"}, ("obs", "j", 1, True)),
        ("elasticsearch", {"endpoints": ["https://u:p@es:9200"]}, ("ns", "es", 9200, True)),
        ("kafka", {"brokers": ["kafka.mq.svc:9092"]}, ("mq", "kafka", 9092, True)),
        ("load_balancing", {"resolver": {"dns": {"hostname": "g.obs.svc"}}}, ("obs", "g", 0, True)),
        ("otlp", {"endpoint": "api.vendor.example.com:443"}, ("", "", 443, True)),
        ("otlp", {"endpoint": "10.1.2.3:4317"}, ("", "", 4317, True)),
    ],
)
def test_addresses(exporter: str, settings: Any, place: Any) -> None:
    (peer,) = found(exporter, **settings)
    assert (peer.namespace, peer.service, peer.port, peer.certain) == place
    assert peer.about == f"exporters/{exporter}"


def test_what_is_no_address_is_none() -> None:
    assert found("prometheus", endpoint="0.0.0.0:8889") == []
    assert found("debug", verbosity="basic") == []
    assert found("otlp", endpoint="${env:BACKEND}") == []


JAEGER = found("otlp", endpoint="jaeger.obs.svc:4317")[0]
UNCLEAR = found("otlp", endpoint="example.com:4317")[0]


@pytest.mark.parametrize(
    ("peer", "behind", "state"),
    [
        (JAEGER, {"service": SERVICE, "slices": READY}, "ok"),
        (JAEGER, {"service": SERVICE, "slices": WAITING}, "not_ready"),
        (JAEGER, {"service": SERVICE, "slices": []}, "no_endpoints"),
        (JAEGER, {"service": {"spec": {"ports": [{"port": 1}]}}, "slices": READY}, "no_port"),
        (JAEGER, {"service": {"spec": {"clusterIP": "None", "ports": [{"port": 1}]}}, "slices": READY}, "ok"),
        (JAEGER, {"service": {"spec": {"type": "ExternalName"}}}, "outside"),
        (JAEGER, {"service": None}, "no_service"),
        (JAEGER, {"denied": True}, "unseen"),
        (UNCLEAR, {"service": None, "namespace": False}, "outside"),
        (UNCLEAR, {"service": None, "namespace": True}, "no_service"),
        (found("otlp", endpoint="localhost:4317")[0], {}, "loopback"),
    ],
)
def test_states(peer: Peer, behind: Any, state: str) -> None:
    assert told(peer, behind, OPEN)["state"] == state


def test_a_policy_that_lets_nothing_out() -> None:
    closed = Policies([{"metadata": {"name": "p"}, "spec": {"podSelector": {}, "egress": []}}], {}, "Egress")
    row = told(JAEGER, {"service": SERVICE, "slices": READY}, closed)
    assert (row["state"], row["policies"]) == ("blocked", "p")
