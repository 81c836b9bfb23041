# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The links by which the system runs the release in use of a collector: its unit and its folders. Private."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ..bundle_form import TMPFILES, unit_name
from ..host_plan import Links
from ..host_release import StoredFile
from .whole_files import read_link_target, remove_file, replace_link


class SystemLinks:
    """The links of one collector below a root, which is `/` on a host.

    `unit` is its service, `wanted_by` starts it at boot, `tmpfiles` makes its folders at boot.
    """

    def __init__(self, root: Path, name: str, collector_folder: Path) -> None:
        self._service, self._collector_folder = unit_name(name), collector_folder
        self.units = root / "etc/systemd/system"
        self.unit = self.units / self._service
        self.wanted_by = self.units / "multi-user.target.wants" / self._service
        self.tmpfiles = root / "etc/tmpfiles.d" / f"otelcol-{name}.conf"

    def list_targets(self) -> dict[Path, str]:
        """Return where each link leads, by the place of the link."""
        return {
            self.unit: f"{self._collector_folder}/current/{self._service}",
            self.wanted_by: f"../{self._service}",
            self.tmpfiles: f"{self._collector_folder}/current/{TMPFILES}",
        }

    def list_foreign(self) -> list[str]:
        """Return the places of the unit and of its folders that somebody else has."""
        foreign_paths = []
        for link_path, wanted_target in self.list_targets().items():
            if (
                link_path != self.wanted_by
                and os.path.lexists(str(link_path))
                and read_link_target(link_path) != wanted_target
            ):
                foreign_paths.append(str(link_path))
        return foreign_paths

    def compare(self, files: Mapping[str, StoredFile]) -> Links:
        """Return the links as they are, and as a release with these files wants them."""
        places = self.list_targets()
        wanted_targets = {
            str(link_path): target
            for link_path, target in places.items()
            if link_path != self.tmpfiles or TMPFILES in files
        }
        return Links({str(link_path): read_link_target(link_path) for link_path in places}, wanted_targets)

    def write(self, files: Mapping[str, StoredFile]) -> None:
        """Set the links that a release with these files wants, and remove the others."""
        links = self.compare(files)
        for link_path in links.wrong_links:
            Path(link_path).parent.mkdir(parents=True, exist_ok=True)
            replace_link(Path(link_path), links.wanted_targets[link_path])
        for link_path in set(links.actual_targets) - set(links.wanted_targets):
            remove_file(Path(link_path))

    def remove(self) -> None:
        for link_path in self.list_targets():
            remove_file(link_path)
