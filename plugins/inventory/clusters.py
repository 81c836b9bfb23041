# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventory plugin clusters: the clusters that AWS, kubeconfigs and hub clusters know, as hosts."""

from __future__ import annotations

DOCUMENTATION = """
name: clusters
short_description: The clusters that EKS, kubeconfigs, Argo CD and others know, as hosts of an inventory
description:
  - >-
    Each cluster is a host, with the variables by which C(o11y.opentelemetry.site) and the other playbooks connect to
    it. Credentials stay where they are, so C(ansible-inventory --list) and the cache show none.
  - >-
    Variable RV(ignore:otel_cluster) of each host has what its source says of it. Use it in O(compose), O(groups) and
    O(keyed_groups).
  - The file is named C(clusters.yml) or ends with C(.clusters.yml) (or C(.yaml)).
author: The o11y.opentelemetry maintainers (@o11y)
version_added: 1.0.0
options:
  plugin:
    description: The name of this plugin.
    required: true
    choices: [o11y.opentelemetry.clusters]
  sources:
    description:
      - >-
        Where to ask, in order. Each has O(ignore:type), one of C(eks), C(kubeconfig), C(argo_cd), C(cluster_api) and
        C(open_cluster_management), and the options below.
      - >-
        All types take C(labels), labels (tags of AWS) that a cluster must have, with C(*) for any text, and
        C(required). A source that cannot be read is a warning, unless it is required or no source can be read.
      - >-
        C(eks) takes C(regions), C(profile) and C(role_arn), a role to assume first. It needs C(eks:ListClusters) and
        C(eks:DescribeCluster).
      - C(kubeconfig) takes C(path), and C(contexts), patterns of names.
      - >-
        C(argo_cd) and C(cluster_api) take C(kubeconfig) and C(context) of the cluster that has the Secrets, and their
        C(namespace), C(argocd) or all. They need the right to list Secrets there, and to read them in a run. Commands
        and paths in these Secrets are refused, because who may write them could reach the controller.
      - >-
        C(open_cluster_management) takes C(kubeconfig) and C(context) of the hub, and C(managed_kubeconfig), in which
        each cluster is a context of its name. The hub has no credentials of the clusters. Where a cluster claims the
        uid of its namespace C(kube-system), RV(ignore:otel_expected_cluster) is set to it.
    type: list
    elements: dict
    required: true
  hostname:
    description: An expression for the names of hosts, over RV(ignore:otel_cluster).
    default: otel_cluster.name
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
notes:
  - >-
    An API server that two sources know is one host, that of the first. Two contexts of a kubeconfig with one address
    are two hosts if both have another C(proxy-url) or C(tls-server-name), or another one and another
    C(certificate-authority-data). Two clusters with one name are an error.
"""

EXAMPLES = """
# clusters.yml
plugin: o11y.opentelemetry.clusters
sources:
  - {type: eks, regions: [eu-west-1, us-east-1], labels: {telemetry: managed}}
  - {type: kubeconfig, path: ~/.kube/config, contexts: ["shop-*"]}
  - {type: argo_cd, context: management}
hostname: otel_cluster.region ~ '-' ~ otel_cluster.name if otel_cluster.region else otel_cluster.name
keyed_groups:
  - {key: otel_cluster.labels.stage, prefix: stage}
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible_collections.o11y.opentelemetry.plugins.module_utils._discovery.found_clusters import (
    FoundCluster,
    UnreachableCluster,
    build_fleet,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._discovery.live.cluster_sources import (
    list_clusters,
    open_connections,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._discovery.source_forms import ClusterSource
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem, clean_text
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._cluster_sources import read_kubeconfig, read_sources
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._trusted import mark_as_data, mark_as_template

_FILE_ENDINGS = ("clusters.yml", "clusters.yaml")
_KUBECONFIG_VARIABLE = "otel_collector_kubeconfig"


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):  # type: ignore[misc]
    """Hosts from sources of clusters."""

    NAME = "o11y.opentelemetry.clusters"

    def verify_file(self, path: str) -> bool:
        """Whether the file is meant for this plugin."""
        return bool(super().verify_file(path)) and path.endswith(_FILE_ENDINGS)

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Add the hosts. Raises AnsibleParserError with what is wrong, where, and what to do."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        try:
            for host_name, variables in self._list_host_variables(path, cache).items():
                self._add_cluster_host(host_name, variables)
        except Problem as problem:
            raise AnsibleParserError(str(problem)) from problem

    def _list_host_variables(self, path: str, cache: bool) -> dict[str, dict[str, Any]]:
        """Return the variables of each host, from the cache if it has them."""
        cache_key = self.get_cache_key(path)
        uses_cache = cache and self.get_option("cache")
        if uses_cache and cache_key in self._cache:
            return dict(self._cache[cache_key])
        fleet = build_fleet(self._name_clusters(self._find_clusters()))
        for note in fleet.notes:
            self.display.warning(note)
        hosts = {name: cluster.host_variables for name, cluster in fleet.hosts.items()}
        if self.get_option("cache"):
            self._cache[cache_key] = hosts
        return hosts

    def _find_clusters(self) -> Iterator[FoundCluster]:
        """Yield the clusters of all sources. Raises Problem if a required one cannot be read, or none can."""
        sources = read_sources(self.get_option("sources"))
        failures = []
        with open_connections() as connect_to:
            for source in sources:
                try:
                    rows = list_clusters(source, read_kubeconfig, connect_to)
                except Problem as problem:
                    failures.append(self._report_failed_source(source, problem))
                    continue
                for row in rows:
                    if isinstance(row, UnreachableCluster):
                        self.display.warning(f"{source.where}: {clean_text(row.reason)}; left out")
                    else:
                        yield row
                self._warn_of_empty_source(source, rows)
        if len(failures) == len(sources):
            raise Problem("no source of clusters can be read", where="sources", fix="\n".join(failures))

    def _report_failed_source(self, source: ClusterSource, problem: Problem) -> str:
        failure_text = f"{source.title}: {problem}"
        if source.options["required"]:
            raise Problem(failure_text)
        self.display.warning(f"A source of clusters is left out: {failure_text}")
        return failure_text

    def _warn_of_empty_source(self, source: ClusterSource, rows: list[FoundCluster | UnreachableCluster]) -> None:
        if not any(isinstance(row, FoundCluster) for row in rows):
            self.display.warning(f"{source.title} has no cluster")

    def _name_clusters(self, clusters: Iterator[FoundCluster]) -> Iterator[tuple[str, FoundCluster]]:
        """Yield the clusters by the names of their hosts."""
        expression = self.get_option("hostname")
        for cluster in clusters:
            host_name = self._compose(
                expression, {"otel_cluster": mark_as_data(cluster.host_variables["otel_cluster"])}
            )
            yield clean_text(str(host_name)), cluster

    def _add_cluster_host(self, host_name: str, variables: Mapping[str, Any]) -> None:
        self.inventory.add_host(host_name)
        for key, value in variables.items():
            is_template = key == _KUBECONFIG_VARIABLE and "{{" in value
            self.inventory.set_variable(host_name, key, mark_as_template(value) if is_template else mark_as_data(value))
        strict = self.get_option("strict")
        host_variables = self.inventory.get_host(host_name).get_vars()
        self._set_composite_vars(self.get_option("compose"), host_variables, host_name, strict=strict)
        host_variables = self.inventory.get_host(host_name).get_vars()
        self._add_host_to_composed_groups(self.get_option("groups"), host_variables, host_name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), host_variables, host_name, strict=strict)
