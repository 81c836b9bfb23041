# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.config.masking import masked, secrets_in
from hypothesis import given
from hypothesis import strategies as st

SECRETS: list[tuple[Any, set[str]]] = [
    ({"password": "hunter2"}, {"hunter2"}),
    ({"api": {"key": "abc"}}, {"abc"}),
    ({"headers": {"Authorization": "Bearer abc"}}, {"Bearer abc", "abc"}),
    ({"endpoint": "https://me:pw@host/x"}, {"pw"}),
    ({"dsn": "postgres://me:pw@host"}, {"postgres://me:pw@host", "pw"}),
    ({"list": [{"client_secret": "x"}]}, {"x"}),
    ({"token": 12345}, {"12345"}),
    ({"password": "${env:PASSWORD}"}, set()),
    ({"password": None}, set()),
    ({"password_file": "/etc/x", "token_url": "https://x"}, set()),
    ({"actions": [{"key": "team"}]}, set()),
    ("text", set()),
]


@pytest.mark.parametrize(("config", "secrets"), SECRETS)
def test_a_secret_is_known_by_its_key_or_its_place(config: Any, secrets: set[str]) -> None:
    assert secrets_in(config) == secrets


def test_longer_secrets_go_first_and_words_stay_whole() -> None:
    assert masked("abc abcd xabc abc.", {"abc", "abcd"}) == "******** ******** xabc ********."


@given(st.dictionaries(st.sampled_from(["password", "token", "x"]), st.text(min_size=1)), st.text())
def test_no_secret_is_left_as_a_word(config: dict[str, str], text: str) -> None:
    for secret in secrets_in(config):
        assert f" {secret} " not in masked(f"{text} {secret} {text}", {secret}).replace(" ******** ", "")
