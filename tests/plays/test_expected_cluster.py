# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every playbook that talks to a cluster says first to which one, and goes to no other than the expected one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.cluster_variables import OPTIONS_BY_ENDING
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import RawAnswer
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.expected_cluster import (
    are_two_clusters,
    find_other_options,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from tests.contract.role import ROOT
from tests.support.plays import run_playbook
from tests.support.servers import serve_answers

PLAYBOOKS = sorted(path.stem for path in ROOT.glob("playbooks/*.yml"))
# A playbook imports the check, or its tasks do and it names the cluster for them.
SIGNS = ("tasks/target.yml", "{{ __otel_target }}")
IMPORTED = re.compile(r"import_playbook: (plays/\S+)")


def whole_text(name: str) -> str:
    """Return the text of a playbook with that of the plays that it imports."""
    text = (ROOT / "playbooks" / f"{name}.yml").read_text()
    return "".join([text, *((ROOT / "playbooks" / path).read_text() for path in IMPORTED.findall(text))])


CHECKED = [name for name in PLAYBOOKS if any(sign in whole_text(name) for sign in SIGNS)]
IDENTITY, UID = "/api/v1/namespaces/kube-system", "5c0ba2a7-7c2c-4c52-9d0c-4a54a2ca4c0e"
ALERT = {"alertname": "OtelCollectorDown", "collector": "otel-collector"}
# What a playbook does before it knows its cluster.
FIRST = {
    "alert": "Find the collector of the alert, and decide what is done",
    "judge": "Remove the pages of an earlier run",
    "remove": "Check that the command line leaves the states to this playbook",
    "verify": "Check that the command line leaves the states to this playbook",
}
INPUTS = {
    "ansible_eda": {"event": {"alert": {"status": "firing", "labels": ALERT, "startsAt": "2026-01-31T12:00:00Z"}}},
    "otel_collectors": [{"recipes": ["otlp_ingest", "debug_output"]}],
    "otel_collector_kube_context": "of-the-inventory",
    "preflight_cluster": True,
    "pipeline_test_cluster": True,
}


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """Serve the identity of a cluster and nothing else; return the address, and what was asked."""
    asked: list[str] = []

    def answer(handler: BaseHTTPRequestHandler, _body: bytes) -> RawAnswer:
        asked.append(handler.path)
        known = handler.path == IDENTITY
        body = {"kind": "Namespace" if known else "Status", "metadata": {"uid": UID}, "code": 404}
        return RawAnswer(200 if known else 404, {}, json.dumps(body).encode())

    with serve_answers(answer) as url:
        yield url, asked


def run(folder: Path, url: str, name: str, **inputs: Any) -> str:
    """Run a playbook with a kubeconfig whose current context leads nowhere, and the inventory's to a server."""
    clusters = {"prod": url, "nowhere": "http://127.0.0.1:1"}
    contexts = {"of-the-inventory": "prod", "current": "nowhere"}
    config = {
        "current-context": "current",
        "clusters": [{"name": name, "cluster": {"server": where}} for name, where in clusters.items()],
        "contexts": [{"name": name, "context": {"cluster": to, "user": "me"}} for name, to in contexts.items()],
        "users": [{"name": "me", "user": {"token": "a-token"}}],
    }
    (folder / "kubeconfig").write_text(json.dumps(config), encoding="utf-8")
    paths = {"otel_report_path": f"{folder}/page.html", "otel_alert_path": f"{folder}/alerts"}
    hosts = {"all": {"hosts": {"cluster": {}}, "vars": INPUTS | inputs | paths}}
    (folder / "hosts.json").write_text(json.dumps(hosts), encoding="utf-8")
    path = str(ROOT / "playbooks" / f"{name}.yml")
    done = run_playbook("-i", f"{folder}/hosts.json", "--check", path, KUBECONFIG=f"{folder}/kubeconfig")
    return done.stdout + done.stderr


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_playbook_goes_to_no_other_cluster_than_the_expected(
    playbook: str, tmp_path: Path, server: tuple[str, list[str]]
) -> None:
    url, asked = server
    output = run(tmp_path, url, playbook, otel_expected_cluster="staging")
    assert asked == [IDENTITY] * (playbook in CHECKED), "it asks another cluster for more than its identity"
    if asked:
        assert "Go to the cluster staging: it is cluster prod at" in " ".join(output.split())
        first = FIRST.get(playbook, "Check the cluster of this run")
        assert output.index("TASK [") == output.index(f"TASK [{first}]")


@pytest.mark.parametrize("expected", ["prod", UID])
def test_the_first_task_names_the_cluster(expected: str, tmp_path: Path, server: tuple[str, list[str]]) -> None:
    url, asked = server
    output = run(tmp_path, url, "preflight", otel_expected_cluster=expected)
    assert f"This run goes to cluster prod at {url}, context of-the-inventory, uid {UID}." in " ".join(output.split())
    assert asked[0] == IDENTITY
    assert len(asked) > 1


OTHER = "0d1f2a77-1111-4c52-9d0c-4a54a2ca4c0e"


@pytest.fixture
def two(server: tuple[str, list[str]]) -> Iterator[tuple[str, str, list[str]]]:
    """Serve a second cluster with an identity of its own; return both addresses, and what the second was asked."""
    asked: list[str] = []

    def answer(handler: BaseHTTPRequestHandler, _body: bytes) -> RawAnswer:
        asked.append(handler.path)
        return RawAnswer(200, {}, json.dumps({"kind": "Namespace", "metadata": {"uid": OTHER}}).encode())

    with serve_answers(answer) as url:
        yield server[0], url, asked


def of_role(folder: Path, url: str, **more: Any) -> dict[str, Any]:
    """Return the variables of a role whose kubeconfig leads to an address."""
    config = {
        "current-context": "c",
        "clusters": [{"name": "elsewhere", "cluster": {"server": url}}],
        "contexts": [{"name": "of-the-inventory", "context": {"cluster": "elsewhere", "user": "me"}}],
        "users": [{"name": "me", "user": {"token": "hunter2hunter2"}}],
    }
    (folder / "of-role").write_text(json.dumps(config), encoding="utf-8")
    return {"cert_manager_provider": "manifest", "cert_manager_kubeconfig": f"{folder}/of-role", **more}


@pytest.mark.parametrize("playbook", ["site", "remove"])
@pytest.mark.parametrize("expected", ["prod", UID])
def test_a_role_with_another_cluster_than_the_expected_is_refused(
    playbook: str, expected: str, tmp_path: Path, two: tuple[str, str, list[str]]
) -> None:
    url, elsewhere, asked = two
    inputs = of_role(tmp_path, elsewhere, otel_expected_cluster=expected, otel_collector_state="rendered")
    output = " ".join(run(tmp_path, url, playbook, **inputs).split())
    assert f"Go to the cluster {expected} with role cert_manager: it is cluster elsewhere at" in output
    assert "cert_manager_kube_context" in output
    assert asked == [IDENTITY], "the cluster of the role is asked for more than its identity"


def test_the_first_task_names_the_cluster_of_each_role(tmp_path: Path, two: tuple[str, str, list[str]]) -> None:
    url, elsewhere, _asked = two
    output = " ".join(run(tmp_path, url, "site", **of_role(tmp_path, elsewhere)).split())
    assert (
        f"Role cert_manager goes to cluster elsewhere at {elsewhere}, context of-the-inventory, uid {OTHER}." in output
    )
    assert "Role cert_manager goes to another cluster than the collectors." in output
    assert "hunter2" not in output


def test_a_playbook_goes_on_if_only_the_cluster_of_a_role_is_unreachable(
    tmp_path: Path, server: tuple[str, list[str]]
) -> None:
    url, asked = server
    output = " ".join(run(tmp_path, url, "diagnose", **of_role(tmp_path, "http://127.0.0.1:1")).split())
    assert "The cluster of role cert_manager is unknown." in output
    assert len(asked) > 1


def test_an_identity_provider_is_no_reason_to_leave_out_the_check(
    tmp_path: Path, server: tuple[str, list[str]]
) -> None:
    inputs = {"otel_identity_provider": "irsa", "otel_collector_state": "rendered"}
    output = " ".join(run(tmp_path, server[0], "site", otel_expected_cluster="staging", **inputs).split())
    assert "Go to the cluster staging: it is cluster prod at" in output


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ({"uid": "a", "server": "x"}, {"uid": "a", "server": "y"}, False),
        ({"uid": "a", "server": "x"}, {"uid": "b", "server": "x"}, True),
        ({"uid": "", "server": "x"}, {"uid": "b", "server": "x"}, False),
        ({"uid": "a", "server": "x"}, {"uid": "", "server": "y"}, True),
    ],
)
def test_clusters_are_compared_by_what_is_known_of_both(one: Any, other: Any, apart: bool) -> None:
    assert are_two_clusters(one, other) is apart


def test_a_variable_that_names_no_cluster_is_refused() -> None:
    with pytest.raises(Problem, match=r"'cert_manager_context' names no cluster.*_kube_context"):
        find_other_options({"roles": {"cert_manager_context": "prod"}})


def test_a_role_that_a_run_does_not_use_is_not_asked(tmp_path: Path, two: tuple[str, str, list[str]]) -> None:
    url, elsewhere, asked = two
    inputs = of_role(tmp_path, elsewhere)
    del inputs["cert_manager_provider"]
    assert "Role cert_manager" not in run(tmp_path, url, "site", **inputs)
    assert asked == []


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, {}),
        ({"cert_manager_kube_context": "a"}, {}),
        ({"cert_manager_kube_context": "b"}, {"cert_manager": ("k", "b", None)}),
        ({"otel_operator_eks_cluster": {"name": "e"}}, {}),
        (
            {"otel_instrumentation_kubeconfig": "", "otel_instrumentation_kube_context": ""}
            | {"otel_instrumentation_eks_cluster": {"name": "e"}},
            {"otel_instrumentation": (None, None, {"name": "e"})},
        ),
    ],
)
def test_the_connection_of_a_role_is_completed_as_its_defaults_do(given: Any, found: Any) -> None:
    params = {"kubeconfig": "k", "context": "a", "eks_cluster": None, "roles": given}
    made = find_other_options(params)
    assert {role: tuple(one[way] for way in OPTIONS_BY_ENDING.values()) for role, one in made.items()} == found


def test_playbooks_for_clusters_have_the_check() -> None:
    """What has no check runs without a cluster, as its page says."""
    assert {*PLAYBOOKS} - {*CHECKED} == {"lock", "mirror", "render", "rights", "savings", "validate"}
