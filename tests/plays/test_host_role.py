# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role otel_host, as a play for hosts runs it: without a connection to them."""

from __future__ import annotations

import json
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import plays

FORWARD = {
    "otlp_forward": {"endpoint": "gateway.example.com:4317", "headers": {"authorization": "Bearer ${env:TOKEN}"}}
}
AGENT = {"name": "agent", "recipes": ["otlp_ingest", "journald_logs", FORWARD]}
SECRET = "hunter2hunter2"
VARIABLES = {
    "otel_host_program": {"path": "/usr/bin/otelcol-contrib"},
    "otel_host_env": {"TOKEN": {"credential": {"content": SECRET}}},
    "otel_host_collectors": [AGENT],
    "otel_host_state": "rendered",
}
WEB = {"web1": {"ansible_host": "192.0.2.1", "ansible_connection": "ssh"}}
PLAY = [{"hosts": "all", "gather_facts": False, "tasks": [
    {"ansible.builtin.include_role": {"name": "o11y.opentelemetry.otel_host"}}]}]  # fmt: skip


def play(tmp_path: Path, **variables: Any) -> subprocess.CompletedProcess[str]:
    """Run the role for a host that nobody can reach."""
    (tmp_path / "play.yml").write_text(yaml.safe_dump(PLAY), encoding="utf-8")
    given = {**VARIABLES, "otel_host_output_path": str(tmp_path / "out"), **variables}
    (tmp_path / "variables.json").write_text(json.dumps(given), encoding="utf-8")
    return plays.run(tmp_path, str(tmp_path / "play.yml"), WEB, "-e", f"@{tmp_path / 'variables.json'}", "--diff")


def test_the_files_are_written_without_a_host_and_without_a_secret(tmp_path: Path) -> None:
    done = play(tmp_path)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    folder = tmp_path / "out" / "web1" / "agent"
    assert sorted(path.name for path in folder.iterdir()) == ["config.yaml", "unit"]
    assert "LoadCredential=TOKEN:" in (folder / "unit").read_text(encoding="utf-8")
    assert SECRET not in said
    assert not any(SECRET in path.read_text(encoding="utf-8") for path in folder.iterdir())
    assert "SupplementaryGroups=systemd-journal" in said
    again = play(tmp_path)
    assert "changed=0" in again.stdout, again.stdout


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"otel_host_collectors": []}, "the inventory names no collector for this host"),
        ({"otel_host_program": {}}, "no sum of otelcol-contrib_"),
        ({"otel_host_pogram": {}}, "variable otel_host_pogram is read by nothing; did you mean otel_host_program?"),
        ({"otel_host_colectors": []}, "did you mean otel_host_collectors?"),
        ({"otel_host_colectors": [], "otel_host_state": "absent"}, "did you mean otel_host_collectors?"),
        ({"otel_host_state": "gone"}, "value of otel_host_state must be one of"),
        ({"otel_host_memory_limit": "1Mi"}, "is too small for a collector"),
        ({"otel_host_collectors": [{**AGENT, "recipes": ["pod_logs", FORWARD]}]}, "does not work on a Linux host"),
    ],
)
def test_what_cannot_be_rendered_fails_with_words(tmp_path: Path, variables: dict[str, Any], words: str) -> None:
    done = play(tmp_path, **variables)
    assert done.returncode == 2
    assert words in " ".join((done.stdout + done.stderr).split())
    assert not (tmp_path / "out").exists()


def test_a_secret_may_be_a_file_of_the_controller(tmp_path: Path) -> None:
    file = tmp_path / "token.txt"
    file.write_text(f"{SECRET}\n", encoding="utf-8")
    done = play(tmp_path, otel_host_env={"TOKEN": {"credential": {"file": str(file)}}})
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    unit = (tmp_path / "out" / "web1" / "agent" / "unit").read_text(encoding="utf-8")
    assert ("LoadCredential=TOKEN:" in unit, SECRET in unit + said) == (True, False)


SDKS = [{"services": ["shop", "cart.service"], "resource_attributes": {"deployment.environment.name": "prod"}}]


def test_drop_ins_of_services_are_written_without_a_host(tmp_path: Path) -> None:
    done = play(tmp_path, otel_host_sdks=SDKS)
    assert done.returncode == 0, done.stdout + done.stderr
    file = tmp_path / "out" / "web1" / "agent" / "cart.service.conf"
    attributes = "host.id=%m,deployment.environment.name=prod"
    assert f'Environment="OTEL_RESOURCE_ATTRIBUTES={attributes}"' in file.read_text(encoding="utf-8")
    assert "shop.service sends to http://127.0.0.1:4318, and is not restarted" in done.stdout
    assert SECRET not in done.stdout + file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"env": {"OTEL_TOKEN": SECRET}}, "`env.OTEL_TOKEN` looks like a secret"),
        ({"services": ["../x"]}, "'../x.service' is no name of a service"),
        ({"protocol": "http"}, "value of protocol must be one of"),
        ({"collector": "gateway"}, "the host has no collector 'gateway'"),
    ],
)
def test_services_that_cannot_have_a_drop_in_fail_with_words(tmp_path: Path, row: dict[str, Any], words: str) -> None:
    done = play(tmp_path, otel_host_sdks=[{**SDKS[0], **row}])
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2
    assert words in said
    assert SECRET not in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "token.txt: No such file or directory"),
        (b"", "token.txt is empty"),
        (b"\xff\xfe", "is no text in UTF-8"),
        (b"$ANSIBLE_VAULT;1.1;AES256\n6162\n", "Write `content: "),
    ],
)
def test_a_secret_that_cannot_be_read_fails_with_words(tmp_path: Path, content: bytes | None, words: str) -> None:
    file = tmp_path / "token.txt"
    if content is not None:
        file.write_bytes(content)
    done = play(tmp_path, otel_host_env={"TOKEN": {"credential": {"file": str(file)}}})
    assert done.returncode == 2
    assert words in " ".join((done.stdout + done.stderr).split())


# ── The playbooks, over an inventory with hosts and clusters ──

GATEWAY = {
    "otel_collector_state": "rendered",
    "otel_collectors": [{"name": "gw", "recipes": ["otlp_ingest", "debug_output"]}],
}
ON_HOSTS = "on Linux hosts]"


def site(tmp_path: Path, playbook: str, inventory: dict[str, Any], *more: str) -> subprocess.CompletedProcess[str]:
    """Run a playbook of the collection over an inventory with groups."""
    path = tmp_path / "groups.json"
    path.write_text(json.dumps({"all": {"children": inventory}}), encoding="utf-8")
    return plays.run_playbook("-i", str(path), *more, f"playbooks/{playbook}.yml")


def groups() -> dict[str, Any]:
    return {"clusters": {"hosts": {"prod": GATEWAY}}, "otel_linux": {"hosts": WEB, "vars": VARIABLES}}


def counted(done: subprocess.CompletedProcess[str]) -> set[str]:
    """Return the hosts of the recap."""
    return {line.split()[0] for line in done.stdout.partition("PLAY RECAP")[2].splitlines() if "ok=" in line}


def test_one_run_does_clusters_and_hosts_and_a_limit_chooses(tmp_path: Path) -> None:
    done = site(tmp_path, "site", groups())
    assert done.returncode == 0, done.stdout + done.stderr
    assert counted(done) == {"prod", "web1"}
    assert "otelcol-agent.service" in done.stdout
    assert "kind: Deployment" in done.stdout
    assert SECRET not in done.stdout + done.stderr
    only_host = site(tmp_path, "site", groups(), "--limit", "web1")
    assert (only_host.returncode, counted(only_host)) == (0, {"web1"})
    only_cluster = site(tmp_path, "site", groups(), "--limit", "prod")
    assert (only_cluster.returncode, counted(only_cluster)) == (0, {"prod"})
    named = site(tmp_path, "site", groups(), "-e", "otel_hosts=web1")
    assert (named.returncode, counted(named)) == (0, {"web1"})


# Nobody listens there, so a task that contacts the host fails at once.
NOWHERE = {"web1": {"ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_connection": "ssh"}}
RENDER, APPLY, REMOVE, TOLD = (
    "render | Validate every config, then build all services",
    "present | Install or change the services",
    "absent | Remove the services",
    "Show what changed, and how it was judged",
)


def site_of_hosts(tmp_path: Path, **variables: Any) -> subprocess.CompletedProcess[str]:
    """Run playbook site for a host that does not answer, where services are to run."""
    given = {**VARIABLES, "otel_host_state": "present", **variables}
    return site(tmp_path, "site", {"otel_linux": {"hosts": NOWHERE, "vars": given}})


def tasks_of(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the tasks of a run, without the names of roles."""
    return re.findall(r"^TASK \[(?:\S+ : )?(.*?)\]", done.stdout, re.MULTILINE)


def test_a_host_costs_two_tasks_since_each_is_a_process(tmp_path: Path) -> None:
    done = site_of_hosts(tmp_path)
    assert tasks_of(done) == [RENDER, APPLY], done.stdout
    assert "UNREACHABLE" in done.stdout
    assert "included:" not in done.stdout, "a task that includes others is a process too"


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"otel_host_profile": "strikt"}, "role otel_host: value of otel_host_profile must be one of"),
        (
            {"otel_host_output_path": ["out"]},
            "option 'otel_host_output_path' of role otel_host must be text, not a list",
        ),
        ({"otel_host_sdks": [{"servces": ["shop"]}]}, "did you mean 'services'"),
    ],
)
def test_the_first_of_them_checks_all_inputs_of_the_role(tmp_path: Path, variables: dict[str, Any], words: str) -> None:
    done = site_of_hosts(tmp_path, **variables)
    assert words in " ".join((done.stdout + done.stderr).split()).replace("''", "'")
    assert tasks_of(done) == [RENDER]


def test_site_brings_hosts_to_other_states_too(tmp_path: Path) -> None:
    done = site_of_hosts(tmp_path, otel_host_state="absent")
    assert REMOVE in tasks_of(done), done.stdout
    assert "UNREACHABLE" in done.stdout


TAKES_NULL = find_spec("ansible._internal") is not None  # since ansible-core 2.19
# A second collector on a host, with ports of its own.
EDGE = {"name": "edge", "recipes": ["journald_logs", FORWARD], "health_port": 13134, "metrics_port": 8889}


@pytest.mark.parametrize(
    ("variables", "removed"),
    [
        ({"otel_host_collectors": [EDGE, {"name": None}]}, ["agent", "edge"]),
        ({"otel_host_collectors": [{"name": None}], "otel_host_name": "edge"}, ["agent"]),
        ({"otel_host_collectors": [{}], "otel_host_name": "edge"}, ["edge"]),
        ({"otel_host_collectors": [], "otel_host_name": "edge"}, ["edge"]),
        pytest.param(
            {"otel_host_collectors": [], "otel_host_name": None},
            ["agent"],
            marks=pytest.mark.skipif(not TAKES_NULL, reason="Ansible before 2.19 refuses null as a text"),
        ),
    ],
)
def test_the_collectors_that_are_removed_are_those_that_the_same_items_install(
    tmp_path: Path, variables: dict[str, Any], removed: list[str]
) -> None:
    """An option that is null has its default, and not the common option of the host."""
    common = {"otel_host_recipes": AGENT["recipes"]}
    rendered = play(tmp_path, **common, **variables)
    assert rendered.returncode == 0, rendered.stdout + rendered.stderr
    assert sorted(path.name for path in (tmp_path / "out" / "web1").iterdir()) == removed
    done = site_of_hosts(tmp_path, otel_host_state="absent", **common, **variables)
    assert sorted(re.findall(r"\(item=(\w*)\)", done.stdout)) == removed, done.stdout


WAVES = {"otel_waves": [{"name": "first", "members": ["otel_linux"]}]}


@pytest.mark.parametrize("waves", [{}, WAVES], ids=["at once", "in waves"])
def test_a_state_that_is_none_is_named_with_what_to_write_and_no_more(tmp_path: Path, waves: dict[str, Any]) -> None:
    wrong = site_of_hosts(tmp_path, otel_host_state="gone", **waves)
    said = " ".join((wrong.stdout + wrong.stderr).split())
    assert wrong.returncode == 2, said
    assert (
        "role otel_host: value of otel_host_state must be one of: present, absent, rendered, verified, got: gone"
        in said
    )
    assert "Write a value of the type or the list that the message names." in said
    assert "argument_spec_data" not in said
    assert APPLY not in tasks_of(wrong)
    assert waves or tasks_of(wrong)[-1] == RENDER, "nothing follows the check of the inputs"


def test_site_removes_the_agents_of_several_hosts_before_the_gateways_that_they_send_to(tmp_path: Path) -> None:
    """No host answers, so the agent stays; its gateway, which would be contacted next, must stay then."""
    sender = {"name": "agent", "recipes": ["otlp_ingest", {"otlp_forward": {"to": "gateways", "insecure": True}}]}
    receiver = {"name": "gateway", "listen_address": "0.0.0.0", "recipes": ["otlp_ingest", "debug_output"]}
    row = {**NOWHERE["web1"], "otel_host_state": "absent"}
    children = {
        # First by name, so that nothing but the order of the removal lets it wait.
        "gateways": {"hosts": {"a_gateway": {**row, "otel_host_collectors": [receiver]}}},
        "agents": {"hosts": {"web1": {**row, "otel_host_collectors": [sender]}}},
        "others": {"hosts": {"web2": {"otel_host_state": "rendered", "otel_host_collectors": [receiver]}}},
    }
    common = {"otel_host_program": {"path": "/usr/bin/otelcol-contrib"}}
    done = site(tmp_path, "site", {"otel_linux": {"children": children, "vars": common}})
    said = " ".join((done.stdout + done.stderr).split())
    assert "collector gateway gets data of web1, where this run could not remove them" in said
    assert tasks_of(done).count(REMOVE) == 2, "one for each stage"
    assert "otelcol-gateway.service" in said, "the host of another state gets it"
    assert re.search(r"web2 +: ok=[1-9]\d* +changed=0 +unreachable=0 +failed=0", done.stdout), done.stdout


def test_what_a_run_changed_is_shown_by_a_handler(tmp_path: Path) -> None:
    results = [{"changed": True, "msg": "agent: config.yaml changed by reload"}, {"changed": False, "msg": "same"}]
    more = [
        {"ansible.builtin.debug": {"msg": "a task that changes the host"}, "changed_when": True, "notify": TOLD},
    ]
    (tmp_path / "told.yml").write_text(yaml.safe_dump([{**PLAY[0], "tasks": [*PLAY[0]["tasks"], *more]}]))
    (tmp_path / "told.json").write_text(json.dumps({**VARIABLES, "__otel_host_applied": {"results": results}}))
    done = plays.run(tmp_path, str(tmp_path / "told.yml"), WEB, "-e", f"@{tmp_path / 'told.json'}")
    shown = done.stdout.partition(f"otel_host : {TOLD}]")[2]
    assert "agent: config.yaml changed by reload" in shown, done.stdout + done.stderr
    assert "same" not in shown


def test_an_inventory_without_hosts_runs_no_task_for_them(tmp_path: Path) -> None:
    done = site(tmp_path, "site", {"clusters": {"hosts": {"prod": GATEWAY}}})
    assert done.returncode == 0, done.stdout + done.stderr
    rest = done.stdout.partition(ON_HOSTS)[2].partition("PLAY RECAP")[0]
    assert "no hosts matched" in rest
    assert "TASK" not in rest
    assert "otel_linux" not in done.stdout + done.stderr


def test_render_writes_hosts_too_and_whatever_else_runs_leaves_them_alone(tmp_path: Path) -> None:
    hosts = {"otel_linux": groups()["otel_linux"]}
    hosts["otel_linux"]["vars"] = {
        **VARIABLES,
        "otel_host_state": "present",
        "otel_host_output_path": str(tmp_path / "out"),
    }
    done = site(tmp_path, "render", hosts)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "out" / "web1" / "agent" / "unit").is_file()
    other = site(tmp_path, "test", hosts)
    assert (other.returncode, counted(other)) == (0, set()), other.stdout + other.stderr


def test_a_report_has_hosts_beside_clusters_and_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    done = site(tmp_path, "report", groups(), "-vv", "-e", f"otel_report_path={path}", "-e", "otel_report_read=false")
    assert (done.returncode, counted(done)) == (0, {"prod", "web1"}), done.stdout + done.stderr
    page = path.read_text(encoding="utf-8")
    assert "prod" in page and "otelcol-agent.service" in page
    assert SECRET not in page + done.stdout + done.stderr


@pytest.mark.parametrize("playbook", ["verify", "diagnose"])
def test_a_playbook_that_asks_hosts_fails_for_one_without_collectors(tmp_path: Path, playbook: str) -> None:
    """Before it connects to the host. The cluster of the same inventory is left out by the limit."""
    hosts = {**groups(), "otel_linux": {"hosts": WEB, "vars": {"otel_host_collectors": []}}}
    done = site(tmp_path, playbook, hosts, "--limit", "web1")
    assert (done.returncode, counted(done)) == (2, {"web1"}), done.stdout + done.stderr
    assert "the inventory names no collector for this host" in " ".join(done.stderr.split() + done.stdout.split())
