# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets become files of the service, and the config reads them there."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.variable_sources import (
    render_variable_source,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host.host_credentials import (
    Credential,
    read_host_environment,
    replace_with_files,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

FILE = "${file:${env:CREDENTIALS_DIRECTORY}/TOKEN}"
TOKEN = (Credential("TOKEN", content="t"),)


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("hidden\n", {"name": "TOKEN", "content": "hidden"}),
        ("hidden\r\n", {"name": "TOKEN", "content": "hidden"}),
        ({"content": "hidden"}, {"name": "TOKEN", "content": "hidden"}),
        ({"path": "/etc/token"}, {"name": "TOKEN", "path": "/etc/token"}),
        ({"file": "token.txt"}, {"name": "TOKEN", "content": "of token.txt"}),
    ],
)
def test_a_credential_has_its_text_or_a_file(source: Any, wanted: dict[str, str]) -> None:
    environment = read_host_environment({"TOKEN": {"credential": source}, "PLAIN": "text"}, lambda file: f"of {file}\n")
    assert [one.as_dict() for one in environment.credentials] == [wanted]
    assert environment.variables == {"PLAIN": "text"}


@pytest.mark.parametrize(("value", "wanted"), [(True, "true"), (None, ""), (8080, "8080"), ("True", "True")])
def test_a_value_is_the_same_text_on_a_host_as_in_a_pod(value: Any, wanted: str) -> None:
    assert read_host_environment({"X": value}, str).variables == {"X": wanted}
    assert render_variable_source("X", value) == {"value": wanted}


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"X": {"secret": "a", "key": "b"}}, "has key, secret, and a host has credentials"),
        ({"X": {"credential": {"contents": "a"}}}, "did you mean 'content'?"),
        ({"X": {"credential": {}}}, "has no secret, or two"),
        ({"X": {"credential": {"content": "a", "path": "/b"}}}, "has no secret, or two"),
        ({"X": {"credential": {"file": "a", "path": "/b"}}}, "has no secret, or two"),
        ({"X": {"credential": {"path": "b"}}}, "is no full path"),
        ({"X": {"credential": {"content": {"token": "hidden"}}}}, "`env.X.credential.content` must be text"),
        ({"X": {"credential": {"content": ["hidden"]}}}, "`env.X.credential.content` must be text"),
        ({"X": {"credential": {"file": {"name": "hidden"}}}}, "`env.X.credential.file` must be text"),
        ({"X": {"credential": "\n"}}, "`env.X.credential` has no secret"),
        ({"X": {"credential": {"content": "\r\n"}}}, "`env.X.credential` has no secret"),
        ({"X": {"credential": {"file": "\n"}}}, "`env.X.credential` has no secret"),
        ({"X.Y": {"credential": "a"}}, "is no name of a credential"),
        ({"X": "a\nb"}, "has a line end"),
    ],
)
def test_a_source_that_hosts_do_not_have_is_an_error(env: dict[str, Any], words: str) -> None:
    with pytest.raises(Problem) as found:
        read_host_environment(env, str)
    assert words in str(found.value)
    assert "hidden" not in str(found.value)


def test_the_config_reads_credentials_from_their_files_and_leaves_the_rest() -> None:
    config = {"a": ["Bearer ${env:TOKEN}", "${TOKEN:-none}"], "b": {"c": "${env:OTHER}", "d": "$${env:TOKEN}", "e": 1}}
    assert replace_with_files(config, TOKEN) == {
        "a": [f"Bearer {FILE}", FILE],
        "b": {"c": "${env:OTHER}", "d": "$${env:TOKEN}", "e": 1},
    }


def test_a_credential_that_nothing_reads_is_an_error() -> None:
    with pytest.raises(Problem, match="the config does not read"):
        replace_with_files({"a": "${env:OTHER}"}, TOKEN)
