# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two real registries (Debian's docker-registry) beside a cluster.

One plays those of the internet, which no node can reach by their names; from the other one, inside, the nodes pull.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from contextlib import suppress
from pathlib import Path

from tests.testbed import command, images, launch, netns, packages, process
from tests.testbed.cluster import Cluster
from tests.testbed.errors import ClusterError, Reason
from tests.testbed.home import Home
from tests.testbed.progress import read_last_lines, say, wait_for

PROGRAM = "docker-registry"
PACKAGES = {PROGRAM: PROGRAM, "skopeo": "skopeo"}
INSIDE_REGISTRY, OUTSIDE_REGISTRY = "registry", "registry-outside"
PORTS = {INSIDE_REGISTRY: 5000, OUTSIDE_REGISTRY: 5001}
HOSTS = ("docker.io", "ghcr.io", "quay.io")
"""Whose part the one outside plays: it has their images below their names."""
HIDDEN_PREFIX = "localhost/hidden"
SECONDS_TO_START = 30
PLAIN_HTTP_OPTION = "--dest-tls-verify=false"
# The settings of a registry. Source: "Configuring a registry" of CNCF Distribution.
REGISTRY_YML = """\
version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: '0.0.0.0:{port}'}}
"""
# How containerd on a node reaches the registry inside. Source: docs/hosts.md of containerd.
HOSTS_TOML = """\
server = "{url}"
[host."{url}"]
capabilities = ["pull", "resolve"]
"""
# Where skopeo finds the images of a host of the internet. Source: containers-registries.conf(5).
REGISTRIES_CONF_ROW = """\
[[registry]]
prefix = "{host}"
location = "{outside}/{host}"
insecure = true
"""


def find_obstacle(home: Home) -> Reason | None:
    """Why they cannot be had here; installs what is missing."""
    if not packages.list_missing(PACKAGES):
        return None
    advice = f"install the packages {' '.join(packages.list_missing(PACKAGES))}"
    if os.geteuid() != 0:
        return Reason("programs are missing, and only root can install them", advice)
    try:
        home.prepare()
        packages.install_packages(home, PACKAGES)
    except ClusterError as error:
        return Reason(error.why, advice)
    return None


def registry_address(cluster: Cluster, name: str) -> str:
    """Where a registry listens."""
    return f"{cluster.nodes[0].ip}:{PORTS[name]}"


def start_registries(cluster: Cluster, _mirror: Path) -> None:
    """Make sure that both run, and that nodes and skopeo know them."""
    for name in PORTS:
        _start_registry(cluster, name)
    hosts_toml = HOSTS_TOML.format(url=f"http://{registry_address(cluster, INSIDE_REGISTRY)}")
    for node in cluster.nodes:
        folder = node.dir / "certs.d" / registry_address(cluster, INSIDE_REGISTRY)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hosts.toml").write_text(hosts_toml)
    rows = [
        REGISTRIES_CONF_ROW.format(host=host, outside=registry_address(cluster, OUTSIDE_REGISTRY)) for host in HOSTS
    ]
    (registry_folder(cluster) / "registries.conf").write_text("\n".join(rows))
    say(f"cluster {cluster.name} has a registry at {registry_address(cluster, INSIDE_REGISTRY)}")


def registry_folder(cluster: Cluster) -> Path:
    """What belongs to the registries; it goes with the cluster."""
    return cluster.dir / "registry"


def _start_registry(cluster: Cluster, name: str) -> None:
    if process.find_server_pid(cluster.dir, name, PROGRAM):
        return
    folder = registry_folder(cluster)
    folder.mkdir(parents=True, exist_ok=True)
    settings_file = folder / f"{name}.yml"
    settings_file.write_text(REGISTRY_YML.format(folder=folder / name, port=PORTS[name]))
    server_command = [
        *netns.network_prefix(cluster.nodes[0]),
        shutil.which(PROGRAM) or PROGRAM,
        "serve",
        str(settings_file),
    ]
    server_process = process.start_server(cluster.dir, name, server_command, cluster.log_file(name))

    def find_missing() -> str | None:
        if server_process.poll() is not None:
            raise ClusterError(
                f"{name} did not start", read_last_lines(cluster.log_file(name)), "fix the cause, try again"
            )
        with suppress(OSError), socket.create_connection((cluster.nodes[0].ip, PORTS[name]), timeout=1):
            return None
        return f"nothing listens on {registry_address(cluster, name)}"

    wait_for(f"start of {name}", find_missing, SECONDS_TO_START, lambda: read_last_lines(cluster.log_file(name)))


def _list_images(node_prefix: list[str]) -> list[str]:
    return command.run([*node_prefix, *images.CTR_IMAGES_COMMAND, "list", "--quiet"]).split()


def hide_images(cluster: Cluster) -> None:
    """Give every image of the internet that a node has to the registry outside, and let the nodes forget its name."""
    for node_index, node in enumerate(cluster.nodes):
        node_prefix = launch.node_prefix(cluster, node)
        for image in _list_images(node_prefix):
            if "@" in image or image.split("/", 1)[0] not in HOSTS:
                continue
            _hide_image(cluster, node_prefix, image, is_first_node=node_index == 0)


def _hide_image(cluster: Cluster, node_prefix: list[str], image: str, *, is_first_node: bool) -> None:
    """Let a node forget the name of an image, which the first node gives to the registry outside before that."""
    if is_first_node:
        _publish_image(cluster, node_prefix, image)
    _retag_image(node_prefix, image, f"{HIDDEN_PREFIX}/{image}")


def _retag_image(node_prefix: list[str], old_name: str, new_name: str) -> None:
    """Give an image of a node another name in place of the one that it has.

    `node_prefix` starts a command on the node.
    """
    command.run([*node_prefix, *images.CTR_IMAGES_COMMAND, "tag", "--force", old_name, new_name])
    command.run([*node_prefix, *images.CTR_IMAGES_COMMAND, "remove", old_name])


def _publish_image(cluster: Cluster, node_prefix: list[str], image: str) -> None:
    with tempfile.TemporaryDirectory(dir=registry_folder(cluster)) as scratch_folder:
        archive = Path(scratch_folder) / "image.tar"
        command.run([*node_prefix, *images.CTR_IMAGES_COMMAND, "export", str(archive), image])
        target = f"docker://{registry_address(cluster, OUTSIDE_REGISTRY)}/{image}"
        command.run(["skopeo", "copy", "--quiet", PLAIN_HTTP_OPTION, f"oci-archive:{archive}", target])
    say(f"outside there is {image}")


def show_images(cluster: Cluster) -> None:
    """Give the nodes their images back, and let them forget those of the registry inside."""
    for node in cluster.nodes:
        node_prefix = launch.node_prefix(cluster, node)
        for image in _list_images(node_prefix):
            if image.startswith(f"{registry_address(cluster, INSIDE_REGISTRY)}/"):
                command.run([*node_prefix, *images.CTR_IMAGES_COMMAND, "remove", image])
            if image.startswith(f"{HIDDEN_PREFIX}/"):
                _retag_image(node_prefix, image, image.removeprefix(f"{HIDDEN_PREFIX}/"))
