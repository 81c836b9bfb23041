# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes in the meaning of the files of clusters, and the page of all changes: module gitops_changes. Private.

Playbook render writes the files of each cluster (`_gitops_files.py`), and then calls module gitops_changes once, which
writes a page in Markdown for the pull request. The meaning of a file is that of its objects: another order of keys is
no change. For example, a new label of a Deployment changes one object of one file, and the page names it.

`read_written_objects` also serves module collector_forecast, which compares with what an earlier run wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..module_utils._gitops.gitops_changes import ClusterReport, FileChange, list_changes, render_markdown
from ..module_utils._gitops.gitops_inputs import check_changes
from ..module_utils._gitops.gitops_layout import Object
from ..module_utils._otelcol.forecast.changed_collectors import HostForecasts, render_host_sections
from ._cluster_folder import ClusterFolder, find_cluster_folders
from ._otelcol import _files, _yaml


def write_changes_page(
    arguments: Mapping[str, Any], hosts: Iterable[str], forecasts: Sequence[HostForecasts] = ()
) -> dict[str, Any]:
    """Write the page of all clusters, and return the result of gitops_changes. Raises Problem if it cannot be written.

    `hosts` are all clusters of the inventory: the page names those that are not rendered. `forecasts` stand at its end.
    """
    clusters: Sequence[ClusterReport] = arguments["clusters"]
    check_changes(clusters)
    report_by_host = {cluster["host"]: cluster for cluster in clusters}
    missing_hosts = [host for host in hosts if host not in report_by_host]
    page = "\n".join((render_markdown(report_by_host, missing_hosts), *render_host_sections(forecasts)))
    is_written = _files.write_or_check(_files.require_expanded_path(arguments["path"]), page, check=False)
    return {"changed": is_written, "markdown": page, "not_rendered": missing_hosts}


# ── How the meaning of files changes ──


def compare_meaning(
    folders: Iterable[ClusterFolder], objects_by_file: Mapping[str, list[Object]], text_by_file: Mapping[str, str]
) -> list[FileChange]:
    """Return how the meaning of the files in some folders changes.

    `objects_by_file` and `text_by_file` have what the files are to have. Files with an equal text are not read.
    """
    written_path_by_file: dict[str, Path] = {}
    for folder in folders:
        for name in folder.written_files:
            written_path_by_file[name] = folder.path / name
    old_objects: dict[str, list[Object]] = {}
    new_objects: dict[str, list[Object]] = {}
    for name in {*written_path_by_file, *text_by_file}:
        written_path = written_path_by_file.get(name)
        is_unchanged = (
            written_path is not None and name in text_by_file and not has_other_text(written_path, text_by_file[name])
        )
        if is_unchanged:
            continue
        if written_path and written_path.is_file():
            old_objects[name] = _read_objects(written_path)
        if name in objects_by_file:
            new_objects[name] = objects_by_file[name]
    return list_changes(old_objects, new_objects, _yaml.parse_or_none)


def has_other_text(path: Path, text: str) -> bool:
    """Whether a file is missing, or has another text."""
    if not _files.is_path_of_kind(path, Path.is_file):
        return True
    return _files.write_or_check(path, text, check=True)


# ── What earlier runs wrote ──


def read_written_objects(root: Path, host: str) -> list[Object]:
    """Return the objects in the files of a cluster that an earlier run wrote, in whichever wave it was.

    Raises Problem for files that cannot be read.
    """
    objects: list[Object] = []
    for folder in find_cluster_folders(root):
        if folder.host != host:
            continue
        folder.check_paths()
        for path in sorted(folder.path / name for name in folder.written_files):
            if path.is_file():
                objects += _read_objects(path)
    return objects


def _read_objects(path: Path) -> list[Object]:
    """Return the objects of a file. Raises Problem for a file that is no YAML, as a person may have changed it."""
    objects: list[Object] = []
    for document in _yaml.load_all(_files.read_text_file(path), str(path)):
        if isinstance(document.data, dict) and document.data.get("kind"):
            objects.append(document.data)
    return objects
