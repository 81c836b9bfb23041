# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What else a cluster says about a symptom: Certificates, claims, and the log of the container."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout import failures, symptom_fixes

from ..helpers import cases
from .test_failures import HOMELESS, UNBOUND, ended, event, pod, symptoms, waiting
from .workloads import daemon_set


@cases(
    "certificates, row",
    ([], "mount"),
    ([{"metadata": {"name": "c"}, "spec": {"secretName": "y"}}], "mount"),
    ([{"metadata": {"name": "c"}, "spec": {"secretName": "x"}}], "certificate"),
)
def test_a_secret_that_a_certificate_makes_is_waited_for(certificates: Any, row: Any) -> None:
    events = [event("FailedMount", 'MountVolume.SetUp failed for volume "v" : secret "x" not found')]
    (found,) = symptoms(daemon_set(), [pod(waiting("ContainerCreating"))], events)
    assert symptom_fixes.add_certificate_status(found, certificates, []).failure_row.id == row


@cases(
    "of, name, row",
    ("OpenTelemetryCollector n/x", "a-0123abcd", "operator"),
    ("OpenTelemetryCollector n/x", "a", "operator"),  # that of a target allocator
    ("OpenTelemetryCollector n/x", "ab", "mount"),
    ("OpenTelemetryCollector n/x", "a-extra", "mount"),  # of the user
    ("OpenTelemetryCollector n/x", "a-b-0123abcd", "mount"),
    ("", "a-0123abcd", "mount"),
)
def test_a_config_that_the_operator_makes_is_waited_for(of: str, name: str, row: str) -> None:
    events = [event("FailedMount", f'MountVolume.SetUp failed for volume "v" : configmap "{name}" not found')]
    (found,) = symptoms({**daemon_set(), failures.OWNER_NAME_KEY: of}, [pod(waiting("ContainerCreating"))], events)
    assert found.failure_row.id == row


@cases(
    "of, name, row",
    ("OpenTelemetryCollector n/x", "a", "operator"),
    ("OpenTelemetryCollector n/x", "other", "create_pods"),
    ("", "a", "create_pods"),
)
def test_an_account_that_the_operator_makes_is_waited_for(of: str, name: str, row: str) -> None:
    said = f'pods "a-" is forbidden: error looking up service account n/{name}: serviceaccount "{name}" not found'
    events = [event("FailedCreate", said, uid="w")]
    assert [
        found.failure_row.id
        for found in symptoms({**daemon_set(desiredNumberScheduled=1), failures.OWNER_NAME_KEY: of}, [], events)
    ] == [row]


def test_an_unbound_claim_is_named_with_its_class_and_its_last_event() -> None:
    homeless = pod(conditions=[{**HOMELESS, "message": UNBOUND}])
    homeless["spec"]["volumes"] = [{"persistentVolumeClaim": {"claimName": name}} for name in ("s", "t", "u")]
    (found,) = symptoms(daemon_set(), [homeless])
    claims = [
        {"metadata": {"name": "s", "uid": "s"}, "spec": {"storageClassName": "fast"}, "status": {"phase": "Pending"}},
        {"metadata": {"name": "t", "uid": "t"}},
        {"metadata": {"name": "u", "uid": "u"}, "status": {"phase": "Bound"}},
        {"metadata": {"name": "other", "uid": "o"}},
    ]
    told = symptom_fixes.add_unbound_claims(
        found, claims, [event("ProvisioningFailed", "no such driver", uid="s")]
    ).detail
    assert told == f"{UNBOUND}; claim s of StorageClass fast: no such driver; claim t of no StorageClass"


@cases(
    "log, words",
    (['Error: cannot start: open /var/lib/q/a.db: permission denied; failed to "stop"'], "use /var/lib/q/a.db."),
    (['"error": "open /v… (9 more characters) …: permission denied"', "open /a.db: permission denied"], "use /a.db."),
    (["Error: mkdir /state: permission denied"], "the pod (runAsUser 10001, fsGroup 5) use /state. "),
    (["Error: invalid configuration"], "Read the log."),
    (
        ["Error: invalid configuration: extensions::sigv4auth: could not retrieve credential: no EC2 IMDS role found"],
        "The pod has no AWS credentials. Set `otel_identity_provider`",
    ),
    (["Error: cannot start: listen tcp 10.0.0.7:4317: bind: address already in use"], "Give one of them another port."),
    (["Error: cannot start: listen udp 0.0.0.0:514: bind: permission denied"], "Use a port from 1024 on"),
    (["Error: write /q: no space left on device"], "The disk is full. Free space"),
    (
        [
            '{"level":"INFO","message":"Wait completed, proceeding to shutdown the manager"}',
            '{"level":"ERROR","logger":"setup","message":"problem running manager","error":"'
            'NetworkPolicy.networking.k8s.io \\"opentelemetry-operator\\" is invalid:'
            " spec.egress[0].to[0].ipBlock.cidr: Invalid value:"
            ' \\"fd00:172:30:1::2/32\\": must not have bits set beyond the prefix length","stacktrace":"main.main"}',
        ],
        "Set `otel_operator_feature_gates: [-operator.networkpolicy, -operand.networkpolicy]`",
    ),
    ([], "Read the log."),
)
def test_a_crash_is_fixed_by_what_its_log_says(log: Any, words: str) -> None:
    item = pod(waiting("CrashLoopBackOff", restarts=2, lastState=ended()))
    item["spec"]["securityContext"] = {"runAsUser": 10001, "fsGroup": 5}
    (found,) = symptoms(daemon_set(), [item])
    assert words in symptom_fixes.find_fix(found, log)
