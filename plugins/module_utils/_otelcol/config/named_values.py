# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of a config that have the name of a header, an attribute or a variable, which a user chose. Private.

The path of such a value says little about it. Its name is the last key, or stands beside the value:

| config | path | name |
|---|---|---|
| `{headers: {X-Api-Key: abc}}` | `("headers", "X-Api-Key")` | header `X-Api-Key` |
| `{headers: [{name: X-Api-Key, value: abc}]}` | `("headers", 0, "value")` | header `X-Api-Key` |
| `{required_header: {key: X-Api-Key, value: abc}}` | `("required_header", "value")` | header `X-Api-Key` |
| `{actions: [{key: password, value: abc}]}` | `("actions", 0, "value")` | attribute `password` |

secret_names.py judges these names.
"""

from __future__ import annotations

import re
from typing import Any

from .paths import Path, key_from_end, value_at
from .secret_names import is_harmless_header, is_setting_of_headers

# A value that may be a login: at least 12 characters without blanks, with a digit and a letter.
_RANDOM_TEXT = re.compile(r"(?=.*\d)(?=.*[A-Za-z])\S{12,}\Z")
# The keys of a Secret's value in `env`.
_SECRET_REFERENCE_KEYS = frozenset({"secret", "key", "optional"})


def header_name_at(config: Any, path: Path) -> str:
    """Return the name of the header whose value is at a path; empty if there is none.

    A name beside the value needs the config; with None as config, such a value has no name.
    """
    if not path:
        return ""
    key, parent = path[-1], key_from_end(path, 2)
    if isinstance(key, str) and is_setting_of_headers(parent):
        return key
    if key != "value":
        return ""
    is_in_list_of_headers = is_setting_of_headers(key_from_end(path, 3))
    if not is_in_list_of_headers and not str(parent).endswith("_header"):
        return ""
    header = value_at(config, (*path[:-1], "key")) or value_at(config, (*path[:-1], "name"))
    return header if isinstance(header, str) else ""


def may_be_login(path: Path, header: str, value: str) -> bool:
    """Whether a header may be a login though secret_names.py does not know it: its value looks random.

    Headers of responses are none, since no client sends them. `path` is the path of the value, `header` the name.
    """
    if not _RANDOM_TEXT.match(value) or is_harmless_header(header):
        return False
    is_response_header = any(str(key).endswith(("_header", "response_headers")) for key in path)
    return not is_response_header


def attribute_name_at(config: Any, path: Path) -> str:
    """Return the name of the attribute whose value is at a path, as in `{key: NAME, value: VALUE}`; empty if none."""
    if path[-1:] != ("value",):
        return ""
    name = value_at(config, (*path[:-1], "key"))
    return name if isinstance(name, str) else ""


def names_kubernetes_secret(config: Any, path: Path) -> bool:
    """Whether the value at a path is the name of a Kubernetes Secret, which a variable has its value from.

    `NAME` is one in `env: {TOKEN: {secret: NAME, key: KEY}}`.
    """
    if path[-1:] != ("secret",) or not str(key_from_end(path, 3)).endswith("env"):
        return False
    reference = value_at(config, path[:-1])
    return isinstance(reference, dict) and "key" in reference and reference.keys() <= _SECRET_REFERENCE_KEYS
