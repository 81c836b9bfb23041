# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from the machine: routes, mounts, cgroups, packages."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.testbed import cgroups, cleanup, netns, packages
from tests.testbed.errors import ClusterError
from tests.testbed.home import Home
from tests.testbed.image import ARCHITECTURES

ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
o11ytb0\t00001EAC\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""
MOUNTS = """\
21 1 8:1 / / rw - ext4 /dev/vda rw
22 21 0:5 / /state/it/node1 rw - tmpfs tmpfs rw
23 22 0:6 / /state/it/node1/a\\040b rw - tmpfs tmpfs rw
24 21 0:7 / /state/item rw - tmpfs tmpfs rw
"""


def test_routes_are_read_without_the_default(tmp_path: Path) -> None:
    (tmp_path / "route").write_text(ROUTES)
    assert netns.host_routes(tmp_path / "route") == ["172.30.0.0/255.255.255.0"]


def test_links_tell_whose_they_are(tmp_path: Path) -> None:
    ours, theirs = Path("/state/it"), Path("/state/other")
    for name, owner in (("o11ytb3", ours), ("o11ytb12", ours), ("o11ytb4", theirs)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ifalias").write_text(f"{netns._owner(owner)}\n")
    assert netns.slots_of(ours, tmp_path) == {3, 12}


def test_mounts_are_found_the_innermost_first(tmp_path: Path) -> None:
    (tmp_path / "mountinfo").write_text(MOUNTS)
    found = cleanup.mounts_below(Path("/state/it"), tmp_path / "mountinfo")
    assert found == [Path("/state/it/node1/a b"), Path("/state/it/node1")]


@pytest.fixture(params=["v1", "v2"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A cgroup file system of either version."""
    if request.param == "v2":
        (tmp_path / "cgroup.controllers").write_text("cpu memory")
        return tmp_path
    for name in ("cpu", "memory"):
        (tmp_path / name).mkdir()
    (tmp_path / "cpuacct").symlink_to("cpu")
    return tmp_path


def test_a_cgroup_comes_and_goes_in_every_hierarchy(root: Path) -> None:
    cgroups.create("o11ytb0n1", root)
    made = list(root.rglob("o11ytb0n1"))
    for folder in made:
        (folder / "kubepods" / "pod1").mkdir(parents=True)
        (folder / "kubepods" / "pod1" / "cgroup.procs").write_text("12\n34\n")
    assert made
    assert cgroups.processes("o11ytb0n*", root) == {12, 34}
    for folder in made:
        (folder / "kubepods" / "pod1" / "cgroup.procs").unlink()
    cgroups.delete("o11ytb0n*", root)
    assert not list(root.rglob("o11ytb0n1"))


def test_packages_that_cannot_be_installed_are_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "PACKAGES", {"no-such-program": "its-package", "/no/such/file": "other-package"})
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(ClusterError, match="its-package other-package"):
        packages.install(home, packages.PACKAGES)


def test_nothing_is_installed_where_nothing_is_missing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "PACKAGES", {"sh": "dash"})
    packages.install(home, packages.PACKAGES)
    assert not list(home.logs.iterdir())


def test_architectures_have_their_container_names() -> None:
    assert ARCHITECTURES == {"x86_64": "amd64", "aarch64": "arm64"}
