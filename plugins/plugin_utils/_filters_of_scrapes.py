# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of recipes that read: metrics of components, annotated pods, hosts and files of logs. Private.

`_recipe_filters.py` gives them their names in templates. For example, recipe pod_logs writes
`{{ options.namespaces | of_namespaces(platform.pod_logs) }}`. Of namespace `shop` and `/var/log/pods/*/*/*.log`,
`select_namespace_globs` returns `/var/log/pods/shop_*/*/*.log`.

`platform` is the facts of a platform: its `control_plane` has for each component where the metrics are, and null for
one whose metrics pods cannot read. `collector` is the facts that `_recipe_facts.py` builds.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..module_utils._collector import gpu_exporters
from ..module_utils._collector.critical import scrape_targets
from ..module_utils._otelcol.errors import Problem

# A character that the label of a series cannot have.
_NOT_IN_LABEL = re.compile(r"[^a-zA-Z0-9_]")
_SCRAPERS = ("cpu", "disk", "filesystem", "load", "memory", "network")
_KUBELET_SCRAPERS = ("cpu", "memory")
# The kubelet adds the time to the name of a file that it rotates, and later compresses it under another name.
_ROTATED_SUFFIX = "{,.????????-??????}"


# ── Components of the control plane ──


def locate_components(
    names: Iterable[str], platform: Mapping[str, Any], addresses: Mapping[str, Any], unverified: Iterable[str] = ()
) -> dict[str, Any]:
    """Return where each component has its metrics, by name. Raises Problem for a component that cannot be scraped.

    `addresses` has those that the user gives, such as `{etcd: ["10.0.0.1:2381"]}`: they replace discovery. `unverified`
    are the components whose certificates are not checked.
    """
    control_plane = platform["control_plane"]
    wanted_names = dict.fromkeys(names)
    _check_served(wanted_names, platform, addresses)
    _check_unverified(unverified, wanted_names, platform)
    _check_addresses(addresses, wanted_names)
    places_by_name = {name: dict(control_plane[name] or {}) for name in wanted_names}
    for name, given_addresses in addresses.items():
        places_by_name[name]["addresses"] = given_addresses
    return places_by_name


def _check_served(wanted_names: Iterable[str], platform: Mapping[str, Any], addresses: Mapping[str, Any]) -> None:
    """Raise Problem for a component without addresses whose metrics the platform keeps from pods."""
    served_names = [name for name, place in platform["control_plane"].items() if place]
    for name in wanted_names:
        if name not in served_names and name not in addresses:
            fix = f"Set `addresses`, or `components` out of {', '.join(served_names)}."
            raise Problem(f"platform '{platform['name']}' serves no metrics of {name}", fix=fix)


def _check_addresses(addresses: Mapping[str, Any], wanted_names: Container[str]) -> None:
    """Raise Problem for addresses of a component that is not scraped, and for what is no list."""
    for name, given_addresses in addresses.items():
        if name not in wanted_names:
            raise Problem(f"`addresses` has {name}, which is not scraped", fix="Add it to `components`, or remove it.")
        if not isinstance(given_addresses, list) or not given_addresses:
            raise Problem(f"`addresses` of {name} is not a list", fix=f"Write `{name}: [HOST:PORT]`.")


def _check_unverified(names: Iterable[str], wanted_names: Container[str], platform: Mapping[str, Any]) -> None:
    """Raise Problem for components whose certificate is not looked at, or is the API server's."""
    for name in names:
        if name not in wanted_names:
            fix = "Add it to `components`, or remove it."
            raise Problem(f"`skip_verify` has {name}, which is not scraped", fix=fix)
        if "addresses" in (platform["control_plane"][name] or {}):
            wrong = f"`skip_verify` has {name}, which the API server serves on '{platform['name']}'"
            raise Problem(wrong, fix="Remove it.")


def scrapes_own_node(targets: str, collector: Mapping[str, Any]) -> bool:
    """Whether a collector scrapes the pods of its own node alone. Raises Problem where it is asked to and cannot."""
    mode, allocated = collector["mode"], collector["allocated"]
    if targets == "node" and mode != "daemonset":
        wrong = f"`targets: node` needs a collector on every node, and its mode is {mode}"
        raise Problem(wrong, fix="Set `mode: daemonset`, or remove `targets`.")
    if targets == "node" and allocated:
        wrong = "`targets: node` and a target allocator exclude each other: the allocator decides who scrapes a pod"
        raise Problem(wrong, fix="Remove `target_allocator`, or remove `targets`.")
    return bool(mode == "daemonset" and not allocated)


def locate_critical_components(
    names: Iterable[str], changed: Mapping[str, Any], platform: Mapping[str, Any], collector: Mapping[str, Any]
) -> list[scrape_targets.ScrapeTarget]:
    """Return where the critical components have their metrics. Raises Problem for what the collector cannot scrape."""
    return scrape_targets.find_scrape_targets(names, changed, platform, collector["alone"])


# ── Pods with annotations ──


class _AnnotatedKind(NamedTuple):
    """What has annotations: the word in names of jobs, the role of service discovery, and the word in its labels.

    Source: `kubernetes_sd_config` in the docs of Prometheus.
    """

    job_word: str
    role: str
    label_word: str


_ANNOTATED_PODS = _AnnotatedKind("pods", "pod", "pod")
_ANNOTATED_SERVICES = _AnnotatedKind("endpoints", "endpointslice", "service")


class AnnotatedJob(NamedTuple):
    """A scrape job of Prometheus for pods or Services with annotations."""

    name: str
    role: str
    """Its role of service discovery, such as `pod`."""
    annotation_label: str
    """How the labels of its annotations begin, such as `__meta_kubernetes_pod_annotation_prometheus_io`."""
    earlier_annotations: tuple[str, ...]
    """The labels by which earlier jobs choose what they scrape: this job leaves that out."""


def list_annotated_jobs(prefixes: Sequence[str], pods: bool, endpoints: bool) -> list[AnnotatedJob]:
    """Return a job for each prefix of annotations of pods, then of the Services before them.

    For example, prefix `prometheus.io` of pods has the job `annotated-pods`, whose labels begin with
    `__meta_kubernetes_pod_annotation_prometheus_io`: in labels of Prometheus' service discovery, all characters but
    letters, digits and underscores are underscores. A second prefix has the job `annotated-pods-2`.
    """
    annotated_kinds: list[_AnnotatedKind] = []
    if pods:
        annotated_kinds.append(_ANNOTATED_PODS)
    if endpoints:
        annotated_kinds.append(_ANNOTATED_SERVICES)
    jobs: list[AnnotatedJob] = []
    for kind in annotated_kinds:
        for number, prefix in enumerate(prefixes, start=1):
            suffix = f"-{number}" if number > 1 else ""
            annotation = f"__meta_kubernetes_{kind.label_word}_annotation_{_NOT_IN_LABEL.sub('_', prefix)}"
            earlier_annotations = tuple(f"{job.annotation_label}_scrape" for job in jobs)
            jobs.append(AnnotatedJob(f"annotated-{kind.job_word}{suffix}", kind.role, annotation, earlier_annotations))
    return jobs


# ── Hosts, GPUs and files of logs ──


def list_host_scrapers(given_scrapers: Sequence[str] | None, recipes: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
    """Return the scrapers of a host; by default without those whose measures the kubelet of the node has too.

    Source: metadata.yaml of kubeletstatsreceiver, metrics `k8s.node.cpu.*` and `k8s.node.memory.*`.
    """
    if given_scrapers is not None:
        return given_scrapers
    kubelet = recipes.get("kubelet_metrics")
    if kubelet is None or "node" not in (kubelet.get("metric_groups") or ("node",)):
        return _SCRAPERS
    return [name for name in _SCRAPERS if name not in _KUBELET_SCRAPERS]


def choose_gpu_port(vendor: str, given: int) -> int:
    """Return the port of a vendor's exporter of GPU metrics, if none is given."""
    return given or gpu_exporters.EXPORTERS[vendor].port


def select_namespace_globs(namespaces: Iterable[str], glob: str) -> list[str]:
    """Return the globs of the log files of these namespaces, out of the glob of all.

    The name of a folder begins with its namespace: `/var/log/pods/*/…` becomes `/var/log/pods/NAMESPACE_*/…`.
    """
    return [glob.replace("/*/", f"/{name}_*/", 1) for name in namespaces]


def add_rotated_files(globs: Iterable[str], known: bool) -> list[str]:
    """Return globs that also match the file that was rotated last, such as `0.log{,.????????-??????}` of `0.log`.

    `known` says whether the Collector can read such names; if not, the globs stay as they are.
    """
    return [f"{glob}{_ROTATED_SUFFIX}" if known and glob.endswith(".log") else glob for glob in globs]
