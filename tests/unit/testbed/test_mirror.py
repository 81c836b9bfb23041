# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The release mirror: what is made is whole, and what somebody else has put there is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.testbed import mirror
from tests.testbed.home import Home
from tests.testbed.mirror import Release


@pytest.fixture
def release(tmp_path: Path) -> Release:
    """A release that is not there yet."""
    return Release(tmp_path, "cert-manager", "1.21.2")


def _fill(folder: Path) -> None:
    (folder / "cert-manager.yaml").write_text("kind: Namespace\n")
    (folder / "images").mkdir()
    (folder / "images" / "one.tar").write_text("an archive")


def _fail(folder: Path) -> None:
    (folder / "half").touch()
    raise RuntimeError("no luck")


def test_the_mirror_is_where_the_user_wants_it(home: Home, tmp_path: Path) -> None:
    assert mirror.root(home, {}) == home.root / "mirror"
    assert mirror.root(home, {mirror.VARIABLE: ""}) == home.root / "mirror"
    assert mirror.root(home, {mirror.VARIABLE: str(tmp_path)}) == tmp_path
    assert mirror.root(home, {mirror.VARIABLE: "https://mirror.example/releases"}) == home.root / "mirror"


def test_a_release_has_its_place(release: Release, tmp_path: Path) -> None:
    assert release.manifest == tmp_path / "cert-manager" / "v1.21.2" / "cert-manager.yaml"


def test_a_release_is_made_once_for_each_key(release: Release) -> None:
    assert not release.is_made("one")
    release.make("one", _fill)
    assert release.is_made("one")
    assert not release.is_made("two")
    assert not release.foreign
    assert [path.name for path in release.images] == ["one.tar"]


def test_a_release_whose_images_are_gone_is_made_again(release: Release, tmp_path: Path) -> None:
    release.make("one", _fill)
    (release.folder / "images" / "two.tar").symlink_to(tmp_path / "removed.tar")
    assert not release.is_made("one")


def test_a_failure_leaves_the_release_as_it_was(release: Release) -> None:
    release.make("one", _fill)
    with pytest.raises(RuntimeError, match="no luck"):
        release.make("two", _fail)
    assert release.is_made("one")
    assert [path.name for path in release.folder.parent.iterdir()] == ["v1.21.2"]


def test_somebody_elses_release_is_good_for_any_key(release: Release) -> None:
    release.folder.mkdir(parents=True)
    release.manifest.touch()
    assert release.foreign
    assert release.is_made("any")
