# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that a host has the user and the groups of a unit, and that they are not root by another name. Private.

`host_faults.py` calls `check_accounts` for each collector. Consent is the option `allow` of a collector: without it,
the user of a service must not be in a group by which it may do what root may do (guarded_groups.py). For example:

    the host has no group 'adm'. Make it, or correct `groups`.
    user 'ops' is in group docker, whose members may do all on the host. Use another user, or consent to it with …
"""

from __future__ import annotations

from collections.abc import Iterable

from ..._otelcol.errors import Problem, clean_text
from ..guarded_groups import describe_member_rights, list_unconsented_groups
from ..host_release import CollectorBundle
from ..unit_text import list_section_lines
from .accounts import group_id, list_groups_of_user, user_id

_ROOT = "root"


def check_accounts(bundle: CollectorBundle) -> None:
    """Raise Problem for a user or groups of the unit that the host does not have: systemd would not start it.

    Also for those that are root by another name, or a user whose own groups nobody has consented to.
    """
    lines = list_section_lines(_read_unit_text(bundle), "Service")
    unknown_users = [name for name in _list_setting_words(lines, "User") if user_id(name) < 0]
    unknown_groups = [name for name in _list_setting_words(lines, "SupplementaryGroups") if group_id(name) < 0]
    if unknown_users:
        raise Problem(f"the host has no user '{clean_text(unknown_users[0])}'", fix="Make it, or correct `user`.")
    if unknown_groups:
        group_names = ", ".join(f"'{clean_text(name)}'" for name in unknown_groups)
        raise Problem(f"the host has no group {group_names}", fix="Make it, or correct `groups`.")
    _check_root_by_another_name(_list_setting_words(lines, "User"), _list_setting_words(lines, "SupplementaryGroups"))


def _check_root_by_another_name(users: Iterable[str], groups: Iterable[str]) -> None:
    """Raise Problem for rights of root that have another name than `root`, so that consent was not asked for.

    An account may have the number of root. A user may be in a group like root's, which systemd adds to the groups of
    the unit. `groups` are the groups that the unit names, each with consent. Source: systemd.exec(5),
    SupplementaryGroups.
    """
    unit_groups = list(groups)
    root_groups = [group for group in unit_groups if group_id(group) == 0 and group != _ROOT]
    if root_groups:
        raise Problem(f"group '{clean_text(root_groups[0])}' has the number of root", fix="Remove it from `groups`.")
    for user in users:
        if user != _ROOT and user_id(user) == 0:
            raise Problem(f"user '{clean_text(user)}' has the number of root", fix="Write `user: root`, with consent.")
        unconsented_groups = [] if user == _ROOT else list_unconsented_groups(list_groups_of_user(user), unit_groups)
        if unconsented_groups:
            wrong = (
                f"user '{clean_text(user)}' is in group {unconsented_groups[0]}, whose members may"
                f" {describe_member_rights(unconsented_groups[0])}"
            )
            fix = (
                f"Use another user, or consent to it with `groups: [{unconsented_groups[0]}]` and `allow:"
                f" [{unconsented_groups[0]}]`."
            )
            raise Problem(wrong, fix=fix)


def _read_unit_text(bundle: CollectorBundle) -> str:
    unit = bundle.files.get(bundle.service)
    return unit.data.decode("utf-8", "replace") if unit else ""


def _list_setting_words(lines: Iterable[str], setting: str) -> list[str]:
    """Return the words of a setting in these lines of a unit: `adm` and `wheel` for `SupplementaryGroups=adm wheel`."""
    words: list[str] = []
    for line in lines:
        name, _sign, value = line.partition("=")
        if name.strip() == setting:
            words += value.split()
    return words
