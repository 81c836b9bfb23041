"""Agents and gateways on Linux hosts: what applications write arrives once, and a bad change hurts nobody.

The tests follow each other. The last removes all collectors of the hosts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import yaml
from testinfra.host import Host

from tests.support.change_cases import apply_merge_patch
from tests.support.cluster import PROJECT, Cluster, wait_until
from tests.support.host_site import (
    HostSite,
    LinuxHost,
    read_sink,
    wait_until_arrived_once,
    write_host_group,
    write_records,
)

SCENARIO = PROJECT / "molecule" / "hosts"
INVENTORY = SCENARIO / "inventory.yml"
AGENTS, GATEWAYS = ("host1", "host2", "host3"), ("host4", "host5")
HOSTS = (*AGENTS, *GATEWAYS)
MAIN = {**dict.fromkeys(AGENTS, "agent"), **dict.fromkeys(GATEWAYS, "gateway")}
HOSTS_ALONE = ("--limit", "otel_linux")
LEAST = 20
TRIAL = yaml.safe_load(INVENTORY.read_text(encoding="utf-8"))["all"]["children"]["otel_linux"]["vars"]["trial"]
CHANGES = yaml.safe_load((SCENARIO / "tests" / "bad_changes.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def site() -> HostSite:
    return HostSite.from_environment(str(INVENTORY))


@pytest.fixture(scope="module")
def cluster(host: Host) -> Cluster:
    return Cluster(host, "hosts")


def test_records_of_files_the_journal_and_clients_arrive_once_while_a_log_is_rotated(
    site: HostSite, cluster: Cluster
) -> None:
    host = site.find_host("host1")
    with write_records(host, "rotated") as sent:
        for number in (2, 1):
            lines = int(host.run("cat /var/log/shop/shop.log | wc -l"))
            wait_until(
                "more lines", lambda lines=lines: int(host.run("cat /var/log/shop/shop.log* | wc -l")) > lines + 50
            )
            host.run(f"mv /var/log/shop/shop.log /var/log/shop/shop.{number}.log")
    wait_until_arrived_once(cluster, sent)
    assert "system.cpu.time" in read_sink(cluster)


def test_a_pod_sends_to_the_gateways_on_hosts(host: Host, cluster: Cluster) -> None:
    """No DNS has their name, which only `hostAliases` of the pods leads to their addresses."""
    (pod,) = cluster.pods("app.kubernetes.io/instance=relay")
    names = {name for alias in pod["spec"]["hostAliases"] for name in alias["hostnames"]}
    assert names == {"gateways.internal"}
    probe = {"via": {"namespace": "hosts", "service": "relay"}, "signals": ["logs"]}
    sent = host.check_output("ansible localhost -m o11y.opentelemetry.otlp_probe -a %s", json.dumps(probe))
    (probe_id,) = set(re.findall(r'probe_id"?: "?(\w+)', sent))
    wait_until("the record of a pod", lambda: probe_id in read_sink(cluster))


@dataclass(frozen=True)
class Trial:
    """A bad change of collector `trial` on a host, as tests/bad_changes.yml has it."""

    host: LinuxHost
    name: str
    patch: dict[str, Any]
    says: str
    refused: str = ""

    def variables(self) -> dict[str, Any]:
        """Return what its name in the inventory has: the address of its host, and the changed collector."""
        added = {key.rstrip("+"): TRIAL[key.rstrip("+")] + self.patch[key] for key in self.patch if key.endswith("+")}
        plain = {key: value for key, value in self.patch.items() if not key.endswith("+")}
        return {"ansible_host": self.host.ip, "otel_host_collectors": [apply_merge_patch(TRIAL, {**plain, **added})]}

    def wrong(self, said: str) -> str:
        """Return what is wrong about the end of the run; nothing if it is as the row says."""
        if not re.search(self.says, said):
            return f"{self.name}: the run says '{said}', not '{self.says}'"
        is_told = self.refused or re.search(r"Release \d+ runs again", said)
        return "" if is_told else f"{self.name}: the run does not say that it is undone: {said}"


def trials(site: HostSite) -> dict[str, Trial]:
    """Return a name for each bad change. Those that are refused are made where no other one restarts the process."""
    hosts = {True: cycle(AGENTS), False: cycle(GATEWAYS)}
    rows = ((site.find_host(next(hosts["refused" in row])), row) for row in CHANGES)
    return {f"trial{number}": Trial(host, **row) for number, (host, row) in enumerate(rows)}


def processes(site: HostSite, collectors: Mapping[str, str]) -> dict[str, int]:
    """Return the process of a collector of each host."""
    return {name: site.find_host(name).find_pid(collector) for name, collector in collectors.items()}


def releases(site: HostSite) -> dict[str, str]:
    """Return the release in use, and all releases, of each host's trial."""
    show = "readlink /etc/otelcol/trial/current; ls /etc/otelcol/trial /etc/otelcol/trial/releases"
    return {name: site.find_host(name).run(show) for name in HOSTS}


def test_bad_changes_are_refused_or_undone(site: HostSite, tmp_path: Path) -> None:
    """Each is made under a name of its own in the inventory; on one host they wait for each other."""
    made = trials(site)
    before, trial_before = processes(site, MAIN), processes(site, dict.fromkeys(AGENTS, "trial"))
    there = releases(site)
    inventory = write_host_group(tmp_path, "otel_linux", {name: one.variables() for name, one in made.items()})
    ran = site.run_playbook("site", "-i", inventory, "--limit", ",".join(made), "--forks", str(len(HOSTS)))
    print(ran.output)
    assert len(made) >= LEAST
    assert [text for name, one in made.items() if (text := one.wrong(ran.failure_by_host.get(name, "")))] == []
    assert processes(site, MAIN) == before
    assert processes(site, dict.fromkeys(AGENTS, "trial")) == trial_before
    assert all(processes(site, dict.fromkeys(GATEWAYS, "trial")).values())
    assert releases(site) == there


def test_remove_leaves_nothing(site: HostSite) -> None:
    ran = site.run_playbook("remove", *HOSTS_ALONE)
    assert ran.exit_code == 0, ran.output
    assert set(re.findall(r"\w+ is removed", ran.output)) == {
        f"{name} is removed" for name in ("agent", "gateway", "trial")
    }
    script = (SCENARIO / "files.sh").read_text(encoding="utf-8")
    for name in HOSTS:
        host = site.find_host(name)
        host.run("sh -s /var/tmp/files.after", script)
        assert host.run("diff /var/tmp/files.before /var/tmp/files.after || true") == ""
