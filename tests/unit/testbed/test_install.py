# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be asked for, and what happens where a part of it cannot be had."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.testbed import config, install
from tests.testbed.build import COLLECTOR_VERSION, COMPONENTS, Builds
from tests.testbed.catalog import CATALOG, OPERATOR, Entry, Store, find_entry
from tests.testbed.cluster import Cluster
from tests.testbed.errors import ClusterError, Reason, UnavailableError
from tests.testbed.home import Home
from tests.testbed.loading import Installed
from tests.testbed.providers import PROVIDERS
from tests.testbed.tasks import Task

GO = "go1.26 amd64"


@pytest.fixture
def store(home: Home) -> Store:
    """A store in which nothing is built."""
    return Store(Builds(home, GO), home.root / "mirror")


@pytest.fixture
def possible(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Path]:
    """Three things to ask for, of which the last cannot be had; what was loaded."""
    monkeypatch.setattr(install, "go_version", lambda: GO)
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/go")
    monkeypatch.setattr(Builds, "missing", lambda *_: [])
    monkeypatch.setattr(Builds, "tasks", lambda _, names: [Task(f"build {name}", lambda: None) for name in names])
    entries = (
        Entry("program", lambda _: ("helm",), programs={"helm": "helm"}),
        Entry("image", list_archives=lambda _: [tmp_path / "image.tar"]),
        Entry("server", start=lambda cluster, mirror: (cluster.home.root / "started").write_text(mirror.name)),
        Entry("nothing", find_obstacle=lambda _: Reason("it is not there", "get it")),
    )
    monkeypatch.setattr(install, "find_entry", {entry.name: entry for entry in entries}.__getitem__)
    return []


def _cluster(home: Home, loaded: list[Path], provider: str = "embedded", *names: str) -> Cluster:
    """A cluster with these things; it is remembered what was loaded."""

    def load(_: Cluster, archives: Sequence[Path], __: Installed) -> None:
        loaded.extend(archives)

    cluster = Cluster(home, "it")
    chosen = PROVIDERS[provider]
    install.install_entries(cluster, replace(chosen, load=load if chosen.load else None), names, {})
    return cluster


def test_all_that_was_asked_for_is_there(home: Home, possible: list[Path], tmp_path: Path) -> None:
    cluster = _cluster(home, possible, "embedded", "program", "image", "image")
    cluster = _cluster(home, possible, "embedded", "program")
    assert possible == [tmp_path / "image.tar"]
    assert (cluster.dir / "bin/helm").readlink() == Builds(home, GO).program_path("helm", "helm")
    assert Installed.read(cluster).names == ["image", "program"]


def test_what_can_be_had_is_done_before_the_rest_is_told(
    home: Home, possible: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnavailableError, match=r"not installed: nothing[\s\S]*nothing: it is not there") as caught:
        _cluster(home, possible, "embedded", "nothing", "image")
    assert caught.value.exit_code == 3
    assert "nothing: get it" in str(caught.value)
    assert len(possible) == 1
    assert Installed.read(Cluster(home, "it")).names == ["image"]
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(UnavailableError, match=r"not installed: program[\s\S]*there is no Go"):
        _cluster(home, possible, "embedded", "program", "image")


def test_nothing_is_loaded_into_somebody_elses_cluster(home: Home, possible: list[Path]) -> None:
    with pytest.raises(UnavailableError, match="not installed: image"):
        _cluster(home, possible, "external", "program", "image")
    assert Installed.read(Cluster(home, "it")).names == ["program"]


CLUSTER_WIDE = re.compile(r"CustomResourceDefinition|\bcrds?\b|cert_manager_provider|otel_operator_provider")


def test_scenarios_that_change_definitions_need_what_no_cluster_of_a_user_gets(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/go")
    needed: dict[str, set[str]] = {}
    for scenario in (path for path in (config.TESTBED_FOLDER.parents[1] / "molecule").iterdir() if path.is_dir()):
        texts = [path.read_text(encoding="utf-8") for path in scenario.rglob("*.[py]*") if path.suffix != ".pyc"]
        if any(CLUSTER_WIDE.search(text) for text in texts):
            listed = scenario / "requires.txt"
            needed[scenario.name] = set(listed.read_text().split()) if listed.exists() else set()
    assert len(needed) > 5
    for scenario_name, names in needed.items():
        wide = [name for name in names if find_entry(name).is_cluster_wide]
        assert wide, scenario_name
        assert install.list_fitting(wide, PROVIDERS["external"]) == []
        with pytest.raises(UnavailableError, match="CustomResourceDefinitions that all users of your cluster share"):
            install.install_entries(Cluster(home, "it"), PROVIDERS["external"], wide, {})


def test_a_server_runs_beside_the_nodes_of_an_embedded_cluster_only(home: Home, possible: list[Path]) -> None:
    cluster = _cluster(home, possible, "embedded", "image", "server")
    assert (home.root / "started").read_text() == "mirror"
    assert Installed.read(cluster).names == ["image", "server"]
    with pytest.raises(UnavailableError, match="it runs beside the nodes of an embedded cluster"):
        _cluster(home, possible, "kind", "server")


def follows(name: str, earlier_name: str) -> bool:
    """Whether a component is built after another one for its modules."""
    return earlier_name.removeprefix("build ") in COMPONENTS[name.removeprefix("build ")].after


def test_at_most_two_builds_run_at_once_and_what_is_built_is_not_waited_for(store: Store) -> None:
    def waits() -> dict[str, list[str]]:
        tasks = {task.name: task for task in install.list_tasks(list(CATALOG.values()), store)}
        assert {need for task in tasks.values() for need in task.needed_tasks} <= set(tasks)
        builds = [name for name in tasks if name.startswith("build ")]
        return {name: [need for need in tasks[name].needed_tasks if need.startswith("build ")] for name in builds}

    found = waits()
    names = list(found)
    assert len(names) > 2
    # So there are two chains of builds, and each has one that runs.
    for earlier_name, name in zip(names, names[install.PARALLEL_BUILDS :], strict=False):
        assert earlier_name in found[name]
    for name in COMPONENTS:
        store.builds.program_folder(name).mkdir()
    # A build that has nothing to do ends at once, so its followers may name it.
    assert [need for name, needs in waits().items() for need in needs if not follows(name, need)] == []


def test_every_name_is_explained_and_built_of_known_components(store: Store) -> None:
    text = (config.TESTBED_FOLDER / "README.md").read_text()
    for name, entry in CATALOG.items():
        assert f"| `{name}`" in text
        assert set(entry.list_components(store)) <= set(COMPONENTS)
        assert set(entry.programs.values()) <= set(entry.list_components(store))


def test_a_name_that_is_not_known_is_said() -> None:
    with pytest.raises(ClusterError, match="helmet cannot be installed") as caught:
        find_entry("helmet")
    assert "helm " in caught.value.do


@pytest.mark.parametrize("text", [OPERATOR, f"{OPERATOR}@0.152.0", f"{OPERATOR}@v0.152.0"])
def test_the_operator_comes_from_the_mirror_only(store: Store, text: str) -> None:
    version = "0.152.0" if "@" in text else COLLECTOR_VERSION
    entry = find_entry(text)
    folder = store.mirror / OPERATOR / f"v{version}"
    assert entry.name == f"{OPERATOR}@{version}"
    assert entry.list_components(store) == ()
    assert _why(entry, store) == f"{folder} has no {OPERATOR}.yaml"
    (folder / "images").mkdir(parents=True)
    (folder / f"{OPERATOR}.yaml").touch()
    assert _why(entry, store) == f"{folder} has no images/*.tar"
    (folder / "images" / "manager.tar").touch()
    assert _why(entry, store) is None
    assert entry.list_archives(store) == [folder / "images" / "manager.tar"]


def _why(entry: Entry, store: Store) -> str | None:
    reason = entry.find_obstacle(store)
    return reason.why if reason else None


def test_cert_manager_that_somebody_put_into_the_mirror_is_not_built(store: Store) -> None:
    folder = store.mirror / "cert-manager" / "v1.21.2"
    assert find_entry("cert-manager").list_components(store) == ("cert-manager", "helm")
    (folder / "images").mkdir(parents=True)
    (folder / "cert-manager.yaml").touch()
    (folder / "images" / "controller.tar").touch()
    assert find_entry("cert-manager").list_components(store) == ()
    assert find_entry("cert-manager").list_archives(store) == [folder / "images" / "controller.tar"]
    assert find_entry("cert-manager-1.20").list_components(store) == ("cert-manager-1.20", "helm")
