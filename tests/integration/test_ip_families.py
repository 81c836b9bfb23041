# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real Collector listens with the recipes' config on an address of IPv4, on one of IPv6, and on both at once.

Each runs in a network of its own, so that its ports are free whatever else runs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.unit.plugins.plugin_utils.helpers import rendered

from .test_real_collector import program  # noqa: F401 - a fixture

INGEST = ["otlp_ingest", "zipkin_ingest", "jaeger_ingest", "fluent_ingest", "syslog_ingest"]
GATEWAY = {
    "name": "gateway",
    "recipes": [*INGEST, {"xray_ingest": {"region": "eu-west-1"}}, "prometheus_export", "debug_output"],
}
PORTS = {
    "tcp": {2000, 4317, 4318, 5140, 8006, 8888, 8889, 9411, 13133, 14250, 14268},
    "udp": {2000, 5140, 6831, 8006},
}
SECONDS = 60
LISTENS = "0A"
"""State of a socket in /proc/net/tcp."""


def ports(process: int, protocol: str, family: str) -> set[int]:
    """Return the local ports in the network of a process: those that listen, of UDP all."""
    table = Path(f"/proc/{process}/net/{protocol}{'6' if family == 'IPv6' else ''}").read_text().splitlines()[1:]
    rows = [line.split() for line in table]
    wanted = [row for row in rows if protocol == "udp" or row[3] == LISTENS]
    return {int(row[1].rpartition(":")[2], 16) for row in wanted}


def all_ports(process: int, family: str) -> dict[str, set[int]]:
    """Return the local ports in the network of a process, by protocol."""
    return {protocol: ports(process, protocol, family) for protocol in PORTS}


@pytest.mark.parametrize(
    ("address", "families", "socket_family"),
    [("127.0.0.1", [], "IPv4"), ("::1", [], "IPv6"), ("::1", ["IPv6"], "IPv6"), ("::1", ["IPv6", "IPv4"], "IPv6")],
)
def test_all_receivers_of_recipes_listen(
    program: Path,  # noqa: F811
    tmp_path: Path,
    address: str,
    families: list[str],
    socket_family: str,
) -> None:
    config = rendered({**GATEWAY, "ip_families": families})["collectors"][0]["config"]
    (tmp_path / "config.yaml").write_text(config)
    unshare = shutil.which("unshare")
    assert unshare, "unshare of util-linux is missing"
    script = f"ip link set lo up && exec {program} --config {tmp_path}/config.yaml"
    names = {"MY_POD_IP": address, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "PATH": os.environ["PATH"]}
    command = [unshare, "--map-root-user", "--net", "sh", "-c", script]
    with (tmp_path / "log").open("w") as log, subprocess.Popen(command, env=names, stdout=log, stderr=log) as running:
        try:
            # Some receivers bind their sockets after the Collector says that it is ready.
            listening: dict[str, set[int]] = {}
            end = time.monotonic() + SECONDS
            while running.poll() is None and time.monotonic() < end:
                is_ready = "Everything is ready" in (tmp_path / "log").read_text()
                listening = all_ports(running.pid, socket_family)
                if is_ready and listening == PORTS:
                    break
                time.sleep(0.1)
            said = (tmp_path / "log").read_text()
            assert running.poll() is None, said
            assert listening == PORTS, said
        finally:
            running.terminate()
