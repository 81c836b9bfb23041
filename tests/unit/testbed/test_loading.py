# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images into nodes: what is there already, and what is written down."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.testbed import command, image, launch
from tests.testbed.cluster import Cluster
from tests.testbed.errors import ClusterError
from tests.testbed.home import Home
from tests.testbed.image import Image
from tests.testbed.loading import Installed, into_embedded, references, signature, stale

NAME = "localhost/testbed/it:1"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive of one image."""
    (tmp_path / "program").write_text("program")
    image.write(Image(NAME, {"/bin/program": tmp_path / "program"}), tmp_path / "it.tar")
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
    monkeypatch.setattr(launch, "into_node", lambda _, node: [node.name])
    return seen


def test_an_archive_tells_its_images(archive: Path) -> None:
    assert references(archive) == [NAME]


def test_what_is_no_archive_is_said(tmp_path: Path) -> None:
    (tmp_path / "text.tar").write_text("text")
    with tarfile.open(tmp_path / "empty.tar", "w"):
        pass
    for name in ("text.tar", "empty.tar", "none.tar"):
        with pytest.raises(ClusterError, match=f"{name} cannot be read"):
            references(tmp_path / name)


def test_an_image_is_stale_where_it_is_gone_or_changed(archive: Path) -> None:
    loaded = {NAME: signature(archive)}
    assert stale([archive], [NAME], loaded) == []
    assert stale([archive], [], loaded) == [archive]
    assert stale([archive], [NAME], {}) == [archive]
    os.utime(archive, (1, 1))
    assert stale([archive], [NAME], loaded) == [archive]


def test_every_node_gets_an_image_once(home: Home, archive: Path, calls: list[str]) -> None:
    cluster = Cluster(home, "it", 0, 2)
    installed = Installed()
    into_embedded(cluster, [archive], installed)
    into_embedded(cluster, [archive], installed)
    assert sorted(calls) == ["node1", "node2"]
    assert installed.images["node2"] == {NAME: signature(archive)}


def test_what_is_written_down_is_read_back(home: Home) -> None:
    cluster = Cluster(home, "it")
    assert Installed.read(cluster) == Installed()
    written = Installed(["helm"], {"node1": {NAME: "it.tar 1 2"}})
    written.write(cluster)
    assert Installed.read(cluster) == written
    (cluster.dir / "installed.json").write_text("{")
    assert Installed.read(cluster) == Installed()
