# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutators of processors, memory, state, scraping and series."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import (
    AskedHeader,
    Receiving,
    Subject,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.traits import kind_of

from .edits import NEW, Mutator, added, added_where, built, components, edited, joined, pipelines, placed, plus, put

OTLP = {"endpoint": "gateway:4317"}
BY_CONNECTION = {"pod_association": [{"sources": [{"from": "connection"}]}]}
LIMITS = {"check_interval": "1s", "limit_mib": 400}


def _without(config: Any, kind: str) -> None:
    for roles in config["service"]["pipelines"].values():
        roles["processors"] = [one for one in roles.get("processors") or () if one.split("/")[0] != kind]


def _sending(subject: Subject) -> Iterator[Subject]:
    """Yield the subject with an exporter that sends in each of its pipelines in turn."""
    made = put(subject, ("exporters", f"otlp_grpc/{NEW}"), OTLP)
    for path, roles in pipelines(subject):
        yield put(made, (*path, "exporters"), [*roles["exporters"], f"otlp_grpc/{NEW}"])


def memory_limiter_missing(subject: Subject) -> Iterator[Subject]:
    for made in _sending(subject):
        yield edited(made, lambda config: _without(config, "memory_limiter"))


def memory_limiter_late(subject: Subject) -> Iterator[Subject]:
    for path, roles in pipelines(subject):
        before = [one for one in roles.get("processors") or () if not one.startswith("memory_limiter")]
        made = put(subject, ("processors", f"memory_limiter/{NEW}"), LIMITS)
        made = put(made, ("processors", f"batch/{NEW}"), None)
        yield put(made, (*path, "processors"), [*before, f"batch/{NEW}", f"memory_limiter/{NEW}"])


def batch_missing(subject: Subject) -> Iterator[Subject]:
    for made in _sending(subject):
        yield edited(made, lambda config: _without(config, "batch"))


def batch_twice(subject: Subject) -> Iterator[Subject]:
    made = put(subject, ("exporters", f"otlp_grpc/{NEW}"), {"endpoint": "a:4317", "sending_queue": {"batch": {}}})
    made = put(made, ("processors", f"batch/{NEW}"), None)
    for path, roles in pipelines(made):
        listed = put(made, (*path, "processors"), [*(roles.get("processors") or ()), f"batch/{NEW}"])
        yield put(listed, (*path, "exporters"), [*roles["exporters"], f"otlp_grpc/{NEW}"])


def request_too_large(subject: Subject) -> Iterator[Subject]:
    target = subject.target or built("contrib", "0.158.0")["target"]
    made = put(subject, ("exporters", f"otlp_grpc/{NEW}"), {**OTLP, "sending_queue": {"batch": {"min_size": 8192}}})
    behind = {f"otlp_grpc/{NEW}": (Receiving("gateway", ({"protocols": {"grpc": None}},)),)}
    for path, roles in pipelines(made):
        listed = put(made, (*path, "exporters"), [*roles["exporters"], f"otlp_grpc/{NEW}"])
        yield replace(listed, receiving_collectors=behind, target=target)


def header_unsent(subject: Subject) -> Iterator[Subject]:
    made = put(subject, ("exporters", f"otlp_grpc/{NEW}"), OTLP)
    for path, roles in pipelines(made):
        asked = AskedHeader("routing", "routes by headers", "x-tenant", frozenset([kind_of(path[-1])]))
        listed = put(made, (*path, "exporters"), [*roles["exporters"], f"otlp_grpc/{NEW}"])
        yield replace(listed, receiving_collectors={f"otlp_grpc/{NEW}": (Receiving("gateway", (), (asked,)),)})


def batch_deprecated(subject: Subject) -> Iterator[Subject]:
    for version in ("0.165.0", "0.171.0", "0.177.0"):
        made = put(subject, ("processors", f"batch/{NEW}"), {"timeout": "1s"})
        if subject.target:
            yield replace(made, target=replace(subject.target, version=version))


def after_batch(*rows: tuple[str, Any]) -> Mutator:
    """Return the mutator that puts processors behind a batch."""

    def mutate(subject: Subject) -> Iterator[Subject]:
        for path, roles in pipelines(subject):
            for kind, settings in rows:
                made = put(subject, ("processors", f"batch/{NEW}"), None)
                made = put(made, ("processors", f"{kind}/{NEW}"), settings)
                listed = [one for one in roles.get("processors") or () if not one.startswith("batch")]
                yield put(made, (*path, "processors"), [*listed, f"batch/{NEW}", f"{kind}/{NEW}"])

    return mutate


def connection_forgotten(subject: Subject) -> Iterator[Subject]:
    made = put(subject, ("receivers", f"otlp/{NEW}"), {"protocols": {"grpc": None}})
    for path, roles in pipelines(subject):
        made = put(made, (*path, "receivers"), [*roles["receivers"], f"otlp/{NEW}"])
    yield from after_batch(("k8s_attributes", {}), ("k8s_attributes", BY_CONNECTION))(made)


def wrong_pod(subject: Subject) -> Iterator[Subject]:
    made = replace(subject, incomplete_senders=("agent",))
    yield from added([("processors", "k8s_attributes", settings, "traces") for settings in ({}, BY_CONNECTION)])(made)


def sampled_metrics(subject: Subject) -> Iterator[Subject]:
    for kind in ("span_metrics", "servicegraph"):
        made = put(subject, ("connectors", f"{kind}/{NEW}"), {})
        made = put(made, ("processors", f"tail_sampling/{NEW}"), None)
        path = ("service", "pipelines", f"traces/{NEW}")
        for _path, roles in pipelines(subject):
            sampled = {**roles, "processors": [f"tail_sampling/{NEW}"], "exporters": [f"{kind}/{NEW}"]}
            yield put(made, path, sampled)


def processor_twice(subject: Subject) -> Iterator[Subject]:
    made = put(subject, ("connectors", f"forward/{NEW}"), None)
    made = put(made, ("processors", f"filter/{NEW}"), {})
    for path, roles in pipelines(made):
        signal = path[-1].split("/")[0]
        listed = put(made, (*path, "processors"), [*(roles.get("processors") or ()), f"filter/{NEW}"])
        listed = put(listed, (*path, "exporters"), [*roles["exporters"], f"forward/{NEW}"])
        behind = {"receivers": [f"forward/{NEW}"], "processors": [f"filter/{NEW}"], "exporters": roles["exporters"]}
        yield put(listed, ("service", "pipelines", f"{signal}/{NEW}"), behind)


def exporter_twice(subject: Subject) -> Iterator[Subject]:
    made = put(subject, ("connectors", f"forward/{NEW}"), None)
    made = put(made, ("exporters", f"otlp_grpc/{NEW}"), OTLP)
    for path, roles in pipelines(made):
        signal = path[-1].split("/")[0]
        listed = put(made, (*path, "exporters"), [*roles["exporters"], f"otlp_grpc/{NEW}", f"forward/{NEW}"])
        behind = {"receivers": [f"forward/{NEW}"], "exporters": [f"otlp_grpc/{NEW}"]}
        yield put(listed, ("service", "pipelines", f"{signal}/{NEW}"), behind)


def metadata_missing(subject: Subject) -> Iterator[Subject]:
    condition = 'otelcol.client.metadata["x-tenant"][0] == "a"'
    for settings in (None, {"include_metadata": False}):
        made = put(subject, ("receivers", f"otlp/{NEW}"), {"protocols": {"http": settings}})
        table = [{"condition": condition, "pipelines": [f"traces/{NEW}"]}]
        made = put(made, ("connectors", f"routing/{NEW}"), {"table": table})
        made = put(made, ("exporters", f"debug/{NEW}"), {})
        end = {"receivers": [f"routing/{NEW}"], "exporters": [f"debug/{NEW}"]}
        made = put(made, ("service", "pipelines", f"traces/{NEW}"), end)
        start = {"receivers": [f"otlp/{NEW}"], "exporters": [f"routing/{NEW}"]}
        yield put(made, ("service", "pipelines", f"traces/{NEW}-in"), start)


def metadata_forgotten(subject: Subject) -> Iterator[Subject]:
    """Yield a tenant of the requests that a batch loses before an exporter needs it."""
    headers = {"headers": [{"key": "X-Scope-OrgID", "from_context": "tenant"}]}
    extension = plus(subject, "extensions", "headers_setter", headers)
    exporter = {"endpoint": "http://a:4318", "auth": {"authenticator": f"headers_setter/{NEW}"}}
    yield plus(extension, "exporters", "otlp_http", {**exporter, "sending_queue": {"batch": {}}})
    for kind in ("batch", "tail_sampling"):
        made = put(extension, ("exporters", f"otlp_http/{NEW}"), exporter)
        made = put(made, ("processors", f"{kind}/{NEW}"), {})
        made = put(made, ("receivers", f"zipkin/{NEW}"), {"endpoint": "localhost:4999"})
        flow = {"receivers": [f"zipkin/{NEW}"], "processors": [f"{kind}/{NEW}"], "exporters": [f"otlp_http/{NEW}"]}
        yield put(made, ("service", "pipelines", f"traces/{NEW}"), flow)


def memory_limiter_settings(subject: Subject) -> Iterator[Subject]:
    wrong = [
        {"limit_mib": 400},
        {"check_interval": "0s", "limit_mib": 400},
        {"check_interval": "1s"},
        {**LIMITS, "spike_limit_mib": 400},
        {"check_interval": "1s", "limit_percentage": 110},
    ]
    for name, component_id, _settings in components(subject, "processors"):
        if component_id.startswith("memory_limiter"):
            yield from (put(subject, (name, component_id), settings) for settings in wrong)
    yield put(subject, ("processors", f"memory_limiter/{NEW}"), {"check_interval": "1s"})  # in no pipeline


def duplicate_scrape(subject: Subject) -> Iterator[Subject]:
    job = {"job_name": "pods", "kubernetes_sd_configs": [{"role": "pod"}]}
    scrape = {"config": {"scrape_configs": [job]}}
    for around in (
        {"mode": "daemonset"},
        {"mode": "deployment", "replicas": 3},
        {"mode": "statefulset", "replicas": 2},
    ):
        deployment = placed(subject, **around, has_target_allocator=False)
        yield plus(subject, "receivers", "prometheus", scrape, "metrics", deployment=deployment)


def scraped_twice(subject: Subject) -> Iterator[Subject]:
    for annotation in ("prometheus_io_scrape", "acme_com_scrape"):
        keep = {"source_labels": [f"__meta_kubernetes_pod_annotation_{annotation}"], "regex": "true", "action": "keep"}
        job = {"kubernetes_sd_configs": [{"role": "pod"}], "relabel_configs": [keep]}
        scrape = {"config": {"scrape_configs": [{"job_name": "one", **job}, {"job_name": "two", **job}]}}
        yield plus(subject, "receivers", "prometheus", scrape, "metrics")


def node_measured_twice(subject: Subject) -> Iterator[Subject]:
    made = plus(subject, "receivers", "kubelet_stats", {"endpoint": "${env:K8S_NODE_IP}:10250"}, "metrics")
    for scraper in ("cpu", "memory"):
        yield plus(made, "receivers", "host_metrics", {"scrapers": {scraper: None}}, "metrics")


def target_allocator_mode(subject: Subject) -> Iterator[Subject]:
    for mode in ("deployment", "sidecar"):
        yield put(
            subject, ("service", "mutant"), None, deployment=placed(subject, mode=mode, has_target_allocator=True)
        )


def split_state(subject: Subject) -> Iterator[Subject]:
    if subject.view.find_parts("exporters", "loadbalancing"):
        return  # it divides for others
    subject = replace(subject, complete_routing_keys=None)  # nobody divides for it
    deployment = {"deployment": placed(subject, mode="deployment", replicas=3)}
    for kind in ("tail_sampling", "groupbytrace"):
        yield plus(subject, "processors", kind, {}, **deployment)
    yield plus(subject, "processors", "cumulativetodelta", {}, "metrics", **deployment)
    counted = joined(subject, "span_metrics", {}, ("traces", "metrics"))
    yield edited(counted, lambda _config: None, deployment=placed(subject, mode="deployment", is_autoscaled=True))


def unbounded_dimension(subject: Subject) -> Iterator[Subject]:
    for name in ("http.url", "trace_id", "user.id", "db.statement"):
        yield joined(subject, "span_metrics", {"dimensions": [{"name": name}]}, ("traces", "metrics"))


MUTATORS: dict[str, Mutator] = {
    "memory-limiter-missing": memory_limiter_missing,
    "memory-limiter-late": memory_limiter_late,
    "batch-missing": batch_missing,
    "batch-early": after_batch(("tail_sampling", {}), ("filter", {}), ("probabilistic_sampler", {})),
    "batch-twice": batch_twice,
    "batch-deprecated": batch_deprecated,
    "request-too-large": request_too_large,
    "header-unsent": header_unsent,
    "connection-forgotten": connection_forgotten,
    "wrong-pod": wrong_pod,
    "metadata-missing": metadata_missing,
    "metadata-forgotten": metadata_forgotten,
    "processor-twice": processor_twice,
    "exporter-twice": exporter_twice,
    "sampled-metrics": sampled_metrics,
    "memory-limiter-settings": memory_limiter_settings,
    "memory-limiter-above-container": added_where(
        {"memory_limit_mib": 512},
        [("processors", "memory_limiter", {**LIMITS, "limit_mib": size}) for size in (512, 1024, 4000)],
    ),
    "traces-above-memory": added_where(
        {"memory_limit_mib": 512},
        [
            ("processors", "tail_sampling", settings)
            for settings in (
                {"num_traces": 3_000_000},
                {"num_traces": 1_000_000, "decision_wait": "30s", "expected_new_traces_per_sec": 15_000},
                {"num_traces": 900_000, "expected_new_traces_per_sec": 20_000},
            )
        ],
    ),
    "memory-limiter-spike": added(
        [("processors", "memory_limiter", {**LIMITS, "limit_mib": 600, "spike_limit_mib": size}) for size in (400, 550)]
    ),
    "memory-limiter-unbounded": added_where(
        {"memory_limit_mib": 0},
        [("processors", "memory_limiter", {"check_interval": "1s", "limit_percentage": 80}, "logs")],
    ),
    "memory-limiter-ignored": added(
        [
            ("processors", "memory_limiter", {**LIMITS, **more})
            for more in ({"limit_percentage": 80}, {"spike_limit_percentage": 20})
        ]
    ),
    "whole-cluster-cache": added_where(
        {"mode": "daemonset"},
        [
            ("processors", "k8s_attributes", settings, "metrics")
            for settings in ({}, {"filter": {"namespace": "shop"}}, {"passthrough": False})
        ],
    ),
    "split-state": split_state,
    "pod-association": added_where(
        {"mode": "deployment"}, [("processors", "k8s_attributes", {}), ("processors", "k8s_attributes", BY_CONNECTION)]
    ),
    "duplicate-scrape": duplicate_scrape,
    "scraped-twice": scraped_twice,
    "node-measured-twice": node_measured_twice,
    "target-allocator-mode": target_allocator_mode,
    "unbounded-dimension": unbounded_dimension,
    "every-label": added(
        [
            ("processors", "k8s_attributes", {"extract": {what: [{"key_regex": pattern, "from": "pod"}]}})
            for what in ("labels", "annotations")
            for pattern in (".*", "^(.*)$", ".+")
        ]
    ),
    "own-attribute": added(
        [
            ("processors", "resource", {"attributes": [{"key": name, "value": "a", "action": action}]})
            for name in ("cluster", "podName", "deployment.environment")
            for action in ("insert", "update", "upsert")
        ]
    ),
    "dimension-rollup": added(
        [
            ("exporters", "awsemf", settings, "metrics")
            for settings in ({}, {"region": "eu-west-1"}, {"dimension_rollup_option": "ZeroAndSingleDimensionRollup"})
        ]
    ),
}
