# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers of the Kubernetes API of a test to a Collector that lists and watches objects.

`sink.py` serves them. Private.
Source: "Kubernetes API Concepts" of kubernetes.io: lists, watches, initial events and partial object metadata.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ....module_utils._otelcol.testing.cluster_facts import KINDS_BY_RESOURCE
from ....module_utils._otelcol.testing.object_selectors import select_objects

# What a client accepts if it needs no more of an object than its metadata, and the version of such objects.
_METADATA_KIND, _METADATA_VERSION = "PartialObjectMetadata", "meta.k8s.io/v1"
_RESOURCE_VERSION = "1"


@dataclass(frozen=True)
class KubernetesAnswer:
    """The objects that a request asks for.

    `version` and `kind` are those of each object. With `is_watch`, the client waits for events about later changes.
    """

    version: str
    kind: str
    items: Sequence[Mapping[str, Any]]
    is_watch: bool = False
    wants_initial_events: bool = False

    @classmethod
    def answer_request(cls, address: str, accept: str, objects: Mapping[str, list[dict[str, Any]]]) -> KubernetesAnswer:
        """Return the answer to a request of an address, such as `/api/v1/namespaces/shop/pods?watch=true`.

        `accept` is the header of the request, and `objects` are those of the cluster by resource.
        """
        address_parts = urlsplit(address)
        query = parse_qs(address_parts.query)
        resource = address_parts.path.rpartition("/")[2]
        namespace = address_parts.path.partition("/namespaces/")[2].rpartition("/")[0]
        field_selector = query.get("fieldSelector", [""])[0]
        label_selector = query.get("labelSelector", [""])[0]
        items = select_objects(objects.get(resource, []), field_selector, label_selector, namespace)
        version, kind = KINDS_BY_RESOURCE.get(resource, ("v1", "Status"))
        if _METADATA_KIND in accept:
            version, kind = _METADATA_VERSION, _METADATA_KIND
            items = [{"apiVersion": version, "kind": kind, "metadata": item["metadata"]} for item in items]
        return cls(version, kind, items, bool(query.get("watch")), bool(query.get("sendInitialEvents")))

    def as_list(self) -> bytes:
        """Return the objects as one list."""
        metadata = {"resourceVersion": _RESOURCE_VERSION}
        object_list = {
            "apiVersion": self.version,
            "kind": f"{self.kind}List",
            "metadata": metadata,
            "items": self.items,
        }
        return json.dumps(object_list).encode()

    def as_events(self) -> bytes:
        """Return the events with which a watch begins, one in each line; none if it does not want the objects."""
        if not self.wants_initial_events:
            return b""
        return "".join(json.dumps(event) + "\n" for event in self._list_initial_events()).encode()

    def _list_initial_events(self) -> Iterator[dict[str, Any]]:
        """Yield each object, and then the mark behind the last one."""
        for kubernetes_object in self.items:
            yield {"type": "ADDED", "object": kubernetes_object}
        metadata = {
            "resourceVersion": _RESOURCE_VERSION,
            "annotations": {"k8s.io/initial-events-end": "true"},
        }
        end_mark = {"apiVersion": self.version, "kind": self.kind, "metadata": metadata}
        yield {"type": "BOOKMARK", "object": end_mark}
