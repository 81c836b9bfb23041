# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table at the top of secret_paths.py, and paths that are odd."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.secret_paths import (
    holds_user_passwords,
    is_masked_path,
    is_secret_setting,
    may_hold_secret,
    read_setting,
)

from tests.support.cases import cases

NOTHING = (False, False, False)
SUSPECT = (True, False, False)
MASKED = (True, True, False)
SECRET = (True, True, True)


@cases(
    "path, answers",
    (("auth", "token"), SECRET),
    (("auth", "tokens", 0), SECRET),
    (("api", "key"), SECRET),
    (("api", "keys", 0), SECRET),
    (("token", 0, 0), MASKED),
    (("token", None), MASKED),
    (("token", 1.5), MASKED),
    (("db", "dsn"), MASKED),
    (("htpasswd", "inline"), MASKED),
    (("db", "connection_string"), SUSPECT),
    (("headers", "X-Id"), SUSPECT),
    (("actions", 0, "value"), SUSPECT),
    (("tokens", 0, 0), SUSPECT),
    (("tokens", 1.5), SUSPECT),
    (("keys", "key"), SUSPECT),
    (("otlp", "timeout"), NOTHING),
    (("token", "read", 0), NOTHING),
    (("headers",), NOTHING),
    ((0,), NOTHING),
    ((), NOTHING),
)
def test_each_question_says_yes_less_often_than_the_one_before(path: Any, answers: tuple[bool, ...]) -> None:
    assert (may_hold_secret(path), is_masked_path(path), is_secret_setting(path)) == answers


def test_an_index_and_a_key_that_is_a_float_are_told_apart_in_any_order() -> None:
    paths: list[Any] = [("tokens", 1), ("tokens", 1.0), ("tokens", 1)]
    assert [is_secret_setting(path) for path in paths] == [True, False, True]


@cases("path, is_of_users", (("htpasswd", "inline"), True), (("inline",), False), (("htpasswd", "file"), False))
def test_users_have_their_passwords_inline(path: Any, is_of_users: bool) -> None:
    assert holds_user_passwords(path) is is_of_users


@cases(
    "path, setting",
    (("auth", "token"), ("auth", "token")),
    (("auth", "tokens", 0), ("auth", "token")),
    (("tokens", 0), ("", "token")),
    (("token",), ("", "token")),
    (("token", 0, 1), (0, 1)),
)
def test_an_item_of_a_list_has_the_name_of_the_list(path: Any, setting: tuple[Any, Any]) -> None:
    assert read_setting(path) == setting
