# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables fit together: every step that is waited for exists, every value that is referred to is there."""

from __future__ import annotations

from string import Template

import pytest
import yaml

from tests.testbed import config, embedded, pki
from tests.testbed.build import Builds
from tests.testbed.cluster import DNS_SERVICE_IP, Cluster
from tests.testbed.home import Home
from tests.testbed.servers import instances, values


@pytest.fixture(params=[1, 3])
def cluster(request: pytest.FixtureRequest, home: Home) -> Cluster:
    """A cluster of one and of three nodes."""
    return Cluster(home, "it", 0, request.param)


def test_every_step_that_is_needed_exists(cluster: Cluster) -> None:
    tasks = list(embedded.tasks(cluster, Builds(cluster.home, "go1.26 amd64")))
    names = [task.name for task in tasks]
    assert len(names) == len(set(names))
    assert {need for task in tasks for need in task.needs} <= set(names)


def test_every_value_of_a_server_is_there(cluster: Cluster) -> None:
    for instance in instances(cluster):
        filling = values(cluster, instance.node)
        for text in (*instance.server.arguments, instance.server.ready):
            assert "$" not in Template(text).substitute(filling)


def test_every_configuration_file_is_rendered(cluster: Cluster) -> None:
    for name in (*embedded.NODE_FILES, "cni.conflist"):
        assert "$" not in config.render(name, values(cluster, cluster.nodes[0]))


def test_files_that_servers_read_are_made(cluster: Cluster) -> None:
    made = {f"{item.name}.{end}" for item in pki.certificates(cluster) for end in ("crt", "key", "kubeconfig")}
    made |= {"ca.crt", "ca.key", "service-account.key", "service-account.pub"}
    folder = f"{cluster.dir}/pki/"
    for instance in instances(cluster):
        filling = values(cluster, instance.node)
        arguments = [Template(text).substitute(filling) for text in instance.server.arguments]
        used = {argument.split(folder)[1] for argument in arguments if folder in argument}
        assert used <= made


def test_tokens_are_good_for_aws(cluster: Cluster) -> None:
    (apiserver,) = (instance for instance in instances(cluster) if instance.name == "kube-apiserver")
    assert any(text.endswith(",sts.amazonaws.com") for text in apiserver.server.arguments)


def test_every_node_has_a_certificate_for_its_address(cluster: Cluster) -> None:
    names = {item.name: item.names for item in pki.certificates(cluster)}
    for node in cluster.nodes:
        assert f"IP:{node.ip}" in names[f"kubelet-{node.name}"]


def test_the_dns_address_is_the_one_that_pods_are_told() -> None:
    documents = yaml.safe_load_all((config.MANIFESTS / "coredns.yaml").read_text())
    (service,) = (document for document in documents if document["kind"] == "Service")
    assert service["spec"]["clusterIP"] == DNS_SERVICE_IP


def test_a_value_that_is_missing_is_an_error() -> None:
    with pytest.raises(KeyError):
        config.render("kubelet.yaml", {})
