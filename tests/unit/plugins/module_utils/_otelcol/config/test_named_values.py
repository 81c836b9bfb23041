# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A user's name for a value is the last key of its path, or stands beside the value."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.named_values import (
    attribute_name_at,
    header_name_at,
    may_be_login,
    names_kubernetes_secret,
)

from tests.support.cases import cases


@cases(
    "config, path, header",
    ({"headers": {"X-Id": "a"}}, ("headers", "X-Id"), "X-Id"),
    ({"response_headers": {"X-Id": "a"}}, ("response_headers", "X-Id"), "X-Id"),
    ({"headers": [{"name": "X-Id", "value": "a"}]}, ("headers", 0, "value"), "X-Id"),
    ({"headers": [{"key": "X-Id", "value": "a"}]}, ("headers", 0, "value"), "X-Id"),
    ({"required_header": {"key": "X-Id", "value": "a"}}, ("required_header", "value"), "X-Id"),
    ({"headers": {"value": "a"}}, ("headers", "value"), "value"),
    ({"headers": [{"value": "a"}]}, ("headers", 0, "value"), ""),
    ({"headers": [{"name": 1, "value": "a"}]}, ("headers", 0, "value"), ""),
    (None, ("headers", 0, "value"), ""),
    ({"actions": [{"key": "X-Id", "value": "a"}]}, ("actions", 0, "value"), ""),
    ({"headers": ["a"]}, ("headers", 0), ""),
    ({"headers": "a"}, ("headers",), ""),
    ({"value": "a"}, ("value",), ""),
    ("a", (), ""),
)
def test_a_header_is_named_by_its_key_or_beside_it(config: Any, path: Any, header: str) -> None:
    assert header_name_at(config, path) == header


@cases(
    "config, path, attribute",
    ({"actions": [{"key": "password", "value": "a"}]}, ("actions", 0, "value"), "password"),
    ({"key": 1, "value": "a"}, ("value",), ""),
    ({"name": "password", "value": "a"}, ("value",), ""),
    ({"key": "password"}, ("key",), ""),
    ("a", (), ""),
)
def test_an_attribute_is_named_beside_its_value(config: Any, path: Any, attribute: str) -> None:
    assert attribute_name_at(config, path) == attribute


@cases(
    "reference, is_name",
    ({"secret": "a", "key": "b"}, True),
    ({"secret": "a", "key": "b", "optional": True}, True),
    ({"secret": "a"}, False),
    ({"secret": "a", "key": "b", "other": "c"}, False),
)
def test_a_variable_names_a_secret_of_kubernetes(reference: dict[str, Any], is_name: bool) -> None:
    assert names_kubernetes_secret({"env": {"TOKEN": reference}}, ("env", "TOKEN", "secret")) is is_name
    assert not names_kubernetes_secret({"other": {"TOKEN": reference}}, ("other", "TOKEN", "secret"))
    assert not names_kubernetes_secret(reference, ("secret",))


@cases(
    "path, header, value, may_be",
    (("headers", "X-Id"), "X-Id", "abcdefgh1234", True),
    (("headers", "X-Id"), "X-Id", "abcdefgh123", False),
    (("headers", "X-Id"), "X-Id", "abcdefghijkl", False),
    (("headers", "X-Id"), "X-Id", "abcd efgh 1234", False),
    (("headers", "X-Scope-OrgID"), "X-Scope-OrgID", "abcdefgh1234", False),
    (("response_headers", "X-Id"), "X-Id", "abcdefgh1234", False),
    (("required_header", "value"), "X-Id", "abcdefgh1234", False),
)
def test_a_header_that_looks_random_may_be_a_login(path: Any, header: str, value: str, may_be: bool) -> None:
    assert may_be_login(path, header, value) is may_be
