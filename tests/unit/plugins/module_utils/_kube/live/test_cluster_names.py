# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kubeconfig calls the cluster that it leads to."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster_names import (
    ClusterNames,
    find_cluster_names,
)


def test_a_context_that_yaml_reads_as_a_number_has_its_cluster() -> None:
    contexts = [{"name": 7, "context": {"cluster": "prod", "user": "me"}}]
    assert find_cluster_names({"kubeconfig": {"current-context": 7, "contexts": contexts}}, {}).name == "prod"


def test_a_kubeconfig_of_an_unknown_user_has_no_name() -> None:
    assert find_cluster_names({"kubeconfig": "~nosuchuser/config"}, {}) == ClusterNames()
    assert find_cluster_names({"context": "prod"}, {"KUBECONFIG": "~nosuchuser/config"}) == ClusterNames("prod")
