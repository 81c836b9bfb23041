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
from tests.testbed.cluster import Cluster, Node, Record, free_slot, taken_slots
from tests.testbed.progress import say
from tests.testbed.servers import instances, local_name, values
from tests.testbed.tasks import Task, run_all

GIB_TO_START = 2
PROGRAMS = {"kubectl": "kubernetes", "otelcol-contrib": "otelcol"}
"""What `env` puts on PATH, and the component that it is built with."""
NODE_FILES = ("authenticator.yaml", "containerd.toml", "kubelet.yaml", "kube-proxy.yaml", "resolv.conf")


def up(cluster: Cluster) -> None:
    """Make sure that the cluster runs; a cluster that is not whole is made afresh."""
    builds = Builds(cluster.home, go_version())
    record = cluster.read()
    complete = record is not None and record.complete
    reason = health.unhealthy(cluster, builds) if complete else "an earlier `up` did not get to its end"
    if reason is None:
        return
    if cluster.dir.exists():
        say(f"cluster {cluster.name} is started afresh: {reason}")
    cleanup.remove(cluster)
    _check_space(builds)
    with cluster.home.lock("slots"):
        cluster = replace(cluster, slot=free_slot(taken_slots(cluster.home, cluster.dir), netns.host_routes()))
        cluster.write(Record("embedded", cluster.slot, cluster.node_count, ip_family=cluster.ip_family))
    run_all(tasks(cluster, builds))
    cluster.write(Record("embedded", cluster.slot, cluster.node_count, complete=True, ip_family=cluster.ip_family))


def _check_space(builds: Builds) -> None:
    """Enough disk for what is ahead. Go's caches may be on other disks than ours."""
    if not builds.missing():
        builds.home.need_space(GIB_TO_START, "start a cluster")
        return
    caches = command.run(["go", "env", "GOCACHE", "GOMODCACHE"], env=go_environment()).split()
    builds.home.need_space(GIB_TO_BUILD, "build and start a cluster", *map(Path, caches))


def tasks(cluster: Cluster, builds: Builds) -> Iterable[Task]:
    """All steps from nothing to a cluster that is ready."""
    yield Task("packages", partial(packages.install, cluster.home, packages.PACKAGES))
    yield from builds.tasks()
    yield Task("network", partial(_prepare_nodes, cluster), ("packages",))
    yield Task("pki", partial(pki.create, cluster), ("packages",))
    for instance in instances(cluster):
        yield Task(instance.name, partial(launch.start, cluster, builds, instance), instance.needs)
    for name, (_, needs) in images.IMAGES.items():
        yield Task(f"pack {name}", partial(images.pack, name, builds), needs)
        for node in cluster.nodes:
            before = (f"pack {name}", f"containerd@{node.name}")
            yield Task(local_name(f"load {name}", node), partial(_load, cluster, builds, node, name), before)
    # Before its image is there, CoreDNS would start with a failed pull and a back-off.
    loaded_dns = tuple(local_name("load coredns", node) for node in cluster.nodes)
    yield Task("dns", partial(_apply_manifests, cluster, builds), ("kube-apiserver", *loaded_dns))
    yield Task("programs", partial(_link_programs, cluster, builds), ("build kubernetes", "build otelcol"))
    kubelets = tuple(f"kubelet@{node.name}" for node in cluster.nodes)
    yield Task("ready", partial(health.wait_ready, cluster), ("dns", "kube-scheduler", *kubelets))


def _prepare_nodes(cluster: Cluster) -> None:
    """Network, cgroups and configuration files: all that a node's servers find when they start."""
    netns.create(cluster)
    for node in cluster.nodes:
        cgroups.create(node.namespace)
        filling = values(cluster, node)
        for file in NODE_FILES:
            config.write(node.dir / file, file, filling)
        config.write(node.dir / "cni" / "10-bridge.conflist", "cni.conflist", filling)


def _load(cluster: Cluster, builds: Builds, node: Node, name: str) -> None:
    """Import an image into a node."""
    with images.archive(name, builds).open("rb") as archive:
        command.run([*launch.into_node(cluster, node), *images.CTR, "import", "-"], stdin=archive)


def _apply_manifests(cluster: Cluster, builds: Builds) -> None:
    """What runs in the cluster from the beginning: its DNS."""
    kubectl = [str(builds.program("kubernetes", "kubectl")), f"--kubeconfig={cluster.kubeconfig}"]
    filling = values(cluster, cluster.nodes[0])
    folder = cluster.dir / "manifests"
    for file in config.MANIFESTS.iterdir():
        config.write(folder / file.name, f"../manifests/{file.name}", filling)
    command.run([*kubectl, "apply", "--server-side", f"--filename={folder}"])


def _link_programs(cluster: Cluster, builds: Builds) -> None:
    """A folder for PATH with the programs that tests call."""
    folder = cluster.dir / "bin"
    folder.mkdir()
    for name, component in PROGRAMS.items():
        (folder / name).symlink_to(builds.program(component, name))
