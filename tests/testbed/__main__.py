# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.testbed up|install|down|status|env|hosts`: a cluster and hosts for demo and tests. See README.md."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import FrameType

from tests.testbed import cleanup, mirror, providers
from tests.testbed import install as installation
from tests.testbed.catalog import NAMES
from tests.testbed.cluster import FAMILIES, IPV4, Cluster, Record, load_cluster
from tests.testbed.env import format_exports
from tests.testbed.errors import ClusterError
from tests.testbed.home import Home
from tests.testbed.hosts import commands as host_commands
from tests.testbed.hosts import lifecycle as hosts
from tests.testbed.loading import Installed
from tests.testbed.progress import say
from tests.testbed.status import describe_status

DEFAULT_NAME = "o11y"


def start_cluster(home: Home, name: str, options: argparse.Namespace) -> int:
    """Make sure that the cluster is up."""
    nodes: int | None = options.nodes
    home.prepare()
    with home.lock(f"cluster-{load_cluster(home, name).name}"):
        cluster = load_cluster(home, name)
        provider = providers.choose_provider(cluster, os.environ, providers.PROVIDERS)
        record = cluster.read_record()
        if record and record.complete and nodes not in (None, record.nodes):
            reason = f"it has {record.nodes} node(s), {nodes} were asked for"
            raise ClusterError(
                f"cluster {name} cannot change its size", reason, "run `down` first, or use another --name"
            )
        family: str = options.ip_family or cluster.ip_family
        _check_family(name, record, provider, family)
        provider.up(replace(cluster, node_count=nodes or cluster.node_count, ip_family=family))
        hosts.join_cluster(load_cluster(home, name))
    say(f'cluster {name} ({provider.name}) is up: eval "$(python -m tests.testbed env --name {name})"')
    return 0


def _check_family(name: str, record: Record | None, provider: providers.Provider, family: str) -> None:
    """Refuse a family that a cluster does not have, or that its provider does not make."""
    if record and record.complete and family != record.ip_family:
        reason = f"it has {record.ip_family}, and {family} was asked for"
        raise ClusterError(
            f"cluster {name} cannot change its IP family", reason, "run `down` first, or use another --name"
        )
    if family != IPV4 and provider.name != "embedded":
        reason = f"provider {provider.name} makes clusters of {IPV4} here"
        raise ClusterError(
            f"cluster {name} cannot have {family}", reason, f"set {providers.PROVIDER_VARIABLE}=embedded"
        )


def install_components(home: Home, name: str, options: argparse.Namespace) -> int:
    """Build what is named, and load it into the cluster: cert-manager, helm, and more (see README.md)."""
    home.prepare()
    cluster = load_cluster(home, name)
    installation.install_entries(cluster, _require_provider(cluster), options.names, os.environ)
    return 0


def remove_cluster(home: Home, name: str, _: argparse.Namespace) -> int:
    """Remove the cluster, its hosts and everything of them; what was built stays."""
    home.prepare()
    hosts.remove_hosts(home, name)
    with home.lock(f"cluster-{load_cluster(home, name).name}"):
        cluster = load_cluster(home, name)
        if providers.PROVIDERS["external"].lacks(home, os.environ) is None:
            providers.PROVIDERS["external"].down(cluster)
            say(
                f"the cluster of KUBECONFIG is yours and stays; unset {providers.PROVIDER_VARIABLE} to remove the"
                " testbed's own"
            )
        elif cleanup.has_remains(cluster):
            record = cluster.read_record()
            providers.PROVIDERS[record.provider if record else "embedded"].down(cluster)
            say(f"cluster {name} is removed")
        else:
            say(f"there is no cluster {name}")
    return 0


def print_status(home: Home, name: str, _: argparse.Namespace) -> int:
    """Say what runs; the exit code says whether it is up."""
    cluster = load_cluster(home, name)
    lines, is_up = describe_status(cluster, _find_running_provider(cluster))
    sys.stdout.write(lines)
    return 0 if is_up else 1


def print_environment(home: Home, name: str, _: argparse.Namespace) -> int:
    """Print the variables that lead a shell to the cluster."""
    cluster = load_cluster(home, name)
    provider = _require_provider(cluster)
    folder = cluster.dir / "bin"
    variables = {
        **provider.variables(cluster),
        "O11Y_TESTBED_KIND": provider.name,
        "O11Y_TESTBED_INSTALLED": " ".join(installation.list_fitting(Installed.read(cluster).names, provider)),
        mirror.MIRROR_VARIABLE: os.environ.get(mirror.MIRROR_VARIABLE) or str(mirror.find_mirror_folder(home, {})),
    }
    if host_group := hosts.find_running_group(home, name):
        variables["O11Y_TESTBED_INVENTORY"] = str(host_group.inventory)
    # Modules prefer these to KUBECONFIG.
    misleading_variables = [name for name in os.environ if name.startswith("K8S_AUTH_") or name == "O11Y_EKS_CLUSTER"]
    sys.stdout.write(format_exports(variables, folder if folder.exists() else None, misleading_variables))
    return 0


def _require_provider(cluster: Cluster) -> providers.Provider:
    """The provider of a cluster that there is."""
    if (provider := _find_running_provider(cluster)) is None:
        reason = "`up` has not made one, or not to its end"
        raise ClusterError(f"there is no cluster {cluster.name}", reason, "run `up` first")
    return provider


def _find_running_provider(cluster: Cluster) -> providers.Provider | None:
    """The provider whose cluster `up` has left us with, if any."""
    if providers.PROVIDERS["external"].lacks(cluster.home, os.environ) is None:
        return providers.PROVIDERS["external"]
    record = cluster.read_record()
    return providers.PROVIDERS[record.provider] if record and record.complete else None


COMMANDS: dict[str, Callable[[Home, str, argparse.Namespace], int]] = {
    "up": start_cluster,
    "install": install_components,
    "down": remove_cluster,
    "status": print_status,
    "hosts": host_commands.run,
    "env": print_environment,
}


def _raise_interrupt(number: int, _: FrameType | None) -> None:
    """SIGTERM ends a run the way Ctrl-C does: what it has started is stopped."""
    raise KeyboardInterrupt(number)


def _parse_node_count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 9:
        raise argparse.ArgumentTypeError("a cluster has 1 to 9 nodes")
    return number


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.testbed", description="A Kubernetes cluster and Linux hosts for tests."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command_function in COMMANDS.items():
        command = commands.add_parser(name, help=command_function.__doc__)
        command.add_argument("--name", default=os.environ.get("O11Y_TESTBED_NAME") or DEFAULT_NAME)
        if name == "up":
            command.add_argument("--nodes", type=_parse_node_count, help="nodes of a new cluster (default: 1)")
            command.add_argument("--ip-family", choices=FAMILIES, help=f"of a new cluster (default: {IPV4})")
        if name == "hosts":
            host_commands.add_arguments(command)
        if name == "install":
            command.add_argument("names", nargs="+", metavar="NAME", help=", ".join(NAMES))
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _raise_interrupt)
    # Programs like `ip` are there even where the user's PATH does not lead to them.
    os.environ["PATH"] = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    try:
        return COMMANDS[options.command](Home.from_environment(os.environ), options.name, options)
    except ClusterError as error_with_advice:
        say(f"FAILED: {error_with_advice}")
        return error_with_advice.exit_code
    except OSError as error:
        say(f"FAILED: {error}")
        return 1
    except KeyboardInterrupt:
        say("interrupted; run the command again to go on")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
