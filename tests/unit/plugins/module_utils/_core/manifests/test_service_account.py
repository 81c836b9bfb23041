# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has the token of a ServiceAccount, and where its rights end."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.backends.table import BACKENDS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.manifests.open_telemetry_collector import (
    open_telemetry_collector,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.manifests.pod import pod_template
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.manifests.service_account import (
    cluster_role,
    cluster_role_binding,
    roles,
    service_account,
)

from ..helpers import CONFIG, build, cases, running

ASKING = running(processors={"k8s_attributes": {}})
PASSING = running(processors={"k8s_attributes": {"passthrough": True}})
FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"
SIDECAR = {"mode": "sidecar", "backend": "operator"}


@cases(
    "config, option, has_it",
    (CONFIG, None, False),
    (CONFIG, True, True),
    (ASKING, None, True),
    (ASKING, False, False),
    (PASSING, None, False),
)
def test_only_a_pod_whose_config_needs_the_api_has_a_token(config: Any, option: bool | None, has_it: bool) -> None:
    given = {"automount_service_account_token": option}
    assert pod_template(build(config, **given))["spec"]["automountServiceAccountToken"] is has_it
    spec = open_telemetry_collector(build(config, backend="operator", **given))["spec"]
    mounts = {mount["mountPath"]: mount["name"] for mount in spec.get("volumeMounts", [])}
    volumes = {volume["name"]: volume for volume in spec.get("volumes", [])}
    assert (FOLDER in mounts) is has_it
    assert [source for name in mounts.values() for source in volumes[name]["projected"]["sources"]][:1] == (
        [{"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}}] if has_it else []
    )


@cases(
    "options, said",
    ({}, False),
    ({"automount_service_account_token": True}, False),
    ({"backend": "operator"}, False),
    (SIDECAR, None),
    ({**SIDECAR, "automount_service_account_token": False}, False),
)
@pytest.mark.parametrize("config", [CONFIG, ASKING])
def test_an_account_mounts_nothing_by_itself_but_in_pods_of_others(
    config: Any, options: dict[str, Any], said: bool | None
) -> None:
    assert service_account(build(config, **options)).get("automountServiceAccountToken") is said


def test_a_pod_with_a_sidecar_keeps_its_own_volumes() -> None:
    spec = open_telemetry_collector(build(ASKING, **SIDECAR))["spec"]
    assert FOLDER not in {mount["mountPath"] for mount in spec.get("volumeMounts", [])}


ELECTING = {"k8s_leader_elector": {"lease_name": "a", "lease_namespace": "leases"}}


@pytest.mark.parametrize("backend", ["kubernetes", "operator"])
def test_an_elector_has_the_leases_of_one_namespace(backend: str) -> None:
    one = build(running(extensions=ELECTING), backend=backend)
    assert (cluster_role(one), cluster_role_binding(one)) == (None, None)
    role, binding = roles(one)
    for made, kind in ((role, "Role"), (binding, "RoleBinding")):
        metadata = made["metadata"]
        assert (made["kind"], metadata["namespace"], metadata["name"]) == (kind, "leases", "telemetry.gateway")
    assert [sorted(rule) for rule in role["rules"]] == [["apiGroups", "resources", "verbs"]]
    assert binding["roleRef"]["kind"] == "Role"
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "gateway", "namespace": "telemetry"}]
    assert [item for item in BACKENDS[backend].manifests(one) if item in (role, binding)] == [role, binding]


def test_a_namespace_that_a_variable_names_is_any_namespace() -> None:
    settings = {"lease_name": "a", "lease_namespace": "${env:MY_POD_NAMESPACE}"}
    one = build(running(extensions={"k8s_leader_elector": settings}))
    assert roles(one) == []
    assert cluster_role(one) is not None
