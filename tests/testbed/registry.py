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
PORTS = {"registry": 5000, "registry-outside": 5001}
INSIDE, OUTSIDE = PORTS
HOSTS = ("docker.io", "ghcr.io", "quay.io")
"""Whose part the one outside plays: it has their images below their names."""
HIDDEN = "localhost/hidden"
SECONDS_TO_START = 30
PLAIN = "--dest-tls-verify=false"


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
    for node in cluster.nodes:
        folder = node.dir / "certs.d" / address(cluster, INSIDE)
        folder.mkdir(parents=True, exist_ok=True)
        url = f"http://{address(cluster, INSIDE)}"
        (folder / "hosts.toml").write_text(f'server = "{url}"\n[host."{url}"]\ncapabilities = ["pull", "resolve"]\n')
    outside = address(cluster, OUTSIDE)
    rows = [f'[[registry]]\nprefix = "{host}"\nlocation = "{outside}/{host}"\ninsecure = true\n' for host in HOSTS]
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
    settings.write_text(
        "version: 0.1\nlog: {level: warn}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder / name}}}}}\nhttp: {{addr: '0.0.0.0:{PORTS[name]}'}}\n"
    )
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
            if image.split("/", 1)[0] in HOSTS and "@" not in image:
                if number == 0:
                    _publish(cluster, enter, image)
                command.run([*enter, *images.CTR, "tag", "--force", image, f"{HIDDEN}/{image}"])
                command.run([*enter, *images.CTR, "remove", image])


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
                command.run([*enter, *images.CTR, "tag", "--force", image, image.removeprefix(f"{HIDDEN}/")])
                command.run([*enter, *images.CTR, "remove", image])
