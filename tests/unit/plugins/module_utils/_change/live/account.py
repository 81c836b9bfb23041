# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account of the API server in memory that has some rights, and uses them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.rbac_roles import RbacGrant
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import RawAnswer
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.rights import Right

from ...fake_api import PATH, FakeApi, status


class Account:
    """Answers 403 to every request that no right allows, as Kubernetes does, and notes the rights that are used."""

    def __init__(self, api: FakeApi, grants: Iterable[RbacGrant]) -> None:
        self.api, self.grants = api, set(grants)
        self.used: set[RbacGrant] = set()
        api.trouble, api.allows = self.answer, self._reviewed

    def answer(self, method: str, path: str) -> RawAnswer | None:
        """Return the refusal of a request, or nothing."""
        for grant in self._asked(method, path):
            held = self.held(grant)
            self.used |= set(held)
            if not held:
                right = grant.right
                where = f' in the namespace "{grant.namespace}"' if grant.namespace else " at the cluster scope"
                asked = f'cannot {right.verb} resource "{right.resource}" in API group "{right.api_group}"'
                return status(403, "Forbidden", f'it is forbidden: User "deployer" {asked}{where}')
        return None

    def held(self, grant: RbacGrant) -> list[RbacGrant]:
        """Return the grants of the account that allow something."""
        spaces, names = {grant.namespace, ""}, {grant.right.name, ""}
        wide = [RbacGrant(space, grant.right._replace(name=name)) for space in spaces for name in names]
        return [one for one in wide if one in self.grants]

    def _asked(self, method: str, path: str) -> Iterator[RbacGrant]:
        """Yield what a request needs: one grant, and that to create too if it applies what is not there."""
        match = PATH.match(path)
        if not match or _is_free(match, path):
            return
        group, namespace, name = (match["api"] or "/").split("/")[0], match["ns"] or "", match["name"] or ""
        resource = match["plural"]
        if match["rest"]:
            resource = f"{resource}/{match['rest'].split('/')[1]}"
        for verb in self._list_verbs(method, path, name):
            yield RbacGrant(namespace, Right(verb, group, resource, name))

    def _list_verbs(self, method: str, path: str, name: str) -> list[str]:
        if method == "GET":
            return ["get" if name else "list"]
        if method == "DELETE":
            return ["delete"]
        assert method == "PATCH", f"no right is known for {method}"
        return ["patch"] if path in self.api.objects else ["patch", "create"]

    def _reviewed(self, spec: dict[str, Any]) -> bool:
        asked = spec.get("resourceAttributes")
        if not asked:
            path = spec["nonResourceAttributes"]
            return RbacGrant("", Right(path["verb"], "", "", path=path["path"])) in self.grants
        part = f"/{asked['subresource']}" if asked.get("subresource") else ""
        right = Right(asked["verb"], asked.get("group", ""), asked["resource"] + part, asked.get("name", ""))
        return bool(self.held(RbacGrant(asked["namespace"], right)))


def _is_free(match: re.Match[str], path: str) -> bool:
    """Whether every account may ask: for what is no kind of object, and for its own rights."""
    return "." in match["plural"] or path.startswith("/apis/authorization.k8s.io")
