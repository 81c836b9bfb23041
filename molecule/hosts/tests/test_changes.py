"""Changes of collectors on hosts: killed at ten moments, on full disks, to other programs, beside a foreign unit.

Meanwhile the gateway of the cluster is away for a minute: the first test begins the outage, the last counts records.
"""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
import yaml
from testinfra.host import Host

from tests.support.change_cases import apply_merge_patch
from tests.support.cluster import PROJECT, Cluster, wait_until
from tests.support.host_kills import Moment
from tests.support.host_site import (
    SINK_SELECTOR,
    HostSite,
    LinuxHost,
    SentRecords,
    wait_until_arrived_once,
    write_host_group,
    write_records,
)

INVENTORY = PROJECT / "molecule" / "hosts" / "inventory.yml"
TRIAL = yaml.safe_load(INVENTORY.read_text(encoding="utf-8"))["all"]["children"]["otel_linux"]["vars"]["trial"]
HOSTS = tuple(f"host{number}" for number in range(1, 6))
METRICS_PORT, GATEWAY_METRICS_PORT = TRIAL["metrics_port"], 8888
AWAY_SECONDS = 60
# More than metrics of hosts alone are in a few seconds.
LEAST_QUEUED = 10
# gRPC tries again after two minutes at the latest, and a fifth more by chance.
AFTER_OUTAGE_SECONDS = 180

# The first is read again by the process that runs, the second needs a restart.
RELOADED = (
    Moment("the controller validates the config", printed_text="Validate every config"),
    Moment("the controller calls the host", printed_text="Install or change the services"),
    Moment("the change is written down", shell_condition="test -e change.json"),
    Moment(
        "the program checks the config",
        shell_condition="test -e /run/systemd/system/otelcol-trial.check.service",
        signal="CONT",
    ),
    Moment("the new release is judged", shell_condition="grep -qs judge change.json"),
)
RESTARTED = (
    Moment("the new release is written", shell_condition='test "$last" != "$(ls releases | tail -n 1)"'),
    Moment("the link has been switched", shell_condition='test "$release" != "$(readlink current)"', signal="CONT"),
    Moment("the process starts", shell_condition="grep -qs activate change.json"),
    Moment("another process runs", shell_condition='test "$pid" != "$(process)"'),
    Moment("the controller knows that it is done", printed_text="changed: ["),
)
ROUNDS: dict[str, tuple[Moment, ...]] = {"reload": RELOADED, "restart": RESTARTED}


@pytest.fixture(scope="module")
def site() -> HostSite:
    return HostSite.from_environment(str(INVENTORY))


@pytest.fixture(scope="module")
def cluster(host: Host) -> Cluster:
    return Cluster(host, "hosts")


# ── An outage, beside all the others ──


@dataclass(frozen=True)
class Outage:
    """The gateway of the cluster is away until this timer has run; these records wait for it on hosts."""

    end: Timer
    sent: tuple[SentRecords, ...]


@pytest.fixture(scope="module")
def outage(site: HostSite, cluster: Cluster) -> Iterator[Outage]:
    """Agents send to gateways on hosts, which have nobody to send to. One restarts with records in its queue on disk.

    A timer ends it while other tests run: a client tries less and less often.
    """
    gateway, writers = site.find_host("host4"), [site.find_host(name) for name in ("host1", "host3")]
    send_away(cluster)
    end = Timer(AWAY_SECONDS, fetch_back, [cluster])
    end.start()
    try:
        with ExitStack() as stack:
            sent = [stack.enter_context(write_records(one, f"away{one.name}")) for one in writers]
            wait_until("records in the queue of a gateway on a host", lambda: queued(gateway) > LEAST_QUEUED)
            gateway.run("systemctl restart otelcol-gateway")
            wait_until("the gateway on the host answers again", lambda: gateway.read_metrics(GATEWAY_METRICS_PORT))
        yield Outage(end, tuple(sent))
    finally:
        end.cancel()
        fetch_back(cluster)


def send_away(cluster: Cluster) -> None:
    """Let no node have the gateway of the cluster, and wait until its pods are gone."""
    place_on_nodes_with(cluster, '{"away": "yes"}')
    show = f"kubectl -n {cluster.namespace} get pods -l {SINK_SELECTOR} -o name"
    wait_until("no pod of the gateway", lambda: cluster.host.check_output(show) == "")


def fetch_back(cluster: Cluster) -> None:
    """Let each node have the gateway of the cluster again."""
    place_on_nodes_with(cluster, '{"away": null}')


def place_on_nodes_with(cluster: Cluster, label: str) -> None:
    patch = f'{{"spec": {{"template": {{"spec": {{"nodeSelector": {label}}}}}}}}}'
    cluster.host.check_output(f"kubectl -n {cluster.namespace} patch daemonset/gateway --type merge -p '{patch}'")


def queued(host: LinuxHost) -> float:
    """Return how much waits in the queues of a gateway on a host."""
    sizes = re.findall(
        r"^otelcol_exporter_queue_size\{.*\} (\S+)$", host.read_metrics(GATEWAY_METRICS_PORT), re.MULTILINE
    )
    return sum(map(float, sizes))


# ── Killed runs ──


@dataclass(frozen=True)
class Change:
    """A change of collector `trial` of a host. Its process tells of it, since its own metrics have the name."""

    host: LinuxHost
    name: str
    way: str = "reload"

    @property
    def collector(self) -> dict[str, Any]:
        """The changed collector."""
        told = {"config": {"service": {"telemetry": {"resource": {"change": self.name}}}}}
        return apply_merge_patch(TRIAL, {**told, **({"env": {"CHANGE": self.name}} if self.way == "restart" else {})})

    @property
    def variables(self) -> dict[str, Any]:
        """What a name in the inventory has for it."""
        return {"ansible_host": self.host.ip, "otel_host_collectors": [self.collector]}


def shown_by(host: LinuxHost) -> str:
    """Return the change that the process of a host tells of, once it answers; `-` before the first."""
    metrics = wait_until(f"{host.name}: the trial answers", lambda: host.read_metrics(METRICS_PORT))
    found = re.search(r"^target_info\{.*\bchange=\"(\S+?)\"", metrics, re.MULTILINE)
    return found[1] if found else "-"


def checks(host: LinuxHost) -> int:
    """Return how many configs of the trial have passed the check of their program."""
    return int(host.run("journalctl --unit=otelcol-trial.check --output=cat | grep -c ^Finished || true"))


def kill_at(site: HostSite, listed: list[str], moment: Moment, change: Change) -> str:
    """Kill a run at a moment, and return what is wrong with the host then; nothing if its release was checked."""
    host = change.host
    before, checked = shown_by(host), checks(host)
    moment.kill_run(host, partial(site.start_playbook, "site", *listed, "--limit", change.name))
    runs = shown_by(host)
    if runs == before or (runs == change.name and checks(host) > checked):
        return ""
    return f"{host.name}, {moment.description}: release '{runs}' runs, which is not '{before}' and was not checked"


@pytest.mark.usefixtures("outage")
@pytest.mark.parametrize("way", ROUNDS)
def test_a_killed_run_leaves_a_release_that_was_checked_and_is_completed_by_the_next(
    site: HostSite, tmp_path: Path, way: str
) -> None:
    changes = [Change(site.find_host(name), f"{way}{name}", way) for name in HOSTS]
    listed = ["-i", write_host_group(tmp_path, "otel_linux", {one.name: one.variables for one in changes})]
    with ThreadPoolExecutor(len(changes)) as pool:
        wrong = list(pool.map(partial(kill_at, site, listed), ROUNDS[way], changes))
    assert wrong == [""] * len(changes)
    limits = ("--limit", ",".join(one.name for one in changes))
    completed = site.run_playbook("site", *listed, *limits)
    assert completed.exit_code == 0, completed.output
    assert [shown_by(one.host) for one in changes] == [one.name for one in changes]
    again = site.run_playbook("site", *listed, *limits)
    assert again.output.count("changed=0") == len(changes), again.output


# ── What a host has not, or has of others ──

# A small file system with the collector in place of its folder, with this option, and what uses it up.
_SMALL_DISK = """
cp -a /etc/otelcol/trial /var/tmp/trial
mount -t tmpfs -o mode=0755,size=4m,nr_inodes=200 tmpfs /etc/otelcol/trial
cp -a /var/tmp/trial/. /etc/otelcol/trial/
mkdir /etc/otelcol/trial/other
"""
_FILLERS = {
    "bytes": "head --bytes=4M /dev/zero >/etc/otelcol/trial/other/1 2>/dev/null || true",
    "inodes": "cd /etc/otelcol/trial/other; seq 200 | xargs touch 2>/dev/null || true",
}
_ROOM = "rm -r /etc/otelcol/trial/other"
_DISK_AS_BEFORE = """
mountpoint --quiet /etc/otelcol/trial || exit 0
rm -rf /var/tmp/trial
cp -a /etc/otelcol/trial /var/tmp/trial
umount /etc/otelcol/trial
rm -rf /etc/otelcol/trial/*
cp -a /var/tmp/trial/. /etc/otelcol/trial/
rm -rf /var/tmp/trial
"""
_FOREIGN = "/etc/systemd/system/otelcol-foreign.service"
_FOREIGN_UNIT = "[Service]\nExecStart=/bin/sleep infinity\n"
_STATE_OF_FOREIGN = f"""
stat --format='%n %i %s %a %u %y' {_FOREIGN}
sha256sum {_FOREIGN}
systemctl show --property=MainPID otelcol-foreign
"""
# A program that takes every config, and ends as soon as it runs.
_DYING = b'#!/bin/sh\ntest "$1" = validate || { echo this program cannot run >&2; exit 3; }\n'


@dataclass(frozen=True)
class Place:
    """A host in a run for several, with what it wants, and what a run that fails there says."""

    host: LinuxHost
    variables: Mapping[str, Any]
    says: str = ""


@pytest.fixture
def places(site: HostSite, tmp_path: Path) -> Iterator[dict[str, Place]]:
    """Two full disks, a newer program and one that dies, and a service that is somebody else's."""
    bytes_gone, inodes_gone, newer, dying = map(site.find_host, ("host1", "host2", "host4", "host5"))
    full = {"bytes": bytes_gone, "inodes": inodes_gone}
    other_name = {**TRIAL, "name": "foreign", "health_port": 13135, "metrics_port": 8890}
    try:
        for kind, host in full.items():
            host.run(f"set -e\n{_SMALL_DISK}\n{_FILLERS[kind]}")
        bytes_gone.run(f"cat >{_FOREIGN}; systemctl daemon-reload; systemctl start otelcol-foreign", _FOREIGN_UNIT)
        yield {
            "bytes": Place(bytes_gone, Change(bytes_gone, "bytes").variables, "trial has 0 MiB free, a release needs"),
            "inodes": Place(inodes_gone, Change(inodes_gone, "inodes").variables, "No space left on device.*Make room"),
            "newer": Place(newer, {**Change(newer, "newer").variables, "otel_host_version": "0.157.0"}),
            "dying": Place(
                dying,
                {**Change(dying, "dying").variables, "otel_host_program": dying_program(tmp_path)},
                r"this program cannot run.*Release \d+ runs again",
            ),
            "foreign": Place(
                bytes_gone,
                {"ansible_host": bytes_gone.ip, "otel_host_collectors": [other_name]},
                f"{_FOREIGN} belongs to somebody else",
            ),
        }
    finally:
        for host in full.values():
            host.run(f"set -e\n{_DISK_AS_BEFORE}")
        bytes_gone.run(f"systemctl stop otelcol-foreign; rm -f {_FOREIGN}; systemctl daemon-reload")


def dying_program(folder: Path) -> dict[str, Any]:
    """Write an archive with the program that dies, and return it as the inventory names it."""
    archive = folder / "dying.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        member = tarfile.TarInfo("otelcol-contrib")
        member.size, member.mode = len(_DYING), 0o755
        tar.addfile(member, io.BytesIO(_DYING))
    return {"amd64": {"file": str(archive), "sha256": hashlib.sha256(archive.read_bytes()).hexdigest()}}


def program_of(host: LinuxHost) -> str:
    """Return the program that the process of the trial is."""
    return host.run(f"readlink /proc/{host.find_pid('trial')}/exe")


@dataclass(frozen=True)
class Kept:
    """What a run must not touch: the processes of trials, and all of a service that is somebody else's."""

    pids: tuple[int, ...]
    foreign: str

    @classmethod
    def of(cls, places: Mapping[str, Place]) -> Kept:
        """Return it as it is now."""
        pids = tuple(places[name].host.find_pid("trial") for name in _FILLERS)
        return cls(pids, places["foreign"].host.run(_STATE_OF_FOREIGN))


def unlike(places: Mapping[str, Place], failures: Mapping[str, str]) -> list[str]:
    """Return the names of places whose run failed in other words, or at all."""
    return [name for name, one in places.items() if not re.search(one.says or "^$", failures.get(name, ""))]


def test_full_disks_and_others_services_are_refused_and_programs_go_forth_and_back(
    site: HostSite, tmp_path: Path, places: dict[str, Place]
) -> None:
    """In one run for all, then a second with the same command, after there is room and the programs are as before."""
    kept, before = Kept.of(places), shown_by(places["dying"].host)
    wanted = {name: one.variables for name, one in places.items()}
    listed = ["-i", write_host_group(tmp_path, "otel_linux", wanted)]
    ran = site.run_playbook("site", *listed, "--limit", ",".join(wanted))
    print(ran.output)
    assert unlike(places, ran.failure_by_host) == []
    assert Kept.of(places) == kept
    assert shown_by(places["dying"].host) == before
    assert "0.158.0" in program_of(places["dying"].host)
    assert "0.157.0" in program_of(places["newer"].host)

    for name in _FILLERS:
        places[name].host.run(_ROOM)
    wanted = {name: Change(places[name].host, name).variables for name in places if name != "foreign"}
    write_host_group(tmp_path, "otel_linux", wanted)
    completed = site.run_playbook("site", *listed, "--limit", ",".join(wanted))
    assert completed.exit_code == 0, completed.output
    assert {name: shown_by(places[name].host) for name in wanted} == {name: name for name in wanted}
    assert Kept.of(places).foreign == kept.foreign
    assert "0.158.0" in program_of(places["newer"].host)


def test_records_for_a_gateway_that_was_away_arrive_once(cluster: Cluster, outage: Outage) -> None:
    outage.end.join()
    wait_until_arrived_once(cluster, *outage.sent, seconds=AFTER_OUTAGE_SECONDS)
