# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs of Linux hosts: locked, mirrored and compared, from a release mirror in a folder; no host is reached."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents, _yaml

from tests.support.plays import run_playbook

VERSIONS, ARCHITECTURES = ("0.158.0", "0.157.0"), ("amd64", "arm64")
HOSTS = {"web1": {"ansible_host": "192.0.2.1", "ansible_connection": "ssh"}, "web2": {}}
AGENT = {"name": "agent", "recipes": ["otlp_ingest", "debug_output"]}
CLUSTER_SUM = "sha256:" + "0" * 64


def archive(version: str, architecture: str) -> str:
    return f"otelcol-contrib_{version}_linux_{architecture}.tar.gz"


def content(name: str) -> bytes:
    return f"archive {name}".encode()


def total(name: str) -> str:
    return hashlib.sha256(content(name)).hexdigest()


class Site:
    """An inventory folder with hosts, and a release mirror that has their archives."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.lock = folder / "inventory", folder / "inventory" / "otel.lock.yml"
        self.releases = folder / "releases"
        for version in VERSIONS:
            place = self.place(version)
            place.mkdir(parents=True)
            for architecture in ARCHITECTURES:
                (place / archive(version, architecture)).write_bytes(content(archive(version, architecture)))
        self.folder.mkdir()
        self.write()

    def place(self, version: str, root: Path | None = None) -> Path:
        """Return the folder of a version in a mirror."""
        return (root or self.releases) / "opentelemetry-collector-releases" / f"v{version}"

    def write(self, **variables: Any) -> None:
        """Write the inventory: `variables` are those of all hosts."""
        given = {"otel_host_collectors": [AGENT], "otel_host_version": VERSIONS[0], "otel_host_state": "rendered"}
        group = {"hosts": HOSTS, "vars": {**given, "otel_host_mirror": str(self.releases), **variables}}
        (self.folder / "hosts.yml").write_text(json.dumps({"all": {"children": {"otel_linux": group}}}))

    def run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a playbook of the collection."""
        return run_playbook(f"playbooks/{name}.yml", "-i", str(self.folder), *arguments)

    def locked(self) -> Any:
        """Return the content of the lock."""
        return _documents.read_yaml(self.lock)["all"]["vars"]["otel_lock"]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def changes(run: subprocess.CompletedProcess[str]) -> int:
    """Return how many tasks changed something. Fails for a run that failed."""
    assert run.returncode == 0, run.stdout + run.stderr
    return sum(int(number) for number in re.findall(r"changed=(\d+)", run.stdout))


def said(run: subprocess.CompletedProcess[str]) -> str:
    """Return what a failed run said, on one line."""
    assert run.returncode != 0, run.stdout
    return " ".join((run.stdout + run.stderr).split())


def test_the_lock_gets_the_sums_of_the_archives_and_keeps_all_else(site: Site) -> None:
    other = {"format": 1, "exclude": ["a*"], "images": {"example.com/a:1": {"sum": CLUSTER_SUM, "from": "x"}}}
    site.lock.write_text(_yaml.dump({"all": {"vars": {"otel_lock": other}}}))
    before = site.lock.read_text()
    shown = site.run("lock", "--check", "--diff")
    assert f"+          sum: sha256:{total(archive(VERSIONS[0], 'arm64'))}" in shown.stdout, shown.stdout + shown.stderr
    assert site.lock.read_text() == before
    assert changes(site.run("lock")) == 1
    locked = site.locked()
    assert {name: locked[name] for name in other} == other
    sums = {name: row["sum"] for name, row in locked["programs"].items()}
    names = [archive(VERSIONS[0], architecture) for architecture in ARCHITECTURES]
    assert sums == {name: f"sha256:{total(name)}" for name in names}
    assert changes(site.run("lock")) == 0


def test_architectures_and_programs_of_hosts_decide_what_is_locked(site: Site) -> None:
    assert changes(site.run("lock", "-e", '{"otel_mirror_architectures": ["arm64"]}')) == 1
    assert list(site.locked()["programs"]) == [archive(VERSIONS[0], "arm64")]
    site.write(otel_host_program={"path": "/usr/bin/otelcol-contrib"})
    site.lock.unlink()
    assert changes(site.run("lock")) == 0
    assert not site.lock.exists()


def test_another_version_or_another_archive_differs_from_the_lock(site: Site) -> None:
    site.run("lock")
    assert changes(site.run("site")) == 0
    site.write(otel_host_version=VERSIONS[1])
    for name in ("site", "mirror"):
        words = said(site.run(name))
        assert f"Use otelcol-contrib_{VERSIONS[1]}_linux_ARCHITECTURE.tar.gz: the lock does not have this" in words
        assert "Run `ansible-playbook o11y.opentelemetry.lock -i INVENTORY`" in words
    assert changes(site.run("lock")) == 1
    assert list(site.locked()["programs"]) == [archive(VERSIONS[1], architecture) for architecture in ARCHITECTURES]
    changed = site.place(VERSIONS[1]) / archive(VERSIONS[1], "amd64")
    changed.write_bytes(b"changed")
    found = hashlib.sha256(b"changed").hexdigest()
    words = said(site.run("mirror", "-e", f"otel_mirror_path={site.folder.parent / 'mirror'}"))
    assert f"the program has sha256:{found}, and sha256:{total(changed.name)} was asked" in words
    shown = site.run("lock", "--check", "--diff")
    assert f"+          sum: sha256:{found}" in shown.stdout


def test_an_archive_that_is_not_there_is_told(site: Site) -> None:
    (site.place(VERSIONS[0]) / archive(VERSIONS[0], "arm64")).unlink()
    words = said(site.run("lock"))
    assert f"Read {archive(VERSIONS[0], 'arm64')}" in words
    assert "No such file or directory" in words
    assert "otel_mirror_architectures" in words
    assert not site.lock.exists()


def test_the_mirror_gets_the_archives_and_hosts_install_from_it(site: Site) -> None:
    mirror = site.folder.parent / "mirror"
    outside = ("-e", f"otel_mirror_path={mirror}")
    assert changes(site.run("mirror", *outside, "--check")) == 1
    assert not mirror.exists()
    changes(site.run("mirror", *outside))
    place = site.place(VERSIONS[0], mirror)
    names = [archive(VERSIONS[0], architecture) for architecture in ARCHITECTURES]
    assert sorted(path.name for path in place.iterdir()) == names
    assert [(place / name).read_bytes() for name in names] == [content(name) for name in names]
    # Inside: from the mirror, with its lock.
    site.write(otel_host_mirror=str(mirror), otel_lock_file=str(mirror / "otel.lock.yml"))
    assert changes(site.run("mirror", *outside)) == 0
    assert changes(site.run("site")) == 0
    (place / names[0]).write_bytes(b"changed")
    assert f"{total(names[0])} was asked" in said(site.run("mirror", *outside))


def test_a_connection_that_protects_nothing_needs_a_sum(site: Site) -> None:
    site.write(otel_host_mirror="http://127.0.0.1:9")
    assert "the connection does not protect the archive" in said(site.run("lock"))
