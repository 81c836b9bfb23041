# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image archives (docker-archive format) written byte by byte the same for the same content."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
DIRECTORIES = {"bin": 0o755, "etc": 0o755, "etc/ssl": 0o755, "etc/ssl/certs": 0o755, "tmp": 0o1777, "var": 0o755}
COMMON_FILES = {
    "etc/passwd": "root:x:0:0:root:/:/bin/sh\notel:x:10001:10001:otel:/:/bin/sh\n",
    "etc/group": "root:x:0:\notel:x:10001:\n",
}


@dataclass(frozen=True)
class Image:
    """An image of one layer: its name, the files in it (target to source), links, and how it starts."""

    reference: str
    files: Mapping[str, Path]
    links: Mapping[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: str = ""

    def configuration(self, layer_digest: str) -> bytes:
        """The image's configuration; its digest names the image."""
        process_settings = {
            "Entrypoint": list(self.entrypoint) or None,
            "Cmd": list(self.command) or None,
            "User": self.user,
            "Env": ["PATH=/bin:/usr/bin"],
            "WorkingDir": "/",
        }
        document = {
            "architecture": ARCHITECTURES[platform.machine()],
            "os": "linux",
            "config": process_settings,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
            "history": [{"created": "1970-01-01T00:00:00Z"}],
        }
        return json.dumps(document, sort_keys=True).encode()


def write_archive(image: Image, target: Path) -> None:
    """Write the archive under a draft name and rename it."""
    draft = target.with_name(f".{target.name}")
    with tempfile.TemporaryFile(dir=target.parent) as layer_file, draft.open("wb") as archive_file:
        _write_layer(image, layer_file)
        layer_file.seek(0)
        layer_digest = hashlib.file_digest(layer_file, "sha256").hexdigest()
        size = layer_file.tell()
        layer_file.seek(0)
        configuration = image.configuration(layer_digest)
        configuration_name = f"{hashlib.sha256(configuration).hexdigest()}.json"
        manifest = [{"Config": configuration_name, "RepoTags": [image.reference], "Layers": ["layer.tar"]}]
        with tarfile.open(fileobj=archive_file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            add_file(tar, configuration_name, io.BytesIO(configuration), len(configuration))
            add_file(tar, "layer.tar", layer_file, size)
            manifest_text = json.dumps(manifest).encode()
            add_file(tar, "manifest.json", io.BytesIO(manifest_text), len(manifest_text))
    draft.rename(target)


def _write_layer(image: Image, layer_file: IO[bytes]) -> None:
    """The file system of the image, in a fixed order."""
    with tarfile.open(fileobj=layer_file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, mode in sorted(DIRECTORIES.items()):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            tar.addfile(entry)
        for name, text in sorted(COMMON_FILES.items()):
            add_file(tar, name, io.BytesIO(text.encode()), len(text.encode()))
        for name, source in sorted(image.files.items()):
            with source.open("rb") as content:
                mode = 0o755 if source.stat().st_mode & 0o100 else 0o644
                add_file(tar, name.lstrip("/"), content, source.stat().st_size, mode)
        for name, link_target in sorted(image.links.items()):
            entry = tarfile.TarInfo(name.lstrip("/"))
            entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, link_target, 0o777
            tar.addfile(entry)


def add_file(tar: tarfile.TarFile, name: str, content: IO[bytes], size: int, mode: int = 0o644) -> None:
    """Add a file with nothing of this machine in it: no time, no owner."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, mode
    tar.addfile(entry, content)
