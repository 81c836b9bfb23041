# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cert-manager, OLM and the release mirror as the testbed installs them."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.testbed import catalog, collector_release, command, images, mirror, olm
from tests.testbed.build import COMPONENTS, KUBERNETES_VERSION, Builds
from tests.testbed.catalog import Store
from tests.testbed.cert_manager import Edition
from tests.testbed.collector_release import CollectorRelease
from tests.testbed.errors import ClusterError
from tests.testbed.home import Home
from tests.testbed.mirror import Release

GO = "go1.26 amd64"
EDITIONS = {"new": Edition("cert-manager", "1.21.2"), "old": Edition("cert-manager-1.20", "1.20.3")}


@pytest.fixture
def builds(home: Home) -> Builds:
    """Programs that are built."""
    made = Builds(home, GO)
    for name in ("cert-manager", "cert-manager-1.20", "helm"):
        made.program_folder(name).mkdir()
    for name in ("cert-manager", "cert-manager-1.20"):
        made.program_path(name, "cert-manager").write_text(name)
    return made


@pytest.fixture(params=["Chart.yaml", "Chart.template.yaml"])
def calls(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that were run, on a module whose files are read-only."""
    chart = tmp_path / "module/deploy/charts/cert-manager"
    chart.mkdir(parents=True)
    (chart / request.param).write_text("version: v0.0.0\nappVersion: v0.0.0\n")
    (chart / request.param).chmod(0o444)
    chart.chmod(0o555)
    seen: list[list[str]] = []

    def run(argv: Sequence[str], **_: object) -> str:
        seen.append(list(argv))
        return f"{tmp_path}/module\n" if argv[0] == "go" else "kind: ConfigMap\n"

    monkeypatch.setattr(command, "run", run)
    monkeypatch.setattr(images, "CERTIFICATES", Path("/no/such/file"))
    return seen


@pytest.mark.parametrize("edition", EDITIONS.values(), ids=list(EDITIONS))
def test_three_images_differ_by_the_name_of_the_program_only(builds: Builds, edition: Edition) -> None:
    made = edition.build_images(builds)
    parts = ("controller", "webhook", "cainjector")
    references = {f"quay.io/jetstack/cert-manager-{part}:v{edition.version}" for part in parts}
    assert {image.reference for image in made.values()} == references
    assert len({repr((image.files, image.links)) for image in made.values()}) == 1
    for image in made.values():
        (entrypoint,) = image.entrypoint
        assert entrypoint in image.links
        assert image.user == "1000"  # the chart wants a number that is not root's


@pytest.mark.parametrize("edition", EDITIONS.values(), ids=list(EDITIONS))
def test_a_release_is_made_once(builds: Builds, calls: list[list[str]], tmp_path: Path, edition: Edition) -> None:
    edition.prepare(builds, tmp_path / "mirror")
    edition.prepare(builds, tmp_path / "mirror")
    find, render = calls
    release = edition.find_release(tmp_path / "mirror")
    assert set(COMPONENTS[edition.component].select) <= set(find)
    assert f"--kube-version={KUBERNETES_VERSION}" in render
    assert release.manifest.read_text().startswith("apiVersion: v1\nkind: Namespace\n")
    assert release.manifest.read_text().endswith("---\nkind: ConfigMap\n")
    text = (release.folder / "chart/cert-manager/Chart.yaml").read_text()
    assert text == f"version: v{edition.version}\nappVersion: v{edition.version}\n"
    assert len(release.images) == 3


def test_somebody_elses_release_stays(builds: Builds, calls: list[list[str]], tmp_path: Path) -> None:
    edition = EDITIONS["new"]
    release = edition.find_release(tmp_path / "mirror")
    release.folder.mkdir(parents=True)
    release.manifest.write_text("theirs")
    edition.prepare(builds, tmp_path / "mirror")
    assert release.manifest.read_text() == "theirs"
    assert calls == []


def test_the_module_is_of_the_version_that_is_said() -> None:
    folder = COMPONENTS["cert-manager"].folder
    for file, edition in (("go.mod", EDITIONS["new"]), ("v1.20.mod", EDITIONS["old"])):
        assert f"\tgithub.com/cert-manager/cert-manager v{edition.version}\n" in (folder / file).read_text()


@pytest.fixture(autouse=True)
def afresh() -> Iterator[None]:
    olm.list_definitions.cache_clear()
    yield
    olm.list_definitions.cache_clear()


def test_the_files_are_those_of_the_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "crds"
    folder.mkdir()
    for name in ("operators.coreos.com_subscriptions.yaml", "defs.go"):
        (folder / name).touch()
    monkeypatch.setattr(command, "run", lambda *_arguments, **_more: json.dumps({"Dir": str(tmp_path)}))
    monkeypatch.setattr(olm.shutil, "which", lambda _name: "/usr/bin/go")
    assert [file.name for file in olm.list_definitions()] == ["operators.coreos.com_subscriptions.yaml"]
    assert olm.find_obstacle() is None


@pytest.mark.parametrize(
    ("go", "why", "do"), [(None, "no Go on PATH", ""), ("/usr/bin/go", "no such host", "GOPROXY")], ids=["go", "module"]
)
def test_without_go_or_its_module_it_cannot_be_had(
    monkeypatch: pytest.MonkeyPatch, go: str | None, why: str, do: str
) -> None:
    def fail(*_arguments: object, **_more: object) -> str:
        raise ClusterError("`go mod download` failed", "no such host", "do")

    monkeypatch.setattr(command, "run", fail)
    monkeypatch.setattr(olm.shutil, "which", lambda _name: go)
    reason = olm.find_obstacle()
    assert reason is not None
    assert why in reason.why
    assert do in reason.do


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
    ours = home.root / "mirror"
    for value, folder in (("", ours), (str(tmp_path), tmp_path), ("https://mirror.example/releases", ours)):
        assert mirror.find_mirror_folder(home, {mirror.MIRROR_VARIABLE: value}) == folder
    assert mirror.find_mirror_folder(home, {}) == ours


def test_a_release_is_made_once_for_each_key_and_again_when_its_images_are_gone(
    release: Release, tmp_path: Path
) -> None:
    assert release.manifest == tmp_path / "cert-manager" / "v1.21.2" / "cert-manager.yaml"
    assert not release.is_made("one")
    release.make("one", _fill)
    assert release.is_made("one")
    assert not release.is_made("two")
    assert not release.is_foreign
    assert [path.name for path in release.images] == ["one.tar"]
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
    assert release.is_foreign
    assert release.is_made("any")


@pytest.fixture
def built(home: Home) -> Builds:
    """A build cache with a collector of two bytes."""
    builds = Builds(home, "go1.26 amd64")
    program = builds.program_path(collector_release.COMPONENT, collector_release.PROGRAM)
    program.parent.mkdir(parents=True)
    program.write_bytes(b"it")
    return builds


def test_the_archive_for_hosts_is_named_and_summed_as_upstreams(built: Builds, tmp_path: Path) -> None:
    wanted = CollectorRelease("0.158.0")
    archive = wanted.archive_path(tmp_path)
    wanted.prepare(built, tmp_path)
    assert re.fullmatch(r"otelcol-contrib_0\.158\.0_linux_(amd64|arm64)\.tar\.gz", archive.name)
    assert archive.parent == tmp_path / "opentelemetry-collector-releases/v0.158.0"
    sums = archive.with_name("opentelemetry-collector-releases_otelcol-contrib_checksums.txt").read_text()
    assert sums == f"{hashlib.sha256(archive.read_bytes()).hexdigest()}  {archive.name}\n"
    with tarfile.open(archive) as tar:
        members = {member.name: member.mode for member in tar}
        program = tar.extractfile("otelcol-contrib")
        assert program is not None
        assert program.read() == b"it"
    assert members == {"README.md": 0o644, "otelcol-contrib": 0o755}


def test_the_archive_is_made_once_and_again_for_another_build(built: Builds, tmp_path: Path) -> None:
    wanted, other = CollectorRelease(), CollectorRelease("0.157.0")
    for release in (wanted, wanted, other):
        release.prepare(built, tmp_path)
    first = wanted.archive_path(tmp_path).stat().st_ino
    assert wanted.archive_path(tmp_path).read_bytes() == other.archive_path(tmp_path).read_bytes()
    wanted.prepare(built, tmp_path)
    assert wanted.archive_path(tmp_path).stat().st_ino == first
    newer = Builds(built.home, "go1.27 amd64")
    built.program_folder("otelcol").rename(newer.program_folder("otelcol"))
    wanted.prepare(newer, tmp_path)
    assert wanted.archive_path(tmp_path).stat().st_ino != first


def test_an_archive_of_upstreams_stays(built: Builds, tmp_path: Path) -> None:
    wanted = CollectorRelease()
    archive = wanted.archive_path(tmp_path)
    archive.parent.mkdir(parents=True)
    archive.write_text("upstream's")
    wanted.prepare(built, tmp_path)
    assert archive.read_text() == "upstream's"
    assert catalog.find_entry("collector-archive").list_components(Store(built, tmp_path)) == ()
    assert catalog.find_entry("collector-archive@v0.157.0").list_components(Store(built, tmp_path)) == ("otelcol",)
