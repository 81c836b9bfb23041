# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors of hosts send to the hosts of a group: what one inventory renders, without a connection."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from tests.support import plays

COMMON = {"otel_host_program": {"path": "/usr/bin/otelcol-contrib"}, "otel_host_state": "rendered"}
GATEWAY = {"name": "gateway", "listen_address": "0.0.0.0", "recipes": ["otlp_ingest", "debug_output"]}
AGENT = {"name": "agent", "recipes": ["otlp_ingest", {"otlp_forward": {"to": "gateways", "insecure": True}}]}


def test_a_play_for_one_agent_knows_the_gateways_of_the_inventory(tmp_path: Path) -> None:
    members = {f"gw{number}": {"gateway_ip": f"192.0.2.{number}"} for number in (1, 2)}
    gateways = {"hosts": members, "vars": {"otel_host_address": "{{ gateway_ip }}", "otel_host_collectors": [GATEWAY]}}
    agents = {"hosts": {"web1": {}}, "vars": {"otel_host_collectors": [AGENT]}}
    linux = {
        "vars": {**COMMON, "otel_host_output_path": str(tmp_path / "out")},
        "children": {"agents": agents, "gateways": gateways},
    }
    inventory = tmp_path / "groups.json"
    inventory.write_text(json.dumps({"all": {"children": {"otel_linux": linux}}}), encoding="utf-8")
    done = plays.run_playbook("-i", str(inventory), "--limit", "web1", "playbooks/render.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / "out" / "web1" / "agent"
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    assert config["exporters"]["otlp_grpc/gateway"]["endpoint"] == "dns:///gateways.internal:4317"
    names = (folder / "hosts").read_text(encoding="utf-8")
    assert names == "192.0.2.1 gateways.internal\n192.0.2.2 gateways.internal\n"


CLUSTER = {
    "otel_collector_namespace": "telemetry",
    "otel_collectors": [
        {"name": "agent", "recipes": ["otlp_ingest", {"otlp_forward": {"to": "gateways", "ca_secret": "gateways-ca"}}]}
    ],
}


def test_a_cluster_knows_the_gateways_on_hosts_and_is_refused_where_tls_is_on_one_side_alone(tmp_path: Path) -> None:
    """One inventory has clusters and hosts; the hosts of the gateways are not part of the run."""
    members = {f"gw{number}": {"ansible_host": f"192.0.2.{number}"} for number in (1, 2)}
    gateways = {"hosts": members, "vars": {**COMMON, "otel_host_collectors": [GATEWAY]}}
    clusters = {"hosts": {"prod_eu": {"ansible_connection": "local", **CLUSTER}}}
    inventory = tmp_path / "both.json"
    children = {"otel_linux": {"children": {"gateways": gateways}}, "clusters": clusters}
    inventory.write_text(json.dumps({"all": {"children": children}}), encoding="utf-8")
    out = tmp_path / "out"
    wanted = ("-i", str(inventory), "--limit", "prod_eu", "playbooks/render.yml")
    refused = plays.run_playbook(*wanted, "-e", f"otel_collector_output_path={out}")
    assert refused.returncode != 0
    assert "sends TLS, and collector 'gateway on gw1' receives clear text" in refused.stdout
    assert not out.exists()
    text = inventory.read_text(encoding="utf-8").replace('"ca_secret": "gateways-ca"', '"insecure": true')
    inventory.write_text(text, encoding="utf-8")
    done = plays.run_playbook(*wanted, "-e", f"otel_collector_output_path={out}")
    assert done.returncode == 0, done.stdout + done.stderr
    rendered = "".join(path.read_text(encoding="utf-8") for path in out.rglob("*.y*ml"))
    assert "dns:///gateways.internal:4317" in rendered
    assert "hostAliases" in rendered


def test_an_agent_is_told_what_the_gateway_of_the_cluster_does_not_receive(tmp_path: Path) -> None:
    """The inventory says where the Ingress of the cluster leads; neither the cluster nor another host is contacted."""
    gateway = {"name": "gw", "recipes": [{"otlp_ingest": {"signals": ["traces"]}}, "debug_output"]}
    cluster = {"otel_collectors": [{**gateway, "ingress": {"host": "otlp.example.com"}}]}
    forward = {"endpoint": "https://otlp.example.com", "protocol": "http"}
    agent = {"name": "agent", "recipes": ["otlp_ingest", {"otlp_forward": forward}]}
    web = {"hosts": {"web1": {}}, "vars": {**COMMON, "otel_host_collectors": [agent]}}
    inventory = tmp_path / "both.json"
    children = {"otel_linux": web, "clusters": {"hosts": {"prod_eu": cluster}}}
    inventory.write_text(json.dumps({"all": {"children": children}}), encoding="utf-8")
    out = tmp_path / "out"
    done = plays.run_playbook(
        "-i", str(inventory), "--limit", "web1", "playbooks/render.yml", "-e", f"otel_host_output_path={out}"
    )
    said = " ".join((done.stdout + done.stderr).split())
    assert "sends metrics and logs to collector 'opentelemetry/gw on prod_eu', which does not receive this" in said


def test_an_agent_of_a_host_and_the_gateway_of_a_cluster_authenticate_each_other(tmp_path: Path) -> None:
    """The certificates of the host are credentials of its service, and those of the cluster are Secrets."""
    dns = {"external-dns.alpha.kubernetes.io/hostname": "otlp.example.com"}
    secure = {"otlp_ingest": {"tls_secret": "gateway-tls", "client_ca_secret": "hosts-ca"}}
    gateway = {"name": "gw", "recipes": [secure, "debug_output"]}
    cluster = {"otel_collectors": [{**gateway, "service": {"type": "LoadBalancer", "annotations": dns}}]}
    forward = {"endpoint": "otlp.example.com:4317", "mutual_tls": True}
    agent = {"name": "agent", "recipes": ["otlp_ingest", {"otlp_forward": forward}]}
    parts = {"ca": "ca.crt", "certificate": "host.crt", "key": "host.key"}
    tls = {part: {"credential": {"path": f"/etc/ssl/otel/{file}"}} for part, file in parts.items()}
    variables = {**COMMON, "otel_host_tls": tls, "otel_host_collectors": [agent]}
    inventory = tmp_path / "both.json"
    children = {
        "otel_linux": {"hosts": {"web1": {}}, "vars": variables},
        "clusters": {"hosts": {"prod_eu": {"ansible_connection": "local", **cluster}}},
    }
    inventory.write_text(json.dumps({"all": {"children": children}}), encoding="utf-8")
    out = tmp_path / "out"
    paths = ("-e", f"otel_host_output_path={out}", "-e", f"otel_collector_output_path={out}")
    done = plays.run_playbook("-i", str(inventory), "playbooks/render.yml", *paths)
    assert done.returncode == 0, done.stdout + done.stderr
    config = yaml.safe_load((out / "web1" / "agent" / "config.yaml").read_text(encoding="utf-8"))
    folder = "${env:CREDENTIALS_DIRECTORY}"
    names = {"ca_file": "tls-ca", "cert_file": "tls-certificate", "key_file": "tls-key"}
    assert config["exporters"]["otlp_grpc/gateway"]["tls"] == {key: f"{folder}/{one}" for key, one in names.items()}
    unit = (out / "web1" / "agent" / "unit").read_text(encoding="utf-8")
    assert "LoadCredential=tls-key:/etc/otelcol/agent/current/credentials/tls-key" in unit
    manifests = "".join(path.read_text(encoding="utf-8") for path in (out / "prod_eu").rglob("*.y*ml"))
    assert "client_ca_file: /etc/otelcol/secrets/hosts-ca/ca.crt" in manifests
    text = inventory.read_text(encoding="utf-8").replace('"mutual_tls": true', '"insecure": true')
    inventory.write_text(text, encoding="utf-8")
    refused = plays.run_playbook("-i", str(inventory), "--limit", "web1", "playbooks/render.yml", *paths)
    assert refused.returncode != 0
    assert "sends in clear text, and collector 'opentelemetry/gw on prod_eu' receives TLS" in refused.stdout


def test_gateways_stay_while_a_host_that_sends_to_them_cannot_be_removed(tmp_path: Path) -> None:
    """The gateway would be changed on this machine. So it must not even be contacted: it is said who sends to it."""
    away = {"ansible_host": "127.0.0.1", "ansible_connection": "ssh", "ansible_port": 1}
    agents = {"hosts": {"web1": away, "web2": away}, "vars": {"otel_host_collectors": [AGENT]}}
    here = {"ansible_connection": "local", "ansible_python_interpreter": "/bin/false"}
    gateways = {"hosts": {"gw1": here}, "vars": {"otel_host_address": "192.0.2.1", "otel_host_collectors": [GATEWAY]}}
    linux = {"vars": COMMON, "children": {"agents": agents, "gateways": gateways}}
    inventory = tmp_path / "away.json"
    inventory.write_text(json.dumps({"all": {"children": {"otel_linux": linux}}}), encoding="utf-8")
    done = plays.run_playbook("-i", str(inventory), "--check", "playbooks/remove.yml")
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert "collector gateway gets data of web1, web2, where this run could not remove them; it runs on" in said
    assert "(item=stage 2 of 2)" in said
    consents = plays.run_playbook(
        "-i", str(inventory), "--check", "-e", "otel_host_discard_unsent=true", "playbooks/remove.yml"
    )
    assert "could not remove them" not in consents.stdout + consents.stderr
    assert "failed: [gw1] (item=gateway)" in consents.stdout
