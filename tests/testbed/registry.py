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
from tests.testbed.progress import last_lines, say, wait_for

PROGRAM = "docker-registry"
PACKAGES = {PROGRAM: PROGRAM, "skopeo": "skopeo"}
INSIDE, OUTSIDE = "registry", "registry-outside"
PORTS = {INSIDE: 5000, OUTSIDE: 5001}
HOSTS = ("docker.io", "ghcr.io", "quay.io")
"""Whose part the one outside plays: it has their images below their names."""
HIDDEN = "localhost/hidden"
SECONDS_TO_START = 30
PLAIN = "--dest-tls-verify=false"
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


def lacks(home: Home) -> Reason | None:
    """Why they cannot be had here; installs what is missing."""
    if not packages.missing(PACKAGES):
        return None
    do = f"install the packages {' '.join(packages.missing(PACKAGES))}"
    if os.geteuid() != 0:
        return Reason("programs are missing, and only root can install them", do)
    try:
        home.prepare()
        packages.install(home, PACKAGES)
    except ClusterError as error:
        return Reason(error.why, do)
    return None


def address(cluster: Cluster, name: str) -> str:
    """Where a registry listens."""
    return f"{cluster.nodes[0].ip}:{PORTS[name]}"


def start(cluster: Cluster, _mirror: Path) -> None:
    """Make sure that both run, and that nodes and skopeo know them."""
    for name in PORTS:
        _start(cluster, name)
    hosts_toml = HOSTS_TOML.format(url=f"http://{address(cluster, INSIDE)}")
    for node in cluster.nodes:
        folder = node.dir / "certs.d" / address(cluster, INSIDE)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hosts.toml").write_text(hosts_toml)
    rows = [REGISTRIES_CONF_ROW.format(host=host, outside=address(cluster, OUTSIDE)) for host in HOSTS]
    (folder_of(cluster) / "registries.conf").write_text("\n".join(rows))
    say(f"cluster {cluster.name} has a registry at {address(cluster, INSIDE)}")


def folder_of(cluster: Cluster) -> Path:
    """What belongs to the registries; it goes with the cluster."""
    return cluster.dir / "registry"


def _start(cluster: Cluster, name: str) -> None:
    if process.server_pid(cluster.dir, name, PROGRAM):
        return
    folder = folder_of(cluster)
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / f"{name}.yml"
    settings.write_text(REGISTRY_YML.format(folder=folder / name, port=PORTS[name]))
    argv = [*netns.enter(cluster.nodes[0]), shutil.which(PROGRAM) or PROGRAM, "serve", str(settings)]
    child = process.start(cluster.dir, name, argv, cluster.log(name))

    def missing() -> str | None:
        if child.poll() is not None:
            raise ClusterError(f"{name} did not start", last_lines(cluster.log(name)), "fix the cause, try again")
        with suppress(OSError), socket.create_connection((cluster.nodes[0].ip, PORTS[name]), timeout=1):
            return None
        return f"nothing listens on {address(cluster, name)}"

    wait_for(f"start of {name}", missing, SECONDS_TO_START, lambda: last_lines(cluster.log(name)))


def _listed(enter: list[str]) -> list[str]:
    return command.run([*enter, *images.CTR, "list", "--quiet"]).split()


def hide(cluster: Cluster) -> None:
    """Give every image of the internet that a node has to the registry outside, and let the nodes forget its name."""
    for number, node in enumerate(cluster.nodes):
        enter = launch.into_node(cluster, node)
        for image in _listed(enter):
            if "@" in image or image.split("/", 1)[0] not in HOSTS:
                continue
            _hide_image(cluster, enter, image, is_first_node=number == 0)


def _hide_image(cluster: Cluster, enter: list[str], image: str, *, is_first_node: bool) -> None:
    """Let a node forget the name of an image, which the first node gives to the registry outside before that."""
    if is_first_node:
        _publish(cluster, enter, image)
    _retag(enter, image, f"{HIDDEN}/{image}")


def _retag(enter: list[str], old: str, new: str) -> None:
    """Give an image of a node another name in place of the one that it has. `enter` starts a command on the node."""
    command.run([*enter, *images.CTR, "tag", "--force", old, new])
    command.run([*enter, *images.CTR, "remove", old])


def _publish(cluster: Cluster, enter: list[str], image: str) -> None:
    with tempfile.TemporaryDirectory(dir=folder_of(cluster)) as scratch:
        archive = Path(scratch) / "image.tar"
        command.run([*enter, *images.CTR, "export", str(archive), image])
        target = f"docker://{address(cluster, OUTSIDE)}/{image}"
        command.run(["skopeo", "copy", "--quiet", PLAIN, f"oci-archive:{archive}", target])
    say(f"outside there is {image}")


def show(cluster: Cluster) -> None:
    """Give the nodes their images back, and let them forget those of the registry inside."""
    for node in cluster.nodes:
        enter = launch.into_node(cluster, node)
        for image in _listed(enter):
            if image.startswith(f"{address(cluster, INSIDE)}/"):
                command.run([*enter, *images.CTR, "remove", image])
            if image.startswith(f"{HIDDEN}/"):
                _retag(enter, image, image.removeprefix(f"{HIDDEN}/"))
