# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""As much of AWX's API, in memory, as the modules of awx.awx ask: lists, objects, associations, surveys and workflows.

It refuses surveys, variables and links of workflows that AWX refuses, and keys that name what is not there. It runs no
job.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from itertools import count
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from tests.contract import awx_rules
from tests.support.servers import serve_http

ROOT, GATEWAY = "/api/v2/", "/api/controller/v2/"
"""Where AWX and an automation controller answer, and the platform gateway of Automation Platform 2.5 and later."""
# Of every AWX: what no test has to make.
BUILT_IN = {"credential_types": list(awx_rules.INJECTED)}
# One list over several others.
UNIONS = {"unified_job_templates": ("job_templates", "projects", "inventory_sources", "workflow_job_templates")}
NODES, APPROVALS = "workflow_job_template_nodes", "workflow_approval_templates"
SUCCESS = "success_nodes"
# How filters begin of which one is enough.
ALTERNATIVE_PREFIX = "or__"


@dataclass
class Store:
    """Objects by collection and id, what is associated with them, and the writes that were asked for."""

    objects: dict[str, dict[int, dict[str, Any]]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    linked_nodes: dict[str, list[int]] = field(default_factory=dict)
    surveys: dict[str, Any] = field(default_factory=dict)
    writes: list[tuple[str, str]] = field(default_factory=list)
    roots: set[str] = field(default_factory=set)
    """Under which of the two roots something was asked for."""

    def add(self, collection: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Make an object and return it as AWX shows it."""
        object_id = next(self.numbers)
        url = f"{ROOT}{collection}/{object_id}/"
        own_fields = {"id": object_id, "url": url, "type": collection, "summary_fields": {}, "scm_revision": ""}
        stored_object = {**own_fields, **data, "related": {"survey_spec": f"{url}survey_spec/"}}
        if "unified_job_template" in data:
            stored_object["related"]["unified_job_template"] = f"{ROOT}job_templates/{data['unified_job_template']}/"
        self.objects.setdefault(collection, {})[object_id] = stored_object
        return stored_object

    def named(self, collection: str) -> set[str]:
        """Return the names of a collection."""
        return {stored_object["name"] for stored_object in self.find_objects(collection, {})}

    def find_objects(self, collection: str, filters: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the objects of a list that all filters let pass."""
        objects: list[dict[str, Any]] = []
        for name in UNIONS.get(collection, (collection,)):
            objects += self.objects.get(name, {}).values()
        split_filters = _split_filters(filters)
        return [
            stored_object
            for stored_object in objects
            if all(_match_filters(stored_object, split_filters.required))
            and (not split_filters.alternatives or any(_match_filters(stored_object, split_filters.alternatives)))
        ]

    def add_approval(self, node: dict[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
        """Make the approval of a node and return it."""
        approval = self.add(APPROVALS, data)
        node["unified_job_template"] = approval["id"]
        node["related"]["unified_job_template"] = approval["url"]
        return approval

    def list_nodes_after(self, node: int, link: str = SUCCESS) -> list[int]:
        """Return the nodes to which a node of a workflow links."""
        return self.linked_nodes.get(f"{NODES}/{node}/{link}", [])

    def explain_refusal(self, path: list[str], data: Mapping[str, Any]) -> str:
        """Return why AWX refuses what is posted to a path; nothing if it takes it."""
        if path == [NODES] and data.get("extra_data"):
            (template,) = self.find_objects("unified_job_templates", {"id": str(data["unified_job_template"])})
            return "" if template.get("ask_variables_on_launch") else "Variables are not allowed on launch."
        if path[-1] == SUCCESS and not data.get("disassociate"):
            return "Cycle detected." if int(path[1]) in self._find_reached(data["id"]) else ""
        return ""

    def _find_reached(self, node: int) -> set[int]:
        return {node}.union(*(self._find_reached(next_node) for next_node in self.list_nodes_after(node)))

    def remove(self, collection: str, object_id: int) -> None:
        """Remove an object and the links to it."""
        del self.objects[collection][object_id]
        for path, ids in self.linked_nodes.items():
            if path.startswith(f"{collection}/{object_id}/"):
                ids.clear()
            elif path.startswith(f"{collection}/"):
                ids[:] = [other_id for other_id in ids if other_id != object_id]


class _Filters(NamedTuple):
    """Filters that an object has to pass, and those of which it has to pass one."""

    required: dict[str, str]
    alternatives: dict[str, str]


def _split_filters(filters: Mapping[str, str]) -> _Filters:
    """Return the filters of a query; those of which one is enough begin with `or__`."""
    split_filters = _Filters({}, {})
    for key, value in filters.items():
        if key.startswith(ALTERNATIVE_PREFIX):
            split_filters.alternatives[key.removeprefix(ALTERNATIVE_PREFIX)] = value
        else:
            split_filters.required[key] = value
    return split_filters


def _match_filters(stored_object: Mapping[str, Any], filters: Mapping[str, str]) -> Iterator[bool]:
    """Yield for each filter whether it lets an object pass."""
    for key, value in filters.items():
        yield str(stored_object.get(key)) == value


class _AwxHandler(BaseHTTPRequestHandler):
    store: Store

    def do_GET(self) -> None:
        path, filters = self._split_request()
        if path[-1] == "survey_spec":
            self._send_json(200, self.store.surveys.get("/".join(path), {}))
        elif path[0] == APPROVALS and len(path) == 3:
            self._send_json(404, {"detail": "Not found."})
        elif len(path) == 3:
            ids = self.store.linked_nodes.get("/".join(path), [])
            collection = NODES if path[0] == NODES else path[2]
            self._send_list(
                [
                    stored_object
                    for object_id in ids
                    for stored_object in self.store.find_objects(collection, {"id": str(object_id)})
                ]
            )
        elif len(path) == 2:
            self._send_json(200, self.store.objects[path[0]][int(path[1])])
        else:
            self._send_list(self.store.find_objects(path[0], filters))

    def do_POST(self) -> None:
        path, _filters = self._split_request()
        data = self._read("POST")
        refusal = self.store.explain_refusal(path, data)
        if refusal:
            self._send_json(400, {"detail": refusal})
        elif path[-1] == "create_approval_template":
            self._send_json(201, self.store.add_approval(self.store.objects[NODES][int(path[1])], data))
        elif path[-1] == "survey_spec":
            errors = awx_rules.survey_errors(data)
            self.store.surveys["/".join(path)] = data
            self._send_json(400 if errors else 200, {"error": "; ".join(errors)} if errors else {})
        elif len(path) == 3:
            ids = self.store.linked_nodes.setdefault("/".join(path), [])
            (ids.remove if data.get("disassociate") else ids.append)(data["id"])
            self._send_json(204, None)
        else:
            self._send_json(201, self.store.add(path[0], data))

    def do_PATCH(self) -> None:
        path, _filters = self._split_request()
        stored_object = self.store.objects[path[0]][int(path[1])]
        stored_object.update(self._read("PATCH"))
        self._send_json(200, stored_object)

    def do_DELETE(self) -> None:
        path, _filters = self._split_request()
        self.store.writes.append(("DELETE", self.path))
        self.store.remove(path[0], int(path[1]))
        self._send_json(204, None)

    def _split_request(self) -> tuple[list[str], dict[str, str]]:
        address = urlsplit(self.path)
        self.root = GATEWAY if address.path.startswith(GATEWAY) else ROOT
        self.store.roots.add(self.root)
        return address.path.removeprefix(self.root).strip("/").split("/"), dict(parse_qsl(address.query, True))

    def _read(self, method: str) -> Any:
        self.store.writes.append((method, self.path))
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _send_list(self, items: list[dict[str, Any]]) -> None:
        self._send_json(200, {"count": len(items), "next": None, "results": items})

    def _send_json(self, status: int, body: Any) -> None:
        content = b"" if body is None else json.dumps(body).replace(f'"{ROOT}', f'"{self.root}').encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_said: Any) -> None:
        """Say nothing."""


@contextmanager
def serve_awx() -> Iterator[tuple[str, Store]]:
    """Yield the address of an AWX and what it holds."""
    store = Store()
    for collection, names in BUILT_IN.items():
        for name in names:
            store.add(collection, {"name": name})
    with serve_http(type("Answers", (_AwxHandler,), {"store": store})) as url:
        yield url, store
