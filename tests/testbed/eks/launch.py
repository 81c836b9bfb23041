# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the simulated AWS beside a cluster, once, and introduces it to the cluster's DNS and API server.

It is a server of the cluster, so `down` ends it.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import subprocess
import sys
from functools import partial
from pathlib import Path

from tests.testbed import command, config, mirror, netns, probe, process
from tests.testbed.cluster import Cluster
from tests.testbed.errors import ClusterError, Reason
from tests.testbed.pki import Certificate, issue_certificate
from tests.testbed.progress import read_last_lines, say, wait_for

SERVER = "aws"
OPERATOR = "opentelemetry-operator"
OPERATOR_VERSION = "0.152.0"
"""What the add-on installs: ADOT is some versions behind upstream, so it is the older of the releases of tests."""
SECONDS_TO_START = 60
ROOT = Path(__file__).resolve().parents[3]


def find_obstacle() -> Reason | None:
    """Why AWS cannot be simulated on this machine; None if it can."""
    if importlib.util.find_spec("moto"):
        return None
    return Reason("moto is not installed", "make setup")


def start_aws(cluster: Cluster, release_mirror: Path) -> None:
    """Start the server unless it runs; `release_mirror` is the release mirror.

    Raises ClusterError if it does not start.
    """
    # Imported here: moto takes a second, which no other command should wait for.
    from tests.testbed.eks import server  # noqa: PLC0415

    if not _is_running(cluster):
        certificate_names = (*(f"DNS:{name}" for name in server.HOST_NAMES), f"IP:{cluster.aws_ip}")
        issue_certificate(cluster, Certificate(server.CERTIFICATE, "/CN=aws", certificate_names))
        server_process = process.start_server(
            cluster.dir, SERVER, _server_command(cluster, release_mirror), cluster.log_file(SERVER)
        )
        url = f"https://{cluster.aws_ip}{server.READY_PATH}"
        describe_log_end = partial(read_last_lines, cluster.log_file(SERVER))
        wait_for(
            "start of AWS", partial(_find_missing, cluster, server_process, url), SECONDS_TO_START, describe_log_end
        )
    _configure_cluster(cluster, server.HOST_NAMES)
    say(f"cluster {cluster.name} has AWS at https://{cluster.aws_ip}")


def _is_running(cluster: Cluster) -> bool:
    return any(marked_process.server == SERVER for marked_process in process.list_marked(cluster.dir))


def _server_command(cluster: Cluster, release_mirror: Path) -> list[str]:
    """Return the command of the server, which runs in the network of the first node."""
    release = mirror.Release(release_mirror, OPERATOR, OPERATOR_VERSION)
    # moto knows the managed policies of AWS only if asked; roles may have them.
    environment = ["env", f"PYTHONPATH={ROOT}", "MOTO_IAM_LOAD_MANAGED_POLICIES=true"]
    program = [sys.executable, "-m", "tests.testbed.eks", str(cluster.home.root), cluster.name]
    return [*netns.network_prefix(cluster.nodes[0]), *environment, *program, str(release.manifest)]


def _find_missing(cluster: Cluster, server_process: subprocess.Popen[bytes], url: str) -> str | None:
    """What the server lacks to be ready; None once it answers. Raises ClusterError if its process has ended."""
    if server_process.poll() is not None:
        raise ClusterError("AWS did not start", read_last_lines(cluster.log_file(SERVER)), "fix the cause, try again")
    return probe.find_url_fault(cluster, url)


def _configure_cluster(cluster: Cluster, names: tuple[str, ...]) -> None:
    """Let CoreDNS answer the names of AWS with its address, and let the API server ask it about pods."""
    encoded_ca = base64.b64encode((cluster.dir / "pki" / "ca.crt").read_bytes()).decode()
    manifest = config.render_template("eks.yaml", {"aws_ip": cluster.aws_ip, "ca": encoded_ca})
    hosts_text = "".join(f"{cluster.aws_ip} {name}\n" for name in names)
    patch = json.dumps({"data": {"hosts": hosts_text}})
    kubectl = [str(cluster.dir / "bin" / "kubectl"), f"--kubeconfig={cluster.kubeconfig}"]
    command.run([*kubectl, "apply", "--server-side", "--filename=-"], text=manifest)
    command.run([*kubectl, "--namespace=kube-system", "patch", "configmap", "coredns", f"--patch={patch}"])


def list_variables(cluster: Cluster) -> dict[str, str]:
    """Return what `env` exports: the endpoint, the CA of its certificate, and the administrator's key.

    A cluster without AWS exports nothing.
    """
    aws_file = cluster.dir / "aws.json"
    if not aws_file.exists():
        return {}
    administrator = json.loads(aws_file.read_text())
    return {
        "O11Y_TESTBED_AWS_URL": f"https://{cluster.aws_ip}",
        "O11Y_TESTBED_AWS_CA": str(cluster.dir / "pki" / "ca.crt"),
        "O11Y_TESTBED_AWS_KEY": administrator["key"],
        "O11Y_TESTBED_AWS_SECRET": administrator["secret"],
    }
