# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS says of its clusters while others change them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._discovery.found_clusters import FoundCluster
from ansible_collections.o11y.opentelemetry.plugins.module_utils._discovery.live import cluster_sources
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from botocore.exceptions import ClientError


def serve(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let AWS list two clusters, and describe the second one alone."""

    def describe_cluster(name: str) -> dict[str, Any]:
        if name == "gone":
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "DescribeCluster")
        return {"cluster": {"name": name, "status": "ACTIVE", "endpoint": "https://a", "version": "1.35"}}

    pages = SimpleNamespace(paginate=lambda: [{"clusters": ["gone", "shop"]}])
    client = SimpleNamespace(get_paginator=lambda _name: pages, describe_cluster=describe_cluster)
    session = SimpleNamespace(create_client=lambda _service: client)
    monkeypatch.setattr(cluster_sources, "create_session", lambda _options: session)


def test_a_cluster_that_is_deleted_meanwhile_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, "ResourceNotFoundException")
    (found,) = cluster_sources.list_eks_clusters({"regions": ["eu-west-1"]})
    assert isinstance(found, FoundCluster)
    assert found.name == "shop"


def test_a_cluster_that_may_not_be_read_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, "AccessDeniedException")
    with pytest.raises(Problem, match="List the EKS clusters of eu-west-1"):
        list(cluster_sources.list_eks_clusters({"regions": ["eu-west-1"]}))
