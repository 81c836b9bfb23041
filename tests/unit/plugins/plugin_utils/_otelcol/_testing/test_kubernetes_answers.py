# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._testing.kubernetes_answers import (
    parse_request,
)


@pytest.mark.parametrize(
    ("address", "resource", "namespace"),
    [
        ("/api/v1/pods", "pods", ""),
        ("/api/v1/namespaces", "namespaces", ""),
        ("/api/v1/namespaces/shop/pods", "pods", "shop"),
        ("/apis/apps/v1/namespaces/shop/replicasets?limit=500", "replicasets", "shop"),
    ],
)
def test_an_address_names_a_resource_and_maybe_a_namespace(address: str, resource: str, namespace: str) -> None:
    request = parse_request(address, "application/json")
    assert (request.resource, request.namespace) == (resource, namespace)


@pytest.mark.parametrize(
    ("query", "is_true"),
    [
        ("", False),
        ("?{}=false", False),
        ("?{}=False", False),
        ("?{}=0", False),
        ("?{}=true", True),
        ("?{}=1", True),
        ("?{}=yes", True),
        ("?{}=", True),
        ("?{}", True),
    ],
)
def test_a_switch_of_a_query_is_read_as_kubernetes_reads_it(query: str, is_true: bool) -> None:
    assert parse_request(f"/api/v1/pods{query.format('watch')}", "").is_watch is is_true
    assert parse_request(f"/api/v1/pods{query.format('sendInitialEvents')}", "").wants_initial_events is is_true
