# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of the templates of recipes. Controller only. Private."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import reduce
from typing import Any, NamedTuple

from ..module_utils._collector import gen_ai_cost, gen_ai_protection, gen_ai_sums, gpu_exporters, ottl_builders
from ..module_utils._collector.critical import critical_use
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.kube.service_names import headless_address
from ..module_utils._otelcol.needs.derive_needs import SECRETS_ROOT
from ..module_utils._otelcol.rules.elasticsearch_documents import is_data_stream

_WORKSPACE_ID = re.compile(r"ws-[0-9A-Za-z-]+\Z")
_WRITE = "/api/v1/remote_write"
# Characters that JSON for YAML has escaped.
_ESCAPED = re.compile("[\x7f-\uffff]")


def _given(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a mapping has a value that is neither null nor an empty text."""
    return {key: value for key, value in mapping.items() if value not in (None, "")}


def _client_tls(authority: str | None, own: str | None, reload: str = "", server_name: str = "") -> dict[str, Any]:
    """Return TLS settings of a client for the Secret of the CA and that of its certificate, which is read again.

    `server_name` is the name in the server's certificate, if it is another one than that of its address.
    """
    settings: dict[str, Any] = {}
    if authority:
        settings["ca_file"] = f"{SECRETS_ROOT}/{authority}/ca.crt"
    if own:
        settings["cert_file"] = f"{SECRETS_ROOT}/{own}/tls.crt"
        settings["key_file"] = f"{SECRETS_ROOT}/{own}/tls.key"
    settings["reload_interval"] = reload or (own and "1m")
    settings["server_name_override"] = server_name
    return _given(settings)


def _document_mapping(wanted: str, index: str | None, date_suffix: bool) -> str:
    """Return the mapping of documents in Elasticsearch; `auto` is for data streams only where documents go to those."""
    if wanted != "auto":
        return wanted
    has_plain_index = bool(index) and not is_data_stream(str(index))
    return "none" if date_suffix or has_plain_index else "otel"


def _workspace_address(workspace: str, region: str) -> str:
    """Return where a workspace of Amazon Managed Service for Prometheus is written to. Raises Problem for its alias.

    An id begins with `ws-`, as in Amazon's API. Only Amazon knows which id has an alias.
    """
    if "://" not in workspace and "${" not in workspace and not _WORKSPACE_ID.match(workspace):
        find = f"aws amp list-workspaces --region {region} --alias {workspace}"
        fix = f"Give its id, `ws-…`, or its URL: `{find} --query 'workspaces[].workspaceId'` shows the id."
        raise Problem(f"`workspace: {workspace}` is neither an id of a workspace nor a URL", fix=fix)
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    url = f"https://aps-workspaces.{region}.{domain}/workspaces/{workspace}"
    if "://" in workspace:
        url = workspace
    return url.rstrip("/").removesuffix(_WRITE) + _WRITE


def _whole_values(texts: Iterable[str]) -> list[str]:
    """Return a regular expression (RE2) for each text, which matches nothing but the whole of it."""
    return [rf"\A{re.escape(text)}\z" for text in texts]


def _without(url: str, *ends: str) -> str:
    """Return a URL without these ends of its path, which an exporter or the template adds; another one as it is."""
    whole = url.rstrip("/")
    shorter = reduce(str.removesuffix, ends, whole)
    return url if shorter == whole else shorter


def _any_of(values: Iterable[str], path: str) -> str:
    """Return a condition of OTTL: a path has one of these values."""
    return " or ".join(f"{path} == {ottl_builders.ottl_text(value)}" for value in values)


def _pairs(mapping: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a mapping as the telemetry of the service takes it: a list of names and values."""
    return [{"name": name, "value": value} for name, value in mapping.items()]


def _of_namespaces(namespaces: Iterable[str], glob: str) -> list[str]:
    """Return the globs of the log files of these namespaces, out of the glob of all: a folder begins with one."""
    return [glob.replace("/*/", f"/{name}_*/", 1) for name in namespaces]


def _places(
    names: Iterable[str], platform: Mapping[str, Any], addresses: Mapping[str, Any], unverified: Iterable[str] = ()
) -> dict[str, Any]:
    """Return where each component has its metrics; addresses replace discovery. Raises Problem for those without."""
    known, wanted = platform["control_plane"], dict.fromkeys(names)
    served = {name: place for name, place in known.items() if place}
    for name in wanted:
        if name not in served and name not in addresses:
            fix = f"Set `addresses`, or `components` out of {', '.join(served)}."
            raise Problem(f"platform '{platform['name']}' serves no metrics of {name}", fix=fix)
    _check_unverified(unverified, wanted, platform)
    for name, given in addresses.items():
        if name not in wanted:
            raise Problem(f"`addresses` has {name}, which is not scraped", fix="Add it to `components`, or remove it.")
        if not isinstance(given, list) or not given:
            raise Problem(f"`addresses` of {name} is not a list", fix=f"Write `{name}: [HOST:PORT]`.")
    places = {name: dict(known[name] or {}) for name in wanted}
    for name, given in addresses.items():
        places[name]["addresses"] = given
    return places


def _check_unverified(names: Iterable[str], wanted: Container[str], platform: Mapping[str, Any]) -> None:
    """Raise Problem for components whose certificate is not looked at, or is the API server's."""
    for name in names:
        if name not in wanted:
            fix = "Add it to `components`, or remove it."
            raise Problem(f"`skip_verify` has {name}, which is not scraped", fix=fix)
        if "addresses" in (platform["control_plane"][name] or {}):
            wrong = f"`skip_verify` has {name}, which the API server serves on '{platform['name']}'"
            raise Problem(wrong, fix="Remove it.")


def _on_own_node(targets: str, collector: Mapping[str, Any]) -> bool:
    """Whether a collector scrapes the pods of its own node alone. Raises Problem where it is asked to and cannot."""
    mode, allocated = collector["mode"], collector["allocated"]
    if targets == "node" and mode != "daemonset":
        wrong = f"`targets: node` needs a collector on every node, and its mode is {mode}"
        raise Problem(wrong, fix="Set `mode: daemonset`, or remove `targets`.")
    if targets == "node" and allocated:
        wrong = "`targets: node` and a target allocator exclude each other: the allocator decides who scrapes a pod"
        raise Problem(wrong, fix="Remove `target_allocator`, or remove `targets`.")
    return bool(mode == "daemonset" and not allocated)


def _critical_places(
    names: Iterable[str], changed: Mapping[str, Any], platform: Mapping[str, Any], collector: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return where the critical components have their metrics. Raises Problem for what the collector cannot scrape."""
    return critical_use.places(names, changed, platform, collector["alone"])


_NOT_IN_LABELS = re.compile(r"[^a-zA-Z0-9_]")


class AnnotatedJob(NamedTuple):
    """A scrape job: its role of service discovery, the label of its annotations, and those of earlier jobs."""

    name: str
    role: str
    annotation: str
    taken: tuple[str, ...]


def _annotated_jobs(prefixes: Sequence[str], pods: bool, endpoints: bool) -> list[AnnotatedJob]:
    """Return a job for each prefix of annotations of pods, then of the Services before them.

    In labels of Prometheus' service discovery, all characters but letters, digits and underscores are underscores.
    """
    sources = [("pods", "pod", "pod")] if pods else []
    sources += [("endpoints", "endpointslice", "service")] if endpoints else []
    jobs: list[AnnotatedJob] = []
    for targets, role, annotated in sources:
        for number, prefix in enumerate(prefixes, start=1):
            suffix = f"-{number}" if number > 1 else ""
            annotation = f"__meta_kubernetes_{annotated}_annotation_{_NOT_IN_LABELS.sub('_', prefix)}"
            taken = tuple(f"{job.annotation}_scrape" for job in jobs)
            jobs.append(AnnotatedJob(f"annotated-{targets}{suffix}", role, annotation, taken))
    return jobs


_SCRAPERS = ("cpu", "disk", "filesystem", "load", "memory", "network")
_OF_KUBELET = ("cpu", "memory")


def _host_scrapers(given: Sequence[str] | None, recipes: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
    """Return the scrapers of a host; by default without those whose measures the kubelet of the node has too.

    Source: metadata.yaml of kubeletstatsreceiver, metrics `k8s.node.cpu.*` and `k8s.node.memory.*`.
    """
    if given is not None:
        return given
    kubelet = recipes.get("kubelet_metrics")
    if kubelet is None or "node" not in (kubelet.get("metric_groups") or ("node",)):
        return _SCRAPERS
    return [name for name in _SCRAPERS if name not in _OF_KUBELET]


# The kubelet adds the time to the name of a file that it rotates, and later compresses it under another name.
_ROTATED = "{,.????????-??????}"


def _and_rotated(globs: Iterable[str], known: bool) -> list[str]:
    """Return globs that also match the file that was rotated last, where the Collector knows such names."""
    return [f"{glob}{_ROTATED}" if known and glob.endswith(".log") else glob for glob in globs]


def _once(rows: Sequence[Mapping[str, Any]], key: str) -> Sequence[Mapping[str, Any]]:
    """Return rows in which a key, or the items of its list, has no value twice. Raises Problem for one that does."""
    seen: list[Any] = []
    for row in rows:
        for value in row[key] if isinstance(row[key], list) else [row[key]]:
            if value in seen:
                raise Problem(f"'{value}' is there twice in `{key}`", fix="Keep one of the two.")
            seen.append(value)
    return rows


def _to_json(value: Any) -> str:
    """Return a value as JSON, which is YAML: what is inserted with this needs neither indentation nor quotes.

    YAML has no pairs of surrogates, as which JSON writes characters from U+10000 on, so these stay as they are. Others
    are escaped, because YAML reads some of them as line ends and refuses some.
    """
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, default=str, ensure_ascii=False))


def _gpu_port(vendor: str, given: int) -> int:
    """Return the port of a vendor's exporter of GPU metrics, if none is given."""
    return given or gpu_exporters.EXPORTERS[vendor].port


# What templates of recipes can do beside Jinja's own filters.
FILTERS: dict[str, Callable[..., Any]] = {
    "and_rotated": _and_rotated,
    "annotated_jobs": _annotated_jobs,
    "any_of": _any_of,
    "calls_of_models": gen_ai_sums.calls_of_models,
    "client_tls": _client_tls,
    "cost_statements": gen_ai_cost.cost_statements,
    "critical_places": _critical_places,
    "document_mapping": _document_mapping,
    "gen_ai_protection": gen_ai_protection.protection,
    "given": _given,
    "gpu_counters": gpu_exporters.kept_names,
    "gpu_exporter_pods": gpu_exporters.exporter_pods,
    "gpu_labels_to_attributes": gpu_exporters.labels_to_attributes,
    "gpu_pod_attributes": gpu_exporters.pod_attributes,
    "gpu_port": _gpu_port,
    "gpu_without_empty": gpu_exporters.without_empty,
    "headless": headless_address,
    "host_scrapers": _host_scrapers,
    "of_namespaces": _of_namespaces,
    "on_own_node": _on_own_node,
    "once": _once,
    "ottl_number": ottl_builders.ottl_number,
    "pairs": _pairs,
    "places": _places,
    "pods_of_gpu_metrics": gpu_exporters.pods_of_gpu_metrics,
    "sums_of_calls": gen_ai_sums.sums_of_calls,
    "to_json": _to_json,
    "whole_values": _whole_values,
    "without": _without,
    "workspace_address": _workspace_address,
}
