# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drop-ins of this collection on a host: files that add variables to the units of services. Private.

A service that sends to a collector belongs to somebody else. For `shop.service`, this collection writes one file beside
its unit, `/etc/systemd/system/shop.service.d/50-o11y-otel.conf`, whose first line names the collector.
service_drop_ins.py decides what is written, and service_environment.py renders it.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from ..bundle_form import DROP_IN, SERVICE_SUFFIX
from ..service_environment import drop_in_owner
from .host_store import Store

# A drop-in is written under this name first, and then renamed. systemd reads files `*.conf` alone.
_TEMPORARY_SUFFIX = ".draft"
# How many bytes of a file are read.
_MOST_BYTES = 256 * 1024


class DropInFiles:
    """The drop-ins of the services that send to one collector."""

    def __init__(self, store: Store) -> None:
        self._units, self._collector = store.links.units, store.name

    def find_path(self, unit: str) -> Path:
        """Return the path of the drop-in of a service, whether it is there or not."""
        return self._units / f"{unit}.d" / DROP_IN

    def list_own(self) -> list[Path]:
        """Return the drop-ins that were written for this collector."""
        own_drop_ins = []
        for drop_in in sorted(self._units.glob(f"*{SERVICE_SUFFIX}.d/{DROP_IN}")):
            if not drop_in.is_symlink() and drop_in_owner(read_file_start(drop_in)) == self._collector:
                own_drop_ins.append(drop_in)
        return own_drop_ins

    def write(self, drop_in: Path, content: str) -> None:
        """Write a drop-in at once. Empty content removes it, with its folder if nothing else is there."""
        if not content:
            self._remove(drop_in)
            return
        drop_in.parent.mkdir(mode=0o755, exist_ok=True)
        temporary = drop_in.with_name(drop_in.name + _TEMPORARY_SUFFIX)
        temporary.write_text(content, encoding="utf-8")
        temporary.chmod(0o644)
        temporary.replace(drop_in)

    def _remove(self, drop_in: Path) -> None:
        drop_in.unlink()
        with suppress(OSError):  # another file is there
            drop_in.parent.rmdir()

    def remove_temporary_files(self) -> None:
        """Remove what a killed run has written and not renamed."""
        for temporary in self._units.glob(f"*{SERVICE_SUFFIX}.d/{DROP_IN}{_TEMPORARY_SUFFIX}"):
            owner = drop_in_owner(read_file_start(temporary))
            is_cut_off = not owner  # the run was killed before the first line, which names the owner, was on the disk
            if is_cut_off or owner == self._collector:
                self._remove(temporary)


def read_file_start(path: Path) -> str:
    """Return the start of a regular file; empty for anything else. A pipe must not keep the run waiting."""
    try:
        handle = os.open(str(path), os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        is_file = stat.S_ISREG(os.fstat(handle).st_mode)
        return os.read(handle, _MOST_BYTES).decode("utf-8", "replace") if is_file else ""
    finally:
        os.close(handle)
