# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of a task to a `Cluster`, and from a Problem to a failed task that shows no secret. Private."""

from __future__ import annotations

import hashlib
import os
import secrets as random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from ansible.module_utils.basic import AnsibleModule, env_fallback
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_MAP, AUTH_ARG_SPEC

from ..._otelcol.bounded.live.bounded_reads import body as body_of
from ..._otelcol.bounded.read_limits import ANSWER
from ..._otelcol.config.config_secrets import secrets_in, secrets_in_objects
from ..._otelcol.config.masking import concealed, salted
from ..._otelcol.errors import MASK, Problem, escaped_tree, printable, shown
from ..bundle import redact, secret_values
from ..option_secrets import without
from .api_errors import library, lost, parsed
from .cluster import SERVER, TOO_MANY, WORKERS, Answered, Cluster
from .eks_access import cluster_access, renewing
from .exec_plugin import Watch
from .hidden import PARTLY_SECRET, hide_more
from .kubeconfig import PlainConnection, plain_connection
from .kubeconfig_paths import source
from .libraries import importing
from .outage import LostError, Outage
from .progress import Progress, silent

# The connection options of our modules: those of kubernetes.core, and the name of an EKS cluster in their place.
CLUSTER_ARG_SPEC: dict[str, Any] = AUTH_ARG_SPEC | {
    "kubeconfig": AUTH_ARG_SPEC["kubeconfig"] | PARTLY_SECRET,
    "eks_cluster": {
        "type": "dict",
        "fallback": (env_fallback, ["O11Y_EKS_CLUSTER"]),
        "options": {"name": {"required": True}, "region": {}, "profile": {}, "role_arn": {}},
    },
}
# What names another cluster, or another identity, than the one that AWS knows.
NOT_WITH_EKS = ("kubeconfig", "context", "host", "api_key", "username", "password", "client_cert", "ca_cert")

# The server ends a change after 34 seconds (apiserver's requestTimeoutUpperBound) and gives a webhook up to 30 of them.
CONNECT_SECONDS, READ_SECONDS = 2.5, 36.0
# A task that waits for less reads less long, so that a request without an answer is sent again in that time.
READ_SHARE, READ_LEAST = 0.55, 15.0
# A read calls no webhook, except where old objects are converted. So it is soon sent again, once.
READ_QUICK = 8.0
# For how long a task without a time of its own asks a server again that has answered before.
PATIENCE = 60.0
UNAUTHORIZED = 401


class Trouble(NamedTuple):
    """Why no answer came: the word of the explanation, and whether another try may help."""

    why: str
    again: bool


# urllib3's exceptions by name.
TROUBLES = {
    "SSLEOFError": Trouble("reset", again=True),
    "SSLZeroReturnError": Trouble("reset", again=True),
    "ProxyError": Trouble("reset", again=True),
    "NameResolutionError": Trouble("dns", again=True),
    "NewConnectionError": Trouble("refused", again=True),
    "ConnectTimeoutError": Trouble("timeout", again=True),
    "ReadTimeoutError": Trouble("timeout", again=False),
    "SSLError": Trouble("tls", again=False),
}

# What OpenSSL says of a TLS connection, and the word of the explanation; the first that fits.
# Source: crypto/x509/x509_txt.c and ssl/ssl_stat.c of OpenSSL, and Python's ssl module.
UNTRUSTED = (
    ("certificate has expired", "expired"),
    ("certificate is not yet valid", "early"),
    ("alert certificate expired", "own_expired"),
    ("certificate is not valid for", "other_name"),
)


def connect(module: AnsibleModule, read_seconds: float = READ_SECONDS) -> Cluster:
    """Return the cluster that the options, the environment or the kubeconfig name. Sends nothing to it yet."""
    if module.params.get("eks_cluster"):
        return _cluster(_eks_transport(module), module, read_seconds)
    yaml = library("yaml", "PyYAML")

    def load(text: str) -> Any:
        try:
            return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except yaml.YAMLError as error:
            raise _no_yaml(module, error) from None

    def keep(content: bytes) -> str:  # TLS reads files only; Ansible removes the folder after the task
        with tempfile.NamedTemporaryFile(dir=module.tmpdir, delete=False) as file:
            file.write(content)
        return file.name

    connection = plain_connection(module.params, os.environ, AUTH_ARG_MAP, load, keep)
    transport = _plain_transport(connection) if connection else _client_transport(module)
    return _cluster(transport, module, read_seconds)


def _patience(module: AnsibleModule) -> float:
    """Return for how many seconds a task waits for a server that is away: as long as for what it waits for at most."""
    for name in ("wait_seconds", "timeout_seconds"):
        seconds = module.params.get(name)
        if seconds is not None:
            return float(seconds)
    return PATIENCE


def _cluster(transport: PooledTransport, module: AnsibleModule, read_seconds: float) -> Cluster:
    cluster = Cluster(transport, clock=time.monotonic, sleep=time.sleep, server=shown(transport.host).rstrip("/"))
    cluster.progress = Progress(getattr(module, "tell", silent), cluster.clock)
    if read_seconds == READ_SECONDS:  # otherwise pods are asked, which may hang
        cluster.outage.patience = _patience(module)
        read_seconds = min(read_seconds, max(READ_SHARE * cluster.outage.patience, READ_LEAST))
        _remember(cluster.outage, module, transport.host)
    quick_seconds = READ_QUICK if cluster.outage.patience > READ_LEAST else read_seconds
    transport.patient(read_seconds, quick_seconds)
    return cluster


def _remember(outage: Outage, module: AnsibleModule, host: str) -> None:
    """Let the first answer of a server count for all tasks of a run: each has a process of its own."""
    folder = getattr(module, "run_folder", "")
    if folder:
        mark = Path(folder) / f"answered-{hashlib.sha256(host.encode()).hexdigest()}"

        def remember() -> None:
            with suppress(OSError):  # a full disk is no reason to lose the answer
                mark.touch()

        outage.answered, outage.on_answer = mark.exists(), remember


def _no_yaml(module: AnsibleModule, error: Any) -> Problem:
    """Say that a kubeconfig is no YAML, without the parser's own words, which may quote a token."""
    mark = getattr(error, "problem_mark", None)
    from_environment = os.environ.get("K8S_AUTH_KUBECONFIG") or os.environ.get("KUBECONFIG")
    where = str(module.params.get("kubeconfig") or from_environment or "~/.kube/config")
    if mark:
        where += f", line {mark.line + 1}"
    fix = "Give the kubeconfig as it was made; pasted text has often lost its indentation."
    return Problem("the kubeconfig is not valid YAML", asked="Connect to the cluster", where=where, fix=fix)


def _eks_transport(module: AnsibleModule) -> PooledTransport:
    """Connect to the endpoint that AWS returns, and trust only the CA that AWS returns."""
    asked = module.params["eks_cluster"]
    others = [name for name in NOT_WITH_EKS if module.params.get(name)]
    if others:
        fix = "Give either eks_cluster or the others."
        wrong = f"{', '.join(others)} may name another cluster than eks_cluster"
        raise Problem(wrong, asked=f"Connect to the EKS cluster {asked['name']}", where="eks_cluster", fix=fix)
    found = cluster_access(asked, time.monotonic)
    return _pooled(found.host, found.token, ca_cert_data=found.ca.decode(), cert_reqs="CERT_REQUIRED")


def _pooled(host: str, token: Callable[[], str], **tls: Any) -> PooledTransport:
    """Connect with a token for each request, through the proxy of the environment if it names one for the host."""
    return PooledTransport(_pool_to(host, **tls), host, lambda: {"Authorization": f"Bearer {token()}"})


def _pool_to(host: str, **tls: Any) -> Any:
    urllib3 = library("urllib3")
    proxy = getproxies().get("https")
    if proxy and not proxy_bypass(urlsplit(host).hostname or ""):
        return urllib3.ProxyManager(proxy, maxsize=WORKERS, **tls)
    return urllib3.PoolManager(maxsize=WORKERS, **tls)


def _plain_transport(found: PlainConnection) -> PooledTransport:
    urllib3 = library("urllib3")
    urllib3.disable_warnings()  # the user turned verification off
    cert_reqs = "CERT_REQUIRED" if found.verify else "CERT_NONE"
    pool = urllib3.PoolManager(
        maxsize=WORKERS, cert_reqs=cert_reqs, ca_certs=found.ca_file, cert_file=found.cert_file, key_file=found.key_file
    )
    if found.eks:
        token = renewing(found.eks, time.monotonic)
        return PooledTransport(pool, found.host, lambda: {"Authorization": f"Bearer {token()}"})
    headers = {"Authorization": f"Bearer {found.token}"} if found.token else {}
    return PooledTransport(pool, found.host, lambda: headers)


def _client_transport(module: AnsibleModule) -> PooledTransport:
    """Connect as kubernetes.core does, but without its own client, which asks the server for all kinds."""
    kubernetes = library("kubernetes")
    # Imported here since it loads the client library too.
    from ansible_collections.kubernetes.core.plugins.module_utils.k8s import client  # noqa: PLC0415

    auth = client._create_auth_spec(module)
    fix = "Give kubeconfig, or host and api_key, or set K8S_AUTH_KUBECONFIG or KUBECONFIG."
    # A kubeconfig that was read before, by another item of a loop, is the default with its token and certificate.
    kubernetes.client.Configuration.set_default(None)
    watch = Watch(library("kubernetes.config.kube_config", "kubernetes"))
    try:
        with watch.on():
            configuration, extra = client._create_configuration(auth), client._create_headers(module)
    except (kubernetes.config.ConfigException, OSError, TypeError, ValueError) as error:
        asked = "Connect to the cluster"
        raise Problem(f"there is no usable kubeconfig: {error}", asked=asked, where=source(auth), fix=fix) from error
    configuration.connection_pool_maxsize = WORKERS
    if watch.problem and not configuration.api_key and not configuration.cert_file:
        raise watch.problem

    def authorize() -> dict[str, Any]:  # asked each time, since a token may have been renewed
        with watch.on():
            settings: dict[str, Any] = {item["key"]: item["value"] for item in configuration.auth_settings().values()}
        return {**settings, **extra}

    pool = importing(lambda: kubernetes.client.ApiClient(configuration).rest_client.pool_manager)
    return PooledTransport(pool, configuration.host, authorize, watch)


class PooledTransport:
    """Kept-alive connections without hidden retries."""

    def __init__(self, pool: Any, host: str, authorize: Callable[[], Mapping[str, Any]], watch: Any = None) -> None:
        self._urllib3 = library("urllib3")
        self._pool, self._authorize, self._watch = pool, authorize, watch
        # A server behind a path, such as Rancher's or a proxy's, has it in the host.
        self.host = host.rstrip("/")
        self._met, self._slow = False, set[str]()
        self.patient(READ_SECONDS)

    def patient(self, read_seconds: float, quick_seconds: float = READ_SECONDS) -> None:
        """Say how long an answer may take, and how long that to the first try of a read."""
        timeout = self._urllib3.Timeout
        self._timeout = timeout(connect=CONNECT_SECONDS, read=read_seconds)
        self._quick = timeout(connect=CONNECT_SECONDS, read=min(read_seconds, quick_seconds))

    def __call__(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> Answered:
        """Send one request over a connection of the pool."""
        sent = self._with_rights(headers)
        quick = self._met and method == "GET" and path not in self._slow
        url, timeout = self.host + path, self._quick if quick else self._timeout
        try:
            answer = self._pool.request(
                method,
                url,
                body=body,
                headers=sent,
                timeout=timeout,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            data = body_of(answer, ANSWER, "the answer of the server")
        except self._urllib3.exceptions.HTTPError as error:
            if quick:
                self._slow.add(path)
            raise self._lost(error) from error
        except OSError as error:
            raise LostError("certificate", f"{type(error).__name__}: {error}", self.host, again=False) from error
        except ValueError:  # its text has the header, with signs that no mask knows
            fix = "Give the token and the headers without a line end. A YAML block of `|-` has none."
            raise Problem("the token or a header cannot be sent", where=self.host, fix=fix) from None
        self._met = self._met or (answer.status < SERVER and answer.status != TOO_MANY)
        if answer.status == UNAUTHORIZED:
            self._forget_rights()
        return Answered(answer.status, dict(answer.headers), data)

    def _with_rights(self, headers: Mapping[str, str]) -> Any:
        """Return the headers of a request, with those that say who asks."""
        sent = self._urllib3.HTTPHeaderDict({"User-Agent": "o11y.opentelemetry", **headers})
        for name, value in self._authorize().items():
            values = value if isinstance(value, list) else [value]
            for single_value in values:
                sent.add(name, single_value)
        return sent

    def _forget_rights(self) -> None:
        """Have the next request ask for a new token. Raises Problem if there is none."""
        if self._watch:
            self._watch.forget()
            if why := self._watch.problem:
                raise why

    def _lost(self, error: Exception) -> LostError:
        """Return why no answer came, in a word of ours, and whether another try may succeed."""
        trouble = _trouble_of(error)
        # urllib3 wraps what the system says in the names of its own objects.
        said = str(error.__cause__ or error)
        why = _why_untrusted(said) if trouble.why == "tls" else trouble.why
        return LostError(why, said, self.host, again=trouble.again)


def _trouble_of(error: Exception) -> Trouble:
    """Return what an exception of urllib3 means, by its own name and the names of what it wraps."""
    parts = (error, error.__cause__, getattr(error, "reason", None), *error.args)
    names = {type(part).__name__ for part in parts}
    for name, trouble in TROUBLES.items():
        if name in names:
            return trouble
    return Trouble("reset", again=True)


def _why_untrusted(said: str) -> str:
    """Return why a certificate is not trusted, in a word of ours."""
    for words, why in UNTRUSTED:
        if words in said:
            return why
    return "tls"


# The secrets of the connection options; a whole kubeconfig would take words like 'default' out of every message.
SECRET_OPTIONS = ("api_key", "password")
# Options that have headers, whose values may be logins of a name that nobody knows.
WITH_HEADERS = ("backend", "backends")
# Objects and configs of a cluster that later tasks read: their text stays as it is, and no task shows it.
RAW = ("resources", "facts")


def run(module: AnsibleModule, work: Callable[[], dict[str, Any]], secrets: Iterable[str] = ()) -> None:
    """Do the work and exit with its result or failure. Neither shows a secret of the options."""
    in_clear_text = protect(module, secrets)
    # Ansible shows the options of a task with -vvv, and when the task fails.
    invocation = {"invocation": {"module_args": _shown_options(module.params, bool(in_clear_text))}}
    visible = without(module.no_log_values)
    try:
        result = work()
    except Problem as problem:
        facts = _warned(module, problem.facts)
        module.fail_json(**visible(facts | invocation | {"msg": concealed(str(problem))}))
    except LostError as error:
        module.fail_json(**visible({"msg": concealed(str(lost(error))), **invocation}))
    else:
        module.exit_json(**visible({**_warned(module, result), **invocation}))
    finally:
        # The client removes its files of keys when Python ends; a worker of Ansible ends without that.
        if client := sys.modules.get("kubernetes.config.kube_config"):
            client._cleanup_temp_files()


def _shown_options(params: Mapping[str, Any], in_clear_text: bool) -> dict[str, Any]:
    """Return the options as a result shows them: without values of Secrets, of headers, and of secrets in manifests."""
    shown = dict(params)
    if params.get("manifests"):
        hide = salted(random.token_hex(8))
        shown["manifests"] = [_shown_manifest(manifest, hide, in_clear_text) for manifest in params["manifests"]]
    for name in WITH_HEADERS:
        if name in shown:
            shown[name] = _without_headers(shown[name])
    without_headers: dict[str, Any] = _without_headers(shown)
    return without_headers


def _shown_manifest(manifest: dict[str, Any], hide: Callable[[str], str], in_clear_text: bool) -> dict[str, Any]:
    if in_clear_text or manifest.get("kind") == "Secret":
        return redact(manifest, hide, parsed)
    return manifest


def _without_headers(option: Any) -> Any:
    """Return an option with the names of its headers, and without their values."""
    if isinstance(option, list):
        return [_without_headers(item) for item in option]
    if not isinstance(option, dict):
        return option
    headers = option.get("headers")
    if not isinstance(headers, dict):
        return option
    return {**option, "headers": dict.fromkeys(headers, MASK)}


def _warned(module: AnsibleModule, result: dict[str, Any]) -> dict[str, Any]:
    """Warn as the result asks. Ansible hides no_log values in results, and not in warnings."""
    visible = without(module.no_log_values)
    for warning in dict.fromkeys(result.pop("warnings", [])):
        module.warn(concealed(printable(visible(warning))))
    return {name: value if name in RAW else escaped_tree(value) for name, value in result.items()}


def protect(module: AnsibleModule, secrets: Iterable[str]) -> set[str]:
    """Add the secrets of all options to Ansible's list, and return those in clear text in manifests."""
    params = module.params
    manifests = params.get("manifests") or []
    hidden = set(secrets)
    hidden |= {str(params[name]) for name in SECRET_OPTIONS if params.get(name)}
    hidden |= {str(value) for value in (params.get("proxy_headers") or {}).values() if value}
    hidden.update(secrets_in({"proxy": params.get("proxy")}))
    hidden.update(secret_values(manifests))
    in_clear_text = set(secrets_in_objects(manifests, parsed))
    # A kubeconfig inside of the connections of roles is one all the same, and changes hold configs.
    trees = [params.get(name) for name in ("kubeconfig", "roles", "change", "changes")]
    hide_more(module, {*hidden, *in_clear_text, *secrets_in_objects(trees)}, [*trees, manifests])
    return in_clear_text
