# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every built-in check finds its situation, and none finds anything in a healthy collector; certificates."""

from __future__ import annotations

from typing import Any

import jmespath
import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose import (
    certificate_facts,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose import (
    diagnose_checks as check,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.collector_checks import COLLECTOR_CHECKS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.diagnose_checks import (
    Check,
    run_checks,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.pod_sources import MountedFile, PodSource

from ..helpers import cases

RECEIVE, EXPORT, PROCESS, POD, SIDEWAYS, HEALTHY = yaml.safe_load("""
- {id: otlp, signal: traces, items: spans, seconds: 5, about: in, state: comes, accepted: 3, accepted_total: 3,
   refused: 0, refused_total: 0, failed: 0, passive: true, uptime: 9 min}
- {id: debug, signal: traces, items: spans, seconds: 5, about: exporters/debug, state: sends, accepted: 3, sent: 3,
   sent_total: 3, failed: 0, failed_total: 0, queue_size: 0, queue_capacity: 10, queue_percent: 0, came: spans}
- {id: x, items: spans, seconds: 5, refused: 0, incoming: 3, outgoing: 3}
- {name: p, node: n, phase: Running, ready: true, restarts: 0, last_reason: "", last_exit_code: 0, last_seconds_ago: 0}
- {cause: refused, text: connection refused, current: true, drops: false, calm: false, about: exporters/debug}
- {name: a, namespace: ns, kind: Deployment, mode: deployment, hidden: false, workload: {x: 1}, custom_resource: null,
   resource_conditions: [], wanted: 1, complete: true, running: true, ready_text: 1 of 1 ready, symptoms: [],
   change: null, events: [], findings: [], references: [{state: ok}], probes: [], proxied: [],
   certificate_resources: [{ready: true}],
   certificates: [{state: valid, uncovered: []}], trust: [{state: trusted}], rights: [], logs: [], echoes: [],
   services: [{state: ok}], listeners: [{state: served, policies: ""}], peers: [{state: ok}, {state: outside}],
   uncovered_nodes: [], target_allocator: null, memory: [{percent: 50}], autoscalers: [{at_max: false, broken: ""}],
   unseen: []}
""")
HEALTHY |= {"pods": [POD], "receives": [RECEIVE], "processes": [PROCESS], "exports": [EXPORT]}
FINDING = {"severity": "error", "rule": "r", "where": "w", "message": "m", "fix": "f", "about": ""}
IDLE = RECEIVE | {"state": "idle", "accepted": 0}

# The check, and what makes the healthy collector have it.
SITUATIONS: list[tuple[str, dict[str, Any]]] = [
    ("absent", {"workload": None, "pods": []}),
    ("paused", {"wanted": 0}),
    ("reference_missing", {"references": [{"state": "missing", "kind": "Secret"}]}),
    ("key_missing", {"references": [{"state": "no_key", "key": "k"}]}),
    ("certificate_not_issued", {"certificate_resources": [{"ready": False}]}),
    ("config_error", {"running": False, "findings": [FINDING]}),
    ("config_error_live", {"findings": [FINDING]}),
    ("config_exposed", {"findings": [FINDING | {"rule": "plaintext-secret"}]}),
    ("config_warning", {"findings": [FINDING | {"severity": "info"}]}),
    ("probe_unanswered", {"running": False, "probes": [{"about": "start", "kind": "readiness", "port": 13133}]}),
    ("rollout", {"symptoms": [{"reason": "Error", "message": "exit code 1", "last_words": "boom"}]}),
    ("not_complete", {"complete": False}),
    ("change_under_way", {"change": {"record": "a-change", "what": "a change has been under way"}}),
    ("not_ready", {"pods": [POD | {"ready": False}]}),
    ("resource_failed", {"resource_conditions": [{"type": "Ready", "status": "False"}]}),
    ("out_of_memory", {"pods": [POD | {"last_reason": "OOMKilled", "last_seconds_ago": 60}]}),
    ("restarted", {"pods": [POD | {"last_reason": "Error", "last_seconds_ago": 60}]}),
    ("node_uncovered", {"uncovered_nodes": [{"node": "n", "why": "w"}]}),
    ("event", {"events": [{"reason": "Failed"}]}),
    ("right_missing", {"rights": [{"state": "none"}]}),
    ("right_in_namespace", {"rights": [{"state": "namespace"}]}),
    ("right_denied", {"logs": [SIDEWAYS | {"cause": "forbidden"}]}),
    ("certificate_expired", {"certificates": [{"state": "expired"}]}),
    ("certificate_early", {"certificates": [{"state": "not_yet_valid"}]}),
    ("certificate_soon", {"certificates": [{"state": "soon"}]}),
    ("certificate_names", {"certificates": [{"state": "valid", "uncovered": ["a"], "names": ["b"]}]}),
    ("certificate_untrusted", {"trust": [{"state": "untrusted"}]}),
    ("certificate_other_name", {"trust": [{"state": "other_name"}]}),
    ("service_selects_nothing", {"services": [{"state": "selects_nothing"}]}),
    ("service_selects_others", {"services": [{"state": "other", "differs": "d"}]}),
    ("service_not_ready", {"services": [{"state": "not_ready"}]}),
    ("service_wrong_port", {"services": [{"state": "wrong_port"}]}),
    ("receiver_loopback", {"listeners": [{"state": "loopback", "policies": ""}]}),
    ("receiver_blocked", {"listeners": [{"state": "blocked", "policies": "p"}]}),
    ("receiver_unserved", {"listeners": [{"state": "unserved", "policies": ""}]}),
    ("receiver_limited", {"listeners": [{"state": "served", "policies": "p"}]}),
    ("peer_no_service", {"peers": [{"state": "no_service"}]}),
    ("peer_no_port", {"peers": [{"state": "no_port"}]}),
    ("peer_no_endpoints", {"peers": [{"state": "not_ready"}]}),
    ("peer_loopback", {"peers": [{"state": "loopback"}]}),
    ("peer_blocked", {"peers": [{"state": "blocked"}]}),
    ("peer_kept_out", {"peers": [{"state": "kept_out"}]}),
    ("peer_proxied", {"proxied": [{"variable": "HTTPS_PROXY", "host": "a.b.svc"}]}),
    ("peer_no_scheme", {"peers": [{"state": "no_scheme"}]}),
    ("no_targets", {"target_allocator": {"jobs": [{"name": "j", "targets": 0}], "idle": []}}),
    ("targets_unshared", {"target_allocator": {"jobs": [], "idle": ["c-1"]}}),
    ("memory_high", {"memory": [{"percent": 90}]}),
    ("memory_limiter", {"processes": [PROCESS | {"refused": 3}]}),
    ("autoscaler_at_max", {"autoscalers": [{"at_max": True}]}),
    ("autoscaler_broken", {"autoscalers": [{"broken": "b"}]}),
    ("queue_high", {"exports": [EXPORT | {"queue_percent": 85}]}),
    ("log_error", {"logs": [SIDEWAYS]}),
    ("log_entry", {"logs": [SIDEWAYS | {"calm": True}]}),
    ("log_loop", {"echoes": [{"pod": "n/p", "records": 3, "seconds": 60}]}),
    ("refused", {"receives": [RECEIVE | {"state": "refused"}]}),
    ("fails", {"exports": [EXPORT | {"state": "fails"}]}),
    ("fails_partly", {"exports": [EXPORT | {"state": "fails_partly"}]}),
    ("fails_since_start", {"exports": [EXPORT | {"state": "idle", "sent_total": 0, "failed_total": 9}]}),
    ("failed_since_start", {"exports": [EXPORT | {"state": "idle", "failed_total": 9}]}),
    ("refused_since_start", {"receives": [IDLE | {"accepted_total": 0, "refused_total": 9}]}),
    ("disk_full", {"logs": [SIDEWAYS | {"cause": "disk", "calm": True}]}),
    ("waits", {"exports": [EXPORT | {"state": "waits"}]}),
    ("dropped", {"processes": [PROCESS | {"outgoing": 0}]}),
    ("silent", {"exports": [EXPORT | {"state": "silent"}]}),
    ("nothing_ever", {"receives": [IDLE | {"accepted_total": 0}]}),
    ("nothing_now", {"receives": [IDLE]}),
    ("idle", {"receives": [RECEIVE, IDLE]}),
]
NOW = "2026-03-01T00:00:00Z"


def ids(facts: dict[str, Any]) -> list[str]:
    return [finding.check.id for finding in run_checks(jmespath.search, COLLECTOR_CHECKS, facts)]


@pytest.mark.parametrize(("name", "change"), SITUATIONS, ids=[name for name, _change in SITUATIONS])
def test_a_situation_is_found(name: str, change: dict[str, Any]) -> None:
    findings = run_checks(jmespath.search, COLLECTOR_CHECKS, HEALTHY | change)
    assert [finding.check.id for finding in findings] == [name]
    assert findings[0].message
    assert "{" not in findings[0].message.replace("${", "")


@pytest.mark.parametrize("calm", [True, False])
@pytest.mark.parametrize("drops", [True, False])
@pytest.mark.parametrize("current", [True, False])
@pytest.mark.parametrize("cause", ["dns", "disk", "forbidden", ""])
def test_each_row_of_the_log_is_told_once(cause: str, current: bool, drops: bool, calm: bool) -> None:
    row = SIDEWAYS | {"cause": cause, "current": current, "drops": drops, "calm": calm}
    told = ids(HEALTHY | {"logs": [row]})
    assert len(told) == 1
    assert told[0] in ("log_error", "log_entry", "disk_full", "right_denied")


@pytest.mark.parametrize("value", [["a", "b"], {"a": 1}, True, "a"], ids=["list", "mapping", "truth", "text"])
def test_a_format_that_does_not_fit_its_value_leaves_the_message_of_a_user_as_it_is(value: Any) -> None:
    message_template = "Found {names:10d} names."
    check = Check("own", "@", message_template)
    (finding,) = run_checks(jmespath.search, [check], {"names": value})
    expected_message = "Found 1 names." if value is True else message_template
    assert finding.message == expected_message


@pytest.mark.parametrize("cause", ["disk", "forbidden"])
def test_data_that_was_dropped_is_a_warning_even_if_its_cause_is_not_seen_now(cause: str) -> None:
    row = SIDEWAYS | {"cause": cause, "current": False, "drops": True, "calm": False}
    (finding,) = run_checks(jmespath.search, COLLECTOR_CHECKS, HEALTHY | {"logs": [row]})
    assert (finding.check.id, finding.check.severity) == ("log_error", "warning")


def test_every_check_has_a_situation_and_rows_are_sound() -> None:
    assert {row.id for row in COLLECTOR_CHECKS} == {name for name, _change in SITUATIONS}
    assert len({row.id for row in COLLECTOR_CHECKS}) == len(COLLECTOR_CHECKS) == len(SITUATIONS)
    assert {row.stage for row in COLLECTOR_CHECKS} <= set(check.STAGES)
    assert {row.severity for row in COLLECTOR_CHECKS} == set(check.SEVERITIES)


def test_nothing_is_wrong_with_a_healthy_collector_and_what_is_not_seen_is_not_claimed() -> None:
    assert ids(HEALTHY) == []
    unseen = ("services", "rights", "receives", "target_allocator")
    assert ids(HEALTHY | dict.fromkeys(unseen) | {"processes": [], "exports": []}) == []
    assert ids(HEALTHY | {"workload": None, "pods": [], "hidden": True, "running": False, "complete": False}) == []


@cases(
    "find, messages",
    ("pods[].name", ["see p"]),
    ("pods[].{value: node}", ["see n"]),
    ("name", ["see a"]),
    ("custom_resource", []),
    ("pods[?!ready]", []),
)
def test_a_check_of_somebody_yields_texts_or_mappings(find: str, messages: list[str]) -> None:
    row = Check("mine", find, "see {value}")
    assert [finding.message for finding in run_checks(jmespath.search, [row], HEALTHY)] == messages


def certificate(start: str = "", end: str = "", *names: str) -> certificate_facts.Certificate:
    return certificate_facts.Certificate("CN=a", "CN=ca", start, end, names, False)


@cases(
    "start, end, state, left",
    ("2026-01-01", "2026-06-01", "valid", "92 days"),
    ("2026-01-01", "2026-03-05", "soon", "4 days"),
    ("2026-01-01", "2026-02-01", "expired", "28 days"),
    ("2026-04-01", "2026-06-01", "not_yet_valid", "92 days"),
)
def test_dates(start: str, end: str, state: str, left: str) -> None:
    row = certificate_facts.describe_certificate(certificate(f"{start}T00:00:00Z", f"{end}T00:00:00Z"), NOW)
    assert (row["state"], row["left"]) == (state, left)


def test_names_of_certificates() -> None:
    assert certificate_facts.covers_host(["a.ns.svc"], "a.ns.svc") and certificate_facts.covers_host(
        ["*.ns.svc"], "a.ns.svc"
    )
    assert not certificate_facts.covers_host(["*.svc"], "a.ns.svc") and not certificate_facts.covers_host([], "a")
    assert certificate_facts.covers_host(["Gateway.example"], "gateway.example")
    assert certificate_facts.covers_host(["*.example"], "Gateway.Example")
    services = [{"name": name, "namespace": "ns"} for name in "ab"]
    assert certificate_facts.find_uncovered_services(certificate("", "", "a.ns"), services) == ["b.ns.svc"]


def test_files_of_a_config_are_found_in_what_is_mounted() -> None:
    config = yaml.safe_load("""
        receivers: {otlp: {protocols: {grpc: {tls: {cert_file: /tls/tls.crt, key_file: /tls/tls.key}}}}}
        exporters: {otlp/a: {tls: {ca_file: /ca/ca.crt, cert_file: /elsewhere/x}}}
    """)
    sources = [
        PodSource("Secret", "mine", path="/tls"),
        PodSource("ConfigMap", "ca", path="/ca", files=(MountedFile("ca.crt", "root"),)),
    ]
    found = certificate_facts.find_certificate_files(config, sources)
    assert [(use.subject, use.role, use.kind, use.name, use.key) for use in found] == [
        ("in", "cert_file", "Secret", "mine", "tls.crt"),
        ("exporters/otlp/a", "ca_file", "ConfigMap", "ca", "root"),
    ]
