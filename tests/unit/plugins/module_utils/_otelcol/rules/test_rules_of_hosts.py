# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules say of a collector on a Linux host has no advice for Kubernetes.

Every rule judges the config of every case of every rule, as if a host ran it. A new rule or case is judged too.
"""

from __future__ import annotations

import json
import re
from typing import Any, cast

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host.host_deployment import (
    describe_deployment,
    list_host_variables,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host.host_options import HostCollector
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.findings import Finding, run_rules
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.rules import RULES
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Subject

from ...helpers import CATALOGUE
from .cases import Case
from .test_rules import CASES

KUBERNETES = re.compile(
    r"\b(?:pods?|DaemonSets?|StatefulSets?|Deployments?|Kubernetes|kubelets?|kubectl|ServiceAccounts?|Services?|ConfigMaps?"
    r"|Secrets?|namespaces?|containers?|sidecars?|volumes?|mount(?:ed|s)?|nodes?|clusters?|NetworkPolic(?:y|ies)"
    r"|host_ports|extra_mounts|MY_POD_IP|K8S_[A-Z_]+|(?:ca|tls|client_ca|client_tls)_secret|svc)\b"
)
# Advice about a component of Kubernetes has its words wherever the component runs.
OF_KUBERNETES = re.compile(r"k8s|kube", re.IGNORECASE)


# What a collector of a host has around its config too.
AROUND_ANY = ("target", "literals", "receiving")


class SmallHost:
    """What the rules learn of a collector's options."""

    memory_limit, logs, env = "512Mi", None, {"OWN": "value"}


def judged_on_a_host(case: Case) -> list[Finding]:
    """Return what all rules find in a case's config on a host. What only a cluster has around a config is left out."""
    collector = cast("HostCollector", SmallHost())
    around: dict[str, Any] = {
        name: case.more[name] for name in ("target", "literals", "receiving") if name in case.more
    }
    subject = Subject(
        case.config,
        listeners=CATALOGUE.listeners,
        variable_names=list_host_variables(collector),
        deployment=describe_deployment(collector),
        **around,
    )
    return run_rules(RULES, subject)


def advice_for_kubernetes(case: Case) -> list[str]:
    """Return the words of Kubernetes that findings add to those that the config has itself."""
    written = json.dumps(case.config, default=str)
    if OF_KUBERNETES.search(written):
        return []
    return [
        f"{finding.rule}: {finding.message}. {finding.fix}"
        for finding in judged_on_a_host(case)
        for word in KUBERNETES.findall(f"{finding.message} {finding.fix}")
        if word not in written
    ]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_finding_on_a_host_has_no_word_of_kubernetes(case: Case) -> None:
    assert advice_for_kubernetes(case) == []


def test_the_cases_reach_the_rules_and_most_of_them_find_something_on_hosts_too() -> None:
    found = {finding.rule for case in CASES for finding in judged_on_a_host(case)}
    assert len(found) > len(RULES) * 2 // 3, "these cases judge hosts"


def test_variables_that_only_pods_have_are_missing_on_a_host() -> None:
    case = next(one for one in CASES if one.rule == "missing-variable" and one.path)
    config = {**case.config, "exporters": {"otlp": {"endpoint": "${env:KUBERNETES_SERVICE_HOST}:4317"}}}
    found = judged_on_a_host(Case("missing-variable", "of pods", config))
    assert any("KUBERNETES_SERVICE_HOST is read here, but not set" in one.message for one in found)
