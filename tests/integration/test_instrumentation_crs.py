# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real API server takes the Instrumentations that we render: every option, every sampler, every propagator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation.samplers import PROPAGATORS, SAMPLERS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation.sdk_languages import (
    LANGUAGES,
)
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._instrumentation import build_bundle

from tests.support import definitions

PLURAL = "instrumentations"
# A namespace that every cluster has: a dry run makes none.
DEFAULTS: dict[str, Any] = {"name": "rendered", "namespace": "default", "collector": {"name": "gateway"}}
ARGUMENTS = {"traceidratio": "0.5", "parentbased_traceidratio": "1", "jaeger_remote": "endpoint=http://jaeger:14250"}
RESOURCES = {"limits": {"cpu": "1", "memory": "128Mi"}, "requests": {"cpu": "10m"}}
CLAIM = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
LANGUAGE: dict[str, Any] = {
    "image": "ghcr.io/example/instrumentation:1.0",
    "env": {"A": "1", "B": {"secret": "s", "key": "k"}, "C": {"field": "metadata.name"}},
    "resources": RESOURCES,
    "volume_claim_template": CLAIM,
}
OWN: dict[str, dict[str, Any]] = {
    "java": {"protocol": "grpc", "extensions": [{"image": "ghcr.io/example/extension:1.0", "dir": "/extensions"}]},
    "go": {"security_context": {"privileged": True, "runAsUser": 0}},
    "apache_httpd": {"version": "2.2", "config_path": "/etc/httpd", "attributes": {"ApacheModuleTraceAsError": "ON"}},
    "nginx": {"config_file": "/etc/nginx/nginx.conf", "attributes": {"NginxModuleTraceAsError": "ON"}},
}
EVERYTHING: dict[str, Any] = {
    "languages": {name: {**LANGUAGE, **OWN.get(name, {})} for name in LANGUAGES},
    "labels": {"team": "shop"},
    "annotations": {"owner": "shop"},
    "tls": {
        "secret_name": "client",
        "config_map_name": "ca",
        "ca_file": "ca.crt",
        "cert_file": "tls.crt",
        "key_file": "tls.key",
    },
    "resource_attributes": {"deployment.environment.name": "test"},
    "kubernetes_uids": True,
    "labels_as_attributes": True,
    "env": {"A": {"config_map": "c", "key": "k"}},
    "image_registry": "registry.example.com/mirror",
    "image_pull_policy": "Always",
    "init_container_security_context": {"runAsNonRoot": True, "runAsUser": 1000},
    "propagators": [name for name in PROPAGATORS if name != "none"],
}
CASES: dict[str, dict[str, Any]] = {
    **{f"only {name}": {"languages": {name: {}}} for name in LANGUAGES},
    **{f"all of {name}": {**EVERYTHING, "languages": {name: EVERYTHING["languages"][name]}} for name in LANGUAGES},
    "everything at once": EVERYTHING,
    "no propagation": {"languages": {"python": {}}, "propagators": ["none"]},
    **{
        f"sampler {kind}": {"languages": {"python": {}}, "sampler": {"type": kind, "argument": ARGUMENTS.get(kind)}}
        for kind in SAMPLERS
    },
}


def rendered(options: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = build_bundle([options], DEFAULTS)["manifests"][-1]
    return found


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[None]:
    """An API server that knows the kind."""
    reason = definitions.explain_missing_kind(PLURAL)
    if reason:
        pytest.skip(f"whether a server takes our Instrumentations: {reason}")
    with definitions.serve_kind(PLURAL):
        yield


@pytest.mark.parametrize("name", CASES)
def test_the_server_takes_what_we_render(name: str) -> None:
    assert definitions.find_refusal(rendered(CASES[name])) == ""


def test_the_server_would_notice_a_wrong_value_and_an_unknown_field() -> None:
    wrong, unknown = rendered(CASES["only python"]), rendered(CASES["only python"])
    wrong["spec"]["sampler"]["type"] = "parentbased_jaeger_remote"
    unknown["spec"]["python"]["resources"] = RESOURCES
    assert "spec.sampler.type" in definitions.find_refusal(wrong)
    assert "spec.python.resources" in definitions.find_refusal(unknown)
