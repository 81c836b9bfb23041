# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The privileges of a release, compared with those of earlier releases of its product. Private.

Actions call `compare_privileges` before a manifest is applied, so that a changed one cannot gain rights unseen.
object_privileges.py lists the privileges, each with a key and a value. The table of a product has the values of each
key, over all its releases that were read:

    ClusterRole secrets: [get, list]
    pod: [hostNetwork]

A privilege that the table lacks is refused, unless the table has a wider one, or the inventory lists its line, such as
`ClusterRole manager: may get secrets`. `python -m tools.privileges` makes the table by
`tabulate_privileges`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from ..._otelcol.errors import Problem
from .manifest import Release
from .object_privileges import Privilege, iter_privileges

# The values of privileges by key.
Table = Mapping[str, Sequence[str]]


class PrivilegeTable(TypedDict):
    """The privileges of a product in privileges.yml."""

    versions: list[str]
    """The releases that were read, oldest first."""
    privileges: Table
    """The values of each key."""


def compare_privileges(
    release: Release, privilege_table: PrivilegeTable, accepted_lines: Sequence[str], origin: str
) -> list[str]:
    """Return the accepted lines that the release does not need. Raises Problem for a privilege that is not accepted.

    A privilege is accepted if the table has it, or if `accepted_lines` has its line as the message shows it. `origin`
    is the place of the manifest.
    """
    task = f"Apply the release {release.version.tag} of {release.product.title}"
    try:
        unknown_lines = _list_unknown_lines(release, privilege_table["privileges"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        wrong, fix = f"an object has a form that Kubernetes does not accept ({error})", "Give the published manifest."
        raise Problem(wrong, asked=task, where=origin, fix=fix) from error
    refused_lines = [line for line in unknown_lines if line not in accepted_lines]
    if refused_lines:
        version_range = f"{privilege_table['versions'][0]} to {privilege_table['versions'][-1]}"
        lines = "".join(f"\n  + {line}" for line in refused_lines)
        raise Problem(
            f"its objects have privileges that no release of {release.product.title} has ({version_range}):{lines}\n",
            asked=task,
            where=origin,
            fix=(
                "Compare the manifest with the published one. If it is right, list these lines (without the plus sign) "
                "in allow_privileges."
            ),
        )
    return sorted(set(accepted_lines) - set(unknown_lines))


def _list_unknown_lines(release: Release, rows: Table) -> list[str]:
    """Return the lines of the privileges that a table lacks, each once and sorted."""
    lines = set()
    for owned_privilege in iter_privileges(release):
        if not _is_known(owned_privilege.privilege, rows):
            lines.add(owned_privilege.line)
    return sorted(lines)


def _is_known(privilege: Privilege, rows: Table) -> bool:
    """Return whether the table has a privilege, or a wider one that includes it."""
    return any(privilege.value in rows.get(key, ()) for key in (privilege.key, *privilege.wider_keys))


def tabulate_privileges(release: Release) -> dict[str, list[str]]:
    """Return the rows of a table for a release: the values of each key, both sorted."""
    rows: dict[str, set[str]] = {}
    for owned_privilege in iter_privileges(release):
        privilege = owned_privilege.privilege
        rows.setdefault(privilege.key, set()).add(privilege.value)
    return {key: sorted(rows[key]) for key in sorted(rows)}
