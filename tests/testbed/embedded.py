# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The embedded cluster: real Kubernetes servers in network namespaces of this machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.testbed import cgroups, cleanup, command, config, health, images, launch, netns, packages, pki
from tests.testbed.build import GIB_TO_BUILD, Builds, go_environment, go_version
from tests.testbed.cluster import Cluster, Node, Record, find_free_slot, list_taken_slots
from tests.testbed.progress import say
from tests.testbed.servers import list_instances, list_template_values, local_name
from tests.testbed.tasks import Task, run_all

GIB_TO_START = 2
PROGRAM_COMPONENTS = {"kubectl": "kubernetes", "otelcol-contrib": "otelcol"}
"""What `env` puts on PATH, and the component that it is built with."""
NODE_FILES = ("authenticator.yaml", "containerd.toml", "kubelet.yaml", "kube-proxy.yaml", "resolv.conf")


def start_cluster(cluster: Cluster) -> None:
    """Make sure that the cluster runs; a cluster that is not whole is made afresh."""
    builds = Builds(cluster.home, go_version())
    record = cluster.read_record()
    is_complete = record is not None and record.complete
    restart_reason = (
        health.find_lasting_fault(cluster, builds) if is_complete else "an earlier `up` did not get to its end"
    )
    if restart_reason is None:
        return
    if cluster.dir.exists():
        say(f"cluster {cluster.name} is started afresh: {restart_reason}")
    cleanup.remove_cluster(cluster)
    _check_space(builds)
    with cluster.home.lock("slots"):
        cluster = replace(
            cluster, slot=find_free_slot(list_taken_slots(cluster.home, cluster.dir), netns.list_host_routes())
        )
        cluster.write_record(Record("embedded", cluster.slot, cluster.node_count, ip_family=cluster.ip_family))
    run_all(list_tasks(cluster, builds))
    cluster.write_record(
        Record("embedded", cluster.slot, cluster.node_count, complete=True, ip_family=cluster.ip_family)
    )


def _check_space(builds: Builds) -> None:
    """Enough disk for what is ahead. Go's caches may be on other disks than ours."""
    if not builds.missing():
        builds.home.require_space(GIB_TO_START, "start a cluster")
        return
    caches = command.run(["go", "env", "GOCACHE", "GOMODCACHE"], env=go_environment()).split()
    builds.home.require_space(GIB_TO_BUILD, "build and start a cluster", *map(Path, caches))


def list_tasks(cluster: Cluster, builds: Builds) -> Iterable[Task]:
    """All steps from nothing to a cluster that is ready."""
    yield Task("packages", partial(packages.install_packages, cluster.home, packages.CLUSTER_PACKAGES))
    yield from builds.tasks()
    yield Task("network", partial(_prepare_nodes, cluster), ("packages",))
    yield Task("pki", partial(pki.create_pki, cluster), ("packages",))
    for instance in list_instances(cluster):
        yield Task(instance.name, partial(launch.start_server, cluster, builds, instance), instance.needed_steps)
    for name, (_, required_builds) in images.IMAGES.items():
        yield Task(f"pack {name}", partial(images.prepare_cluster_image, name, builds), required_builds)
        for node in cluster.nodes:
            required_tasks = (f"pack {name}", f"containerd@{node.name}")
            yield Task(
                local_name(f"load {name}", node), partial(_load_image, cluster, builds, node, name), required_tasks
            )
    # Before its image is there, CoreDNS would start with a failed pull and a back-off.
    dns_load_tasks = tuple(local_name("load coredns", node) for node in cluster.nodes)
    yield Task("dns", partial(_apply_manifests, cluster, builds), ("kube-apiserver", *dns_load_tasks))
    yield Task("programs", partial(_link_programs, cluster, builds), ("build kubernetes", "build otelcol"))
    kubelet_tasks = tuple(f"kubelet@{node.name}" for node in cluster.nodes)
    yield Task("ready", partial(health.wait_ready, cluster), ("dns", "kube-scheduler", *kubelet_tasks))


def _prepare_nodes(cluster: Cluster) -> None:
    """Network, cgroups and configuration files: all that a node's servers find when they start."""
    netns.create_network(cluster)
    for node in cluster.nodes:
        cgroups.create_cgroups(node.namespace)
        template_values = list_template_values(cluster, node)
        for file in NODE_FILES:
            config.write_config(node.dir / file, file, template_values)
        config.write_config(node.dir / "cni" / "10-bridge.conflist", "cni.conflist", template_values)


def _load_image(cluster: Cluster, builds: Builds, node: Node, name: str) -> None:
    """Import an image into a node."""
    with images.pack_cluster_image(name, builds).open("rb") as archive:
        command.run([*launch.node_prefix(cluster, node), *images.CTR_IMAGES_COMMAND, "import", "-"], stdin=archive)


def _apply_manifests(cluster: Cluster, builds: Builds) -> None:
    """What runs in the cluster from the beginning: its DNS."""
    kubectl = [str(builds.program_path("kubernetes", "kubectl")), f"--kubeconfig={cluster.kubeconfig}"]
    template_values = list_template_values(cluster, cluster.nodes[0])
    folder = cluster.dir / "manifests"
    for file in config.MANIFESTS_FOLDER.iterdir():
        config.write_config(folder / file.name, f"../manifests/{file.name}", template_values)
    command.run([*kubectl, "apply", "--server-side", f"--filename={folder}"])


def _link_programs(cluster: Cluster, builds: Builds) -> None:
    """A folder for PATH with the programs that tests call."""
    folder = cluster.dir / "bin"
    folder.mkdir()
    for name, component in PROGRAM_COMPONENTS.items():
        (folder / name).symlink_to(builds.program_path(component, name))
