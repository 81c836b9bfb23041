# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kind is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from tests.testbed import command, image, kind
from tests.testbed.cluster import Cluster, Record
from tests.testbed.home import Home
from tests.testbed.image import Image
from tests.testbed.loading import Installed


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that were run; kind writes the kubeconfig that it was told to."""
    seen: list[list[str]] = []

    def run(argv: Sequence[str], **_: object) -> str:
        seen.append(list(argv[:3]))
        if argv[:2] == ["kind", "create"]:
            (path,) = (word.partition("=")[2] for word in argv if word.startswith("--kubeconfig="))
            Path(path).write_text("made by kind")
        return "ok"

    monkeypatch.setattr(command, "run", run)
    return seen


def test_a_cluster_is_made_once(home: Home, calls: list[list[str]]) -> None:
    cluster = Cluster(home, "it", node_count=2)
    kind.up(cluster)
    kind.up(cluster)
    assert [call for call in calls if call[0] == "kind"] == [
        ["kind", "delete", "cluster"],
        ["kind", "create", "cluster"],
    ]
    assert cluster.read() == Record("kind", nodes=2, complete=True)
    assert cluster.kubeconfig.stat().st_mode & 0o777 == 0o600
    nodes = yaml.safe_load((cluster.dir / "kind.yaml").read_text())["nodes"]
    assert nodes == [{"role": "control-plane"}, {"role": "worker"}]


def test_down_leaves_no_folder(home: Home, calls: list[list[str]]) -> None:
    cluster = Cluster(home, "it")
    kind.up(cluster)
    kind.down(cluster)
    assert not cluster.dir.exists()
    assert calls[-1] == ["kind", "delete", "cluster"]


def test_an_archive_is_loaded_once(home: Home, calls: list[list[str]], tmp_path: Path) -> None:
    (tmp_path / "program").write_text("program")
    image.write(Image("localhost/testbed/it:1", {"/program": tmp_path / "program"}), tmp_path / "it.tar")
    installed = Installed()
    kind.load(Cluster(home, "it"), [tmp_path / "it.tar"], installed)
    kind.load(Cluster(home, "it"), [tmp_path / "it.tar"], installed)
    assert calls == [["kind", "load", "image-archive"]]
