# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What manifests grant to an account, where a mistake shows, and where nothing is known."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.granted_rights import (
    Account,
    Rights,
    find_account_rights,
)

Json = dict[str, Any]
OWN = Account("own", "n")
RULE = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
ROLE: Json = {"kind": "ClusterRole", "metadata": {"name": "r"}, "rules": [RULE]}
POD = {"kind": "Deployment", "spec": {"template": {"spec": {"containers": [], "serviceAccountName": "own"}}}}
POD["metadata"] = {"namespace": "n"}


def binding(*subjects: Json, role: str = "r") -> Json:
    given = {"kind": "ClusterRole", "name": role}
    return {"kind": "ClusterRoleBinding", "metadata": {"name": "b"}, "roleRef": given, "subjects": list(subjects)}


def account(name: str, namespace: str = "n") -> Json:
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


KNOWN = {
    "its own binding": [ROLE, binding(account("own"))],
    "a binding of all accounts": [ROLE, binding({"kind": "Group", "name": "system:serviceaccounts"})],
    "a binding of those of its namespace": [ROLE, binding({"kind": "Group", "name": "system:serviceaccounts:n"})],
    "one among others": [ROLE, binding(account("x"), account("own"))],
}
UNKNOWN = {
    "nothing": [],
    "a role of the cluster": [binding(account("own"), role="view")],
    "one of two roles of the cluster": [ROLE, binding(account("own")), binding(account("own"), role="view")],
    "a role that others fill": [{**ROLE, "aggregationRule": {}}, binding(account("own"))],
    "a binding of a user": [ROLE, binding({"kind": "User", "name": "jane"})],
    "a binding without a role here": [binding(account("x"), role="view")],
    "a binding of nobody": [ROLE, binding()],
    "the account of another workload": [
        ROLE,
        binding(account("x")),
        {**POD, "spec": {"template": {"spec": {"containers": [], "serviceAccount": "x"}}}},
    ],
    "the account of an allocator": [
        ROLE,
        binding(account("a-targetallocator")),
        {"apiVersion": "opentelemetry.io/v1beta1", "kind": "OpenTelemetryCollector", "metadata": {"name": "a"}},
    ],
}


@pytest.mark.parametrize("name", KNOWN)
def test_what_is_bound_to_an_account_is_granted(name: str) -> None:
    assert find_account_rights(OWN, [POD, *KNOWN[name]]) == Rights((RULE,))


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_the_files_do_not_show_is_not_known(name: str) -> None:
    assert find_account_rights(OWN, [POD, *UNKNOWN[name]]) == Rights()


@pytest.mark.parametrize("other", [account("otel"), account("own", "other")])
def test_a_binding_of_an_account_with_which_nothing_runs_is_a_mistake(other: Json) -> None:
    found = find_account_rights(OWN, [POD, ROLE, binding(other)])
    named = f"{other['namespace']}/{other['name']}"
    assert found.rbac_rules == ()
    assert found.bound_elsewhere == (
        f"ClusterRoleBinding 'b' binds ServiceAccount '{named}', with which nothing runs, and the pods run as 'n/own'"
    )
