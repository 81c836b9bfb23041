# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configs as nobody should write them, and somebody does."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

IDS = ["otlp", "otlp/2", "batch", "debug", "zipkin", "health_check", "k8s_attributes", "kubelet_stats", "k8s_objects"]
KEYS = [*IDS, "endpoint", "protocols", "grpc", "objects", "detectors", "extract", "metadata", "include", "config", "*"]

scalars: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers(-2, 70000)
    | st.floats(allow_nan=False)
    | st.sampled_from([*KEYS, "localhost:4317", "${env:X}", "0.0.0.0:²"])
    | st.text(max_size=4)
)
keys: st.SearchStrategy[Any] = st.sampled_from([*KEYS, "batch+", "traces*"]) | scalars
anything: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=8
)


def mostly(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return what is usual, or anything at all."""
    return usual | anything


def mappings(key: st.SearchStrategy[Any], value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return small mappings."""
    return st.dictionaries(key, value, max_size=3)


_id_lists = mostly(st.lists(mostly(st.sampled_from(IDS)), max_size=3))
_roles = st.sampled_from(["receivers", "processors", "exporters", "receivers+", "processors+"])
_pipelines = mappings(
    st.sampled_from(["traces", "logs", "traces/2", "*"]) | scalars, mostly(mappings(_roles, _id_lists))
)
_extensions = {"extensions": _id_lists, "extensions+": _id_lists}
_service = st.fixed_dictionaries({}, optional=_extensions | {"pipelines": mostly(_pipelines), "telemetry": anything})
_components = mostly(mappings(st.sampled_from(IDS) | scalars, anything))
_sections = dict.fromkeys(["receivers", "processors", "exporters", "connectors", "extensions"], _components)
configs: st.SearchStrategy[Any] = mostly(
    st.fixed_dictionaries({}, optional={**_sections, "service": mostly(_service), None: anything, 1: anything})
)


def some(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return mappings with some of these keys, each with what is usual there or with anything."""
    return mostly(st.fixed_dictionaries({}, optional={key: mostly(value) for key, value in keys.items()}))


_discoveries = st.lists(some(role=anything), max_size=2)
settings = some(
    endpoint=scalars,
    protocols=some(grpc=some(endpoint=scalars), http=some(endpoint=scalars), thrift_compact=anything),
    proxy_server=some(endpoint=scalars),
    include=st.lists(anything, max_size=2),
    root_path=scalars,
    directory=scalars,
    path=scalars,
    extra_metadata_labels=anything,
    metrics=mappings(keys, anything),
    distribution=scalars,
    objects=st.lists(some(name=anything, group=anything, mode=anything), max_size=2),
    config=some(scrape_configs=st.lists(some(kubernetes_sd_configs=_discoveries), max_size=2)),
    passthrough=scalars,
    extract=some(metadata=st.lists(anything, max_size=2)),
    detectors=st.lists(anything, max_size=2),
)
telemetry = some(
    metrics=some(readers=st.lists(some(pull=some(exporter=some(prometheus=some(port=anything)))), max_size=2))
)
