# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every input of a collector changes what is made of it, or is refused: in every mode, under every backend."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.backends.table import BACKENDS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem

from ..helpers import OPTIONS, SPEC, build, running
from ..manifests.test_target_allocator import SETTINGS

OTLP = {"protocols": {"http": {"endpoint": "0.0.0.0:4318"}}}
STORE = {"file_storage": {"directory": "/var/lib/otelcol/queue"}}
CONFIG = running(receivers={"otlp": OTLP}, extensions=STORE)
CERTIFICATE: dict[str, Any] = {
    "name": "tls",
    "usages": "both",
    "dns_names": None,
    "duration_seconds": 7776000,
    "renew_before_seconds": 2592000,
    "issuer": None,
}
# Values of options that take more than any text, number or mapping.
SAMPLES: dict[str, Any] = {
    "autoscaling": {"min_replicas": 1, "max_replicas": 9},
    "disruption_budget": {"min_available": 1},
    "memory_limit": "1Gi",
    "cpu_request": "7m",
    "cpu_limit": "2",
    "env": {"A": "b"},
    "volumes": [{"name": "a", "mount_path": "/a", "source": {"emptyDir": {}}}],
    "tolerations": [{"operator": "Exists"}],
    "topology_spread": [{"maxSkew": 1}],
    "service": {"enabled": True, "type": "NodePort"},
    "ingress": {"host": "a.example.com"},
    "routes": {"gateway": "a", "http_hostnames": ["a.example.com"]},
    "openshift_route": {"host": "a.example.com"},
    "network_policy": {"enabled": True},
    "storage": {"size": "9Gi", "class": "fast"},
    "update_strategy": {"rollingUpdate": {"maxUnavailable": 1}},
    "target_allocator": SETTINGS,
    "certificates": [CERTIFICATE],
}
# What the config and the image are made of comes before backends, and reaches them as config and image.
BEFORE = {
    *("backend", "mode", "recipes", "config", "config_files", "distribution", "distribution_manifest", "platform"),
    *("image", "image_registry"),
}
# Said in docs/operator.md or in argument_specs.yml: option, backends and modes in which it means nothing.
IDLE = {
    ("replicas", "daemonset"): "there is one on every node",
    ("replicas", "sidecar"): "there is one in every pod that asks for it",
    ("storage", "daemonset"): "state is a folder of the node",
    ("storage", "deployment"): "state ends with the pod",
    ("host_ports", "daemonset"): "they are open anyway",
    ("upgrade_strategy", "kubernetes"): "there is no operator that could upgrade",
    ("target_allocator", "kubernetes"): "it runs without one",
    ("instance", "operator"): "the operator has an instance label of its own; objects keep ours",
}
WORDS = {"autoscaling": "autoscal", "target_allocator": "target allocator"}
MODES = [(backend, mode) for backend in BACKENDS for mode in BACKENDS[backend].modes]


def made(backend: str, mode: str, **options: Any) -> Any:
    order = build(CONFIG, backend=backend, mode=mode, **options)
    BACKENDS[backend].check(order.collector)
    return BACKENDS[backend].manifests(order)


def sample(name: str) -> Any:
    """Return a value of an option that is not its default."""
    option, default = SPEC[name], OPTIONS[name]
    plain = {"bool": not default, "int": (default or 0) + 5 if isinstance(default, int) else 5, "list": ["a"]}
    other = next((choice for choice in option.get("choices", ()) if choice != default), "other")
    return SAMPLES.get(name) or {**plain, "dict": {"a": "b"}}.get(option.get("type", "str"), other)


@pytest.mark.parametrize(("backend", "mode"), MODES)
@pytest.mark.parametrize("option", sorted(set(OPTIONS) - BEFORE))
def test_an_input_changes_something_or_is_refused(option: str, backend: str, mode: str) -> None:
    try:
        same = made(backend, mode, **{option: sample(option)}) == made(backend, mode)
    except Problem as problem:
        same = WORDS.get(option, option) not in str(problem)
    assert not same or (option, mode) in IDLE or (option, backend) in IDLE


def test_samples_are_of_inputs() -> None:
    assert set(SAMPLES) | BEFORE <= set(OPTIONS)
