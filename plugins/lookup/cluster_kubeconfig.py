# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup cluster_kubeconfig: a kubeconfig from a Secret of Argo CD or Cluster API."""

from __future__ import annotations

DOCUMENTATION = """
name: cluster_kubeconfig
short_description: A kubeconfig from a Secret of Argo CD or Cluster API
description:
  - >-
    Returns the kubeconfig of a cluster as a mapping, for RV(ignore:otel_collector_kubeconfig). The inventory plugin
    P(o11y.opentelemetry.clusters#inventory) writes this lookup for each cluster, so no credential is in the inventory.
author: The o11y.opentelemetry maintainers (@o11y)
version_added: 1.0.0
options:
  form:
    description: How the Secret has the credentials.
    choices: [argo_cd, cluster_api]
    required: true
  namespace:
    description: Namespace of the Secret.
    required: true
  name:
    description: Name of the Secret.
    required: true
  kubeconfig:
    description: >-
      Kubeconfig of the cluster that has the Secret. Defaults to E(K8S_AUTH_KUBECONFIG), E(KUBECONFIG) and the default
      locations.
    default: ""
  context:
    description: Context in it. Defaults to the current context.
    default: ""
"""

EXAMPLES = """
otel_collector_kubeconfig: >-
  {{ lookup('o11y.opentelemetry.cluster_kubeconfig', form='argo_cd', namespace='argocd', name='cluster-shop') }}
"""

RETURN = """
_raw:
  description: The kubeconfig.
  type: list
  elements: dict
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.o11y.opentelemetry.plugins.module_utils._discovery.found_clusters import Hub
from ansible_collections.o11y.opentelemetry.plugins.module_utils._discovery.live.cluster_sources import (
    read_secret_kubeconfig,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._cluster_sources import parse_kubeconfig


class LookupModule(LookupBase):  # type: ignore[misc]
    """Reads the Secret."""

    def run(self, _terms: list[Any], variables: Any = None, **direct_options: Any) -> list[dict[str, Any]]:
        """Return the kubeconfig. Raises AnsibleLookupError without it."""
        self.set_options(var_options=variables, direct=direct_options)
        hub = Hub(self.get_option("kubeconfig"), self.get_option("context"))
        try:
            secret_location = (self.get_option("form"), self.get_option("namespace"), self.get_option("name"))
            return [read_secret_kubeconfig(*secret_location, hub, parse_kubeconfig)]
        except Problem as problem:
            raise AnsibleLookupError(str(problem)) from problem
