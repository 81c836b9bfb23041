# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the files of a cluster for GitOps, and removes those that it wrote before. Controller only. Private.

A file `.o11y-render` in the folder of each cluster lists what was written there. Nothing else is changed or removed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ..module_utils._gitops.gitops_changes import changes, markdown
from ..module_utils._gitops.gitops_layout import Object, left_out, stages_of, tree
from ..module_utils._kube.bundle import redact
from ..module_utils._otelcol.config.config_secrets import secrets_in_objects
from ..module_utils._otelcol.errors import MASK, Problem, at_most
from ..module_utils._otelcol.forecast.told_collectors import HostForecasts, host_sections
from ..module_utils._otelcol.kube.objects import ref
from ._otelcol import _files, _yaml

# Without an ending that Argo CD takes for a manifest.
MARKER = ".o11y-render"
ASKED = "Write the files of a cluster"
_SHOWN = 5
_RESTORE = "Restore it from Git, or remove the folder."
# Objects of published releases that no value of a user gets into; their annotations name Secrets.
_PUBLISHED = ("CustomResourceDefinition", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
_HEAD = "# Written by playbook render of o11y.opentelemetry. The next run replaces this file.\n"


@dataclass(frozen=True)
class ClusterFolder:
    """The folder of a cluster below the root, and the files there that an earlier run wrote."""

    root: Path
    path: Path
    host: str
    written: frozenset[str]

    @classmethod
    def read(cls, root: Path, path: Path, host: str = "") -> ClusterFolder:
        """Return a folder by its marker. Raises Problem if the marker is below a link, or cannot be understood."""
        marker = path / MARKER
        _check_way(marker, root)
        if not _files.is_there(marker, Path.is_file):
            return cls(root, path, host, frozenset())
        try:
            marked = json.loads(_files.read(marker))
            names, owner = [str(name) for name in marked["files"]], str(marked["host"])
        except (ValueError, KeyError, TypeError):
            raise Problem("it does not list files", asked=ASKED, where=str(marker), fix=_RESTORE) from None
        if owner != path.name:
            wrong = f"it is of host {owner!r}, and its folder is {path.name!r}"
            fix = "Give the folder the name of the host, or remove it."
            raise Problem(wrong, asked=ASKED, where=str(marker), fix=fix)
        _check_inside(names, marker)
        return cls(root, path, owner, frozenset(names))

    def mark(self, names: Iterable[str]) -> None:
        """Write down which files of the folder belong to playbook `render`."""
        text = json.dumps({"host": self.host, "files": sorted(names)}, indent=1)
        _files.place(self.path / MARKER, f"{text}\n", check=False)

    def remove(self, names: Iterable[str]) -> None:
        """Remove files, and the folders that are empty then. Raises Problem for a file that cannot be removed."""
        for name in sorted(names):
            path = self.path / name
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                wrong = f"cannot remove {path}: {error.strerror or error}"
                raise Problem(wrong, asked=ASKED, fix="Remove it yourself, then run again.") from error
            for parent in path.parents:
                if parent == self.root or not _removed_if_empty(parent):
                    break


@dataclass(frozen=True)
class FilePlan:
    """What is to be done in the folder of a cluster. `others` are the folders of all other clusters and waves."""

    folder: ClusterFolder
    files: Mapping[str, list[Object]]
    texts: Mapping[str, str]
    others: Sequence[ClusterFolder]

    @property
    def changed(self) -> list[str]:
        """Return the files whose text changes."""
        return sorted(name for name, text in self.texts.items() if _differs(self.folder.path / name, text))

    @property
    def gone(self) -> list[str]:
        """Return the files that an earlier run wrote and that are not needed any more."""
        return sorted(self.folder.written - self.texts.keys())

    @property
    def left(self) -> list[ClusterFolder]:
        """Return the folders of waves that the cluster has left."""
        return [folder for folder in self.others if folder.host == self.folder.host]

    @property
    def moves(self) -> list[str]:
        """Return how the folder of the cluster moves, as Markdown."""
        (now,) = _below_root([self.folder])
        return [f"moved from `{earlier}` to `{now}`" for earlier in _below_root(self.left)]

    def unknown(self, hosts: Collection[str]) -> list[ClusterFolder]:
        """Return the folders of hosts that the inventory does not have."""
        return [folder for folder in self.others if folder.host not in hosts]


def write(arguments: Mapping[str, Any], hosts: Collection[str], *, check: bool) -> dict[str, Any]:
    """Write the files of one cluster, and return what changed. Raises Problem before anything is written.

    `hosts` are all of the inventory: a folder of another one is only named.
    """
    plan = _planned(arguments)
    _check_ways(plan.folder, plan.texts)
    for other in plan.left:
        _check_ways(other, ())
    changed, gone, left = plan.changed, plan.gone, plan.left
    _check_strangers(plan.folder, changed)
    compared = _changes([plan.folder, *left], plan.files, plan.texts) if arguments["compare"] else []
    if not check:
        _carry_out(plan.folder, plan.texts, gone, left)
    return {
        "changed": bool(changed or gone or left),
        "folder": str(plan.folder.path),
        "files": sorted(plan.texts),
        "written": changed,
        "removed": gone + _below_root(left),
        "report": {"host": arguments["host"], "changes": compared, "moved": plan.moves},
        "left_out": left_out(arguments["products"]),
        "unknown": _below_root(plan.unknown(hosts)),
    }


def _planned(arguments: Mapping[str, Any]) -> FilePlan:
    """Return what a task asks for. Raises Problem for secrets, and for names that are no folders."""
    root = _files.named(arguments["path"]).expanduser().resolve()
    files = tree(stages_of(arguments["collectors"], arguments["instrumentation"], arguments["products"]))
    _check_no_secrets(files)
    parts = [_folder_name(part) for part in (arguments["wave"], arguments["host"]) if part]
    folder = ClusterFolder.read(root, root.joinpath(*parts), arguments["host"])
    texts = {name: _text(objects) for name, objects in files.items()}
    others = [other for other in _folders(root) if other.path != folder.path]
    return FilePlan(folder, files, texts, others)


def _below_root(folders: Iterable[ClusterFolder]) -> list[str]:
    return sorted(str(folder.path.relative_to(folder.root)) for folder in folders)


def write_changes(
    arguments: Mapping[str, Any], hosts: Iterable[str], forecasts: Sequence[HostForecasts] = ()
) -> dict[str, Any]:
    """Write the page of all clusters, and return it. Raises Problem if it cannot be written.

    `hosts` are all clusters of the inventory: the page names those that are not rendered. `forecasts` stand at its end.
    """
    reports = {cluster["host"]: cluster for cluster in arguments["clusters"]}
    missing = [host for host in hosts if host not in reports]
    page = "\n".join((markdown(reports, missing), *host_sections(forecasts)))
    written = _files.place(_files.named(arguments["path"]).expanduser(), page, check=False)
    return {"changed": written, "markdown": page, "not_rendered": missing}


def _carry_out(
    folder: ClusterFolder, texts: Mapping[str, str], gone: Collection[str], left: Iterable[ClusterFolder]
) -> None:
    """Write and remove. The marker lists more for a moment, so that a killed run leaves no file that nobody owns."""
    if folder.written != texts.keys():
        folder.mark(folder.written | texts.keys())
    for name, text in texts.items():
        _files.place(folder.path / name, text, check=False)
    folder.remove(gone)
    if folder.written != texts.keys():
        folder.mark(texts)
    for other in left:
        other.remove((*other.written, MARKER))


def _changes(
    folders: Iterable[ClusterFolder], files: Mapping[str, list[Object]], texts: Mapping[str, str]
) -> list[dict[str, str]]:
    """Return what changes in the meaning of the files; reads only those that differ."""
    written = {name: folder.path / name for folder in folders for name in folder.written}
    old: dict[str, list[Object]] = {}
    new: dict[str, list[Object]] = {}
    for name in {*written, *texts}:
        path = written.get(name)
        if name in texts and not _differs(path, texts[name]):
            continue
        if path and path.is_file():
            old[name] = _objects(path)
        if name in files:
            new[name] = files[name]
    return changes(old, new, _yaml.parsed)


def written_objects(root: Path, host: str) -> list[Object]:
    """Return the objects in the files of a cluster that an earlier run wrote, in whichever wave it was.

    Raises Problem for files that cannot be read.
    """
    objects: list[Object] = []
    for folder in _folders(root):
        if folder.host != host:
            continue
        _check_ways(folder, ())
        for path in sorted(folder.path / name for name in folder.written):
            if path.is_file():
                objects += _objects(path)
    return objects


def _objects(path: Path) -> list[Object]:
    """Return the objects of a file. Raises Problem if a person made it no YAML."""
    documents = _yaml.load_all(_files.read(path), str(path))
    data = [document.data for document in documents]
    return [content for content in data if isinstance(content, dict) and content.get("kind")]


def _text(objects: Iterable[Object]) -> str:
    return _HEAD + _yaml.dump(*_yaml.plain(list(objects)))


def _folder_name(name: str) -> str:
    """Return a name that is a folder's name. Raises Problem for another one."""
    if name in (".", "..") or "/" in name or "\0" in name or name.startswith("."):
        fix = "Use a name without a slash, which does not begin with a dot."
        raise Problem(f"the name {name!r} is no name of a folder", asked=ASKED, fix=fix)
    return name


def _check_inside(names: Iterable[str], marker: Path) -> None:
    """Raise Problem for names that lead out of the folder: who can write the marker would remove other files."""
    for name in names:
        path = PurePosixPath(name)
        leads_out = path.is_absolute() or ".." in path.parts
        if leads_out or not path.parts or not name.isprintable():
            wrong = f"it names {name!r}, which is not in the folder"
            raise Problem(wrong, asked=ASKED, where=str(marker), fix=_RESTORE)


def _check_ways(folder: ClusterFolder, names: Iterable[str]) -> None:
    """Raise Problem if the way to a file that is needed, or that an earlier run wrote, is none of plain folders."""
    for path in sorted({folder.path / name for name in (*names, *folder.written)}):
        _check_way(path, folder.root)


def _check_way(path: Path, root: Path) -> None:
    """Raise Problem for links below the root, which lead to files of others, and for a folder in place of a file."""
    _check_entry(path, Path.is_dir, "it is a folder, and should be a file")
    for folder in path.parents:
        if folder == root:
            break
        _check_entry(folder, Path.is_file, "it is a file, and should be a folder")


def _check_entry(path: Path, is_wrong: Callable[[Path], bool], wrong: str) -> None:
    """Raise Problem for a link, and for an entry of the wrong kind."""
    if _files.is_there(path, Path.is_symlink):
        raise Problem("it is a link", asked=ASKED, where=str(path), fix="Remove the link.")
    if _files.is_there(path, is_wrong):
        raise Problem(wrong, asked=ASKED, where=str(path), fix="Move or remove it.")


def _removed_if_empty(folder: Path) -> bool:
    """Remove a folder without files; return whether it did. Another cluster may remove or fill it at the same time."""
    try:
        folder.rmdir()
    except OSError:
        return False
    return True


def _check_strangers(folder: ClusterFolder, changed: Iterable[str]) -> None:
    """Raise Problem for files with names that are needed and that no earlier run wrote."""
    unknown = [folder.path / name for name in changed if name not in folder.written]
    strangers = [str(path) for path in unknown if _files.is_there(path, Path.exists)]
    if strangers:
        wrong = f"playbook render did not write {at_most(_SHOWN, strangers)}, and would replace it"
        raise Problem(wrong, asked=ASKED, fix="Move or remove it, or give another otel_gitops_path.")


def _differs(path: Path | None, text: str) -> bool:
    """Whether a file is missing, or has another text."""
    if path is None or not _files.is_there(path, Path.is_file):
        return True
    return _files.place(path, text, check=True)


def _check_no_secrets(files: Mapping[str, Iterable[Object]]) -> None:
    """Raise Problem for secrets in clear text, which must not get into Git."""
    places: list[str] = []
    for name, objects in files.items():
        places += [f"{name} ({_title(manifest)})" for manifest in objects if _has_secret(manifest)]
    if places:
        fix = "Name a Secret instead, such as with `env: {TOKEN: {secret: backend, key: token}}`."
        raise Problem(f"a secret would stand in clear text in {at_most(_SHOWN, places)}", asked=ASKED, fix=fix)


def _has_secret(manifest: Object) -> bool:
    """Whether an object has a secret in clear text. The data of a Secret are secret, unless it has none."""
    if manifest.get("kind") == "Secret":
        return redact(manifest, lambda _secret: MASK, _yaml.parsed) != manifest
    if manifest.get("kind") in _PUBLISHED:
        return False
    return next(secrets_in_objects([manifest], _yaml.parsed), None) is not None


def _title(manifest: Object) -> str:
    return " ".join(filter(None, ref(manifest))) if "metadata" in manifest else "values of a chart"


def _folders(root: Path) -> Iterator[ClusterFolder]:
    """Yield the folders of clusters below the root: with waves, one deeper."""
    for marker in sorted((*root.glob(f"*/{MARKER}"), *root.glob(f"*/*/{MARKER}"))):
        yield ClusterFolder.read(root, marker.parent)
