# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes and servers of the testbed, its tables and steps, and the environment that it prints."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from string import Template

import pytest
import yaml

from tests.testbed import config, embedded, pki, process, progress
from tests.testbed.build import Builds
from tests.testbed.cluster import FAMILIES, IPV4, Cluster
from tests.testbed.env import format_exports
from tests.testbed.errors import ClusterError
from tests.testbed.home import Home
from tests.testbed.process import CLUSTER_MARK, SERVER_MARK
from tests.testbed.progress import read_last_lines, wait_for
from tests.testbed.servers import list_instances, list_template_values
from tests.testbed.tasks import Task, run_all

OURS = Path("/state/clusters/o11y")


def _process(proc: Path, pid: int, program: str, environment: dict[str, str], state: str = "S") -> None:
    """A process' folder as the kernel shows it."""
    entry = proc / str(pid)
    entry.mkdir()
    (entry / "environ").write_bytes(b"".join(f"{name}={value}\0".encode() for name, value in environment.items()))
    (entry / "exe").symlink_to(f"/usr/bin/{program}")
    (entry / "stat").write_text(f"{pid} (a (strange) name) {state} 1 1 1")


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A machine with our containerd and its shim, a zombie of ours, a namesake, and another cluster's."""
    root = tmp_path / "proc"
    root.mkdir()
    (root / "self").mkdir()
    marks = {CLUSTER_MARK: str(OURS), SERVER_MARK: "containerd@node1"}
    _process(root, 100, "containerd", marks)
    _process(root, 101, "containerd-shim-runc-v2", marks)
    _process(root, 102, "etcd", {CLUSTER_MARK: str(OURS), SERVER_MARK: "etcd"}, state="Z")
    _process(root, 103, "containerd", {})
    _process(root, 104, "containerd", {CLUSTER_MARK: f"{OURS}-2", SERVER_MARK: "containerd@node1"})
    (root / "105").mkdir()
    return root


def test_only_what_carries_the_mark_is_ours_and_a_server_is_not_its_shim(proc: Path) -> None:
    assert {found.pid for found in process.list_marked(OURS, proc)} == {100, 101}
    assert process.find_server_pid(OURS, "containerd@node1", "containerd", proc) == 100
    assert process.find_server_pid(OURS, "etcd", "etcd", proc) is None


def test_a_server_is_started_with_its_mark_and_without_the_users_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    code = "import os; print(os.environ.get('HTTPS_PROXY'), os.environ['O11Y_TESTBED_SERVER'])"
    child = process.start_server(tmp_path, "it", [sys.executable, "-c", code], tmp_path / "log" / "it.log")
    child.wait()
    assert (tmp_path / "log" / "it.log").read_text() == "None it\n"


def test_kill_all_ends_when_nothing_is_found_and_we_do_not_find_ourselves() -> None:
    child = subprocess.Popen(["sleep", "60"])
    assert process.kill_all(lambda: {child.pid} if child.poll() is None else set(), "it") == 1
    assert os.getpid() not in process.list_in_namespaces([Path("/proc/self/ns/net")])


@pytest.fixture(params=[1, 3])
def cluster(request: pytest.FixtureRequest, home: Home) -> Cluster:
    """A cluster of one and of three nodes."""
    return Cluster(home, "it", 0, request.param)


def test_every_step_that_is_needed_exists(cluster: Cluster) -> None:
    tasks = list(embedded.list_tasks(cluster, Builds(cluster.home, "go1.26 amd64")))
    names = [task.name for task in tasks]
    assert len(names) == len(set(names))
    assert {need for task in tasks for need in task.needed_tasks} <= set(names)


def test_every_value_and_file_that_servers_read_is_made(cluster: Cluster) -> None:
    made = {f"{item.name}.{end}" for item in pki.list_certificates(cluster) for end in ("crt", "key", "kubeconfig")}
    made |= {"ca.crt", "ca.key", "service-account.key", "service-account.pub"}
    folder = f"{cluster.dir}/pki/"
    for instance in list_instances(cluster):
        filling, server = list_template_values(cluster, instance.node), instance.server
        filled = [Template(text).substitute(filling) for text in (*server.arguments, server.ready)]
        assert not [text for text in filled if "$" in text]
        assert {text.split(folder)[1] for text in filled[:-1] if folder in text} <= made
    for name in (*embedded.NODE_FILES, "cni.conflist"):
        assert "$" not in config.render_template(name, list_template_values(cluster, cluster.nodes[0]))
    with pytest.raises(KeyError):
        config.render_template("kubelet.yaml", {})


def test_tokens_are_good_for_aws_and_every_node_has_a_certificate_for_its_address(cluster: Cluster) -> None:
    (apiserver,) = (instance for instance in list_instances(cluster) if instance.name == "kube-apiserver")
    assert any(text.endswith(",sts.amazonaws.com") for text in apiserver.server.arguments)
    names = {item.name: item.names for item in pki.list_certificates(cluster)}
    assert all(f"IP:{node.ip}" in names[f"kubelet-{node.name}"] for node in cluster.nodes)


def test_the_dns_address_is_the_one_that_pods_are_told() -> None:
    text = config.render_template("../manifests/coredns.yaml", {"dns_ip": FAMILIES[IPV4].dns_service})
    (service,) = (document for document in yaml.safe_load_all(text) if document["kind"] == "Service")
    assert service["spec"]["clusterIP"] == "10.96.0.10"


def _read_back(text: str, name: str) -> str:
    script = f'PATH=/bin:/usr/bin\n{text}\nprintf %s "${name}"'
    return subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True).stdout


def test_values_survive_the_shell() -> None:
    for value in ("172.30.0.2 172.30.0.3", "/a b/it's", 'a"b$HOME`c`', ""):
        assert _read_back(format_exports({"VALUE": value}, None), "VALUE") == value


def test_the_folder_goes_before_the_shells_own_path_and_without_a_folder_path_stays() -> None:
    assert _read_back(format_exports({}, Path("/a b/bin")), "PATH") == "/a b/bin:/bin:/usr/bin"
    assert format_exports({"A": "1"}, None) == "export A=1\n"


def test_steps_run_after_what_they_need() -> None:
    ran: list[str] = []
    needs = {"c": ("a", "b"), "b": ("a",), "a": ()}
    run_all([Task(name, partial(ran.append, name), needed) for name, needed in needs.items()])
    assert ran == ["a", "b", "c"]


def test_independent_steps_run_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=60)
    run_all([Task(name, lambda: meeting.wait() and None) for name in "ab"])


def test_the_first_failure_ends_the_others() -> None:
    def fail() -> None:
        raise ClusterError("it failed", "because", "do this")

    def wait_in_vain() -> None:
        wait_for("never", lambda: "still missing", 60, str)

    with pytest.raises(ClusterError, match="it failed"):
        run_all([Task("waits", wait_in_vain), Task("fails", fail), Task("after", fail, ("waits",))])
    assert progress.STOP_EVENT.is_set()


def test_a_lock_that_comes_after_an_interruption_starts_nothing(tmp_path: Path) -> None:
    home, began = Home(tmp_path), []
    progress.STOP_EVENT.set()
    with pytest.raises(ClusterError, match="given up"), home.lock("build-a"):
        began.append("a build")
    assert not began


@pytest.mark.parametrize("needs", [{"a": "b"}, {"a": "b", "b": "a"}])
def test_a_wrong_table_is_refused(needs: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="need"):
        run_all(Task(name, lambda: None, (need,)) for name, need in needs.items())


def test_a_wait_says_what_is_missing_and_where_to_look() -> None:
    with pytest.raises(ClusterError) as caught:
        wait_for("start of it", lambda: "no answer", 0, lambda: "see the log")
    assert str(caught.value).startswith("start of it: not within 0 s\n  why: no answer\nsee the log\n  do:  ")


def test_the_end_of_a_log_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "it.log"
    assert "no log" in read_last_lines(log)
    log.write_text("".join(f"line {number}\n" for number in range(40)))
    assert read_last_lines(log).splitlines()[0].endswith("it.log:")
    assert read_last_lines(log).splitlines()[1:] == [f"line {number}" for number in range(10, 40)]
