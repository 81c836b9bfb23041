# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A manifest is read where it is, compared with its sum, and parsed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._release import fetched_manifest

URL = "https://example.com/cert-manager.yaml"


def load(*origins: str, sha256: str = "") -> tuple[str, list[Any]]:
    where, content = fetched_manifest.fetch_manifest(list(origins), sha256, "", lambda _seconds: None)
    return where, fetched_manifest.parse_documents(content, "", where)


def test_a_file_is_read_with_all_its_documents(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("a: yes\n---\nb: 0x1\n---\n")
    assert load(str(tmp_path / "none"), str(file)) == (str(file), [{"a": "yes"}, {"b": 1}, None])


def test_an_address_is_read_with_all_its_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetched_manifest, "_download_manifest", lambda _url: b"a: 1\n---\nb: 2\n")
    assert load(URL) == (URL, [{"a": 1}, {"b": 2}])


def test_where_nothing_is_all_places_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(_url: str) -> bytes:
        raise HTTPError(URL, 404, "why", {}, None)  # type: ignore[arg-type]

    monkeypatch.setattr(fetched_manifest, "_download_manifest", download)
    words = rf"the manifest was not found; searched {tmp_path}/a, {URL}\. Fill a release mirror"
    with pytest.raises(Problem, match=words):
        load(f"{tmp_path}/a", URL)


def test_a_checksum_is_held(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("a: 1\n")
    right = hashlib.sha256(file.read_bytes()).hexdigest()
    assert load(str(file), sha256=f"sha256:{right.upper()}")[1] == [{"a": 1}]
    with pytest.raises(Problem, match=f"its SHA-256 is {right}, not 00"):
        load(str(file), sha256="00")


def test_a_connection_that_protects_nothing_needs_a_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetched_manifest, "_download_manifest", lambda _url: b"a: 1")
    with pytest.raises(Problem, match="the connection does not protect the manifest"):
        load("http://x/a.yaml")
    assert load("http://x/a.yaml", sha256=hashlib.sha256(b"a: 1").hexdigest())[1] == [{"a": 1}]
    fetched = fetched_manifest.fetch_manifest(["http://x/a.yaml"], "", "", may_be_unprotected=True)
    assert fetched.content == b"a: 1"


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"\n <!DOCTYPE html>", "a web page, not YAML"), (b"\x1f\x8b\xff", "not text"), (b"a: [", "not valid YAML")],
)
def test_what_is_no_manifest_is_said(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(content)
    with pytest.raises(Problem, match=said):
        load(str(tmp_path / "a.yaml"))
    with pytest.raises(Problem, match="cannot read it: Is a directory"):
        load(str(tmp_path))


@pytest.mark.parametrize("place", ["~no-such-user-here/a", "/a\0b"])
def test_a_path_that_no_file_can_be_is_refused(place: str) -> None:
    with pytest.raises(Problem, match=r"no user 'no-such-user-here'|holds a NUL"):
        fetched_manifest.fetch_manifest([place], "", "Read it")
