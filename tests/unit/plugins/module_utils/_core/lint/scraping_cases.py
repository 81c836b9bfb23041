# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on metrics: how they are scraped, named and how many series there are."""

from __future__ import annotations

from typing import Any

from .cases import Case
from .shapes import Json, running, where

JOB = {"job_name": "apps", "kubernetes_sd_configs": [{"role": "pod"}]}
PLACE = "receivers.prometheus.config.scrape_configs[0]"


def scraping(job: Any, **settings: Any) -> Json:
    return running("metrics", receivers={"prometheus": {"config": {"scrape_configs": [job]}, **settings}})


def of(target: str) -> Json:
    return scraping({"static_configs": [{"targets": [target]}]})


CASES = [
    Case(
        "duplicate-scrape",
        "two replicas",
        scraping(JOB),
        PLACE,
        "job 'apps' scrapes all its targets from each replica, and there is more than one replica (2) Use",
        where("statefulset", replicas=2),
    ),
    Case("duplicate-scrape", "agents", of("app:80"), PLACE, "spec.nodeName=${env:K8S_NODE_NAME}", where("daemonset")),
    Case(
        "duplicate-scrape",
        "a target allocator",
        scraping(JOB),
        more=where("statefulset", replicas=2, target_allocator=True),
    ),
    Case(
        "duplicate-scrape", "a target allocator of its own", scraping(JOB, target_allocator={}), more=where(replicas=2)
    ),
    Case("duplicate-scrape", "one replica", scraping(JOB), more=where(replicas=1)),
    Case("duplicate-scrape", "itself", of("${env:MY_POD_IP}:8888"), more=where(replicas=2)),
    Case(
        "duplicate-scrape",
        "shares by hash",
        scraping({**JOB, "relabel_configs": [{"action": "hashmod"}]}),
        more=where(replicas=2),
    ),
    Case(
        "duplicate-scrape",
        "pods of the own node",
        scraping({"kubernetes_sd_configs": [{"selectors": [{"field": "spec.nodeName=${env:K8S_NODE_NAME}"}]}]}),
        more=where("daemonset"),
    ),
    Case(
        "target-allocator-mode",
        "pods without names",
        scraping(JOB),
        "",
        "mode deployment cannot have a target allocator",
        where(target_allocator=True),
    ),
    Case("target-allocator-mode", "pods with names", scraping(JOB), more=where("statefulset", target_allocator=True)),
    Case("target-allocator-mode", "none", scraping(JOB), more=where()),
]


TEN = [f"d{number}" for number in range(10)]


def emf(**settings: Any) -> Json:
    return running("metrics", exporters={"awsemf": settings})


def declared(*dimensions: Any, **more: Any) -> Json:
    return emf(metric_declarations=[{"metric_name_selectors": [".*"], "dimensions": list(dimensions), **more}])


CASES += [
    Case(
        "dropped-declaration",
        "no selector",
        emf(metric_declarations=[{"dimensions": [["Cluster"]]}]),
        "exporters.awsemf.metric_declarations[0]",
        "the declaration selects no metric Add `metric_name_selectors: [REGULAR EXPRESSION]`.",
    ),
    Case(
        "dropped-declaration",
        "too many dimensions",
        declared(["Cluster"], [*TEN, "one_more"]),
        "exporters.awsemf.metric_declarations[0].dimensions[1]",
        "it has 11 dimensions, and awsemf drops sets of more than 10",
    ),
    Case("dropped-declaration", "ten dimensions", declared(TEN)),
    Case("dropped-declaration", "none", emf()),
    Case("dropped-declaration", "no mapping", emf(metric_declarations=["a", None])),
    Case(
        "log-retention",
        "ten days",
        emf(log_retention=10),
        "exporters.awsemf.log_retention",
        "CloudWatch Logs keeps no event for 10 days Write 14, or another of: 1, 3, 5,",
    ),
    Case(
        "log-retention",
        "a hundred years",
        running("logs", exporters={"awscloudwatchlogs": {"log_retention": 36500}}),
        "exporters.awscloudwatchlogs.log_retention",
        "Write 3653,",
    ),
    Case("log-retention", "a month", emf(log_retention=30)),
    Case("log-retention", "forever", emf(log_retention=0)),
    Case("log-retention", "a variable", emf(log_retention="${env:DAYS}")),
]


def spans(**settings: Any) -> Json:
    return running(connectors={"spanmetrics": settings})


def extracted(**settings: Any) -> Json:
    return running(processors={"k8s_attributes": {"extract": settings}})


CASES += [
    Case(
        "unbounded-dimension",
        "a URL",
        spans(dimensions=[{"name": "http.route"}, {"name": "url.full"}]),
        "connectors.spanmetrics.dimensions[1]",
        "'url.full' has a new value in nearly every span",
    ),
    Case("unbounded-dimension", "a route", spans(dimensions=[{"name": "http.route"}])),
    Case("unbounded-dimension", "a limit", spans(dimensions=[{"name": "url.full"}], aggregation_cardinality_limit=9)),
    Case(
        "every-label",
        "all labels",
        extracted(labels=[{"tag_name": "$$1", "key_regex": "(.*)", "from": "pod"}]),
        "processors.k8s_attributes.extract.labels[0]",
        "every one of the labels becomes an attribute",
    ),
    Case("every-label", "one label", extracted(labels=[{"key": "team"}])),
    Case("every-label", "some annotations", extracted(annotations=[{"key_regex": "team/(.*)"}])),
    Case(
        "dimension-rollup",
        "the default",
        emf(),
        "exporters.awsemf",
        "Add `dimension_rollup_option: NoDimensionRollup`.",
    ),
    Case("dimension-rollup", "none", emf(dimension_rollup_option="NoDimensionRollup")),
    Case("dimension-rollup", "declared metrics", emf(metric_declarations=[{"dimensions": [["a"]]}])),
]
