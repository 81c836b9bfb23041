# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The content keys of builds, and images into nodes: what is there is not done again."""

from __future__ import annotations

import os
import re
import shutil
import tarfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.testbed import command, config, image, launch
from tests.testbed.build import (
    CLUSTER_COMPONENTS,
    COMPONENTS,
    DEFAULT_KUBERNETES,
    KUBERNETES,
    KUBERNETES_VERSION,
    Builds,
    Component,
    build_key,
)
from tests.testbed.cluster import Cluster
from tests.testbed.errors import ClusterError
from tests.testbed.home import Home
from tests.testbed.image import Image
from tests.testbed.loading import Installed, archive_signature, find_stale, list_references, load_into_embedded
from tests.testbed.tasks import run_all

GO = "go1.26 amd64"
# The modules of what is built: two components may be two versions of one of them.
PRODUCTS = {"github.com/cert-manager/cert-manager"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the small component's folder, to change it."""
    shutil.copytree(config.GO_FOLDER / "pause", tmp_path / "go" / "pause")
    monkeypatch.setattr(config, "GO_FOLDER", tmp_path / "go")
    return tmp_path / "go" / "pause"


@pytest.mark.parametrize(
    ("go", "changes", "same"),
    [
        (GO, {}, True),
        (GO, {"nice": 5, "after": ("kubernetes",)}, True),
        (GO, {"ldflags": "-X main.version=2"}, False),
        (GO, {"packages": ("./other",)}, False),
        ("go1.27 amd64", {}, False),
    ],
)
def test_a_key_changes_with_what_changes_the_program(folder: Path, go: str, changes: Any, same: bool) -> None:
    pause = COMPONENTS["pause"]
    assert (build_key(replace(pause, **changes), go) == build_key(pause, GO)) is same


@pytest.mark.parametrize("name", ["go.mod", "main.go", "added.go"])
def test_a_key_changes_with_every_file(folder: Path, name: str) -> None:
    before = build_key(COMPONENTS["pause"], GO)
    with (folder / name).open("a") as file:
        file.write("// changed\n")
    assert build_key(COMPONENTS["pause"], GO) != before


def test_what_is_built_is_not_built_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    builds = Builds(home, GO)
    for name in COMPONENTS:
        builds.program_folder(name).mkdir()
    monkeypatch.setattr(command, "run", lambda *arguments, **_: pytest.fail(str(arguments)))
    assert builds.missing(COMPONENTS) == []
    run_all(builds.tasks(COMPONENTS))
    assert set(CLUSTER_COMPONENTS) < set(COMPONENTS)


def test_a_build_gets_its_name_only_when_it_is_whole(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = home.builds / f".pause-{0:016}"
    stale.mkdir()
    builds = Builds(home, GO)
    seen = []

    def go(argv: list[str], **options: object) -> str:
        if "build" in argv:
            draft = Path(argv[argv.index("-o") + 1])
            seen.append((builds.program_folder("pause").exists(), stale.exists()))
            draft.write_text("program")
        return ""

    monkeypatch.setattr(command, "run", go)
    run_all(builds.tasks(["pause"]))
    assert seen == [(False, False)]
    assert builds.program_path("pause", "pause").read_text() == "program"


def test_a_draft_of_another_component_stays(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two names, one may begin with the other."""
    other = home.builds / f".cert-manager-1.20-{0:016}"
    other.mkdir()
    monkeypatch.setattr(command, "run", lambda *_, **__: "")
    run_all(Builds(home, GO).tasks(["cert-manager"]))
    assert other.exists()


def module_file(component: Component) -> Path:
    """The go.mod of a component, or the file that it has instead."""
    chosen_names = [word.partition("=")[2] for word in component.select if word.startswith("-modfile=")]
    return component.folder / (chosen_names[0] if chosen_names else "go.mod")


@pytest.mark.parametrize("component", COMPONENTS.values(), ids=list(COMPONENTS))
def test_every_component_is_pinned(component: Component) -> None:
    pinned = module_file(component)
    assert pinned.is_file() and pinned.with_suffix(".sum").is_file()


def required_versions(component: Component) -> dict[str, str]:
    """The version of each module that a component's file of modules asks for."""
    return dict(re.findall(r"^(?:require )?\s*(\S+) (v\S+)", module_file(component).read_text(), re.MULTILINE))


def replaced_versions(component: Component) -> dict[str, str]:
    """The versions of the modules that the file replaces by another version."""
    pattern = r"^(?:replace )?\s*(\S+)(?: v\S+)? => \S+ (v\S+)"
    return dict(re.findall(pattern, module_file(component).read_text(), re.MULTILINE))


PAIRS = [(component, COMPONENTS[name]) for component in COMPONENTS.values() for name in component.after]


@pytest.mark.skipif(
    KUBERNETES[DEFAULT_KUBERNETES] != KUBERNETES_VERSION, reason="O11Y_KUBERNETES chooses other modules of Kubernetes"
)
@pytest.mark.parametrize(("later", "earlier"), PAIRS, ids=lambda component: component.name)
def test_what_is_built_later_has_the_same_versions_of_shared_modules(later: Component, earlier: Component) -> None:
    earlier_versions = required_versions(earlier) | replaced_versions(earlier)
    own_versions = required_versions(later)
    meant_to_differ = PRODUCTS | replaced_versions(later).keys()
    shared_modules = sorted(own_versions.keys() & earlier_versions.keys() - meant_to_differ)
    assert len(shared_modules) > 20
    other_modules = [name for name in shared_modules if own_versions[name] != earlier_versions[name]]
    wanted_versions = " ".join(f"{name}@{earlier_versions[name]}" for name in other_modules)
    assert not other_modules, f"Go compiles these twice. For {module_file(later)}: go get {wanted_versions}"


NAME = "localhost/testbed/it:1"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive of one image."""
    (tmp_path / "program").write_text("program")
    image.write_archive(Image(NAME, {"/bin/program": tmp_path / "program"}), tmp_path / "it.tar")
    return tmp_path / "it.tar"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was imported, and into which node; the nodes list what they have been given."""
    seen: list[str] = []
    nodes: dict[str, list[str]] = {}

    def run(argv: Sequence[str], **_: object) -> str:
        node, action = argv[0], argv[argv.index("images") + 1]
        if action == "import":
            seen.append(node)
            nodes.setdefault(node, []).append(NAME)
        return "\n".join(nodes.get(node, []))

    monkeypatch.setattr(command, "run", run)
    monkeypatch.setattr(launch, "node_prefix", lambda _, node: [node.name])
    return seen


def test_an_archive_tells_its_images(archive: Path, tmp_path: Path) -> None:
    assert list_references(archive) == [NAME]
    (tmp_path / "text.tar").write_text("text")
    with tarfile.open(tmp_path / "empty.tar", "w"):
        pass
    for name in ("text.tar", "empty.tar", "none.tar"):
        with pytest.raises(ClusterError, match=f"{name} cannot be read"):
            list_references(tmp_path / name)


def test_an_image_is_stale_where_it_is_gone_or_changed(archive: Path) -> None:
    loaded = {NAME: archive_signature(archive)}
    assert find_stale([archive], [NAME], loaded) == []
    assert find_stale([archive], [], loaded) == [archive]
    assert find_stale([archive], [NAME], {}) == [archive]
    os.utime(archive, (1, 1))
    assert find_stale([archive], [NAME], loaded) == [archive]


def test_every_node_gets_an_image_once(home: Home, archive: Path, calls: list[str]) -> None:
    cluster = Cluster(home, "it", 0, 2)
    installed = Installed()
    load_into_embedded(cluster, [archive], installed)
    load_into_embedded(cluster, [archive], installed)
    assert sorted(calls) == ["node1", "node2"]
    assert installed.images["node2"] == {NAME: archive_signature(archive)}


def test_what_is_written_down_is_read_back(home: Home) -> None:
    cluster = Cluster(home, "it")
    assert Installed.read(cluster) == Installed()
    written = Installed(["helm"], {"node1": {NAME: "it.tar 1 2"}})
    written.write(cluster)
    assert Installed.read(cluster) == written
    (cluster.dir / "installed.json").write_text("{")
    assert Installed.read(cluster) == Installed()
