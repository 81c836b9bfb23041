# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How what the Collector says compares with what the rules say."""

from __future__ import annotations

import re
from typing import NamedTuple

# What the Collector says, and the rules that say the same.
CAUSES = (
    (
        "unknown type: |logging exporter has been deprecated",
        "unknown-component wrong-class newer-name removed-component",
    ),
    (
        "has invalid keys|remote sampling config detected",
        "unknown-field removed-setting unknown-key unknown-section not-a-list",
    ),
    ("time: (missing unit|unknown unit|invalid duration)", "invalid-duration"),
    (
        "expected type|unconvertible type|expected a map|must be an array or slice",
        "wrong-type not-a-mapping not-a-list",
    ),
    ("which is not configured", "undefined-reference"),
    ("must have at least one|no pipelines", "no-pipelines"),
    ("no (receiver|exporter) configuration specified", "no-components"),
    ("empty configuration", "no-components no-pipelines not-a-mapping"),
    ("ambiguous ID", "ambiguous-id"),
    ("multiple times", "duplicate-processor"),
    ("not used in any supported", "one-sided-connector unsupported-connection"),
    ("cycle detected", "connector-cycle"),
    ("telemetry type is not supported", "unsupported-signal"),
    ("unknown pipeline signal", "invalid-pipeline-key"),
    (
        'invalid (character|component|id|pipeline)|in ".*" id|part should not be empty',
        "invalid-id invalid-pipeline-key",
    ),
    ("has invalid name|unsupported characters|invalid uri", "invalid-expansion"),
    ("scheme .* is not supported", "unknown-scheme"),
    ("pipeline not found", "undefined-pipeline"),
    (
        "must specify at least one protocol|requires a non-empty|at least one endpoint|missing required field|"
        "must be greater than zero|limit_mib.* or .*limit_percentage|path must be non-empty|"
        "no Prometheus scrape_configs|required argument|'?include'? (is|must)",
        "missing-field",
    ),
    (
        "verbosity level .* is not supported|unsupported (encoding|action|compression type)|unknown error mode|"
        "unrecognized level|unknown metrics level|error creating AttrProc|error_mode|unknown level|invalid log level",
        "unknown-value",
    ),
    ("processors::memory_limiter", "memory-limiter-settings"),
    ("lease name and namespace must be set", "lease-missing"),
    ("inconsistent root_path", "conflicting-settings"),
    ("invalid value for retention policy", "log-retention"),
    (
        "prometheus config object|both certificate and key|file_log|failed to create|must be (positive|greater)|"
        "authType|attrproc|AttrProc|not a valid|duplicate|missing port|greater than max_version|but not both",
        "missing-field unknown-value unknown-field wrong-type invalid-duration out-of-range conflicting-settings "
        "invalid-regex unknown-operator",
    ),
    (
        "unable to parse OTTL|has invalid syntax|unable to infer|names must start|invalid syntax|may be indexed|"
        "unknown context|configuration styles|is not a valid candidate",
        "ottl-syntax ottl-name ottl-argument",
    ),
)

# A custom build may have more providers than it is known to, so this rule only warns of it.
HEDGED = {"unknown-scheme"}

# Languages and checks of single components, which no rule of ours reads. By what the Collector says.
BEYOND = re.compile("prometheus config object|must include both certificate and key|invalid authType")

# Modules of the build that are older than it, and so have other names or keys than the version says.
OLDER = {("receivers", "k8s_objects"), ("receivers", "k8sobjects"), ("receivers", "k8s_events")}
# The testbed's own module, which gives a receiver of contrib its newer name.
OWN_MODULES = "o11y.example/"

# What an operator completes before the Collector reads it.
COMPLETED = re.compile("no Prometheus scrape_configs")

# Reasons that lie in the place where the Collector runs, not in the config.
SURROUNDINGS = re.compile(
    "no such file or directory|permission denied|connection refused|KUBERNETES_SERVICE_HOST|credential|IMDS|"
    "directory must exist|address already in use|no route to host|lookup .* on|unable to load k8s config|feature gate"
)


# Why an error in a public config is a true one: by file, rule and message.
TRUE_ERRORS = {
    "core/.* 'nop'|^core/.*(foo|bar|statuswatcher|unhealthy|'e'|'r')": "factories of tests, in no build",
    "examplereceiver|otelcol-connectors.*(foo|bar)": "components of tests, in no build",
    "jaeger.*(jaeger_|healthcheckv2)": "written for Jaeger's own distribution",
    "(leaderelector|leader-elector).*lease-missing": "no lease; the operator's tests look at its RBAC only",
    "profiling": "written for the distribution of the eBPF profiler",
    "demo/src-otel-collector|internal-testdata-config2|clusterobservability|issue-10787": "a part of a config",
    "automatic-rbac.*auth_type": "an empty auth_type is no way to authenticate",
    "automatic-rbac.*unsupported-signal": "the receiver has no traces; the operator's test looks at its RBAC only",
    "unsupported-signal.*jaeger": "the receiver has traces only; a test of manifests",
    "ingress-testdata.*nop|otelcol-null-values|issue-3452": "incomplete on purpose",
    "otelcol-demo": "of an older version: address is gone, check_interval missing",
    "haproxy.*target_label": "a relabel rule has no target_label",
    "couchbase.*ottl-name": "convert_gauge_to_sum is not a function of data points any more",
    "couchbase.*aggregation_type": "metrics_transform combines nothing without an aggregation_type",
    "tls-profile-09.*cert_file": "a server without a certificate; the operator's test looks at its ConfigMap only",
    "prometheus-daemonset.*endpoint": "`<YOUR_ENDPOINT>` stands for an endpoint",
    "create-sm-prometheus-exporters-05": "an exporter stands beside the sections",
    "kubernetesattributes-rendered.*'resource'": "the example lists an id that it does not define",
    "bring-your-own-observability|custom-environment-variables": "the example lists an id that it does not define",
}


class Verdict(NamedTuple):
    """What both say of a config."""

    name: str
    expected: str | None
    message: str
    errors: dict[str, str]
    operated: bool = False

    @property
    def causes(self) -> set[str]:
        """The rules that say what the Collector says."""
        return {rule for text, rules in CAUSES if re.search(text, self.message) for rule in rules.split()}

    @property
    def kind(self) -> str:
        """How the two compare."""
        if not self.message:
            return "false error" if self.errors else "both accept"
        if SURROUNDINGS.search(self.message) or (self.operated and COMPLETED.search(self.message)):
            return "surroundings"
        if self.causes & set(self.errors):
            return "both refuse"
        if BEYOND.search(self.message):
            return "beyond the rules"
        return "other reason" if self.errors else "missed"
