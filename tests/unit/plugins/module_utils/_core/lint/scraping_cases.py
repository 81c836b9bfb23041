# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on the prometheus receiver."""

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
        "job 'apps' scrapes all its targets from each copy, and there is more than one replica (2) Use `replicas: 1`",
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
