# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who owns an object of a cluster, as messages name it. Private.

For example, a release of this collection has applied an object, or somebody has by kubectl:

    {metadata: {labels: {RELEASE_LABEL: gateway}, managedFields: [{manager: OWNER, operation: Apply}]}}
    → describe_owner(live_object) is "release gateway of this collection"

    {metadata: {managedFields: [{manager: kubectl, operation: Update}]}}
    → describe_owner(live_object) is "field manager kubectl"
"""

from __future__ import annotations

from collections.abc import Iterable

from .._otelcol.kube.keepers import find_tool
from .._otelcol.kube.names import OWNER, OWNER_LABEL
from .._otelcol.kube.objects import Manifest
from .ownership import is_applied_by, read_label, read_managed_fields, read_release_label


def describe_owner(live_object: Manifest) -> str:
    """Return who owns an object, as messages name it: by the first sign that there is.

    The name of a tool or a controller says who to ask. A field manager is often a program that anyone may run, such as
    kubectl, so it comes last.
    """
    return (
        find_tool(live_object)
        or _describe_controllers(live_object)
        or _describe_own_release(live_object)
        or _describe_writers(live_object)
    )


def _describe_controllers(live_object: Manifest) -> str:
    """Return the kinds and names of the owners of an object, empty if it has none."""
    references = live_object["metadata"].get("ownerReferences") or []
    return ", ".join(f"{reference.get('kind')} {reference.get('name')}" for reference in references)


def _describe_own_release(live_object: Manifest) -> str:
    """Return the release of this collection that has applied an object, empty if none has."""
    release = read_release_label(live_object)
    is_marked = release or read_label(live_object, OWNER_LABEL) == OWNER
    if not is_marked or not is_applied_by(live_object, OWNER):
        return ""
    version = f"release {release}" if release else "an earlier version"
    return f"{version} of this collection"


def _describe_writers(live_object: Manifest) -> str:
    """Return the field managers that wrote an object, without those of its status."""
    writers = [entry for entry in read_managed_fields(live_object) if not entry.get("subresource")]
    return join_managers(str(writer.get("manager")) for writer in writers)


def join_managers(managers: Iterable[str]) -> str:
    """Return field managers as messages name them, each once."""
    manager_names = ", ".join(dict.fromkeys(managers))
    return f"field manager {manager_names}" if manager_names else "an unknown field manager"
