# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Public configs that are wrong, reviewed one by one: which rules say so, and why they are right.

Where `otelcol validate` 0.158.0 has the components, it refuses the same for the same reason.
"""

from __future__ import annotations

from typing import NamedTuple


class Reviewed(NamedTuple):
    """A file, with `*` for any text, the rules that refuse it, and why they are right."""

    file: str
    rules: set[str]
    why: str


_ENDLESS = {"no-components", "no-pipelines"}
_PART = {*_ENDLESS, "undefined-reference"}
_TEST = "factories of the Collector's own tests, in no build"
_JAEGER = "written for Jaeger's own distribution"
_PROFILER = "written for the distribution of the eBPF profiler"
_RBAC = "the receiver has no traces; the test looks at permissions alone"
_LEASE = "no lease; the test looks at permissions alone"

REVIEWED = (
    Reviewed("adot/*haproxy*", {"missing-field"}, "a relabel rule without target_label"),
    Reviewed("operator/internal-controllers-testdata-build-collector-base-*", {"unknown-component"}, _TEST),
    Reviewed("operator/*-testdata-ingress-testdata-*", {"listen-address"}, "port 98765, for which nothing starts it"),
    Reviewed("operator/*-testdata-networkpolicies-*", {"listen-address"}, "port 98764, for which nothing starts it"),
    Reviewed("operator/internal-*-testdata-test-*", {"unsupported-signal"}, "the jaeger receiver has traces alone"),
    Reviewed(
        "operator/*-clusterobservability-config-configs-agent-*", _ENDLESS, "a part: the controller adds the rest"
    ),
    Reviewed(
        "operator/*-clusterobservability-config-configs-cluster-*",
        _ENDLESS | {"missing-field"},
        "a part: the controller adds the rest, the targets among it",
    ),
    Reviewed(
        "operator/*-ingress-testdata-yaml-1.yaml", {"undefined-reference"}, "it lists an exporter nop, without one"
    ),
    Reviewed("operator/*-issue-3452-yaml-0.yaml", {"no-components", "no-pipelines"}, "a test of what is missing"),
    Reviewed("operator/*-testdata-otelcol-connectors-*", {"unknown-component"}, _TEST),
    Reviewed(
        "operator/*-testdata-otelcol-couchbase-*",
        {"plaintext-secret", "ottl-name", "missing-field"},
        "a password in clear text; convert_gauge_to_sum is a function of metrics since 0.114; no aggregation_type",
    ),
    Reviewed("operator/*-testdata-otelcol-extensions-*", {"plaintext-secret"}, "a client secret in clear text"),
    Reviewed(
        "operator/*-testdata-otelcol-demo-*",
        {"memory-limiter-settings", "removed-setting"},
        "of an older version: it has telemetry.metrics.address, and a memory_limiter without check_interval",
    ),
    Reviewed("operator/*-otelcol-null-values-*", {"missing-field", "no-pipelines"}, "a test of what is missing"),
    Reviewed("operator/*-00-install-jaeger-extension-*", {"unknown-component"}, _JAEGER),
    Reviewed(
        "operator/tests-e2e-crd-validations-*", {"resource-mode"}, "the operator's cases of what its schema refuses"
    ),
    Reviewed("operator/tests-e2e-automatic-rbac-receiver-*", {"unsupported-signal"}, _RBAC),
    Reviewed("operator/tests-e2e-automatic-rbac-receiver-kubeletstats-*", {"unknown-value"}, "an empty auth_type"),
    Reviewed("operator/*-tls-profile-09-*", {"missing-field"}, "a server without a certificate; it tests a ConfigMap"),
    Reviewed("adot/*-prometheus-daemonset-*", {"unknown-value"}, "`<YOUR_ENDPOINT>` stands for an endpoint"),
    Reviewed("operator/*rbac-k8sleaderelector-extension-*", {"lease-missing"}, _LEASE),
    Reviewed("operator/tests-e2e-automatic-rbac-k8s-leader-elector-*", {"lease-missing"}, _LEASE),
    Reviewed(
        "operator/*-create-sm-prometheus-exporters-05-*",
        {"unknown-section", "undefined-reference"},
        "an exporter stands beside the sections, by its indentation",
    ),
    Reviewed(
        "helm-charts/*-examples-kubernetesattributes-rendered-*",
        {"undefined-reference"},
        "it lists a processor resource, without one",
    ),
    Reviewed(
        "helm-charts/*-bring-your-own-observability-rendered-*",
        {"one-sided-connector", "undefined-reference"},
        "it defines span_metrics, and sends to spanmetrics",
    ),
    Reviewed("helm-charts/*-rendered-jaeger-jaeger-*", {"unknown-component"}, _JAEGER),
    Reviewed(
        "helm-charts/*-custom-environment-variables-rendered-opentelemetry-*",
        {"undefined-reference"},
        "it lists spanmetrics among the processors, without one",
    ),
    Reviewed("core/*-issue-10787-main-*", {"memory-limiter-settings"}, "a memory_limiter without any setting"),
    Reviewed("core/confmap-internal-testdata-config-yaml-*", {"wrong-class"}, _TEST),
    Reviewed("core/confmap-internal-testdata-config2-*", _PART - {"no-pipelines"}, "a part: config.yaml has the rest"),
    Reviewed("core/otelcol-otelcoltest-testdata-config-*", {"wrong-class"}, _TEST),
    Reviewed("core/otelcol-testdata-configs-2-config-output-*", {"unknown-component"}, _TEST),
    Reviewed("core/otelcol-testdata-otelcol-nop-*", {"wrong-class"}, _TEST),
    Reviewed("core/otelcol-testdata-otelcol-statuswatcher-*", {"unknown-component", "wrong-class"}, _TEST),
    Reviewed("core/otelcol-testdata-otelcol-valid-connector-use-*", {"wrong-class"}, _TEST),
    Reviewed("core/otelcol-testdata-print-*", {"unknown-component"}, _TEST),
    Reviewed("adot/*-prometheus-daemonset-*", {"placeholder"}, "a region and an endpoint that the reader fills in"),
    Reviewed("releases/*-ebpf-profiler-*", {"unknown-component"}, _PROFILER),
    Reviewed("demo/src-jaeger-config-*", {"unknown-component"}, _JAEGER),
    Reviewed("demo/src-otel-collector-otelcol-config-full-*", _PART, "a part, see MERGED"),
    Reviewed("demo/src-otel-collector-otelcol-config-observability-*", _PART, "a part, see MERGED"),
    Reviewed("demo/src-otel-collector-otelcol-ebpf-profiling-*", {"unknown-component"}, _PROFILER),
)

# Parts that their project gives to one collector, in this order.
_DEMO = "demo/src-otel-collector-otelcol-config"
MERGED = (
    (f"{_DEMO}-yml-0.yaml", f"{_DEMO}-full-yml-0.yaml"),
    (f"{_DEMO}-yml-0.yaml", f"{_DEMO}-observability-yml-0.yaml"),
)
