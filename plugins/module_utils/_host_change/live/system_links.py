# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The links in folders of the system that lead to the unit and the tmpfiles of the release in use. Private.

By these links, systemd finds the unit of the collector, starts it at boot, and makes its folders. `Store` has an object
of this class for its collector. For `agent`:

    /etc/systemd/system/otelcol-agent.service -> /etc/otelcol/agent/current/otelcol-agent.service
    /etc/systemd/system/multi-user.target.wants/otelcol-agent.service -> ../otelcol-agent.service
    /etc/tmpfiles.d/otelcol-agent.conf -> /etc/otelcol/agent/current/tmpfiles
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ..bundle_form import TMPFILES, unit_name
from ..host_plan import Links
from ..host_release import StoredFile
from .atomic_files import read_link_target, remove_file, replace_link


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
        """Return the target of each link, by the path of the link."""
        return {
            self.unit: f"{self._collector_folder}/current/{self._service}",
            self.wanted_by: f"../{self._service}",
            self.tmpfiles: f"{self._collector_folder}/current/{TMPFILES}",
        }

    def list_foreign(self) -> list[str]:
        """Return the paths of links at which somebody else has a file or another link.

        The link that starts the unit at boot does not count.
        """
        foreign_paths = []
        for link_path, wanted_target in self.list_targets().items():
            if link_path == self.wanted_by:
                continue
            if os.path.lexists(str(link_path)) and read_link_target(link_path) != wanted_target:
                foreign_paths.append(str(link_path))
        return foreign_paths

    def compare(self, files: Mapping[str, StoredFile]) -> Links:
        """Return the links as they are, and as a release with these files wants them."""
        actual_targets: dict[str, str] = {}
        wanted_targets: dict[str, str] = {}
        for link_path, target in self.list_targets().items():
            actual_targets[str(link_path)] = read_link_target(link_path)
            if link_path != self.tmpfiles or TMPFILES in files:
                wanted_targets[str(link_path)] = target
        return Links(actual_targets, wanted_targets)

    def write(self, files: Mapping[str, StoredFile]) -> None:
        """Set the links that a release with these files wants, and remove the others."""
        links = self.compare(files)
        for link_path in links.wrong_links:
            Path(link_path).parent.mkdir(parents=True, exist_ok=True)
            replace_link(Path(link_path), links.wanted_targets[link_path])
        for link_path in set(links.actual_targets) - set(links.wanted_targets):
            remove_file(Path(link_path))

    def remove(self) -> None:
        """Remove all links."""
        for link_path in self.list_targets():
            remove_file(link_path)
