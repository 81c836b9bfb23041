# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of clusters, pods and servers reaches a terminal without escape sequences, and URLs without secrets."""

from __future__ import annotations

from urllib.error import URLError

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem, printable
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._release import source

ESCAPE, BIDI, RETURN = "\x1b[2Jx", "a\u202eb", "a\rb"


@pytest.mark.parametrize("text", [ESCAPE, BIDI, RETURN, "\x9b1m", "\u2028", "\x00", "\u2066"])
def test_control_and_bidirectional_characters_are_escaped(text: str) -> None:
    for cleaned in (printable(text), str(Problem(text)), str(Problem("a", where=text)), str(Problem("a", fix=text))):
        assert cleaned.isprintable()


def test_other_text_stays() -> None:
    assert printable("päth → ok\n\tline") == "päth → ok\n\tline"


def test_an_error_has_no_user_and_no_query_of_a_url(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(url: str) -> bytes:
        raise URLError(f"cannot reach {url}")

    monkeypatch.setattr(source, "_download", lost)
    with pytest.raises(Problem) as caught:
        source.fetch(["https://me:hunter2@mirror.example/a.yaml?sig=hunter3"], "", "Load", lambda _seconds: None)
    assert "hunter" not in str(caught.value)
    assert "https://mirror.example/a.yaml" in str(caught.value)


@pytest.mark.parametrize("content", [b"<html>", b"\xff", b"a: ]"])
def test_an_error_of_a_manifest_has_no_user_and_no_query_of_its_url(content: bytes) -> None:
    with pytest.raises(Problem) as caught:
        source.documents(content, "Load", "https://me:hunter2@mirror.example/a.yaml?sig=hunter3")
    assert "hunter" not in str(caught.value)
