# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbook site checks the inputs of all its roles before its first request, so that nothing is half installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support import plays

# Cert-manager comes first, and would be installed before the fault of another role shows.
FIRST = {"cert_manager_provider": "manifest"}
COLLECTORS = {"otel_collectors": [{"recipes": ["otlp_ingest", "debug_output"]}]}
ADDON = {"otel_operator_provider": "eks_addon", "otel_collector_eks_cluster": {"name": "prod", "region": "eu-west-1"}}
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "choice": ({**ADDON, "otel_operator_addon_resolve_conflicts": "OVERWRITE"}, "must be one of: , none, overwrite"),
    "number": ({"otel_operator_provider": "manifest", "otel_operator_version": 0.158}, "reads it as the number 0.158"),
    "version": ({"otel_operator_provider": "manifest", "otel_operator_version": "latest"}, "'latest' is not a version"),
    "wait": ({**COLLECTORS, "otel_collector_wait_seconds": "soon"}, "otel_collector_wait_seconds"),
    "identity": ({**COLLECTORS, "otel_identity_provider": "iras"}, "role otel_identity: value of otel_identity_prov"),
    "inner": ({"otel_operator_provider": "manifest", "otel_operator_issuer": {"nam": "x"}}, "did you mean 'name'"),
    "switch": ({**COLLECTORS, "otel_compare_running": "maybe"}, "The value 'maybe' is not a valid boolean"),
    "template": ({"otel_operator_provider": "manifest", "mode": "Generate", "otel_operator_certificates": "{{ mode }}"},
                 "got: Generate"),
}  # fmt: skip
GOOD = {**ADDON, **COLLECTORS}
GOOD |= {"otel_operator_addon_resolve_conflicts": "overwrite", "otel_operator_namespace": "{{ n }}"}


def test_a_fault_in_any_role_ends_the_run_before_its_first_request(tmp_path: Path) -> None:
    hosts = {name: FIRST | inputs for name, (inputs, _said) in FAULTS.items()} | {"good": FIRST | GOOD}
    done = plays.run(tmp_path, "playbooks/site.yml", hosts)
    parts = [part.partition("[ERROR]")[0] for part in done.stdout.split("fatal: [")[1:]]
    said = {part.partition("]")[0]: " ".join(part.split()) for part in parts}
    for name, (_inputs, wrong) in FAULTS.items():
        assert wrong in said[name].replace("''", "'"), (name, said)
        assert "the EKS cluster prod: " not in said[name], "it asks for the cluster first"
    # Its inputs are good, and what is undefined in one is for the task that uses it: the cluster comes first.
    assert "the EKS cluster prod: " in said["good"]


# What the cluster's check does not see with state rendered, and what it leaves to the task that uses the variable.
UNSEEN: dict[str, tuple[dict[str, Any], str]] = {
    "soon": ({"otel_collector_wait_seconds": "soon"}, "'otel_collector_wait_seconds' of role otel_collector must be"),
    "choice": ({"otel_collector_profile": "strikt"}, "role otel_collector: value of otel_collector_profile must be"),
    "undefined": ({"otel_collector_restart_selector": "{{ the_slector }}"}, "'the_slector' is undefined"),
    "template": ({"seconds": "soon", "otel_collector_wait_seconds": "{{ seconds }}"}, "must be a number, not 'soon'"),
    "state": ({"otel_collector_state": "renderd"}, "role otel_collector: value of otel_collector_state must be"),
}


def test_the_first_task_of_the_collectors_checks_all_their_inputs_without_a_task_of_ansible(tmp_path: Path) -> None:
    rendered = {**COLLECTORS, "otel_collector_state": "rendered"}
    hosts = {name: rendered | inputs for name, (inputs, _said) in UNSEEN.items()}
    done = plays.run(tmp_path, "playbooks/site.yml", hosts, "--skip-tags", "otel_target")
    parts = [part.partition("[ERROR]")[0] for part in done.stdout.split("fatal: [")[1:]]
    said = {part.partition("]")[0]: " ".join(part.split()).replace("''", "'") for part in parts}
    for name, (_inputs, wrong) in UNSEEN.items():
        assert wrong in said[name], (name, said)
    assert "Validating arguments" not in done.stdout
