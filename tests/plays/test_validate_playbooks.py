# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks validate and preflight, as users run them."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.support import plays

PIPELINES = "service: {pipelines: {traces: {receivers: [zipkin], exporters: [debug]}}}\n"
GOOD = f"receivers: {{zipkin: }}\nexporters: {{debug: }}\n{PIPELINES}"
BAD = GOOD.replace("debug: }", "debug: {verbosty: basic}}")
WARNED = GOOD.replace("zipkin: }", "zipkin: , otlp: {protocols: {grpc: }}}")


def playbook(tmp_path: Path, name: str, **variables: Any) -> subprocess.CompletedProcess[str]:
    given = {"pipeline_validate_paths": [str(tmp_path / "configs")], **variables}
    return plays.run_playbook("-i", "localhost,", "-e", json.dumps(given), f"playbooks/{name}.yml")


def _join_lines(text: str) -> str:
    """Return a text without its white space: ansible-core 2.18 breaks warnings into lines, also within a path."""
    return "".join(text.split())


def write(tmp_path: Path, **texts: str) -> None:
    (tmp_path / "configs").mkdir()
    for name, text in texts.items():
        (tmp_path / "configs" / f"{name}.yaml").write_text(text)


def test_a_file_that_is_no_config_hides_no_finding(tmp_path: Path) -> None:
    """Ansible takes a result with the key `skipped` for a task that did not run."""
    write(tmp_path, config=WARNED, values="image: x\n")
    done = playbook(tmp_path, "validate")
    assert done.returncode == 0, done.stdout
    assert "[unused-component]" in done.stdout + done.stderr
    assert "skipping" not in done.stdout
    assert "skipped=0" in done.stdout


@pytest.mark.parametrize(
    ("name", "variable"), [("validate", "pipeline_validate_paths"), ("test", "pipeline_test_paths")]
)
def test_an_empty_path_is_not_the_working_folder(name: str, variable: str) -> None:
    done = plays.run_playbook("-i", "localhost,", "-e", json.dumps({variable: [""]}), f"playbooks/{name}.yml")
    assert done.returncode != 0, done.stdout
    assert "a path is empty" in done.stdout + done.stderr


def test_a_run_says_what_it_checked(tmp_path: Path) -> None:
    write(tmp_path, config=GOOD)
    done = playbook(tmp_path, "validate", pipeline_validate_binary="auto")
    assert "1 config checked for contrib 0.158.0 (default): 0 errors" in done.stdout
    assert "no Collector validated 1 config" in " ".join((done.stdout + done.stderr).split())


def test_a_collector_newer_than_the_latest_known_is_told(tmp_path: Path) -> None:
    write(tmp_path, config=GOOD)
    done = playbook(tmp_path, "validate", pipeline_validate_version="0.999.0")
    assert done.returncode == 0, done.stdout
    assert "(latest known: 0." in (done.stdout + done.stderr).replace("\n", " ")


def test_a_removed_component_fails_at_every_later_version(tmp_path: Path) -> None:
    write(tmp_path, config=GOOD.replace("debug", "logging"))
    done = playbook(tmp_path, "validate", pipeline_validate_version="0.165.0")
    assert done.returncode != 0
    assert "'logging' was removed from the official builds in 0.111.0" in done.stdout + done.stderr


def test_a_newer_version_of_the_collection_tells_what_a_newer_collector_takes(tmp_path: Path) -> None:
    write(tmp_path, config=BAD)
    published = tmp_path / "catalogue.json"
    subprocess.run([sys.executable, "-m", "tools.catalogue.bundle", str(published)], check=True, cwd=plays.ROOT)
    same = playbook(tmp_path, "validate", pipeline_validate_catalogue=str(published))
    assert same.returncode != 0
    assert "'verbosty' is not a setting here" in same.stdout + same.stderr
    newer = json.loads(published.read_text(encoding="utf-8"))
    for row in newer["tables"]["fields"]:
        if row.get("type") == "debug":
            row["fields"]["verbosty"] = "s"
    published.write_text(json.dumps(newer), encoding="utf-8")
    assert playbook(tmp_path, "validate", pipeline_validate_catalogue=str(published)).returncode == 0


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1, "tables": {}}', '{"format": 2, "tables": 1}'])
def test_a_file_that_is_no_catalogue_is_refused(tmp_path: Path, text: str) -> None:
    write(tmp_path, config=GOOD)
    (tmp_path / "catalogue.json").write_text(text)
    done = playbook(tmp_path, "validate", pipeline_validate_catalogue=str(tmp_path / "catalogue.json"))
    assert done.returncode != 0
    assert f"{tmp_path}/catalogue.json is not a catalogue of Collectors" in " ".join(
        (done.stdout + done.stderr).split()
    )


RESOURCE = """\
apiVersion: opentelemetry.io/VERSION
kind: OpenTelemetryCollector
metadata: {name: a}
serviceAccount: mine
specs: {}
spec:
"""
LIMITER = GOOD.replace("exporters:", "processors: {memory_limiter: {check_interval: 1s}}\nexporters:", 1)
LIMITER = LIMITER.replace("exporters: [debug]", "processors: [memory_limiter], exporters: [debug]")


def test_fields_beside_the_spec_of_a_resource_and_a_limiter_without_limits_are_told(tmp_path: Path) -> None:
    new = RESOURCE.replace("VERSION", "v1beta1") + "  config:\n" + textwrap.indent(LIMITER, "    ")
    old = RESOURCE.replace("VERSION", "v1alpha1") + "  config: |\n" + textwrap.indent(GOOD, "    ")
    write(tmp_path, new=new, old=old)
    done = playbook(tmp_path, "validate")
    told = done.stdout + done.stderr
    for name in ("new", "old"):
        here = f"{tmp_path}/configs/{name}.yaml"
        assert f"{here}:4:1 serviceAccount: error [resource-field] an OpenTelemetryCollector has no" in told
        assert f"{here}:5:1 specs: error [resource-field]" in told
    assert "Write it below `spec`, as `spec.serviceAccount`." in told
    assert "no 'specs' beside its spec; did you mean 'spec'" in told
    assert "processors.memory_limiter: error [memory-limiter-settings] 'memory_limiter' has no limit." in told


ONFIG = RESOURCE.replace("VERSION", "v1beta1").replace("serviceAccount: mine\nspecs: {}\n", "")
ONFIG += "  onfig:\n" + textwrap.indent(GOOD, "    ")
DEEP = """\
apiVersion: opentelemetry.io/v1beta1
kind: OpenTelemetryCollector
metadata: {name: deep}
spec:
  mode: statefulset
  resources: {limit: {memory: 1Gi}}
  observability: {metrics: {enableMetric: true}}
  targetAllocator:
    prometheusCR:
      serviceMonitorSelector: {app: x}
      podMonitorSelector: {matchLabel: {app: x}}
  config:
"""
INSTRUMENTATION = """\
apiVersion: opentelemetry.io/v1alpha1
kind: Instrumentation
metadata: {name: i}
spec:
  propagators: [tracecontext, b4]
  sampler: {type: always}
  pyton: {image: x}
"""


def test_a_custom_resource_without_its_config_is_no_file_to_skip(tmp_path: Path) -> None:
    write(tmp_path, good=GOOD, onfig=ONFIG)
    done = playbook(tmp_path, "validate")
    told, here = done.stdout + done.stderr, f"{tmp_path}/configs/onfig.yaml"
    assert done.returncode != 0, told
    assert f"{here}:4:1 spec: error [resource-config] an OpenTelemetryCollector without `spec.config`" in told
    assert f"{here}:5:3 spec.onfig: error [resource-field]" in told
    assert "did you mean 'config'?" in told


def test_a_patch_of_kustomize_is_no_custom_resource_without_its_config(tmp_path: Path) -> None:
    write(tmp_path, good=GOOD, part=ONFIG.partition("spec:")[0] + "spec: {replicas: 2}\n")
    assert playbook(tmp_path, "validate").returncode != 0
    (tmp_path / "configs" / "kustomization.yaml").write_text("patches: [{path: part.yaml}]\n")
    done = playbook(tmp_path, "validate")
    assert done.returncode == 0, done.stdout + done.stderr


def test_fields_deep_below_custom_resources_are_told_with_their_lines(tmp_path: Path) -> None:
    write(tmp_path, deep=DEEP + textwrap.indent(GOOD, "    "), instrumentation=INSTRUMENTATION)
    done = playbook(tmp_path, "validate")
    told, folder = done.stdout + done.stderr, f"{tmp_path}/configs"
    below = "spec.targetAllocator.prometheusCR"
    for where, says in (
        ("deep.yaml:6:15 spec.resources.limit", "did you mean 'limits'?"),
        ("deep.yaml:7:29 spec.observability.metrics.enableMetric", "did you mean 'enableMetrics'?"),
        (f"deep.yaml:10:32 {below}.serviceMonitorSelector.app", "write `matchLabels: {app: VALUE}`."),
        (f"deep.yaml:11:28 {below}.podMonitorSelector.matchLabel", "did you mean 'matchLabels'?"),
        ("instrumentation.yaml:7:3 spec.pyton", "did you mean 'python'?"),
    ):
        line = next(line for line in told.splitlines() if f"{folder}/{where}: error [resource-field]" in line)
        assert says in line
    assert f"{folder}/instrumentation.yaml:5:31 spec.propagators[1]: error [resource-value] 'b4' is unknown" in told
    assert f"{folder}/instrumentation.yaml:6:13 spec.sampler.type: error [resource-value] 'always' is unknown" in told


VALUES = "mode: deployment\nconfig:\n" + textwrap.indent(GOOD, "  ")
RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: x}
spec:
  chart: {spec: {chart: opentelemetry-collector, version: 0.120.0}}
  values: {mode: daemonset}
"""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            VALUES,
            "Run `helm template NAME open-telemetry/opentelemetry-collector -f FILE > rendered.yaml`, and validate",
        ),
        (
            f"otel:\n{textwrap.indent(VALUES, '  ')}",
            "Run `helm dependency build CHART` and `helm template NAME CHART -f",
        ),
        (
            RELEASE,
            "helm template NAME opentelemetry-collector --repo https://open-telemetry.github.io/opentelemetry-helm",
        ),
    ],
)
def test_what_helm_has_to_render_first_is_told_with_the_command(tmp_path: Path, text: str, says: str) -> None:
    write(tmp_path, values=text)
    file = f"{tmp_path}/configs/values.yaml"
    for path in (file, str(tmp_path / "configs")):
        done = playbook(tmp_path, "validate", pipeline_validate_paths=[path])
        told = _join_lines(done.stdout + done.stderr)
        assert done.returncode != 0
        assert _join_lines(f"there is no collector config in {path}") in told
        assert _join_lines(says.replace("FILE", file)) in told
    (tmp_path / "configs" / "good.yaml").write_text(GOOD)
    done = playbook(tmp_path, "validate")
    told = _join_lines(done.stdout + done.stderr)
    assert done.returncode == 0, told
    assert _join_lines("warning [unrendered-chart] here is a") in told
    assert _join_lines(says.replace("FILE", file)) in told
    assert _join_lines("skipped and not checked") not in told


NEEDY = """\
receivers: {k8s_cluster: {}}
processors: {k8s_attributes: {}}
exporters: {debug: {}}
service: {pipelines: {metrics: {receivers: [k8s_cluster], processors: [k8s_attributes], exporters: [debug]}}}
"""
IN_RESOURCE = RESOURCE.replace("VERSION", "v1beta1").replace("serviceAccount: mine\nspecs: {}\n", "")
IN_RESOURCE += "  config:\n" + textwrap.indent(NEEDY, "    ")
IN_WORKLOAD = f"""\
apiVersion: v1
kind: ConfigMap
metadata: {{name: c, namespace: n}}
data:
  relay: |
{textwrap.indent(NEEDY, "    ")}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: c, namespace: n}}
spec:
  template:
    spec:
      containers: [{{name: otelcol, image: x, volumeMounts: [{{name: v, mountPath: /conf}}]}}]
      volumes: [{{name: v, configMap: {{name: c}}}}]
"""
RBAC = """\
{apiVersion: v1, kind: ServiceAccount, metadata: {name: otel, namespace: n}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: otel}
rules: [{apiGroups: ["", apps], resources: [pods, namespaces, replicasets], verbs: [get, list, watch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: otel}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: otel}
subjects: [{kind: ServiceAccount, name: ACCOUNT, namespace: n}]
"""


@pytest.mark.parametrize(("text", "account"), [(IN_RESOURCE, "a-collector"), (IN_WORKLOAD, "default")])
def test_rights_in_other_files_of_a_folder_are_compared_with_what_a_config_needs(
    tmp_path: Path, text: str, account: str
) -> None:
    write(tmp_path, collector=text, rbac=RBAC.replace("ACCOUNT", "otel"))
    told = " ".join(playbook(tmp_path, "validate").stderr.split())
    other = "ClusterRoleBinding 'otel' binds ServiceAccount 'n/otel', with which nothing runs, and the pods run as '"
    assert told.count(f"which the ServiceAccount is not allowed to do: {other}") == 2
    assert f"{account}'. Name the account of the pods in the binding" in told
    (tmp_path / "configs" / "rbac.yaml").write_text(RBAC.replace("ACCOUNT", account))
    told = " ".join(playbook(tmp_path, "validate").stderr.split())
    assert "processors.k8s_attributes: warning" not in told
    assert "receivers.k8s_cluster: warning [missing-permission] 'k8s_cluster' needs to" in told


@pytest.mark.parametrize(
    ("text", "fail_on", "fails"),
    [(BAD, None, False), (BAD, "error", True), (WARNED, "error", False), (WARNED, "warning", True)],
)
def test_preflight_fails_on_what_is_asked(tmp_path: Path, text: str, fail_on: str | None, fails: bool) -> None:
    write(tmp_path, config=text)
    done = playbook(tmp_path, "preflight", **({"preflight_fail_on": fail_on} if fail_on else {}))
    assert (done.returncode != 0) == fails, done.stdout
    assert ("unknown-field" if text is BAD else "unused-component") in done.stdout + done.stderr


def test_preflight_says_that_nothing_was_named_to_check() -> None:
    done = plays.run_playbook("-i", "localhost,", "playbooks/preflight.yml")
    assert done.returncode != 0
    assert "There is nothing to check. Name files and folders" in " ".join(done.stdout.split()), done.stdout


def test_preflight_counts_by_owner_the_configs_that_planned_versions_break(tmp_path: Path) -> None:
    batched = LIMITER.replace("memory_limiter", "batch").replace("debug", "otlp_grpc")
    helm = "metadata: {name: x, namespace: shop, annotations: {meta.helm.sh/release-name: otel}}"
    resource = RESOURCE.replace("VERSION", "v1beta1").replace("metadata: {name: a}", helm)
    resource += "  config:\n" + textwrap.indent(batched, "    ")
    write(tmp_path, batched=batched, good=GOOD, resource=resource)
    told = playbook(tmp_path, "preflight").stdout
    shown = told.partition("Show which configs planned versions break, and their owners")[2].partition("TASK [")[0]
    assert f"{tmp_path}/configs/batched.yaml" in shown and "good.yaml" not in shown
    assert "0.171.0" in shown and "0.177.0" in shown and shown.count("Helm release /otel") == 2, shown


STATSD = """\
receivers: {statsd: {endpoint: "0.0.0.0:8125"}}
exporters: {debug: {}}
service: {pipelines: {metrics: {receivers: [statsd], exporters: [debug]}}}
"""
CHART = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data:
  relay: |
CONFIG
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: stats}
spec:
  template:
    metadata: {labels: {app: stats}}
    spec:
      containers: [{name: c, image: otel/opentelemetry-collector-contrib:0.158.0, volumeMounts: [{name: v}]}]
      volumes: [{name: v, configMap: {name: c}}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: let-in}
spec:
  podSelector: {matchExpressions: [{key: app, operator: In, values: [stats]}]}
  ingress: [{ports: [{port: 8125}]}]
"""
DUMPED = """\
apiVersion: opentelemetry.io/v1beta1
kind: OpenTelemetryCollector
metadata: {name: live, namespace: n, uid: 1-2-3}
spec:
  mode: deployment
  networkPolicy: {enabled: true}
  config:
CONFIG
status: {version: 0.158.0}
"""


def test_a_network_policy_that_does_not_say_udp_is_told(tmp_path: Path) -> None:
    config = textwrap.indent(STATSD, "    ")
    chart = CHART.replace("CONFIG", config)
    write(
        tmp_path,
        chart=chart,
        dumped=DUMPED.replace("CONFIG", config),
        right=chart.replace("port: 8125}]", "port: 8125, protocol: UDP}]"),
    )
    done = playbook(tmp_path, "validate")
    told = _join_lines(done.stdout + done.stderr)
    for file, name in (("chart", "let-in"), ("dumped", "live-collector-networkpolicy")):
        assert f"{tmp_path}/configs/{file}.yaml" in told
        assert _join_lines(f"[closed-udp-port] NetworkPolicy {name} admits port 8125 for TCP only") in told
    assert told.count("[closed-udp-port]") == 2, told
