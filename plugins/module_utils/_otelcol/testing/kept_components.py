# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processors and connectors of a test: they keep the user's settings, with few exceptions.

A test has no cluster and no cloud, and should not wait. So some settings have other values in a test:

| component | setting | in a test |
|---|---|---|
| processor `k8s_attributes` | `auth_type` | `kubeConfig`, which leads to the API of the test |
| processor `resource_detection` | `detectors` | those that ask neither a cloud nor a cluster |
| connector `span_metrics` | `metrics_flush_interval` | `500ms` |

Users see each change in `changes` of the result, as `connectors.span_metrics.metrics_flush_interval: 500ms`. harness.py
calls `keep_components`. A flush is one time that a component sends what it has collected, at an interval. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..config.paths import value_at
from ..traits import kind_of
from .changed_sections import ChangedComponent, ChangedSection, collect_changed_section

# Settings of a kept component that only make a test wait, by section and kind. Sources: the README of each component in
# contrib, and processor/batchprocessor. A Collector that stops sends what batch and tail_sampling hold; groupbytrace
# loses it.
SHORTENED_WAITS: dict[tuple[str, str], dict[str, Any]] = {
    ("processors", "groupbytrace"): {"wait_duration": "1s"},
    ("processors", "interval"): {"interval": "500ms"},
    ("connectors", "spanmetrics"): {"metrics_flush_interval": "500ms"},
    ("connectors", "servicegraph"): {
        "metrics_flush_interval": "300ms",
        "store": {"ttl": "1s"},
        "store_expiration_loop": "100ms",
    },
}
# How often each of them sends until every exporter has all, as measured with real Collectors. The first point of a new
# series is 0, and the last may have reached only some of the exporters. servicegraph counts a call whose other side
# does not come only after `ttl`.
FLUSHES_BY_KIND = {"groupbytrace": 2, "interval": 3, "spanmetrics": 3, "servicegraph": 6}
_K8S_ATTRIBUTES = "k8sattributes"
_RESOURCE_DETECTION = "resourcedetection"
# How k8s_attributes reaches the cluster of a test.
_TEST_CLUSTER_SETTINGS = {"auth_type": "kubeConfig", "wait_for_metadata": True}
# Detectors that ask a cloud or a cluster. Source: internal/ of processor/resourcedetectionprocessor, 0.160.
_ONLINE_DETECTORS = {
    "akamai", "aks", "alibaba_ecs", "azure", "azureappservice", "azurecontainerapps", "consul", "digitalocean",
    "docker", "ec2", "ecs", "eks", "elastic_beanstalk", "elasticbeanstalk", "gcp", "hetzner", "ibmcloud_classic",
    "ibmcloud_vpc", "k8s_api", "k8snode", "kubeadm", "linode", "nova", "openshift", "oraclecloud", "scaleway",
    "tencent_cvm", "upcloud", "vultr",
}  # fmt: skip
# The detector that stays if all others ask a cloud or a cluster: it reads a variable of the Collector.
_OFFLINE_DETECTOR = "env"


def count_flushes(component_ids: Iterable[str]) -> int:
    """Return how often components send until everything has left them, in sum: several may send to one exporter."""
    return sum(FLUSHES_BY_KIND.get(kind_of(component_id), 0) for component_id in component_ids)


def needs_cluster(component_ids: Iterable[str]) -> bool:
    """Return whether one of some components asks the cluster of the test."""
    return any(kind_of(component_id) == _K8S_ATTRIBUTES for component_id in component_ids)


def keep_components(config: Mapping[str, Any], section: str, component_ids: Iterable[str]) -> ChangedSection:
    """Return these components of a section as a test has them."""
    components = {component_id: _keep_component(config, section, component_id) for component_id in component_ids}
    return collect_changed_section(components)


def _keep_component(config: Mapping[str, Any], section: str, component_id: str) -> ChangedComponent:
    """Return a component with the user's settings, and over them those that it has in every test.

    Settings that are no mapping, such as those of `batch:` without a value, stay as they are if nothing changes.
    """
    user_settings = value_at(config, (section, component_id))
    settings = user_settings if isinstance(user_settings, Mapping) else {}
    changed_settings = {}
    for key, value in _list_settings_of_tests(section, kind_of(component_id), settings):
        if settings.get(key) != value:
            changed_settings[key] = value
    if not changed_settings:
        return ChangedComponent(user_settings, [])
    changes = [f"{section}.{component_id}.{key}: {value}" for key, value in changed_settings.items()]
    return ChangedComponent({**settings, **changed_settings}, changes)


def _list_settings_of_tests(section: str, kind: str, settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the keys, with their values, that a component of a kind has in every test."""
    if kind == _K8S_ATTRIBUTES:
        yield from _TEST_CLUSTER_SETTINGS.items()
    if kind == _RESOURCE_DETECTION:
        yield "detectors", _keep_offline_detectors(settings.get("detectors"))
    for key, value in SHORTENED_WAITS.get((section, kind), {}).items():
        user_value = settings.get(key)
        yield key, {**user_value, **value} if isinstance(user_value, dict) else value


def _keep_offline_detectors(detectors: Any) -> Any:
    """Return the setting `detectors` without those that ask a cloud or a cluster. What nobody can read stays.

    The Collector takes a text for a list, with commas between its items.
    """
    if isinstance(detectors, str) and "${" not in detectors:
        detectors = detectors.split(",")
    if detectors is None:
        detectors = []
    if not isinstance(detectors, list):
        return detectors
    return [detector for detector in detectors if not _is_online_detector(detector)] or [_OFFLINE_DETECTOR]


def _is_online_detector(detector: Any) -> bool:
    """Whether a detector asks a cloud or a cluster."""
    return isinstance(detector, str) and detector in _ONLINE_DETECTORS
