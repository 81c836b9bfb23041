# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Platforms as data, the page about them, and what follows from them."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.platform import Platform
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render, _role_files
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _builds

from tests.support.cases import cases

from .role import PLATFORMS, ROOT
from .source import files

ABILITIES = {"daemonsets", "host_paths", "host_paths_writable", "host_ports", "host_network"}
PAGE = (ROOT / "docs" / "platforms.md").read_text(encoding="utf-8")


def rendered(platform: str, *recipes: Any, **options: Any) -> list[dict[str, Any]]:
    item = {"name": "one", "mode": "daemonset", "platform": platform, "recipes": [*recipes, "debug_output"], **options}
    made: list[dict[str, Any]] = _render.build_bundle(
        _render.judge_request(_render.RenderRequest([item], {"namespace": "a"}))
    )["manifests"]
    return made


def of_kind(manifests: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = [item for item in manifests if item["kind"] == kind]
    return found


def test_generic_facts_are_the_abilities_that_a_place_has_by_itself() -> None:
    facts = {key: tuple(value) if isinstance(value, list) else value for key, value in PLATFORMS["generic"].items()}
    own = {key: value for key, value in asdict(Platform()).items() if key != "name"}
    assert {key: facts[key] for key in own} == own


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_platform_says_what_there_is_instead_of_each_ability_that_it_lacks(name: str) -> None:
    platform = asdict(Platform.from_facts(name, _role_files.read_platform(name, _role_files.find_platforms([]))))
    lacking = {
        ability for ability in ABILITIES if platform[ability] in (False, ()) or platform[ability] == ("/var/log",)
    }
    said = set(platform["instead"])
    assert said <= lacking
    # Who may mount nothing has nothing to write to.
    assert lacking - said <= ({"host_paths_writable"} if platform["host_paths"] == () else set())


@pytest.mark.parametrize("name", PLATFORMS)
def test_its_detectors_are_those_of_the_processor(name: str) -> None:
    settings = (_builds.load_catalogue().find_fields("processors", "resource_detection") or {})["fields"]
    known = {key for key, shape in settings.items() if "resource_attributes" in shape} | {"env"}  # it has no settings
    assert set(PLATFORMS[name].get("resource_detectors", [])) <= known


def test_the_page_has_a_row_for_each() -> None:
    (table,) = re.findall(r"^\| platform \| what differs \|.*\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    rows = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert sorted(rows) == sorted(PLATFORMS), "the first table of docs/platforms.md needs one row for each platform"


def test_every_file_of_a_platform_is_found() -> None:
    folder = "roles/otel_collector/platforms"
    assert set(files(f"{folder}/*")) == {f"{folder}/{name}.yml" for name in PLATFORMS}


@pytest.mark.parametrize("name", PLATFORMS)
def test_its_distribution_is_one_that_the_receiver_k8s_cluster_takes(name: str) -> None:
    """Source: receiver/k8sclusterreceiver/config.go of contrib."""
    assert PLATFORMS[name].get("cluster_distribution", "kubernetes") in ("kubernetes", "openshift")


@pytest.mark.parametrize(
    ("platform", "options", "verified", "mounted"),
    [
        ("generic", {}, False, False),
        ("k3s", {}, True, False),
        ("openshift", {}, False, False),
        ("openshift", {"ca_config_map": "kubelet-serving-ca"}, True, True),
    ],
)
def test_kubelets_are_verified_where_their_ca_is_at_hand(
    platform: str, options: dict[str, str], verified: bool, mounted: bool
) -> None:
    manifests = rendered(platform, {"kubelet_metrics": options})
    text = of_kind(manifests, "ConfigMap")["data"]["config"]
    assert f"insecure_skip_verify: {str(not verified).lower()}" in text
    volumes = of_kind(manifests, "DaemonSet")["spec"]["template"]["spec"]["volumes"]
    names = [volume["configMap"]["name"] for volume in volumes if "configMap" in volume]
    assert ("kubelet-serving-ca" in names) is mounted


COMPONENTS = {"apiserver", "kube-scheduler", "kube-controller-manager", "etcd", "coredns", "kube-proxy"}
# By platform: what there is beside the API server, how the scheduler is reached, and the RBAC beside discovery.
SERVED = {
    "generic": (
        "kube-scheduler kube-controller-manager etcd coredns kube-proxy",
        "/ca.crt, server_name: kube-scheduler",
    ),
    "aks": ("coredns kube-proxy", ""),
    "eks": ("kube-scheduler kube-controller-manager coredns kube-proxy", "/v1/ksh/container/metrics"),
    "eks_fargate": ("kube-scheduler kube-controller-manager coredns", "/v1/ksh/container/metrics"),
    "gke": ("", ""),
    "gke_autopilot": ("", ""),
    "k3s": ("coredns", ""),
    "kind": ("kube-scheduler kube-controller-manager etcd coredns kube-proxy", "/ca.crt, server_name: kube-scheduler"),
    "openshift": ("kube-scheduler kube-controller-manager coredns", "/service-ca.crt, server_name: scheduler."),
}


@pytest.mark.parametrize("name", PLATFORMS)
def test_the_control_plane_is_scraped_where_the_platform_serves_it(name: str) -> None:
    served, scheduler = SERVED[name]
    asked = ["apiserver", *served.split()]
    control = {"control_plane_metrics": {"components": asked}}
    manifests = rendered(name, control, mode="deployment", host_ports=None)
    receiver = yaml.safe_load(of_kind(manifests, "ConfigMap")["data"]["config"])["receivers"][
        "prometheus/control_plane"
    ]
    jobs = {job["job_name"]: job for job in receiver["config"]["scrape_configs"]}
    assert list(jobs) == asked
    if scheduler:
        job = jobs["kube-scheduler"]
        tls = "ca_file: {ca_file}, server_name: {server_name}".format(**job["tls_config"])
        assert scheduler in tls + job.get("metrics_path", "")
        assert job["authorization"] == jobs["apiserver"]["authorization"]
    rules = of_kind(manifests, "ClusterRole")["rules"]
    assert {"nonResourceURLs": ["/metrics"], "verbs": ["get"]} in rules
    passed_on = [rule["resources"] for rule in rules if rule.get("apiGroups") == ["metrics.eks.amazonaws.com"]]
    assert passed_on == ([["kcm/metrics", "ksh/metrics"]] if name.startswith("eks") else [])
    for lacking in sorted(COMPONENTS - set(asked)):
        with pytest.raises(Problem, match=f"platform '{name}' serves no metrics of {lacking}. Set `addresses`, or"):
            rendered(name, {"control_plane_metrics": {"components": [lacking]}}, mode="deployment", host_ports=None)


@cases(
    "options, job",
    (
        {"components": ["etcd"], "addresses": {"etcd": ["10.0.0.4:2381"]}},
        {"static_configs": [{"targets": ["10.0.0.4:2381"]}]},
    ),
    (
        {"components": ["kube-scheduler"], "skip_verify": ["kube-scheduler"]},
        {"scheme": "https", "tls_config": {"insecure_skip_verify": True}},
    ),
    (
        {"components": ["coredns"], "drop": ["go_.*", "x"]},
        {"metric_relabel_configs": [{"source_labels": ["__name__"], "regex": "go_.*|x", "action": "drop"}]},
    ),
)
def test_the_options_of_a_job_of_the_control_plane(options: dict[str, Any], job: dict[str, Any]) -> None:
    manifests = rendered("generic", {"control_plane_metrics": options}, mode="deployment", host_ports=None)
    receiver = yaml.safe_load(of_kind(manifests, "ConfigMap")["data"]["config"])["receivers"][
        "prometheus/control_plane"
    ]
    (found,) = receiver["config"]["scrape_configs"]
    assert job.items() <= found.items()


@cases(
    "addresses, said",
    ({"etcd": ["a:1"]}, "`addresses` has etcd, which is not scraped. Add it to `components`"),
    ({"apiserver": "a:1"}, "`addresses` of apiserver is not a list. Write `apiserver: \\[HOST:PORT\\]`"),
    ({"apiserver": []}, "is not a list"),
)
def test_addresses_of_the_control_plane_are_lists_of_what_is_scraped(addresses: dict[str, Any], said: str) -> None:
    with pytest.raises(Problem, match=said):
        rendered("generic", {"control_plane_metrics": {"addresses": addresses}}, mode="deployment", host_ports=None)


@cases(
    "platform, components, said",
    ("generic", ["apiserver"], "`skip_verify` has kube-scheduler, which is not scraped"),
    ("eks", ["kube-scheduler"], "`skip_verify` has kube-scheduler, which the API server serves on 'eks'"),
)
def test_the_token_goes_unverified_only_where_that_is_needed(platform: str, components: list[str], said: str) -> None:
    options = {"components": components, "skip_verify": ["kube-scheduler"]}
    with pytest.raises(Problem, match=said):
        rendered(platform, {"control_plane_metrics": options}, mode="deployment", host_ports=None)


def test_where_nodes_have_no_ports_agents_have_a_service_of_their_node() -> None:
    manifests = rendered("gke_autopilot", "otlp_ingest", "pod_logs")
    service, agent = of_kind(manifests, "Service"), of_kind(manifests, "DaemonSet")
    spec = agent["spec"]["template"]["spec"]
    assert service["spec"]["internalTrafficPolicy"] == "Local"
    assert not any("hostPort" in port for port in spec["containers"][0]["ports"])
    assert {"name": "state", "emptyDir": {}} in spec["volumes"]
