# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on metrics: how they are scraped, named and how many series there are."""

from __future__ import annotations

from typing import Any

from .cases import Table
from .shapes import Json, running, where

JOB = {"job_name": "apps", "kubernetes_sd_configs": [{"role": "pod"}]}
PLACE = "receivers.prometheus.config.scrape_configs[0]"


def scraping(job: Any, **settings: Any) -> Json:
    return running("metrics", receivers={"prometheus": {"config": {"scrape_configs": [job]}, **settings}})


def of(target: str) -> Json:
    return scraping({"static_configs": [{"targets": [target]}]})


CASES: Table = {
    "duplicate-scrape": {
        "two replicas": (
            scraping(JOB),
            f"{PLACE}: job 'apps' scrapes all its targets from each replica, and there is more than one replica "
            "(2) Use",
            where("statefulset", replicas=2),
        ),
        "agents": (of("app:80"), f"{PLACE}: spec.nodeName=${{env:K8S_NODE_NAME}}", where("daemonset")),
        "a target allocator": (scraping(JOB), "", where("statefulset", replicas=2, target_allocator=True)),
        "a target allocator of its own": (scraping(JOB, target_allocator={}), "", where(replicas=2)),
        "one replica": (scraping(JOB), "", where(replicas=1)),
        "itself": (of("${env:MY_POD_IP}:8888"), "", where(replicas=2)),
        "shares by hash": (scraping({**JOB, "relabel_configs": [{"action": "hashmod"}]}), "", where(replicas=2)),
        "pods of the own node": (
            scraping({"kubernetes_sd_configs": [{"selectors": [{"field": "spec.nodeName=${env:K8S_NODE_NAME}"}]}]}),
            "",
            where("daemonset"),
        ),
    },
    "target-allocator-mode": {
        "pods without names": (
            scraping(JOB),
            ": mode deployment cannot have a target allocator",
            where(target_allocator=True),
        ),
        "pods with names": (scraping(JOB), "", where("statefulset", target_allocator=True)),
        "none": (scraping(JOB), "", where()),
    },
}


TEN = [f"d{number}" for number in range(10)]


def emf(**settings: Any) -> Json:
    return running("metrics", exporters={"awsemf": settings})


def declared(*dimensions: Any, **more: Any) -> Json:
    return emf(metric_declarations=[{"metric_name_selectors": [".*"], "dimensions": list(dimensions), **more}])


CASES |= {
    "dropped-declaration": {
        "no selector": (
            emf(metric_declarations=[{"dimensions": [["Cluster"]]}]),
            "exporters.awsemf.metric_declarations[0]: the declaration selects no metric Add "
            "`metric_name_selectors: [REGULAR EXPRESSION]`.",
        ),
        "too many dimensions": (
            declared(["Cluster"], [*TEN, "one_more"]),
            "exporters.awsemf.metric_declarations[0].dimensions[1]: it has 11 dimensions, and awsemf drops "
            "sets of more than 10",
        ),
        "ten dimensions": declared(TEN),
        "none": emf(),
        "no mapping": emf(metric_declarations=["a", None]),
    },
    "log-retention": {
        "ten days": (
            emf(log_retention=10),
            "exporters.awsemf.log_retention: CloudWatch Logs keeps no event for 10 days Write 14, or another "
            "of: 1, 3, 5,",
        ),
        "a hundred years": (
            running("logs", exporters={"awscloudwatchlogs": {"log_retention": 36500}}),
            "exporters.awscloudwatchlogs.log_retention: Write 3653,",
        ),
        "a month": emf(log_retention=30),
        "forever": emf(log_retention=0),
        "a variable": emf(log_retention="${env:DAYS}"),
    },
}


def spans(**settings: Any) -> Json:
    return running(connectors={"spanmetrics": settings})


def extracted(**settings: Any) -> Json:
    return running(processors={"k8s_attributes": {"extract": settings}})


CASES |= {
    "unbounded-dimension": {
        "a URL": (
            spans(dimensions=[{"name": "http.route"}, {"name": "url.full"}]),
            "connectors.spanmetrics.dimensions[1]: 'url.full' has a new value in nearly every span",
        ),
        "a route": spans(dimensions=[{"name": "http.route"}]),
        "a limit": spans(dimensions=[{"name": "url.full"}], aggregation_cardinality_limit=9),
    },
    "every-label": {
        "all labels": (
            extracted(labels=[{"tag_name": "$$1", "key_regex": "(.*)", "from": "pod"}]),
            "processors.k8s_attributes.extract.labels[0]: every one of the labels becomes an attribute",
        ),
        "one label": extracted(labels=[{"key": "team"}]),
        "some annotations": extracted(annotations=[{"key_regex": "team/(.*)"}]),
    },
    "dimension-rollup": {
        "the default": (emf(), "exporters.awsemf: Add `dimension_rollup_option: NoDimensionRollup`."),
        "none": emf(dimension_rollup_option="NoDimensionRollup"),
        "declared metrics": emf(metric_declarations=[{"dimensions": [["a"]]}]),
    },
}
