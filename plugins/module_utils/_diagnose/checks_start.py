# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in checks up to a collector that runs, and of what ends or restarts it. Private.

The expression of a check is a JMESPath that searches the facts of a collector (docs/diagnose.md lists their keys). It
yields mappings, and the message and the fix of the check take their `{fields}` from one of them:

    references[?state=='no_key'].{about: 'start', kind: kind, name: name, namespace: namespace, key: key}

    {about: start, kind: Secret, namespace: obs, name: backend, key: token}

    Secret obs/backend has no key token

`about` is what the fault stops: `start`, or an exporter. A check without it, such as `absent`, is about the collector
as a whole.
"""

from __future__ import annotations

from .diagnose_checks import Check

# Of an entry of `findings`, which the rules of module pipeline_validate have made: a fault that does not stop data.
_IS_HARMLESS = "contains(['plaintext-secret', 'clear-text', 'open-diagnostics', 'singleton'], rule)"
_FINDING_FIELDS = "rule: rule, where: where, message: message, fix: fix"

# The check that shows a record of a change.
CHANGE_CHECK_ID = "change_under_way"

START_CHECKS = (
    Check(
        id="absent",
        find_expression=(
            "!workload && !custom_resource && !pods && !hidden && [{kind: kind, name: name, namespace: namespace}]"
        ),
        message_template="there is no {kind} {namespace}/{name}",
        fix_template="Deploy it, or correct its name and namespace.",
        stage="exists",
    ),
    Check(
        id="paused",
        find_expression="workload && wanted == `0` && [{about: 'start', kind: kind}]",
        message_template="it is scaled to no pod at all",
        fix_template="Set its replicas, or correct the node selector and tolerations of a DaemonSet.",
        stage="exists",
    ),
    Check(
        id="reference_missing",
        find_expression="references[?state=='missing'].{about: 'start', kind: kind, name: name, namespace: namespace}",
        message_template="{kind} {namespace}/{name} does not exist",
        fix_template="Create {kind} {namespace}/{name}.",
        stage="holds",
    ),
    Check(
        id="key_missing",
        find_expression=(
            "references[?state=='no_key'].{about: 'start', kind: kind, name: name, namespace: namespace, key: key}"
        ),
        message_template="{kind} {namespace}/{name} has no key {key}",
        fix_template="Add the key {key} to {kind} {namespace}/{name}.",
        stage="holds",
    ),
    Check(
        id="certificate_not_issued",
        find_expression=(
            "certificate_resources[?!ready].{about: 'start', name: name, namespace: namespace, message: message}"
        ),
        message_template="Certificate {name} is not ready: {message}",
        fix_template="See `kubectl -n {namespace} describe certificate {name}` and its issuer.",
        stage="holds",
    ),
    Check(
        # Of a collector that does not run, an error in its config is the cause. A collector that runs has read the
        # config, so the same error is a warning about the component (`config_error_live`).
        id="config_error",
        find_expression=(
            f"!running && findings[?severity=='error' && !{_IS_HARMLESS}].{{about: 'start', {_FINDING_FIELDS}}}"
        ),
        message_template="{where}: [{rule}] {message}",
        fix_template="{fix}",
        stage="config",
    ),
    Check(
        id="config_error_live",
        find_expression=(
            f"running && findings[?severity=='error' && !{_IS_HARMLESS}].{{about: about, {_FINDING_FIELDS}}}"
        ),
        message_template="{where}: [{rule}] {message}",
        fix_template="{fix}",
        stage="config",
        severity="warning",
    ),
    Check(
        id="config_exposed",
        find_expression=f"findings[?severity=='error' && {_IS_HARMLESS}].{{{_FINDING_FIELDS}}}",
        message_template="{where}: [{rule}] {message}",
        fix_template="{fix}",
        stage="config",
        severity="info",
    ),
    Check(
        id="config_warning",
        find_expression=f"findings[?severity!='error'].{{about: about, {_FINDING_FIELDS}}}",
        message_template="{where}: [{rule}] {message}",
        fix_template="{fix}",
        stage="config",
        severity="info",
    ),
    Check(
        # While pods are ready and the rollout is complete, a probe is answered, whatever the config says.
        id="probe_unanswered",
        find_expression="probes && (!running || !complete) && probes",
        message_template="nothing listens on port {port}, which the {kind} probe asks",
        fix_template=(
            "Add extension `health_check: {{endpoint: ${{env:MY_POD_IP}}:{port}}}` and list it in service.extensions,"
            " or let the probe ask a port of the config."
        ),
        stage="config",
    ),
    Check(
        id="rollout",
        find_expression=(
            "symptoms[].{about: 'start', reason: reason, detail: message, fix: fix, pod: pod, last: last_words}"
        ),
        message_template="{reason}: {detail} {last}",
        fix_template="{fix}",
        stage="starts",
    ),
    Check(
        id="not_complete",
        find_expression="workload && !complete && !symptoms && wanted != `0` && [{about: 'start', ready: ready_text}]",
        message_template="{ready}",
        fix_template="Wait for the rollout, or see the events of its pods.",
        stage="starts",
        severity="warning",
    ),
    Check(
        id=CHANGE_CHECK_ID,
        find_expression="change && [{about: 'start', record: change.record, what: change.what}]",
        message_template="{what}, as ConfigMap {record} records",
        fix_template="If no run is changing it now, run `site`, which completes or undoes the change.",
        stage="starts",
        severity="warning",
    ),
    Check(
        id="not_ready",
        find_expression="complete && pods[?!ready].{about: 'start', pod: name, phase: phase}",
        message_template="pod {pod} is {phase}, but not ready",
        fix_template="Look at its readiness probe and its log.",
        stage="starts",
    ),
    Check(
        id="resource_failed",
        find_expression=(
            "resource_conditions[?status=='False' && type=='Ready'].{about: 'start', reason: reason, message: message}"
        ),
        message_template="the operator says {reason}: {message}",
        fix_template="Look at the operator's log and the events of the custom resource.",
        stage="starts",
    ),
    Check(
        id="out_of_memory",
        find_expression=(
            "running && pods[?last_reason=='OOMKilled' && last_seconds_ago < `3600`]"
            ".{pod: name, restarts: restarts, seconds: last_seconds_ago}"
        ),
        message_template="pod {pod} was killed for its memory {seconds} s ago, restarts: {restarts}",
        fix_template="Raise the memory limit, put memory_limiter first, or lower what it keeps in memory.",
        stage="capacity",
    ),
    Check(
        id="restarted",
        find_expression=(
            "running && pods[?last_reason && last_reason!='OOMKilled' && last_seconds_ago < `600`]"
            ".{pod: name, namespace: namespace, container: container, restarts: restarts, reason: last_reason,"
            " code: last_exit_code, seconds: last_seconds_ago}"
        ),
        message_template="pod {pod} ended {seconds} s ago ({reason}, exit code {code}), restarts: {restarts}",
        fix_template="Read the log of its last run: `kubectl -n {namespace} logs {pod} -c {container} --previous`.",
        stage="capacity",
        severity="warning",
    ),
    Check(
        id="node_uncovered",
        find_expression="running && uncovered_nodes[].{node: node, why: why}",
        message_template="node {node} has no agent: {why}",
        fix_template=(
            "Set `every_node: true` for the collector, or `tolerations` for the taint. See `kubectl describe node"
            " {node}`."
        ),
        stage="capacity",
        severity="warning",
    ),
    Check(
        id="event",
        find_expression=(
            "events[].{name: name, kind: kind, reason: reason, message: message, count: count, seconds: seconds_ago}"
        ),
        message_template="{kind} {name} {seconds} s ago: {reason}: {message}",
        severity="info",
    ),
)
