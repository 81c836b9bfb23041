# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which program a host runs, and what must be known of it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host.host_program import read_host_program
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host.published_archives import ArchiveSource
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.lock_file import PROGRAMS, Lock
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

SUM = "0123456789abcdef" * 4
OTHER = "f" * 64
ARCHIVE = "otelcol-contrib_0.158.0_linux_amd64.tar.gz"
PLACE = f"opentelemetry-collector-releases/v0.158.0/{ARCHIVE}"
GITHUB = ArchiveSource()
LOCKED = ArchiveSource("/srv/mirror/", Lock("otel.lock.yml", {PROGRAMS: {ARCHIVE: {"sum": f"sha256:{SUM}"}}}))


def test_a_program_that_is_there_needs_no_archive() -> None:
    assert read_host_program({"path": "/usr/bin/otelcol"}, "adot", "v0.49.0", GITHUB).as_dict() == {
        "path": "/usr/bin/otelcol"
    }


def test_an_archive_comes_from_the_release_unless_the_user_says_else() -> None:
    given = {"amd64": {"sha256": SUM.upper()}, "arm64": {"sha256": SUM, "url": "https://mirror/a.tgz", "member": "x"}}
    found = read_host_program(given, "contrib", "0.158.0", GITHUB).as_dict()
    assert (found["distribution"], found["version"]) == ("contrib", "0.158.0")
    amd64, arm64 = (found["architectures"][name] for name in ("amd64", "arm64"))
    assert amd64["url"].endswith("/v0.158.0/otelcol-contrib_0.158.0_linux_amd64.tar.gz")
    assert (amd64["sha256"], amd64["member"]) == (SUM, "otelcol-contrib")
    assert arm64 == {"url": "https://mirror/a.tgz", "sha256": SUM, "member": "x"}


def test_an_archive_may_be_on_the_host() -> None:
    found = read_host_program({"amd64": {"sha256": SUM, "path": "/srv/a.tgz"}}, "core", "0.158.0", GITHUB).as_dict()
    assert found["architectures"] == {"amd64": {"path": "/srv/a.tgz", "sha256": SUM, "member": "otelcol"}}


def amd64(given: dict[str, Any], releases: ArchiveSource) -> dict[str, str]:
    found = read_host_program(given, "contrib", "0.158.0", releases).as_dict()["architectures"]
    assert set(found) == {"amd64"}
    return dict(found["amd64"])


def test_a_mirror_is_a_folder_of_the_controller_or_a_url_that_the_host_reaches() -> None:
    given = {"amd64": {"sha256": SUM}}
    assert amd64(given, ArchiveSource("/srv/mirror/"))["file"] == f"/srv/mirror/{PLACE}"
    assert amd64(given, ArchiveSource("file:///srv/mirror"))["file"] == f"/srv/mirror/{PLACE}"
    by_url = amd64(given, ArchiveSource("https://mirror.example.com/otel"))
    assert (by_url["url"], "file" in by_url) == (f"https://mirror.example.com/otel/{PLACE}", False)
    own = amd64({"amd64": {"sha256": SUM, "file": "own.tar.gz"}}, ArchiveSource("/srv/mirror"))
    assert own["file"] == "own.tar.gz"


def test_a_lock_has_the_sums_and_the_architectures() -> None:
    assert amd64({}, LOCKED) == {"file": f"/srv/mirror/{PLACE}", "sha256": SUM, "member": "otelcol-contrib"}
    assert amd64({"amd64": {"member": "bin/x"}}, LOCKED)["sha256"] == SUM


@pytest.mark.parametrize("package", ["deb", "rpm"])
def test_a_package_of_the_release_has_its_own_name_and_sum(package: str) -> None:
    place = PLACE.replace("tar.gz", package)
    rows = {ARCHIVE: {"sum": f"sha256:{OTHER}"}, place.rpartition("/")[2]: {"sum": f"sha256:{SUM}"}}
    locked = ArchiveSource("/srv/mirror", Lock("otel.lock.yml", {PROGRAMS: rows}))
    assert amd64({"package": package}, locked) == {
        "file": f"/srv/mirror/{place}", "sha256": SUM, "member": "otelcol-contrib"
    }  # fmt: skip
    with pytest.raises(Problem, match=f"Use otelcol-contrib_0.158.0_linux_ARCHITECTURE.{package}: the lock does not"):
        read_host_program({"package": package}, "contrib", "0.158.0", LOCKED)


def test_a_sum_that_is_not_that_of_the_lock_is_an_error() -> None:
    with pytest.raises(Problem, match="and the lock has"):
        amd64({"amd64": {"sha256": OTHER}}, LOCKED)
    own = {"amd64": {"sha256": OTHER, "url": "https://own/build.tar.gz"}}
    assert amd64(own, LOCKED)["sha256"] == OTHER


def test_a_run_that_finds_sums_gets_the_archives_of_its_architectures_without_one() -> None:
    # Option `unlocked: [arm64]` of module host_render.
    finding = ArchiveSource("/srv/mirror", architectures_to_sum=("arm64",))
    (found,) = read_host_program({}, "contrib", "0.158.0", finding).published_archives
    assert (found.name, found.sum) == (ARCHIVE.replace("amd64", "arm64"), "")
    assert (found.origin, found.published[:19]) == (f"/srv/mirror/{found.path}", "https://github.com/")
    (known,) = read_host_program({"amd64": {"sha256": SUM}}, "contrib", "0.158.0", finding).published_archives
    assert (known.path, known.sum) == (PLACE, f"sha256:{SUM}")
    own = {"amd64": {"sha256": SUM, "url": "https://own/build.tar.gz"}}
    assert read_host_program(own, "contrib", "0.158.0", finding).published_archives == ()


def test_a_lock_without_the_archive_is_an_error_also_for_a_run_that_finds_sums() -> None:
    # Option `unlocked: [amd64]` of module host_render.
    finding = ArchiveSource("", LOCKED.lock, architectures_to_sum=("amd64",))
    with pytest.raises(Problem, match=r"0\.159\.0_linux_ARCHITECTURE\.tar\.gz: the lock does not have this program"):
        read_host_program({}, "contrib", "0.159.0", finding)


@pytest.mark.parametrize(
    ("given", "distribution", "words"),
    [
        ({}, "contrib", "no sum of otelcol-contrib_0.158.0_linux_ARCHITECTURE.tar.gz is known"),
        ({"amd64": {"sha256": SUM}}, "adot", "has no archive for hosts"),
        ({"path": "bin/otelcol"}, "contrib", "Give the full path"),
        ({"path": "/a", "amd64": {"sha256": SUM}}, "contrib", "has a path and an archive"),
        ({"path": "/a", "package": "deb"}, "contrib", "has a path and an archive"),
        ({"amd64": {"sha256": "abc"}}, "contrib", "no SHA-256 of 64 hexadecimal digits"),
        ({"arm64": {"sha256": SUM, "url": "u", "path": "/p"}}, "contrib", "has `path` and `url`"),
    ],
)
def test_a_program_that_is_not_known_is_an_error(given: dict[str, Any], distribution: str, words: str) -> None:
    with pytest.raises(Problem) as found:
        read_host_program(given, distribution, "0.158.0", GITHUB)
    assert words in str(found.value)


@pytest.mark.parametrize(
    ("row", "mirror"),
    [
        ({"url": "http://[x/a.tgz"}, ""),
        ({"url": "https://me:hunter2@[x/a"}, ""),
        ({"url": "https://x:abc/a"}, ""),
        ({}, "https://[x"),
    ],
)
def test_a_url_that_is_no_address_is_told(row: dict[str, str], mirror: str) -> None:
    with pytest.raises(Problem, match=r"`program\.amd64` comes from .*, which is no address\. Correct") as told:
        read_host_program({"amd64": {"sha256": SUM, **row}}, "contrib", "0.158.0", ArchiveSource(mirror))
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize(
    ("row", "mirror"),
    [
        ({"url": "s3://bucket/a.tgz"}, ""),
        ({"url": "ftp:///a.tgz"}, ""),
        ({"url": "x/a.tgz"}, ""),
        ({"url": "https:///a.tgz"}, ""),
        ({}, "s3://bucket/mirror"),
    ],
)
def test_a_url_that_a_host_cannot_download_from_is_told(row: dict[str, str], mirror: str) -> None:
    with pytest.raises(
        Problem, match=r"`program\.amd64` comes from .*, which is no address that a host downloads from\."
    ) as told:
        read_host_program({"amd64": {"sha256": SUM, **row}}, "contrib", "0.158.0", ArchiveSource(mirror))
    assert "Give an address of https, http or ftp in `url`, or as the mirror" in str(told.value)


@pytest.mark.parametrize(
    "url", ["HTTPS://x/a.tgz", "http://[2001:db8::1]:8080/a.tgz", "ftp://x/a.tgz", "file:///srv/a.tgz"]
)
def test_a_host_downloads_by_http_and_ftp(url: str) -> None:
    found = read_host_program({"amd64": {"sha256": SUM, "url": url}}, "contrib", "0.158.0", GITHUB)
    assert found.archive_by_architecture["amd64"]["url"] == url
