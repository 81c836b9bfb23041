# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS beside a cluster: started once, known to its DNS and its API server, gone with it."""

from __future__ import annotations

import base64
import importlib.util
import json
import sys
from functools import partial
from pathlib import Path

from tests.testbed import command, config, mirror, netns, probe, process
from tests.testbed.cluster import Cluster
from tests.testbed.errors import ClusterError, Reason
from tests.testbed.pki import Certificate, issue
from tests.testbed.progress import last_lines, say, wait_for

SERVER = "aws"
OPERATOR = "opentelemetry-operator"
OPERATOR_VERSION = "0.152.0"
"""What the add-on installs: ADOT is some versions behind upstream, so it is the older of the releases of tests."""
SECONDS_TO_START = 60
ROOT = Path(__file__).resolve().parents[3]


def lacks() -> Reason | None:
    """Why it cannot be had here."""
    if importlib.util.find_spec("moto"):
        return None
    return Reason("moto is not installed", "make setup")


def start(cluster: Cluster, releases: Path) -> None:
    """Make sure that it runs."""
    # Imported here: moto takes a second, which no other command should wait for.
    from tests.testbed.eks import server  # noqa: PLC0415

    if not any(found.server == SERVER for found in process.marked(cluster.dir)):
        names = (*(f"DNS:{name}" for name in server.NAMES), f"IP:{cluster.aws_ip}")
        issue(cluster, Certificate(server.CERTIFICATE, "/CN=aws", names))
        release = mirror.Release(releases, OPERATOR, OPERATOR_VERSION)
        program = [sys.executable, "-m", "tests.testbed.eks", str(cluster.home.root), cluster.name]
        # With the policies that AWS itself keeps, which roles may have.
        environment = ["env", f"PYTHONPATH={ROOT}", "MOTO_IAM_LOAD_MANAGED_POLICIES=true"]
        argv = [*netns.enter(cluster.nodes[0]), *environment, *program, str(release.manifest)]
        child = process.start(cluster.dir, SERVER, argv, cluster.log(SERVER))

        def missing() -> str | None:
            if child.poll() is not None:
                raise ClusterError("AWS did not start", last_lines(cluster.log(SERVER)), "fix the cause, try again")
            return probe.url_missing(cluster, f"https://{cluster.aws_ip}{server.READY}")

        wait_for("start of AWS", missing, SECONDS_TO_START, partial(last_lines, cluster.log(SERVER)))
    _introduce(cluster, server.NAMES)
    say(f"cluster {cluster.name} has AWS at https://{cluster.aws_ip}")


def _introduce(cluster: Cluster, names: tuple[str, ...]) -> None:
    """Let pods find it by its names, and let the API server ask it about pods."""
    ca = base64.b64encode((cluster.dir / "pki" / "ca.crt").read_bytes()).decode()
    manifest = config.render("eks.yaml", {"aws_ip": cluster.aws_ip, "ca": ca})
    hosts = json.dumps({"data": {"hosts": "".join(f"{cluster.aws_ip} {name}\n" for name in names)}})
    kubectl = [str(cluster.dir / "bin" / "kubectl"), f"--kubeconfig={cluster.kubeconfig}"]
    command.run([*kubectl, "apply", "--server-side", "--filename=-"], text=manifest)
    command.run([*kubectl, "--namespace=kube-system", "patch", "configmap", "coredns", f"--patch={hosts}"])


def variables(cluster: Cluster) -> dict[str, str]:
    """What `env` exports, where it runs: the endpoint, who has signed its certificate, and an administrator's key."""
    file = cluster.dir / "aws.json"
    if not file.exists():
        return {}
    found = json.loads(file.read_text())
    return {
        "O11Y_TESTBED_AWS_URL": f"https://{cluster.aws_ip}",
        "O11Y_TESTBED_AWS_CA": str(cluster.dir / "pki" / "ca.crt"),
        "O11Y_TESTBED_AWS_KEY": found["key"],
        "O11Y_TESTBED_AWS_SECRET": found["secret"],
    }
