# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers of the Kubernetes API of a test to a Collector that lists and watches objects.

`sink.py` reads each request with `parse_request`, and serves what `build_object_list` or `build_watch_events` returns.
For `/api/v1/namespaces/shop/pods?fieldSelector=spec.nodeName%3Dnode-1`, the list has the pods of namespace `shop` on
node `node-1`. With `&watch=true&sendInitialEvents=true`, a watch begins with an event for each of them::

    {"type": "ADDED", "object": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "cart-1", …}, …}}
    {"type": "BOOKMARK", "object": {"apiVersion": "v1", "kind": "Pod", "metadata": {"resourceVersion": "1", …}}}

An address ends with a resource, below a namespace or not:

| address | resource | namespace |
|---|---|---|
| `/api/v1/pods` | `pods` | all |
| `/api/v1/namespaces/shop/pods` | `pods` | `shop` |
| `/api/v1/namespaces` | `namespaces` | all |

A request for one object, such as `/api/v1/nodes/node-1`, is not understood: it gets a list without objects.

Private.
Source: "Kubernetes API Concepts" of kubernetes.io: lists, watches, initial events and partial object metadata.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from ....module_utils._otelcol.testing.cluster_facts import KINDS_BY_RESOURCE
from ....module_utils._otelcol.testing.object_selectors import select_objects

# What a client accepts if it needs no more of an object than its metadata, and the version of such objects.
_METADATA_KIND = "PartialObjectMetadata"
_METADATA_VERSION = "meta.k8s.io/v1"
# The version and kind of an answer about a resource that the test does not have.
_UNKNOWN_VERSION_AND_KIND = ("v1", "Status")
# The version of the list: the objects of a test never change.
_RESOURCE_VERSION = "1"
# The annotation of the bookmark that ends the initial events of a watch.
_INITIAL_EVENTS_END = {"k8s.io/initial-events-end": "true"}
# The values of a switch in a query, in lower case, that Kubernetes reads as false. It reads all others as true, even an
# empty one (Convert_Slice_string_To_bool of k8s.io/apimachinery).
_FALSE_VALUES = ("false", "0")

ObjectsByResource = Mapping[str, Sequence[Mapping[str, Any]]]
"""The objects of the cluster of a test by resource, such as `pods`."""


class KubernetesRequest(NamedTuple):
    """Which objects a request asks for, and in which form."""

    resource: str
    """Such as `pods`."""
    namespace: str
    """Empty for all namespaces."""
    field_selector: str
    label_selector: str
    wants_metadata_only: bool
    is_watch: bool
    """Whether the client waits for events about later changes."""
    wants_initial_events: bool
    """Whether a watch begins with an event for each object that there is."""


def parse_request(address: str, accept: str) -> KubernetesRequest:
    """Return the request to an address such as `/api/v1/pods?watch=true`. `accept` is its header of that name."""
    address_parts = urlsplit(address)
    path_above, _slash, resource = address_parts.path.rpartition("/")
    _api, _namespaces, namespace = path_above.partition("/namespaces/")
    query = parse_qs(address_parts.query, keep_blank_values=True)
    return KubernetesRequest(
        resource=resource,
        namespace=namespace,
        field_selector=query.get("fieldSelector", [""])[0],
        label_selector=query.get("labelSelector", [""])[0],
        wants_metadata_only=_METADATA_KIND in accept,
        is_watch=_is_switched_on(query, "watch"),
        wants_initial_events=_is_switched_on(query, "sendInitialEvents"),
    )


def _is_switched_on(query: Mapping[str, Sequence[str]], name: str) -> bool:
    """Return whether a query has a switch that Kubernetes reads as true: `watch=false` is none."""
    return name in query and query[name][0].lower() not in _FALSE_VALUES


def build_object_list(request: KubernetesRequest, objects: ObjectsByResource) -> bytes:
    """Return the objects that a request asks for as one list, in JSON."""
    selected = _select_objects(request, objects)
    object_list = {
        "apiVersion": selected.version,
        "kind": f"{selected.kind}List",
        "metadata": {"resourceVersion": _RESOURCE_VERSION},
        "items": selected.items,
    }
    return json.dumps(object_list).encode()


def build_watch_events(request: KubernetesRequest, objects: ObjectsByResource) -> bytes:
    """Return the events with which a watch begins, one in each line; none if the request does not want them.

    They are one for each object, and then a bookmark. The client waits for the bookmark, also if there is no object.
    """
    if not request.wants_initial_events:
        return b""
    selected = _select_objects(request, objects)
    events: list[dict[str, Any]] = [{"type": "ADDED", "object": item} for item in selected.items]
    bookmark = {
        "apiVersion": selected.version,
        "kind": selected.kind,
        "metadata": {"resourceVersion": _RESOURCE_VERSION, "annotations": _INITIAL_EVENTS_END},
    }
    events.append({"type": "BOOKMARK", "object": bookmark})
    return "".join(json.dumps(event) + "\n" for event in events).encode()


class _SelectedObjects(NamedTuple):
    """Objects, and the version and kind that each of them has."""

    version: str
    kind: str
    items: Sequence[Mapping[str, Any]]


def _select_objects(request: KubernetesRequest, objects: ObjectsByResource) -> _SelectedObjects:
    """Return the objects that a request asks for, whole or with their metadata alone."""
    resource_objects = objects.get(request.resource, [])
    items = select_objects(resource_objects, request.field_selector, request.label_selector, request.namespace)
    if not request.wants_metadata_only:
        version, kind = KINDS_BY_RESOURCE.get(request.resource, _UNKNOWN_VERSION_AND_KIND)
        return _SelectedObjects(version, kind, items)
    partial_objects = [
        {"apiVersion": _METADATA_VERSION, "kind": _METADATA_KIND, "metadata": item["metadata"]} for item in items
    ]
    return _SelectedObjects(_METADATA_VERSION, _METADATA_KIND, partial_objects)
