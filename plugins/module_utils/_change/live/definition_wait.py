# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until the server serves the kinds of CustomResourceDefinitions that a run applied. Private.

A server needs some seconds for a new definition. Until then, it refuses each object of the kind. The wait ends with a
Problem after `wait_seconds`. For example:

    the server does not serve them after 120 s
"""

from __future__ import annotations

from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import NOT_FOUND, ApiError
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest
from .session import Session


def await_served_kinds(session: Session, definitions: list[Manifest]) -> None:
    """Wait until the server serves the kinds of these definitions. Raises Problem after `wait_seconds`."""
    for _poll in session.cluster.iter_polls(session.options.wait_seconds):
        if all(session.cluster.call_in_parallel(lambda definition: _is_served(session, definition), definitions)):
            return
    definition_names = ", ".join(definition["metadata"]["name"] for definition in definitions)
    fix = "Look at the conditions of the definitions with `kubectl describe crd`."
    wrong = f"the server does not serve them after {session.options.wait_seconds:g} s"
    raise Problem(wrong, asked=f"Define {definition_names}", fix=fix)


def _is_served(session: Session, definition: Manifest) -> bool:
    """Return whether the server serves every version of a definition that it should serve."""
    spec = definition["spec"]
    for version in spec["versions"]:
        # A request for a deprecated version would make a warning for the user. The server serves it with the others.
        if not version.get("served") or version.get("deprecated"):
            continue
        if not _can_be_listed(session, f"/apis/{spec['group']}/{version['name']}/{spec['names']['plural']}"):
            return False
    return True


def _can_be_listed(session: Session, path: str) -> bool:
    """Return whether a kind is served, even if old objects cannot be converted to it."""
    try:
        return bool(session.cluster.request("GET", path, {"limit": 1}, patient=False))
    except ApiError as error:
        if error.status == NOT_FOUND or error.is_transient:
            # True for an error of a webhook: the server serves the kind, but could not have its old objects converted.
            return error.is_webhook_error
        raise explain(error, "Look whether the kind is served") from error
