"""Plays of somebody else, with the collection as it is installed and Ansible's settings as they like them."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator

import pytest
from testinfra.host import Host

from tests.support import environment
from tests.support.cluster import PROJECT
from tests.support.environment import Environment

# Settings that change what plays and roles see, in one project or another.
STRICT = {
    "ANSIBLE_INJECT_FACT_VARS": "false",
    "ANSIBLE_ERROR_ON_UNDEFINED_VARS": "true",
    "ANSIBLE_PRIVATE_ROLE_VARS": "true",
    "ANSIBLE_HASH_BEHAVIOUR": "replace",
    "ANSIBLE_GATHERING": "explicit",
}
LOOSE = {
    "ANSIBLE_INJECT_FACT_VARS": "true",
    "ANSIBLE_PRIVATE_ROLE_VARS": "false",
    "ANSIBLE_HASH_BEHAVIOUR": "merge",
    "ANSIBLE_GATHERING": "implicit",
    "ANSIBLE_PIPELINING": "false",
    "ANSIBLE_JINJA2_NATIVE": "true",
}
PLAYS = {"roles": "by-roles", "include": "by-include", "import": "by-import", "modules": "by-modules"}


@pytest.fixture(scope="module")
def foreign() -> Iterator[Environment]:
    with environment.make_environment() as found:
        shutil.copytree(PROJECT / "molecule" / "foreign" / "project", found.folder / "project")
        shutil.copy(os.environ["KUBECONFIG"], found.folder / "kubeconfig")
        (found.folder / "kubeconfig").chmod(0o644)
        yield found


@pytest.fixture
def nothing(host: Host) -> Iterator[None]:
    yield
    host.check_output("kubectl delete namespace foreign --ignore-not-found --wait=true")


def play(foreign: Environment, name: str, settings: dict[str, str], *arguments: str) -> str:
    kubeconfig = str(foreign.folder / "kubeconfig")
    variables = {**settings, "KUBECONFIG": kubeconfig, "FOREIGN_KUBECONFIG": kubeconfig}
    command = ["ansible-playbook", f"{name}.yml", "-i", "inventory.yml", *arguments]
    return foreign.run(command, foreign.folder / "project", variables)


@pytest.mark.parametrize("settings", [STRICT, LOOSE], ids=["strict", "loose"])
@pytest.mark.usefixtures("nothing")
def test_plays_of_others_deploy(foreign: Environment, host: Host, settings: dict[str, str]) -> None:
    for name, deployed in PLAYS.items():
        assert re.search(r"changed=[1-9]", play(foreign, name, settings)), name
        ready = "jsonpath={.status.readyReplicas}"
        assert host.check_output(f"kubectl -n foreign get deployment {deployed} -o {ready}") == "1"
        assert not re.search(r"changed=[1-9]", play(foreign, name, settings)), name


@pytest.mark.parametrize("name", ["roles", "modules"])
def test_check_mode_in_a_play_of_others_touches_nothing(foreign: Environment, host: Host, name: str) -> None:
    assert re.search(r"changed=[1-9]", play(foreign, name, STRICT, "--check", "--diff"))
    assert host.check_output("kubectl get namespace foreign --ignore-not-found") == ""


@pytest.mark.usefixtures("nothing")
def test_what_one_play_made_its_removal_takes_away_and_nothing_else(foreign: Environment, host: Host) -> None:
    play(foreign, "roles", STRICT)
    play(foreign, "import", STRICT)
    given = ("-e", "@foreign.yml", "--tags", "removal")
    play(foreign, "import", STRICT, *given)
    assert host.check_output("kubectl -n foreign get deployments -o name") == "deployment.apps/by-roles"


def test_playbooks_by_their_name_from_a_folder_without_anything(foreign: Environment) -> None:
    nowhere = foreign.home / "nowhere"
    foreign.run(["mkdir", str(nowhere)], foreign.folder)
    inventory = str(foreign.folder / "project" / "inventory.yml")
    vars_file = f"@{foreign.folder}/project/foreign.yml"
    rendered = foreign.run(
        ["ansible-playbook", "o11y.opentelemetry.render", "-i", inventory, "-e", vars_file, "-e", "otel_hosts=web"],
        nowhere,
    )
    assert rendered.count("kind: Deployment") == 2
