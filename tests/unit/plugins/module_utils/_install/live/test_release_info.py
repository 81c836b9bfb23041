# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in a cluster, read from an API server in memory."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.live.release_info import read_installation
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.products import PRODUCTS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...fake_api import FakeApi, status
from ...live_helpers import obj

OPERATOR = PRODUCTS["opentelemetry-operator"]
LABELS = {"app.kubernetes.io/name": "opentelemetry-operator", "o11y.opentelemetry/release": "opentelemetry-operator"}


def served(*manifests: dict[str, Any]) -> FakeApi:
    """Return an API server that says its version."""
    api = FakeApi(*manifests)
    api.texts["/version"] = json.dumps({"gitVersion": "v1.34.4"})
    return api


def definition() -> dict[str, Any]:
    versions = [{"name": name, "served": True, "storage": name == "v1beta1"} for name in ("v1alpha1", "v1beta1")]
    names = {"kind": "OpenTelemetryCollector", "plural": "opentelemetrycollectors"}
    spec = {"group": "opentelemetry.io", "scope": "Namespaced", "names": names, "versions": versions}
    name, state = "opentelemetrycollectors.opentelemetry.io", {"storedVersions": ["v1alpha1", "v1beta1"]}
    return dict(obj("CustomResourceDefinition", name, labels=LABELS, spec=spec, status=state))


def installed() -> list[dict[str, Any]]:
    containers = [{"name": "manager", "image": "ghcr.io/x/opentelemetry-operator:0.158.0"}]
    hooks = [{"name": "a.b.c", "clientConfig": {"service": {"name": "hook", "namespace": "op"}}}]
    return [
        obj("Deployment", "manager", "op", labels=LABELS, spec={"template": {"spec": {"containers": containers}}}),
        definition(),
        obj("MutatingWebhookConfiguration", "hooks", labels=LABELS, webhooks=hooks),
        obj("OpenTelemetryCollector", "a", labels={}, status={"version": "0.158.0"}),
    ]


def look(api: FakeApi, objects: bool = False) -> dict[str, Any]:
    return read_installation(api.cluster(), OPERATOR, lists_objects=objects)


def refusing(plural: str) -> FakeApi:
    text = f'{plural} is forbidden: User "me" cannot list resource "{plural}" in API group "apps" at the cluster scope'
    api = served(*installed())
    api.refuse(f"/{plural}", status(403, "Forbidden", text))
    return api


def test_an_empty_cluster_has_nothing() -> None:
    result = look(served(), objects=True)
    assert (result["installed"], result["crds"], result["resources"], result["objects"]) == (False, [], [], [])
    assert (result["kubernetes"], result["cert_manager"], result["denied"]) == ("v1.34.4", False, [])


def test_what_is_there_is_told() -> None:
    api = served(*installed())
    api.apply("o11y.opentelemetry", definition())
    result = look(api)
    assert (result["installed"], result["ours"], result["version"]) == (True, True, "0.158.0")
    assert result["webhooks"] == [{"kind": "MutatingWebhookConfiguration", "name": "hooks"}]
    (crd,) = result["crds"]
    assert (crd["stored_versions"], crd["ours"]) == (["v1alpha1", "v1beta1"], True)
    assert result["collectors"]["versions"] == ["0.158.0"]


def test_custom_resources_are_read_as_they_are_stored_with_few_requests() -> None:
    api = served(*installed())
    look(api)
    read = [path for path in api.sent("GET") if "/opentelemetry.io/" in path]
    assert read == ["/apis/opentelemetry.io/v1beta1/opentelemetrycollectors"]
    assert len(api.requests) <= 12


def test_all_objects_of_ours_are_listed_when_asked() -> None:
    listed = {(item["kind"], item["name"]) for item in look(served(*installed()), objects=True)["objects"]}
    assert listed == {
        ("Deployment", "manager"),
        ("CustomResourceDefinition", "opentelemetrycollectors.opentelemetry.io"),
        ("MutatingWebhookConfiguration", "hooks"),
    }


def test_who_may_not_look_is_told_what_is_missing() -> None:
    with pytest.raises(Problem, match=r"Look for the product: user me may not list deployments\.apps .*can-i"):
        look(refusing("deployments"))


def test_custom_resources_that_may_not_be_listed_are_named() -> None:
    result = look(refusing("opentelemetrycollectors"))
    assert (result["denied"], result["resources"]) == (["opentelemetrycollectors"], [])


def test_webhooks_that_may_not_be_listed_are_only_warned_of() -> None:
    result = look(refusing("mutatingwebhookconfigurations"))
    assert result["webhooks"] == []
    assert "mutatingwebhookconfigurations" in result["warnings"][0]


def test_a_conversion_that_is_broken_is_not_waited_for() -> None:
    api = served(*installed())
    api.refuse("/opentelemetrycollectors", status(500, "InternalError", "conversion webhook failed"))
    with pytest.raises(Problem, match="conversion webhook failed"):
        look(api)
    assert api.clock.now == 0


@pytest.mark.parametrize("code", [429, 503])
def test_a_busy_server_is_waited_for(code: int) -> None:
    api = served(*installed())
    api.refuse("/opentelemetrycollectors", status(code, "Busy", "try again later"), until=1)
    assert [resource["name"] for resource in look(api)["resources"]] == ["a"]
