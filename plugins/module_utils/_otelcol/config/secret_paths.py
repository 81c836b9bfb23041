# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which paths of a config lead to a secret, by the names of the keys on them. Private.

There are three questions. Each of them says yes less often than the one before:

| function | question | asked by |
|---|---|---|
| `may_hold_secret` | Do the last two keys allow a secret? | suspects.py, so that most values need no other question |
| `is_masked_path` | Do masks hide the whole value? | masks: config_secrets.py, named_secrets.py |
| `is_secret_setting` | Does the setting hold a secret? | rules: secrets_in_clear.py, named_secrets.py |

| path | may hold one | masked | secret setting | because |
|---|---|---|---|---|
| `("auth", "token")` | yes | yes | yes | the setting has the name of a secret |
| `("auth", "tokens", 0)` | yes | yes | yes | an item of `tokens` is a `token` |
| `("api", "key")` | yes | yes | yes | `key` is a secret below `api` |
| `("token", 0, 0)` | yes | yes | no | an item of a list in a list has no name of its own |
| `("db", "dsn")` | yes | yes | no | a data source may be without a password |
| `("htpasswd", "inline")` | yes | yes | no | some lines of users have no clear password |
| `("headers", "X-Id")` | yes | no | no | the header decides, see named_values.py |
| `("actions", 0, "value")` | yes | no | no | a name beside the value decides, see named_values.py |
| `("otlp", "timeout")` | no | no | no | no name of a secret |
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from .paths import Path, key_from_end
from .secret_names import is_secret_name, is_setting_of_headers, is_setting_of_pairs

# Keys whose value may be a secret by the keys before them, such as `("api", "key")`, or by a name beside the value.
_UNDECIDED_KEYS = ("value", "key", "keys", "inline")


class SettingAtPath(NamedTuple):
    """The setting that has the value at a path, and the key before the setting; see `read_setting`."""

    parent: str | int
    """An empty text if there is no key before."""
    name: str | int
    """An index for an item of a list in a list."""


_KEY_OF_API = SettingAtPath("api", "key")


def may_hold_secret(path: Path) -> bool:
    """Whether the last two keys of a path allow a secret. If not, masks and the rule on clear text look no further."""
    return _may_hold_secret_cached(path[-2:])


@lru_cache(maxsize=4096)
def _may_hold_secret_cached(path_end: Path) -> bool:
    """Answer `may_hold_secret` for the last two keys of a path."""
    if not path_end:
        return False
    key, key_before = path_end[-1], key_from_end(path_end, 2)
    if isinstance(key, str):
        return is_setting_of_headers(key_before) or _may_be_name_of_secret(key)
    # An item of a list has the name of the list. The name of a list in a list is further up.
    return not isinstance(key_before, str) or _may_be_name_of_secret(key_before)


def _may_be_name_of_secret(name: str) -> bool:
    """Whether a setting or a list of this name may hold a secret: `token`, `tokens` and `value` may."""
    return name in _UNDECIDED_KEYS or is_secret_name(name) or is_secret_name(name.removesuffix("s"))


def is_masked_path(path: Path) -> bool:
    """Whether masks hide the whole value at a path: a secret setting, a data source, or users with passwords."""
    if not may_hold_secret(path):
        return False
    if holds_user_passwords(path) or is_secret_setting(path):
        return True
    names = tuple(key for key in path if isinstance(key, str))
    return is_secret_setting(names) or names[-1:] == ("dsn",)


def holds_user_passwords(path: Path) -> bool:
    """Whether the path is that of users with their passwords: `htpasswd.inline`, in lines `USER:PASSWORD`."""
    return path[-2:] == ("htpasswd", "inline")


def is_secret_setting(path: Path) -> bool:
    """Whether the setting at a path holds a secret by its name. A data source does not count."""
    # YAML has keys of other types too, and a cache takes the key 1.0 for the index 1.
    if not path or not isinstance(path[-1], (str, int)):
        return False
    return _is_secret_setting_cached(path[-3:])


@lru_cache(maxsize=4096)
def _is_secret_setting_cached(path_end: Path) -> bool:
    """Answer `is_secret_setting` for the last three keys of a path."""
    setting = read_setting(path_end)
    if not isinstance(setting.name, str):
        return False
    if setting == _KEY_OF_API:
        return True
    return is_secret_name(setting.name) and not is_setting_of_pairs(setting.name)


def read_setting(path: Path) -> SettingAtPath:
    """Return the setting that has the value at a path; the path is not empty.

    | path | parent | name |
    |---|---|---|
    | `("auth", "token")` | `auth` | `token` |
    | `("auth", "tokens", 0)` | `auth` | `token` |
    | `("token",)` | empty | `token` |
    """
    key, key_before = path[-1], key_from_end(path, 2)
    if isinstance(key, int) and isinstance(key_before, str):
        return SettingAtPath(key_from_end(path, 3), key_before.removesuffix("s"))
    return SettingAtPath(key_before, key)
