# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users and groups of this host, by names and numbers. Private.

The checks of accounts and the facts about files ask this. A name that the host does not have gets the number -1, and a
number without a name gets itself as a text: `user_id("root")` is 0, `user_id("nobody-here")` is -1.
"""

from __future__ import annotations

import grp
import pwd

# The number by which Linux means no account: the largest of 32 bits.
_NO_ID = 2**32 - 1


def parse_account_number(text: str) -> int:
    """Return the number of an account as systemd prints it; -1 if there is none."""
    return int(text) if text.isdigit() and int(text) < _NO_ID else -1


def group_id(name: str) -> int:
    """Return the number of a group by its name or number; -1 if there is none."""
    try:
        return int(name) if name.isdigit() else grp.getgrnam(name).gr_gid
    except KeyError:
        return -1


def user_id(name: str) -> int:
    """Return the number of a user by its name or number; -1 if there is none."""
    try:
        return int(name) if name.isdigit() else pwd.getpwnam(name).pw_uid
    except KeyError:
        return -1


def group_name(number: int) -> str:
    """Return the name of a group, or its number if it has none."""
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def user_name(number: int) -> str:
    """Return the name of a user, or its number if it has none."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def list_groups_of_user(user: str) -> list[str]:
    """Return the names of the groups of a user: its own, and those that list it."""
    try:
        own_group = [group_name(pwd.getpwnam(user).pw_gid)]
    except KeyError:
        own_group = []
    return own_group + [group.gr_name for group in grp.getgrall() if user in group.gr_mem]
