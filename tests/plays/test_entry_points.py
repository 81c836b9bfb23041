# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain clone, in which nothing was set up: every playbook runs by its path and by its name, with the same result."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents

from tests.contract.source import steps
from tests.support.plays import ROOT, run_playbook

INVENTORY = "inventories/agent_gateway"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the files that git has, as `git clone` writes them."""
    folder = tmp_path_factory.mktemp("plain") / "clone"
    subprocess.run(["git", "checkout-index", "--all", f"--prefix={folder}/"], cwd=ROOT, check=True)
    return folder


def played(clone: Path, name: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Run a playbook in the clone with its own ansible.cfg, against no cluster."""
    return run_playbook(name, "-i", INVENTORY, *more, cwd=clone, without=("ANSIBLE_",))


def printed(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a run prints, without line breaks and the paths of task files."""
    return re.sub(r"Origin: \S+", "", " ".join(done.stdout.split()))


@pytest.mark.parametrize("name", ["site", "verify", "remove", "render"])
def test_a_playbook_runs_by_its_path_and_by_its_name(clone: Path, name: str) -> None:
    ways = [f"playbooks/{name}.yml", f"o11y.opentelemetry.{name}", *(["site.yml"] if name == "site" else [])]
    done = [played(clone, way) for way in ways]
    assert [item.returncode for item in done] == [0 if name == "render" else 2] * len(ways), done[0].stdout[-2000:]
    assert {printed(item) for item in done} == {printed(done[0])}
    assert ("there is no usable kubeconfig" in printed(done[0])) is (name != "render")


def test_validate_runs_by_its_path_and_by_its_name(clone: Path) -> None:
    paths = ["-e", '{"pipeline_validate_paths": ["examples/agent_gateway/rendered"]}']
    done = [played(clone, way, *paths) for way in ("playbooks/validate.yml", "o11y.opentelemetry.validate")]
    assert [item.returncode for item in done] == [0, 0], done[0].stdout[-2000:]


def test_objects_are_shown_line_by_line_and_the_file_by_its_name(clone: Path, tmp_path: Path) -> None:
    def lines(*more: str) -> list[str]:
        done = played(clone, "playbooks/render.yml", *more)
        return [line.strip(" -'\",") for line in done.stdout.splitlines()]

    assert "kind: ConfigMap" in lines()
    written = lines("-e", f"otel_collector_output_path={tmp_path}")
    (file,) = tmp_path.glob("*/manifests.yml")
    objects = yaml.safe_load_all(file.read_text(encoding="utf-8"))
    wanted = [f"file: {file}", *(f"{item['kind']} {item['metadata']['name']}" for item in objects)]
    assert [line for line in wanted if line not in written] == []


# The files of tasks that check an inventory before anything is applied.
BEFORE = ("deploy_checked", "before_others")
STAGES = {
    "cert_manager": ["cert_manager"],
    "otel_operator": ["operator"],
    # Their annotations are part of the collectors' objects: collectors without them would lose their roles.
    "otel_identity": ["identity", "collectors"],
    "otel_collector": ["collectors"],
    "otel_instrumentation": ["instrumentation"],
}


@pytest.mark.parametrize("name", [*BEFORE, "deploy", "remove"])
def test_every_stage_has_its_tag_inside_too(name: str) -> None:
    tasks = steps(f"playbooks/tasks/{name}.yml")
    roles = [task for task in tasks if "ansible.builtin.include_role" in task]
    others = [task for task in tasks if task not in roles]
    assert others == (guards(tasks) if name in BEFORE else [])
    for task in roles:
        role = task["ansible.builtin.include_role"]
        stage = STAGES[role["name"].rpartition(".")[2]]
        assert role["apply"] == {"tags": task["tags"]}
        assert task["tags"] == (["collectors"] if role.get("tasks_from") == "finish" else stage)


def test_a_list_of_tags_has_each_stage(clone: Path) -> None:
    listed = printed(played(clone, "playbooks/site.yml", "--list-tags"))
    first_play = listed.partition("TASK TAGS: [")[2].partition("]")[0].split(", ")
    assert {tag for tags in STAGES.values() for tag in tags} <= set(first_play)


@pytest.mark.parametrize(
    ("choice", "first_stage"),
    [
        (["--skip-tags", "otel_target"], "Install or upgrade cert-manager"),
        (["--skip-tags", "otel_target,cert_manager"], "Install or upgrade the operator"),
        (["--skip-tags", "otel_target", "--tags", "operator"], "Install or upgrade the operator"),
    ],
)
def test_tags_choose_among_the_stages_before_the_collectors(clone: Path, choice: list[str], first_stage: str) -> None:
    """The first stage ends the run: there is no cluster."""
    parts = {"cert_manager_provider": "manifest", "otel_operator_provider": "manifest"}
    done = printed(played(clone, "playbooks/site.yml", *choice, "-e", json.dumps(parts)))
    assert re.findall(r"TASK \[(Install or upgrade [\w-]+(?: [\w-]+)?)\]", done) == [first_stage]


def guards(tasks: list[Any]) -> list[Any]:
    """Return the tasks that are neither a stage nor a file of tasks with tags of their own, and do something."""
    of_stages = {"ansible.builtin.import_tasks", "ansible.builtin.include_role"}
    acting = [task for task in tasks if task.get("ansible.builtin.meta") != "noop"]
    return [task for task in acting if not task.keys() & of_stages]


@pytest.mark.parametrize("name", ["plays/clusters", "plays/hosts", "plays/waves", "remove"])
def test_what_guards_a_run_cannot_be_left_out_by_a_tag(name: str) -> None:
    plays = _documents.read_yaml(ROOT / "playbooks" / f"{name}.yml")
    tasks = [task for play in plays for task in play.get("tasks") or ()]
    before = [_documents.read_yaml(ROOT / f"playbooks/tasks/{file}.yml") for file in BEFORE]
    of_files = [task for listed in before for task in guards(listed)]
    for task in [*guards(tasks), *of_files]:
        assert task["tags"] == ["always"]
        included = task.get("ansible.builtin.include_tasks")
        if isinstance(included, dict):
            assert included.get("apply", {"tags": ["always"]}) == {"tags": ["always"]}


@pytest.mark.parametrize("choice", [["--start-at-task", "Deploy the collectors"], ["--skip-tags", "always"]])
def test_a_run_without_its_checks_deploys(clone: Path, choice: list[str]) -> None:
    assert "\nkind: Deployment\n" in played(clone, "site.yml", "-e", "otel_collector_state=rendered", *choice).stdout


def test_variables_of_the_command_line_may_need_the_host(clone: Path) -> None:
    """ansible-core 2.18 reads the names of included files without a host, where they have static imports."""
    lock = '{"otel_lock_file": "{{ inventory_hostname }}.lock.yml"}'
    done = played(clone, "site.yml", "-e", "otel_collector_state=rendered", "-e", lock)
    assert "agent_gateway.lock.yml" in printed(done)


def test_a_tag_runs_its_stage_alone(clone: Path) -> None:
    given = ["-e", "otel_collector_state=rendered", "--tags"]
    assert "\nkind: Deployment\n" in played(clone, "site.yml", *given, "collectors").stdout
    assert "\nkind: " not in played(clone, "site.yml", *given, "operator").stdout


WRONG = {
    "otlp_ingets": {"otel_collectors": [{"name": "a", "recipes": ["otlp_ingets"]}]},
    "langauges": {"otel_instrumentations": [{"name": "a", "langauges": {}}]},
}


@pytest.mark.parametrize("word", WRONG)
def test_a_wrong_option_ends_the_run_before_a_product_is_installed(clone: Path, word: str) -> None:
    """The installation would ask for a cluster, which is not there."""
    given = {"cert_manager_provider": "manifest", "otel_operator_provider": "manifest", **WRONG[word]}
    done = printed(played(clone, "playbooks/site.yml", "--skip-tags", "otel_target", "-e", json.dumps(given)))
    assert word in done
    assert "kubeconfig" not in done
