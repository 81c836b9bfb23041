# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.deployed import (
    build_deployment,
    list_variables,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.platform import Platform
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import Position
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules import profiles, structure
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.findings import (
    SEVERITIES,
    Finding,
    run_rules,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.rules import RULES
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Subject
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _role_files
from hypothesis import assume, given

from ..helpers import CONFIG, cases, collector, needs
from ..strategies import configs

STORING = {
    **CONFIG,
    "extensions": {"file_storage": None},
    "service": {**CONFIG["service"], "extensions": ["file_storage"]},
}


OPEN: frozenset[Any] = frozenset({(4317, "TCP")})
CLOSED: frozenset[Any] = frozenset()
AGENT, SIDECAR = {"mode": "daemonset"}, {"mode": "sidecar", "backend": "operator"}
SCALED = {"min_replicas": 1, "max_replicas": 3}


@cases(
    "options, expected",
    (
        {},
        {
            "replicas": 2,
            "granted_rules": (),
            "is_probed": True,
            "allowed_rights": (),
            "exposed_ports": OPEN,
            "open_ports": CLOSED,
        },
    ),
    (AGENT, {"replicas": None, "exposed_ports": OPEN, "open_ports": OPEN}),
    (AGENT | {"host_ports": True}, {"open_ports": CLOSED}),
    (AGENT | {"host_ports": False}, {"exposed_ports": CLOSED, "open_ports": CLOSED}),
    (AGENT | {"host_network": True}, {"exposed_ports": OPEN}),
    (AGENT | {"network_policy": {"ingress_from": [{"podSelector": {}}]}}, {"open_ports": CLOSED}),
    (SIDECAR, {"exposed_ports": None, "replicas": None}),
    ({"autoscaling": SCALED}, {"replicas": 1, "is_autoscaled": True}),
    ({"autoscaling": SCALED | {"max_replicas": 1}}, {"is_autoscaled": False}),
    ({"memory_limit": "1Gi"}, {"memory_limit_mib": 1024}),
    ({"host_network": True}, {"uses_host_network": True}),
    ({"network_policy": {"enabled": True}}, {"by_operator": False, "ingress": None}),
    ({"backend": "operator"}, {"by_operator": True, "ingress": None}),
    ({"volumes": [{"name": "a", "mount_path": "/data"}]}, {"mount_paths": ("/conf", "/data")}),
    ({"service": {"enabled": False}}, {"exposed_ports": CLOSED}),
    ({"service": {"enabled": False}, "mode": "statefulset"}, {"exposed_ports": OPEN}),
    ({"backend": "operator", "target_allocator": {"enabled": True}}, {"has_target_allocator": True}),
    ({"target_allocator": {"enabled": True}}, {"has_target_allocator": False}),
    ({"allow": ["root"]}, {"allowed_rights": ("root",)}),
)
def test_what_rules_know_of_a_collector_of_ours(options: dict[str, Any], expected: dict[str, Any]) -> None:
    found = build_deployment(collector(**options), needs(CONFIG))
    assert {field: getattr(found, field) for field in expected} == expected


def test_mounts_that_follow_from_the_config_are_known() -> None:
    assert build_deployment(collector(), needs(STORING)).mount_paths == ("/conf", "/var/lib/otelcol/file_storage")


@pytest.mark.parametrize(
    ("mode", "name", "ends"),
    [
        ("deployment", "generic", True),
        ("sidecar", "generic", True),
        ("daemonset", "gke_autopilot", True),
        ("daemonset", "generic", False),
        ("statefulset", "generic", False),
    ],
)
def test_state_ends_with_the_pod_without_a_claim_or_a_folder_of_the_node(mode: str, name: str, ends: bool) -> None:
    platform = Platform.from_facts(name, _role_files.read_platform(name, _role_files.find_platforms([])))
    found = build_deployment(collector(mode=mode), needs(STORING), platform)
    assert found.fleeting_paths == (("/var/lib/otelcol/file_storage",) if ends else ())


def test_an_empty_volume_ends_with_the_pod() -> None:
    volumes = [{"name": "a", "mount_path": "/a", "source": {"emptyDir": {}}}, {"name": "b", "mount_path": "/b"}]
    assert build_deployment(collector(volumes=volumes), needs(CONFIG)).fleeting_paths == ("/a",)


def test_nothing_is_known_where_no_needs_are() -> None:
    found = build_deployment(collector(), None)
    assert (found.mount_paths, found.exposed_ports, found.granted_rules) == (None, None, None)


def test_a_role_brings_variables_with_it() -> None:
    annotated = collector(service_account_annotations={"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x"})
    assert {"AWS_REGION", "MY_POD_IP"} <= list_variables(annotated)
    assert "AWS_REGION" not in list_variables(collector(env={"KEY": "x"}))
    assert "KEY" in list_variables(collector(env={"KEY": "x"}))


def test_the_operator_says_the_name_of_the_pod() -> None:
    assert "POD_NAME" in list_variables(collector(backend="operator"))
    assert "POD_NAME" not in list_variables(collector())


@given(configs)
def test_the_needs_of_a_config_that_is_not_malformed_can_be_derived(config: Any) -> None:
    faults = {fault.rule for fault in run_rules(structure.RULES, Subject(config))}
    assume(not faults & set(structure.MALFORMED_RULES))
    assert build_deployment(collector(), needs(config)).granted_rules is not None


KNOWN = {rule.id for rule in RULES}
SINGLETON = Finding(Position("a", 1), "receivers.k8s_cluster", "singleton", "warning", "twice")
CLEAR = Finding(Position("a", 2), "exporters.otlp.tls.insecure", "clear-text", "warning", "clear")
DEBUG = Finding(Position("a", 3), "service.pipelines.traces.exporters[0]", "verbose-debug", "info", "much")
ALL = [SINGLETON, CLEAR, DEBUG]


@pytest.mark.parametrize("profile", profiles.PROFILES)
def test_profiles_speak_of_rules_that_exist(profile: str) -> None:
    assert set(profiles.PROFILES[profile]) <= KNOWN
    assert set(profiles.PROFILES[profile].values()) <= {*SEVERITIES, profiles.OFF}


def test_production_is_never_more_lenient_than_development() -> None:
    order = (*SEVERITIES, profiles.OFF)
    by_strictness = [profiles.PROFILES[name] for name in ("production", "default", "development")]
    for rule in RULES:
        ladder = [profile.get(rule.id, rule.severity) for profile in by_strictness]
        assert ladder == sorted(ladder, key=order.index), rule


@cases(
    "profile, severities",
    ("default", ["warning", "warning", "info"]),
    ("development", ["warning", "info"]),
    ("production", ["error", "error", "warning"]),
)
def test_a_profile_weighs_findings(profile: str, severities: list[str]) -> None:
    assert [
        finding.severity for finding in profiles.weigh_findings(ALL, KNOWN, profile).remaining_findings
    ] == severities


def test_a_profile_leaves_a_single_case_at_its_own_severity() -> None:
    kubelet = Finding(Position(), "receivers.kubelet_stats", "unverified-certificate", "info", "any")
    assert profiles.weigh_findings([kubelet], KNOWN, "production").remaining_findings == [kubelet]
    autoscaled = Finding(Position(), "receivers.k8s_cluster", "singleton", "warning", "twice")
    assert profiles.weigh_findings([autoscaled], KNOWN, "development").remaining_findings == [autoscaled]


def test_the_users_word_is_final() -> None:
    kept = profiles.weigh_findings(
        ALL, KNOWN, "production", {"singleton": "info", "clear-text": profiles.OFF}
    ).remaining_findings
    assert {finding.rule: finding.severity for finding in kept} == {"singleton": "info", "verbose-debug": "warning"}


@cases(
    "path, met",
    ("*", True),
    ("service.pipelines.traces.exporters[0]", True),
    ("service.pipelines.*", True),
    ("service.pipelines.traces.exporters[1]", False),
    ("service", False),
)
def test_a_suppression_is_for_a_rule_and_a_place(path: str, met: bool) -> None:
    judged = profiles.weigh_findings(
        ALL, KNOWN, suppressions=[profiles.Suppression("verbose-debug", "we watch it", path)]
    )
    assert judged.suppressed_findings == ([(DEBUG, "we watch it")] if met else [])
    assert (DEBUG in judged.remaining_findings) is not met


def test_a_suppression_that_meets_nothing_is_told() -> None:
    judged = profiles.weigh_findings(
        [CLEAR], KNOWN, suppressions=[profiles.Suppression("singleton", "one node", "receivers.*")]
    )
    unused = next(finding for finding in judged.remaining_findings if finding.rule == "unused-suppression")
    assert (unused.severity, unused.path) == ("info", "receivers.*")
    assert "'singleton' is suppressed at 'receivers.*', but finds nothing there" in str(unused)


@cases(
    "arguments, says",
    ({"profile": "produktion"}, "there is no profile 'produktion'; did you mean 'production'?"),
    ({"severities": {"singletons": "info"}}, "there is no rule 'singletons'; did you mean 'singleton'?"),
    ({"severities": {1: "info"}}, "there is no rule '1'"),
    ({"severities": {"singleton": "warn"}}, "'warn' is not a severity; did you mean 'warning'?"),
    ({"suppressions": [profiles.Suppression("cleartext", "x")]}, "no rule 'cleartext'; did you mean 'clear-text'?"),
    ({"suppressions": [profiles.Suppression("clear-text", " ")]}, "'clear-text' is suppressed without a reason"),
)
def test_a_mistake_is_a_problem_with_the_near_word(arguments: dict[str, object], says: str) -> None:
    with pytest.raises(Problem) as refused:
        profiles.weigh_findings(ALL, KNOWN, **arguments)  # type: ignore[arg-type]
    assert says in str(refused.value)


@pytest.mark.parametrize(("mode", "kept"), [("daemonset", True), ("deployment", False), ("statefulset", False)])
def test_only_an_agent_keeps_state_in_a_folder_of_its_node(mode: str, kept: bool) -> None:
    assert build_deployment(collector(mode=mode), needs(STORING), Platform()).keeps_on_node is kept
    assert not build_deployment(collector(mode=mode), needs(STORING), Platform(host_paths_writable=False)).keeps_on_node
