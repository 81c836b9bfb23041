# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A value has one kind of secret: that of a known shape, else that of its name, else that of a random text."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import value_at
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.secret_kinds import secret_kind_at

from tests.support.cases import cases
from tests.support.planted_secrets import WORD


def test_nothing_is_found_twice_in_one_value() -> None:
    assert secret_kind_at({}, ("endpoint",), f"https://me:{WORD}@host/?token={WORD}") == "a password in a URL"


@cases(
    "config, path, kind",
    ({"token": f"https://me:{WORD}@host"}, ("token",), "a password in a URL"),
    ({"token": "q7Xn2vK9LmW4pRz8TbYc3HdJ6sGf1aQe"}, ("token",), "`token`"),
    ({"note": "q7Xn2vK9LmW4pRz8TbYc3HdJ6sGf1aQe"}, ("note",), "a random text like a key"),
    ({"tokens": ["abcd"]}, ("tokens", 0), "`token`"),
    ({"headers": {"X-Api-Key": "abcd"}}, ("headers", "X-Api-Key"), "header x-api-key"),
    ({"headers": [{"name": "X-Api-Key", "value": "abcd"}]}, ("headers", 0, "value"), "header x-api-key"),
    ({"key": "password", "value": "abcd"}, ("value",), "attribute password"),
    ({"token": "${env:TOKEN:-abcd}"}, ("token",), "the default of `token`"),
    ({"token": "${env:TOKEN}"}, ("token",), ""),
    ({"token": "CHANGEME"}, ("token",), ""),
    ({"credentials": "/var/aws"}, ("credentials",), ""),
    ({"env": {"TOKEN": {"secret": "abcd", "key": "a"}}}, ("env", "TOKEN", "secret"), ""),
    ({"htpasswd": {"inline": "ann:abcd"}}, ("htpasswd", "inline"), "a password"),
    ({"htpasswd": {"inline": "ann:$2y$10$abcd"}}, ("htpasswd", "inline"), ""),
    ({"timeout": "5s"}, ("timeout",), ""),
)
def test_a_value_has_the_kind_of_its_shape_or_of_its_name(config: Any, path: tuple[Any, ...], kind: str) -> None:
    assert secret_kind_at(config, path, value_at(config, path)) == kind
