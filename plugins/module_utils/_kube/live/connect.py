# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the `Cluster` that the options of a task, the environment or a kubeconfig name. Private.

Every module that asks a cluster calls `connect`. There are three ways to a cluster:

- AWS tells the address and the CA of an EKS cluster that option `eks_cluster` names.
- A plain connection needs no client library. `kubeconfig` finds it.
- For all others, the Kubernetes client connects, as it does for kubernetes.core.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from ansible.module_utils.basic import AnsibleModule, env_fallback
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_MAP, AUTH_ARG_SPEC

from ..._otelcol.errors import Problem, strip_credentials
from .cluster import MOST_WORKERS, Cluster
from .eks_access import create_renewed_token, find_cluster_access
from .exec_plugin import CommandWatch
from .hidden import PARTLY_SECRET
from .kubeconfig import PlainConnection, find_plain_connection
from .kubeconfig_paths import describe_source
from .libraries import call_importing, import_library
from .outage import Outage
from .pooled_transport import READ_SECONDS, PooledTransport
from .progress import Progress, tell_nobody

# The connection options of our modules: those of kubernetes.core, and the name of an EKS cluster in their place.
CLUSTER_ARG_SPEC: dict[str, Any] = AUTH_ARG_SPEC | {
    "kubeconfig": AUTH_ARG_SPEC["kubeconfig"] | PARTLY_SECRET,
    "eks_cluster": {
        "type": "dict",
        "fallback": (env_fallback, ["O11Y_EKS_CLUSTER"]),
        "options": {"name": {"required": True}, "region": {}, "profile": {}, "role_arn": {}},
    },
}
# Options that name another cluster, or another identity, than the one that AWS knows.
NOT_WITH_EKS = ("kubeconfig", "context", "host", "api_key", "username", "password", "client_cert", "ca_cert")

# A request without an answer ends after this share of the time that the task waits, so that it is sent once more.
READ_SHARE = 0.55
# It has so many seconds at least.
READ_LEAST_SECONDS = 15.0
# After so many seconds, a read without an answer is sent again, once: it calls no webhook, except where old objects are
# converted.
READ_QUICK_SECONDS = 8.0
# For how long a task without a time of its own asks a server again that has answered before.
PATIENCE_SECONDS = 60.0


def connect(module: AnsibleModule, read_seconds: float = READ_SECONDS) -> Cluster:
    """Return the cluster that the options, the environment or the kubeconfig name. Sends nothing to it yet.

    `read_seconds` says how long an answer may take.
    """
    if module.params.get("eks_cluster"):
        return _build_cluster(_build_eks_transport(module), module, read_seconds)
    yaml = import_library("yaml", "PyYAML")

    def load_yaml(text: str) -> Any:
        try:
            return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except yaml.YAMLError as error:
            raise _invalid_yaml_problem(module, error) from None

    def write_file(content: bytes) -> str:  # TLS reads files only; Ansible removes the folder after the task
        with tempfile.NamedTemporaryFile(dir=module.tmpdir, delete=False) as file:
            file.write(content)
        return file.name

    connection = find_plain_connection(module.params, os.environ, AUTH_ARG_MAP, load_yaml, write_file)
    transport = _build_plain_transport(connection) if connection else _build_client_transport(module)
    return _build_cluster(transport, module, read_seconds)


def _patience_seconds(module: AnsibleModule) -> float:
    """Return for how many seconds a task waits for a server that is away: as long as its options let it wait."""
    for name in ("wait_seconds", "timeout_seconds"):
        seconds = module.params.get(name)
        if seconds is not None:
            return float(seconds)
    return PATIENCE_SECONDS


def _build_cluster(transport: PooledTransport, module: AnsibleModule, read_seconds: float) -> Cluster:
    """Return a cluster that waits as long as the task does, and whose requests end in that time."""
    cluster = Cluster(
        transport, clock=time.monotonic, sleep=time.sleep, server=strip_credentials(transport.host).rstrip("/")
    )
    cluster.progress = Progress(getattr(module, "tell", tell_nobody), cluster.clock)
    # Another time is that of a caller who asks pods through the server. A pod may hang, so it is not waited for, and
    # says nothing about the server.
    asks_server_itself = read_seconds == READ_SECONDS
    if asks_server_itself:
        cluster.outage.patience_seconds = _patience_seconds(module)
        read_seconds = min(read_seconds, max(READ_SHARE * cluster.outage.patience_seconds, READ_LEAST_SECONDS))
        _remember_answer(cluster.outage, module, transport.host)
    quick_seconds = READ_QUICK_SECONDS if cluster.outage.patience_seconds > READ_LEAST_SECONDS else read_seconds
    transport.set_read_seconds(read_seconds, quick_seconds)
    return cluster


def _remember_answer(outage: Outage, module: AnsibleModule, host: str) -> None:
    """Let the first answer of a server count for all tasks of a run, each of which has a process of its own.

    A file in the folder of the run says that the server has answered.
    """
    folder = getattr(module, "run_folder", "")
    if not folder:
        return
    marker = Path(folder) / f"answered-{hashlib.sha256(host.encode()).hexdigest()}"

    def touch_marker() -> None:
        with suppress(OSError):  # a full disk is no reason to lose the answer
            marker.touch()

    outage.has_answered = marker.exists()
    outage.on_answer = touch_marker


def _invalid_yaml_problem(module: AnsibleModule, error: Any) -> Problem:
    """Return the problem of a kubeconfig that is no YAML, without the parser's own words, which may quote a token."""
    mark = getattr(error, "problem_mark", None)
    environment_path = os.environ.get("K8S_AUTH_KUBECONFIG") or os.environ.get("KUBECONFIG")
    place = str(module.params.get("kubeconfig") or environment_path or "~/.kube/config")
    if mark:
        place += f", line {mark.line + 1}"
    fix = "Give the kubeconfig as it was made; pasted text has often lost its indentation."
    return Problem("the kubeconfig is not valid YAML", asked="Connect to the cluster", where=place, fix=fix)


def _build_eks_transport(module: AnsibleModule) -> PooledTransport:
    """Connect to the endpoint that AWS returns, and trust only the CA that AWS returns."""
    eks_options = module.params["eks_cluster"]
    conflicting_options = [name for name in NOT_WITH_EKS if module.params.get(name)]
    if conflicting_options:
        fix = "Give either eks_cluster or the others."
        wrong = f"{', '.join(conflicting_options)} may name another cluster than eks_cluster"
        raise Problem(wrong, asked=f"Connect to the EKS cluster {eks_options['name']}", where="eks_cluster", fix=fix)
    access = find_cluster_access(eks_options, time.monotonic)
    return _build_token_transport(
        access.host, access.make_token, ca_cert_data=access.ca_certificate.decode(), cert_reqs="CERT_REQUIRED"
    )


def _build_token_transport(host: str, token: Callable[[], str], **tls_options: Any) -> PooledTransport:
    """Connect with a token for each request, through the proxy of the environment if it names one for the host."""
    return PooledTransport(_build_pool(host, **tls_options), host, lambda: {"Authorization": f"Bearer {token()}"})


def _build_pool(host: str, **tls_options: Any) -> Any:
    """Return the connections of urllib3 to a host, which go through the proxy of the environment if it names one."""
    urllib3 = import_library("urllib3")
    proxy = getproxies().get("https")
    if proxy and not proxy_bypass(urlsplit(host).hostname or ""):
        return urllib3.ProxyManager(proxy, maxsize=MOST_WORKERS, **tls_options)
    return urllib3.PoolManager(maxsize=MOST_WORKERS, **tls_options)


def _build_plain_transport(connection: PlainConnection) -> PooledTransport:
    """Connect to the server of a plain connection."""
    urllib3 = import_library("urllib3")
    urllib3.disable_warnings()  # of connections whose verification the user has turned off
    cert_reqs = "CERT_REQUIRED" if connection.verifies_server else "CERT_NONE"
    pool = urllib3.PoolManager(
        maxsize=MOST_WORKERS,
        cert_reqs=cert_reqs,
        ca_certs=connection.ca_file,
        cert_file=connection.cert_file,
        key_file=connection.key_file,
    )
    if connection.eks_parameters:
        token = create_renewed_token(connection.eks_parameters, time.monotonic)
        return PooledTransport(pool, connection.host, lambda: {"Authorization": f"Bearer {token()}"})
    headers = {"Authorization": f"Bearer {connection.token}"} if connection.token else {}
    return PooledTransport(pool, connection.host, lambda: headers)


def _build_client_transport(module: AnsibleModule) -> PooledTransport:
    """Connect as kubernetes.core does, but without its own client, which asks the server for all kinds."""
    kubernetes = import_library("kubernetes")
    watch = CommandWatch(import_library("kubernetes.config.kube_config", "kubernetes"))
    configuration, extra_headers = _read_client_configuration(module, kubernetes, watch)
    configuration.connection_pool_maxsize = MOST_WORKERS
    # The command of the kubeconfig has failed. That ends the task only if there is no other login.
    if watch.problem and not configuration.api_key and not configuration.cert_file:
        raise watch.problem

    def authorize() -> dict[str, Any]:  # asked each time, since a token may have been renewed
        headers: dict[str, Any] = {}
        with watch.watch_command():
            for setting in configuration.auth_settings().values():
                headers[setting["key"]] = setting["value"]
        return {**headers, **extra_headers}

    pool = call_importing(lambda: kubernetes.client.ApiClient(configuration).rest_client.pool_manager)
    return PooledTransport(pool, configuration.host, authorize, watch)


def _read_client_configuration(
    module: AnsibleModule, kubernetes: Any, watch: CommandWatch
) -> tuple[Any, dict[str, Any]]:
    """Return the Configuration of the client library, and the headers that impersonation adds.

    This is the one place that calls private functions of kubernetes.core: it offers no public ones for these options.
    Raises Problem if there is no usable kubeconfig.
    """
    # Imported here since it loads the client library too.
    from ansible_collections.kubernetes.core.plugins.module_utils.k8s import client  # noqa: PLC0415

    auth_options = client._create_auth_spec(module)
    # A kubeconfig that was read before, by another item of a loop, is the default with its token and certificate.
    kubernetes.client.Configuration.set_default(None)
    try:
        with watch.watch_command():
            return client._create_configuration(auth_options), client._create_headers(module)
    except (kubernetes.config.ConfigException, OSError, TypeError, ValueError) as error:
        raise Problem(
            f"there is no usable kubeconfig: {error}",
            asked="Connect to the cluster",
            where=describe_source(auth_options),
            fix="Give kubeconfig, or host and api_key, or set K8S_AUTH_KUBECONFIG or KUBECONFIG.",
        ) from error
