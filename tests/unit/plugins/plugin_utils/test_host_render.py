# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors of a host from their options to config and unit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.bundle_form import BUNDLE_OPTIONS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.fitted_unit import Systemd
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.guarded_groups import GUARDED_GROUPS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.host_release import build_release_files
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import (
    _host_build,
    _host_render,
    _host_request,
    _role_files,
)
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _findings

PROGRAM = {"path": "/usr/bin/otelcol-contrib"}
FORWARD = {"otlp_forward": {"endpoint": "gateway.example.com:4317"}}
AGENT = {"name": "agent", "recipes": ["otlp_ingest", FORWARD]}


def rendered(*collectors: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    """Return what module host_render returns for these collectors."""
    judgement = _findings.JudgementOptions.from_arguments(
        {"profile": "default", "severities": {}, "suppressions": [], "rule_paths": []}
    )
    request = _host_request.HostRequest(collectors or [AGENT], {"program": PROGRAM, **defaults})
    return _host_render.render_hosts(request, judgement, warnings.append)


warnings: list[str] = []

# A rule that a config without connectors breaks; its finding has the place of the config.
CONNECTORS_RULE = """
rules:
  - id: own-connectors
    severity: info
    path: .
    require: {connectors: {present: true}}
    message: it has no connectors
    fix: Add some.
    examples: {good: [{connectors: {count: {}}}], bad: [{extensions: {}}]}
"""


@pytest.mark.parametrize("own", [None, {}])
def test_null_and_nothing_hide_the_common_config_as_in_clusters(tmp_path: Path, own: Any) -> None:
    (tmp_path / "common.yml").write_text("extensions: {health_check: {}}\n", encoding="utf-8")
    (tmp_path / "rules.yml").write_text(CONNECTORS_RULE, encoding="utf-8")
    common = {"program": PROGRAM, "config": DataLoader().load_from_file(str(tmp_path / "common.yml"))}
    request = _host_request.HostRequest([{**AGENT, "config": own}], common, rule_paths=[str(tmp_path / "rules.yml")])
    judged = {"profile": "default", "severities": {}, "suppressions": [], "rule_paths": []}
    findings = _host_render.render_hosts(request, _findings.JudgementOptions.from_arguments(judged), warnings.append)
    (place,) = [one["file"] for one in findings["findings"] if one["rule"] == "own-connectors"]
    assert place != str(tmp_path / "common.yml")


def file(bundle: dict[str, Any], path: str) -> str:
    (found,) = (one["content"] for one in bundle["files"] if one["path"] == path)
    return str(found)


def config(bundle: dict[str, Any]) -> dict[str, Any]:
    return dict(yaml.safe_load(file(bundle, "config.yaml")))


def unit(bundle: dict[str, Any]) -> list[str]:
    return file(bundle, "unit").splitlines()


def refused(*collectors: dict[str, Any], **defaults: Any) -> str:
    with pytest.raises(Problem) as found:
        rendered(*collectors, **defaults)
    return str(found.value)


def test_an_agent_listens_on_the_loopback_and_knows_no_pod() -> None:
    (bundle,) = rendered()["bundles"]
    assert config(bundle)["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"] == "127.0.0.1:4317"
    assert "MY_POD_IP" not in file(bundle, "config.yaml")
    assert (bundle["health"], bundle["metrics"]) == ("http://127.0.0.1:13133/", "http://127.0.0.1:8888/metrics")
    assert {(one["number"], one["protocol"], one["address"]) for one in bundle["ports"]} == {
        (port, "tcp", "127.0.0.1") for port in (4317, 4318, 8888, 13133)
    }


def test_the_rules_find_no_fault_in_it() -> None:
    recipes = [*AGENT["recipes"], "host_metrics", "journald_logs", {"file_logs": {"include": ["/var/log/app/*.log"]}}]
    findings = rendered({**AGENT, "recipes": recipes})["findings"]
    assert {one["rule"] for one in findings} == {"unstable-signal"}, "receiver journald is alpha"


def test_the_unit_follows_the_options() -> None:
    (bundle,) = rendered(
        memory_limit="256Mi", cpu_limit="500m", termination_grace_seconds=20, env={"A": 'a "b" 5%'}, groups=["adm"]
    )["bundles"]
    lines = unit(bundle)
    assert {
        "MemoryMax=268435456",
        'Environment="GOMEMLIMIT=204MiB"',
        "CPUQuota=50%",
        "TimeoutStopSec=20s",
        'Environment="A=a \\"b\\" 5%%"',
        "SupplementaryGroups=adm",
        "StateDirectory=otelcol/agent",
        "DynamicUser=yes",
        "ExecStart=@program@ --config=/etc/otelcol/agent/current/config.yaml",
    } <= set(lines)


def test_no_time_to_stop_is_not_endless_time() -> None:
    (bundle,) = rendered(termination_grace_seconds=0)["bundles"]
    assert "TimeoutStopSec=1s" in unit(bundle), "systemd reads 0 as infinity"


def test_a_user_of_the_host_takes_the_place_of_a_dynamic_one() -> None:
    (bundle,) = rendered(user="otel")["bundles"]
    assert "User=otel" in unit(bundle)
    assert "DynamicUser=yes" not in unit(bundle)


def test_a_collector_with_a_capability_shares_the_users_of_the_host() -> None:
    low = {"receivers": {"otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:80"}}}}}
    (strict,), (loose,) = rendered()["bundles"], rendered(config=low)["bundles"]
    assert {"PrivateUsers=yes", "AmbientCapabilities="} <= set(unit(strict))
    assert {"PrivateUsers=no", "AmbientCapabilities=CAP_NET_BIND_SERVICE"} <= set(unit(loose))
    assert "CapabilityBoundingSet=CAP_NET_BIND_SERVICE" in unit(loose)


def test_a_credential_is_in_no_file() -> None:
    forward = {"otlp_forward": {"endpoint": "g:4317", "headers": {"authorization": "Bearer ${env:TOKEN}"}}}
    item = {**AGENT, "recipes": ["otlp_ingest", forward], "env": {"TOKEN": {"credential": "hunter2hunter2"}}}
    (bundle,) = rendered(item)["bundles"]
    assert not any("hunter2" in one["content"] for one in bundle["files"])
    assert "LoadCredential=TOKEN:/etc/otelcol/agent/current/credentials/TOKEN" in unit(bundle)
    headers = config(bundle)["exporters"]["otlp_grpc/gateway"]["headers"]
    assert headers == {"authorization": "Bearer ${file:${env:CREDENTIALS_DIRECTORY}/TOKEN}"}
    assert bundle["credentials"] == [{"name": "TOKEN", "content": "hunter2hunter2"}]


def test_state_stays_in_the_folder_of_the_service() -> None:
    (bundle,) = rendered({**AGENT, "recipes": ["otlp_ingest", "durable", FORWARD]})["bundles"]
    queue = config(bundle)["extensions"]["file_storage/queue"]
    assert (queue["directory"], queue["create_directory"]) == ("/var/lib/otelcol/agent/queue", True)


def test_two_collectors_of_a_host_have_ports_of_their_own() -> None:
    gateway = {"name": "gateway", "recipes": ["syslog_ingest", FORWARD], "health_port": 13134, "metrics_port": 8889}
    assert [one["health"][-6:] for one in rendered(AGENT, gateway)["bundles"]] == ["13133/", "13134/"]
    assert "both open 8888/TCP" in refused(AGENT, {**gateway, "metrics_port": 8888})
    assert "both open 13133/TCP" in refused(AGENT, {**gateway, "health_port": 13133})


SECRET_FILE = {"exporters": {"otlp_grpc/gateway": {"tls": {"ca_file": "/etc/otelcol/secrets/ca/ca.crt"}}}}
ELSEWHERE = {
    "extensions": {"file_storage": {"directory": "/srv/queue"}},
    "service": {"extensions+": ["file_storage"]},
}
OUTSIDE_BY_DOTS = {
    "extensions": {"file_storage": {"directory": "/var/lib/otelcol/agent/../gateway"}},
    "service": {"extensions+": ["file_storage"]},
}
REFUSED = [
    ({"recipes": ["cluster_metrics", FORWARD]}, "recipe 'cluster_metrics' does not work on a Linux host"),
    ({"config": SECRET_FILE}, "is a Secret or ConfigMap of a cluster"),
    ({"config": ELSEWHERE}, "keeps state in /srv/queue"),
    ({"config": OUTSIDE_BY_DOTS}, "keeps state in /var/lib/otelcol/agent/../gateway"),
    ({"user": "root"}, "Add `allow: [root]`"),
    ({"allow": ["CAP_SYS_PTRACE"]}, "no component of its config uses that"),
    ({"allow": ["everything"]}, "everything"),
    ({"groups": ["docker"]}, "Add `allow: [docker]`"),
    ({"groups": ["adm", "lxd"]}, "`groups` lists lxd, whose members may do all on the host"),
    ({"groups": ["root"]}, "Add `allow: [root]`"),
    ({"allow": ["disk"]}, "no component of its config uses that"),
    ({"recipes": ["docker_metrics", FORWARD]}, "receivers.docker_stats asks Docker through its socket"),
    ({"recipes": ["podman_metrics", FORWARD]}, "receivers.podman_stats, this socket of Podman is root's alone"),
    ({"recipes": ["podman_metrics", FORWARD], "user": "root"}, "Add `allow: [root]`"),
    ({"recipes": [{"service_metrics": {"receiver": "oracle"}}, FORWARD]}, "oracle"),
    ({"program": {}}, "no sum of otelcol-contrib_"),
    ({"health_port": 0}, "`health_port` is 0, which lets the system choose a port"),
    ({"metrics_port": 0}, "`metrics_port` is 0, which lets the system choose a port"),
    ({"mode": "daemonset"}, "mode"),
    ({"env": {"PASSWORD": "hunter2hunter2"}}, "Make it a credential"),
    ({"env": {"URL": "https://me:hunter2@example.com"}}, "Make it a credential"),
]


@pytest.mark.parametrize(("options", "words"), REFUSED, ids=[words[:30] for _options, words in REFUSED])
def test_what_a_host_cannot_have_is_an_error(options: dict[str, Any], words: str) -> None:
    said = refused({**AGENT, **options})
    assert words in said
    assert "collector 'agent'" in said
    assert "hunter2" not in said


@pytest.mark.parametrize("name", ["", 0, "../x"])
def test_a_name_that_cannot_be_is_told_as_it_is_written(name: Any) -> None:
    assert refused({**AGENT, "name": name}, name="edge").startswith(f"collector '{name}': '{name}' is not a valid name")


def test_consent_gives_the_right() -> None:
    item = {**AGENT, "recipes": [{"file_logs": {"include": ["/var/log/*.log"]}}, FORWARD]}
    (bundle,) = rendered({**item, "allow": ["CAP_DAC_READ_SEARCH"]})["bundles"]
    assert "AmbientCapabilities=CAP_DAC_READ_SEARCH" in unit(bundle)
    assert "User=root" in unit(rendered({**AGENT, "user": "root", "allow": ["root"]})["bundles"][0])
    assert "SupplementaryGroups=shadow" in unit(
        rendered({**AGENT, "groups": ["shadow"], "allow": ["shadow"]})["bundles"][0]
    )


def test_an_inventory_without_a_collector_is_an_error() -> None:
    with pytest.raises(Problem, match="otel_host_collectors"):
        _host_render.render_hosts(_host_request.HostRequest([], {}), None, warnings.append)  # type: ignore[arg-type]


def test_people_read_where_it_listens_and_what_its_unit_allows() -> None:
    lines = rendered({**AGENT, "recipes": ["journald_logs", FORWARD]})["summary"]
    assert lines[0].startswith("otelcol-agent.service (/usr/bin/otelcol-contrib) listens on 127.0.0.1:8888/tcp")
    assert any(line.startswith("agent: its unit has SupplementaryGroups=systemd-journal") for line in lines)


def test_what_a_collector_does_without_is_told_by_its_name() -> None:
    found = rendered({**AGENT, "recipes": [{"file_logs": {"include": ["/var/log/*.log"]}}, FORWARD]})
    (line,) = found["lacking"]
    assert line.startswith("agent: receivers.file_log/files reads only files that everybody")
    assert line in found["summary"]


def test_advice_about_addresses_fits_a_host() -> None:
    config = {
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "0.0.0.0:4317"}}}},
        "extensions": {"pprof": {"endpoint": "0.0.0.0:1777"}},
        "service": {"extensions": ["pprof"]},
    }
    warnings.clear()
    rendered({"name": "agent", "recipes": ["otlp_ingest", "debug_output"], "config": config})
    told = "\n".join(warnings)
    assert "[open-on-node] port 4317 is open on every address of the host. Write `127.0.0.1:4317` for clients" in told
    assert "[open-receiver] port 4317 accepts clear text on every address. Write `127.0.0.1:4317`, and `tls:" in told
    assert "reachable from outside the host" in told and "and use `ssh -L`." in told
    assert [word for word in ("MY_POD_IP", "kubectl", "pod", "node.") if word in told] == []


@pytest.mark.parametrize("group", sorted(GUARDED_GROUPS))
def test_a_group_like_roots_needs_consent(group: str) -> None:
    assert f"Add `allow: [{group}]`" in refused({**AGENT, "groups": [group]})
    lines = unit(rendered({**AGENT, "groups": [group], "allow": [group]})["bundles"][0])
    assert f"SupplementaryGroups={group}" in lines


def test_a_host_takes_what_is_rendered() -> None:
    env = {"TOKEN": {"credential": {"content": "hunter2hunter2"}}, "OTHER": {"credential": {"path": "/srv/other"}}}
    headers = {"authorization": "Bearer ${env:TOKEN}", "x-other": "${env:OTHER}"}
    forward = {"otlp_forward": {"endpoint": "gateway.example.com:4317", "headers": headers}}
    archives = {"amd64": {"sha256": "a" * 64}, "arm64": {"sha256": "b" * 64, "file": "own.tar.gz"}}
    item = {"name": "agent", "recipes": ["otlp_ingest", forward]}
    (bundle,) = rendered(item, program=archives, env=env)["bundles"]
    checked = ArgumentSpecValidator(BUNDLE_OPTIONS).validate(bundle)
    assert checked.error_messages == []
    files = build_release_files(
        checked.validated_parameters, {"TOKEN": b"hunter2hunter2"}, "/opt/otelcol/x/otelcol-contrib", Systemd()
    )
    assert set(files) == {"config.yaml", "otelcol-agent.service", "credentials/TOKEN"}
    assert b"ExecStart=/opt/otelcol/x/otelcol-contrib --config=" in files["otelcol-agent.service"].data


def test_a_difference_shows_the_config_with_its_secrets_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules refuse a secret in a config; should they miss one, no difference shows it."""
    item = {"name": "agent", "recipes": ["otlp_ingest", FORWARD]}
    assert all("shown" not in one for one in rendered(item)["bundles"][0]["files"])
    monkeypatch.setattr(_host_build, "find_secrets_in_objects", lambda *_any: iter(["gateway.example.com"]))
    (config_file, _unit) = rendered(item)["bundles"][0]["files"]
    assert "gateway.example.com" in config_file["content"]
    assert "gateway.example.com" not in config_file["shown"]
    assert yaml.safe_load(config_file["shown"])["receivers"] == yaml.safe_load(config_file["content"])["receivers"]


def test_a_collector_with_consent_is_in_the_group_of_docker() -> None:
    (bundle,) = rendered({**AGENT, "allow": ["docker"], "recipes": ["docker_metrics", FORWARD]})["bundles"]
    assert "SupplementaryGroups=docker" in unit(bundle)


def test_root_and_a_user_reach_their_own_socket_of_podman() -> None:
    endpoint = "unix:///run/user/1000/podman/podman.sock"
    as_root = {"user": "root", "allow": ["root"], "recipes": ["podman_metrics", FORWARD]}
    as_user = {"user": "shop", "recipes": [{"podman_metrics": {"endpoint": endpoint}}, FORWARD]}
    (of_root,) = rendered({**AGENT, **as_root})["bundles"]
    (of_user,) = rendered({**AGENT, **as_user})["bundles"]
    assert {"User=root", "ProtectHome=yes"} <= set(unit(of_root))
    assert {"User=shop", "ProtectHome=read-only"} <= set(unit(of_user))


EC2_TAGS = {"detectors": ["env", "ec2", "system"], "ec2_tags": ["^team$"]}


@pytest.mark.parametrize(
    ("options", "ec2", "permissions"),
    [
        (EC2_TAGS, {"tags": ["^team$"]}, ["ec2:DescribeTags"]),
        ({**EC2_TAGS, "ec2_tags_from_metadata": True}, {"tags": ["^team$"], "tags_from_imds": True}, []),
        ({"detectors": ["env", "ec2"]}, None, []),
    ],
)
def test_tags_of_an_instance_are_attributes_and_the_right_to_read_them_is_named(
    options: dict[str, Any], ec2: Any, permissions: list[str]
) -> None:
    found = rendered({**AGENT, "recipes": ["otlp_ingest", {"resource_detection": options}, FORWARD]})
    (one,) = found["collectors"]
    assert yaml.safe_load(one["config"])["processors"]["resource_detection"].get("ec2") == ec2
    assert [line.split(" (")[0] for line in one["permissions"]] == permissions
    lines = [line for line in found["summary"] if "its AWS role needs ec2:DescribeTags" in line]
    assert len(lines) == len(permissions)


SERVICES = [
    ({"receiver": "redis"}, {"endpoint": "localhost:6379", "tls": {"insecure": True}}),
    ({"receiver": "redis", "tls": True}, {"endpoint": "localhost:6379", "tls": {"insecure": False}}),
    (
        {"receiver": "nginx", "endpoint": "https://web/status", "ca_file": "/etc/ssl/ca.crt"},
        {"endpoint": "https://web/status", "tls": {"insecure": False, "ca_file": "/etc/ssl/ca.crt"}},
    ),
    ({"receiver": "memcached"}, {"endpoint": "localhost:11211"}),
    ({"receiver": "mongodb"}, {"hosts": [{"endpoint": "localhost:27017"}], "tls": {"insecure": True}}),
    (
        {"receiver": "mysql", "endpoint": "/run/mysqld/mysqld.sock", "username": "otel"},
        {"endpoint": "/run/mysqld/mysqld.sock", "transport": "unix", "username": "otel", "tls": {"insecure": True}},
    ),
]


@pytest.mark.parametrize(("options", "settings"), SERVICES)
def test_a_service_is_asked_as_its_receiver_takes_it(options: dict[str, Any], settings: dict[str, Any]) -> None:
    (bundle,) = rendered({**AGENT, "recipes": [{"service_metrics": options}, FORWARD]})["bundles"]
    (found,) = config(bundle)["receivers"].values()
    assert found == {"collection_interval": "60s", **settings}


def test_every_service_has_a_receiver_in_the_build() -> None:
    role = Path(_role_files.ROLE.with_name("otel_host"))
    options = yaml.safe_load((role / "recipes/service_metrics/recipe.yml").read_text())["options"]
    for receiver in options["receiver"]["choices"]:
        account = ACCOUNT if receiver in WITH_ACCOUNT else {}
        recipe = {"service_metrics": {"receiver": receiver, **account}}
        found = rendered({**AGENT, "env": ENV if account else {}, "recipes": [recipe, FORWARD]})["findings"]
        assert [one for one in found if one["severity"] != "info"] == []


def test_a_build_without_the_receiver_of_a_service_is_an_error() -> None:
    recipes = [{"service_metrics": {"receiver": "redis"}}, FORWARD]
    assert "core 0.158.0 has no receiver 'redis'" in refused({**AGENT, "distribution": "core", "recipes": recipes})


ACCOUNT = {"username": "otel", "password": "${env:PW}"}
ENV = {"PW": {"credential": {"path": "/etc/pw"}}}
WITH_ACCOUNT = {"couchdb", "elasticsearch", "mongodb", "mysql", "postgresql", "rabbitmq"}


@pytest.mark.parametrize("user", ["0", "00", "1001", "a b"])
def test_a_user_is_a_name_so_that_root_needs_consent(user: str) -> None:
    assert f"`user` is '{user}', which is no name of a user" in refused({**AGENT, "user": user})


@pytest.mark.parametrize("group", ["0", "999", "adm docker"])
def test_a_group_is_a_name_so_that_docker_needs_consent(group: str) -> None:
    assert f"`groups` has '{group}', which is no name of a group" in refused({**AGENT, "groups": [group]})


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_a_variable_cannot_add_a_line_to_the_unit(end: str) -> None:
    assert "`env.A` has a line end" in refused({**AGENT, "env": {"A": f"x{end}User=root"}})


@pytest.mark.parametrize("path", ["/opt/my program/otelcol", "/opt/50%/otelcol", "/opt/$HOME/otelcol"])
def test_a_unit_can_hold_the_path_of_the_program(path: str) -> None:
    assert f"`program.path` is '{path}'" in refused({**AGENT, "program": {"path": path}})


def test_a_name_that_the_host_would_refuse_is_refused_before() -> None:
    assert "Use up to 48" in refused({**AGENT, "name": "a" * 49})
    assert rendered({**AGENT, "name": "a" * 48})["bundles"]


@pytest.mark.parametrize("cpu_limit", ["", "0", "0m"])
def test_no_cpu_limit_is_none_as_for_a_container(cpu_limit: str) -> None:
    (bundle,) = rendered(cpu_limit=cpu_limit)["bundles"]
    assert "CPUQuota" not in str(bundle)


def test_a_small_share_of_a_processor_needs_no_option_that_hosts_lack() -> None:
    (bundle,) = rendered(cpu_limit="50m")["bundles"]
    assert "CPUQuota=5%" in unit(bundle)


def test_a_secret_in_clear_text_becomes_a_credential() -> None:
    headers = {"authorization": "Bearer 0123456789abcdef"}
    forward = {"otlp_forward": {"endpoint": "a.example.com:4317", "headers": headers}}
    said = refused({**AGENT, "recipes": ["otlp_ingest", forward]})
    assert "give NAME in `env` as `{credential: {content: TEXT}}`" in said


@pytest.mark.parametrize("place", ["row", "mirror"])
def test_the_password_of_an_address_reaches_no_host_and_no_message(place: str) -> None:
    address = "https://user:a-password@mirror.example.com/x"
    row = {"sha256": "a" * 64, **({"url": f"{address}/y.tar.gz"} if place == "row" else {})}
    request = _host_request.HostRequest([AGENT], {"program": {"amd64": row}}, mirror=address)
    judgement = _findings.JudgementOptions.from_arguments(
        {"profile": "default", "severities": {}, "suppressions": [], "rule_paths": []}
    )
    with pytest.raises(Problem) as found:
        _host_render.render_hosts(request, judgement, warnings.append)
    assert "comes from https://mirror.example.com/x" in str(found.value)
    assert "a-password" not in str(found.value)
