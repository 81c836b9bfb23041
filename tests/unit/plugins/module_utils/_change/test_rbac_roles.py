# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights as rules and roles: as few as possible, and no right that was not asked for."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.rbac_roles import (
    RbacGrant,
    build_roles,
    build_rules,
    build_subject,
    describe_grants,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.rights import Right
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem


def test_rules_are_as_few_as_possible() -> None:
    given = [Right(verb, "", name) for verb in ("get", "list") for name in ("pods", "services")]
    given += [Right("get", "", "secrets", name) for name in "ab"] + [Right("get", "", "pods", "x")]
    assert build_rules(given) == [
        {"apiGroups": [""], "resources": ["pods", "services"], "verbs": ["get", "list"]},
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a", "b"], "verbs": ["get"]},
    ]
    assert build_rules([Right("get", "", "", path="/metrics")]) == [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]


def test_a_user_is_a_subject() -> None:
    assert build_subject("jane")["kind"] == "User"
    assert build_subject("system:serviceaccount:ci:bot") == {"kind": "ServiceAccount", "namespace": "ci", "name": "bot"}


@pytest.mark.parametrize(
    "user", ["system:serviceaccount:bot", "system:serviceaccount:ci:bot:x", "system:serviceaccount::bot"]
)
def test_a_service_account_without_its_two_names_is_refused(user: str) -> None:
    """No user has such a name, so the roles would be bound to nobody."""
    with pytest.raises(Problem, match=f"'{user}' is no name of a ServiceAccount") as found:
        build_subject(user)
    assert "Write it as system:serviceaccount:NAMESPACE:NAME" in str(found.value)


def test_a_verb_for_all_objects_is_not_repeated_for_one_of_them() -> None:
    everywhere, named = Right("get", "apps", "deployments"), Right("patch", "apps", "deployments", "a")
    repeated = Right("get", "apps", "deployments", "a")
    assert build_rules([everywhere, named, repeated]) == [
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["a"], "verbs": ["patch"]},
    ]


def test_roles_come_after_the_namespaces_that_they_are_in() -> None:
    grants = [
        RbacGrant("b", Right("get", "", "pods")),
        RbacGrant("", Right("list", "", "nodes")),
        RbacGrant("a", Right("get", "", "pods")),
    ]
    bound = build_roles(grants, "deployer", {"kind": "User", "name": "jane"})
    assert [(manifest["kind"], manifest["metadata"]) for manifest in bound] == [
        ("Namespace", {"name": "a"}),
        ("Namespace", {"name": "b"}),
        ("ClusterRole", {"name": "deployer"}),
        ("ClusterRoleBinding", {"name": "deployer"}),
        ("Role", {"name": "deployer", "namespace": "a"}),
        ("RoleBinding", {"name": "deployer", "namespace": "a"}),
        ("Role", {"name": "deployer", "namespace": "b"}),
        ("RoleBinding", {"name": "deployer", "namespace": "b"}),
    ]
    assert "RoleBinding" not in {manifest["kind"] for manifest in build_roles(grants, "deployer", None)}


def test_rights_are_named_as_kubectl_names_them() -> None:
    grants = [
        RbacGrant("a", Right("get", "apps", "deployments", "x")),
        RbacGrant("a", Right("list", "", "pods")),
        RbacGrant("a", Right("get", "", "pods")),
        RbacGrant("", Right("get", "", "", path="/metrics")),
    ]
    assert describe_grants(grants).splitlines() == [
        "  in the whole cluster: get /metrics",
        "  in namespace a: get deployments.apps 'x'",
        "  in namespace a: get, list pods",
    ]
