# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import pytest
from ansible.module_utils.urls import SSLValidationError
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.releases.products import PRODUCTS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.releases.versions import Version
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._release import source

PRODUCT = PRODUCTS["cert-manager"]
VERSION = Version(1, 21, 2)
URL = "https://example.com/cert-manager.yaml"


def http(code: int) -> HTTPError:
    return HTTPError(URL, code, "why", {}, None)  # type: ignore[arg-type]


def answers(monkeypatch: pytest.MonkeyPatch, *given: bytes | Exception) -> Callable[[], int]:
    """Let downloads end so, one after the other; return how many there were."""
    asked: list[str] = []

    def download(url: str) -> bytes:
        asked.append(url)
        answer = given[len(asked) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(source, "_download", download)
    return lambda: len(asked)


def load(*origins: str, sha256: str = "") -> tuple[str, list[Any]]:
    return source.load(list(origins), sha256, "Read it", lambda _seconds: None)


def test_a_manifest_is_looked_for_where_it_may_be() -> None:
    found = source.origins
    assert found(PRODUCT, VERSION, "a.yaml", "/m") == ["a.yaml"]
    assert found(PRODUCT, VERSION, "", "/m/") == [
        "/m/cert-manager/v1.21.2/cert-manager.yaml",
        "/m/cert-manager/1.21.2/cert-manager.yaml",
    ]
    (url,) = found(PRODUCT, VERSION, "", "")
    assert url == "https://github.com/cert-manager/cert-manager/releases/download/v1.21.2/cert-manager.yaml"


def test_a_file_is_read_with_all_its_documents(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("a: yes\n---\nb: 0x1\n---\n")
    assert load(str(tmp_path / "none"), str(file)) == (str(file), [{"a": "yes"}, {"b": 1}, None])


def test_where_nothing_is_all_places_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, http(404))
    with pytest.raises(Problem, match=rf"no manifest; looked for {tmp_path}/a, {URL}\. Fill a release mirror"):
        load(f"{tmp_path}/a", URL)


def test_a_checksum_is_held(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("a: 1\n")
    right = hashlib.sha256(file.read_bytes()).hexdigest()
    assert load(str(file), sha256=f"sha256:{right.upper()}")[1] == [{"a": 1}]
    with pytest.raises(Problem, match=f"its SHA-256 is {right}, not 00"):
        load(str(file), sha256="00")


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"\n <!DOCTYPE html>", "a web page, not YAML"), (b"\x1f\x8b\xff", "no text"), (b"a: [", "no valid YAML")],
)
def test_what_is_no_manifest_is_said(content: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(content)
    with pytest.raises(Problem, match=said):
        load(str(file))


def test_a_folder_is_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="cannot read it: Is a directory"):
        load(str(tmp_path))


@pytest.mark.parametrize("passing", [http(503), URLError("timed out"), OSError("reset"), http(429)])
def test_what_passes_is_tried_again(passing: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    count = answers(monkeypatch, passing, passing, b"a: 1")
    assert load(URL)[1] == [{"a": 1}]
    assert count() == 3


@pytest.mark.parametrize(
    ("trouble", "tries", "said"),
    [
        (http(407), 1, "the server answers 407 why.*proxy"),
        (http(502), 3, "the server answers 502 why"),
        (URLError("no route"), 3, "no answer: no route.*release mirror"),
        (SSLValidationError("bad CA"), 1, "bad CA.*Add the CA"),
    ],
)
def test_what_stays_is_told(trouble: Exception, tries: int, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    count = answers(monkeypatch, *[trouble] * 3)
    with pytest.raises(Problem, match=said):
        load(URL)
    assert count() == tries
