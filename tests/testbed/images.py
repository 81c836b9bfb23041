# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of the embedded cluster: what is in each, and how it gets into a node."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.testbed import command, image
from tests.testbed.build import COLLECTOR_VERSION, COREDNS_VERSION, Builds
from tests.testbed.image import Image
from tests.testbed.progress import say

CTR_IMAGES_COMMAND = ("ctr", "--namespace", "k8s.io", "images")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
COLLECTOR_REPOSITORY = "ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector-contrib"
OLD_COLLECTOR_REFERENCE = "docker.io/otel/opentelemetry-collector-contrib:0.93.0"


def with_certificates(files: dict[str, Path]) -> dict[str, Path]:
    """Programs that speak TLS get the machine's list of authorities, where it has one."""
    return {**files, str(CERTIFICATES): CERTIFICATES} if CERTIFICATES.exists() else files


def _pause_image(builds: Builds) -> Image:
    return Image("localhost/testbed/pause:1", {"/pause": builds.program_path("pause", "pause")}, entrypoint=("/pause",))


def _coredns_image(builds: Builds) -> Image:
    program = builds.program_path("coredns", "coredns")
    return Image(f"localhost/testbed/coredns:{COREDNS_VERSION}", {"/coredns": program}, entrypoint=("/coredns",))


def _collector_image(builds: Builds, component: str = "otelcol") -> Image:
    files = with_certificates({"/otelcol-contrib": builds.program_path(component, "otelcol-contrib")})
    defaults = ("--config", "/etc/otelcol-contrib/config.yaml")
    entrypoint = ("/otelcol-contrib",)
    return Image(
        f"{COLLECTOR_REPOSITORY}:{COLLECTOR_VERSION}", files, entrypoint=entrypoint, command=defaults, user="10001"
    )


def busybox_image() -> Image:
    """The machine's busybox under all of its names."""
    program = shutil.which("busybox") or "/usr/bin/busybox"
    applets = command.run([program, "--list"]).split()
    links = {f"/bin/{applet}": "busybox" for applet in applets if applet != "busybox"}
    return Image("docker.io/library/busybox:1.37", {"/bin/busybox": Path(program)}, links, command=("sh",))


IMAGES: dict[str, tuple[Callable[[Builds], Image], tuple[str, ...]]] = {
    "pause": (_pause_image, ("build pause",)),
    "busybox": (lambda _: busybox_image(), ("packages",)),
    "coredns": (_coredns_image, ("build coredns",)),
    "collector": (_collector_image, ("build otelcol",)),
}
"""How each image is described, and the steps that have to end before."""


def pack_cluster_image(name: str, builds: Builds) -> Path:
    """The archive of one of the cluster's images."""
    return pack_described_image(name, IMAGES[name][0](builds), builds)


def pack_described_image(name: str, described_image: Image, builds: Builds) -> Path:
    """The image's archive, written if it is not there. The names of build folders stand for their content."""
    digest = hashlib.sha256(repr(described_image).encode() + Path(image.__file__).read_bytes())
    for source in described_image.files.values():
        if not source.is_relative_to(builds.home.builds):
            digest.update(source.read_bytes())
    archive_file = builds.home.images / f"{name}-{digest.hexdigest()[:16]}.tar"
    if not archive_file.exists():
        with builds.home.lock(f"image-{name}"):
            if not archive_file.exists():
                image.write_archive(described_image, archive_file)
                say(f"packed image {described_image.reference}")
    return archive_file


def pack_collector_as(reference: str, builds: Builds) -> Path:
    """The archive of the cluster's collector under another name."""
    name = f"collector-{reference.rpartition('/')[2].replace(':', '-')}"
    return pack_described_image(name, replace(_collector_image(builds), reference=reference), builds)


def pack_old_collector(builds: Builds) -> Path:
    """The archive of the old collector, under its name at Docker Hub."""
    return pack_described_image(
        "collector-old", replace(_collector_image(builds, "otelcol-0.93"), reference=OLD_COLLECTOR_REFERENCE), builds
    )


def prepare_cluster_image(name: str, builds: Builds) -> None:
    """Write the archive before a node has to wait for it."""
    pack_cluster_image(name, builds)


def list_references(builds: Builds) -> dict[str, str]:
    """Image names as the cluster knows them."""
    return {name: describe(builds).reference for name, (describe, _) in IMAGES.items()}
