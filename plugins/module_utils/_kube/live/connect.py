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

from ..._otelcol.bounded.live.bounded_reads import read_body as body_of
from ..._otelcol.bounded.read_limits import ANSWER_LIMIT
from ..._otelcol.config.config_secrets import find_secrets, find_secrets_in_objects
from ..._otelcol.config.masking import conceal_secrets, make_salted_replacer
from ..._otelcol.errors import MASK, Problem, escape_tree, make_printable, strip_credentials
from ..bundle import list_secret_values, redact_manifest
from ..option_secrets import build_secret_remover
from .api_errors import explain_outage, import_library, parse_foreign_yaml
from .cluster import MOST_WORKERS, SERVER_ERROR, TOO_MANY, Cluster, RawAnswer
from .eks_access import create_renewed_token, find_cluster_access
from .exec_plugin import CommandWatch
from .hidden import PARTLY_SECRET, hide_option_secrets
from .kubeconfig import PlainConnection, find_plain_connection
from .kubeconfig_paths import describe_source
from .libraries import call_importing
from .outage import LostError, Outage
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
# What names another cluster, or another identity, than the one that AWS knows.
NOT_WITH_EKS = ("kubeconfig", "context", "host", "api_key", "username", "password", "client_cert", "ca_cert")

# The server ends a change after 34 seconds (apiserver's requestTimeoutUpperBound) and gives a webhook up to 30 of them.
CONNECT_SECONDS, READ_SECONDS = 2.5, 36.0
# A task that waits for less reads less long, so that a request without an answer is sent again in that time.
READ_SHARE, READ_LEAST_SECONDS = 0.55, 15.0
# A read calls no webhook, except where old objects are converted. So it is soon sent again, once.
READ_QUICK_SECONDS = 8.0
# For how long a task without a time of its own asks a server again that has answered before.
PATIENCE_SECONDS = 60.0
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
UNTRUSTED_REASONS = (
    ("certificate has expired", "expired"),
    ("certificate is not yet valid", "early"),
    ("alert certificate expired", "own_expired"),
    ("certificate is not valid for", "other_name"),
)


def connect(module: AnsibleModule, read_seconds: float = READ_SECONDS) -> Cluster:
    """Return the cluster that the options, the environment or the kubeconfig name. Sends nothing to it yet."""
    if module.params.get("eks_cluster"):
        return _build_cluster(_build_eks_transport(module), module, read_seconds)
    yaml = import_library("yaml", "PyYAML")

    def load_yaml(text: str) -> Any:
        try:
            return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except yaml.YAMLError as error:
            raise _invalid_yaml_problem(module, error) from None

    def keep_file(content: bytes) -> str:  # TLS reads files only; Ansible removes the folder after the task
        with tempfile.NamedTemporaryFile(dir=module.tmpdir, delete=False) as file:
            file.write(content)
        return file.name

    connection = find_plain_connection(module.params, os.environ, AUTH_ARG_MAP, load_yaml, keep_file)
    transport = _build_plain_transport(connection) if connection else _build_client_transport(module)
    return _build_cluster(transport, module, read_seconds)


def _patience_seconds(module: AnsibleModule) -> float:
    """Return for how many seconds a task waits for a server that is away: as long as for what it waits for at most."""
    for name in ("wait_seconds", "timeout_seconds"):
        seconds = module.params.get(name)
        if seconds is not None:
            return float(seconds)
    return PATIENCE_SECONDS


def _build_cluster(transport: PooledTransport, module: AnsibleModule, read_seconds: float) -> Cluster:
    cluster = Cluster(
        transport, clock=time.monotonic, sleep=time.sleep, server=strip_credentials(transport.host).rstrip("/")
    )
    cluster.progress = Progress(getattr(module, "tell", tell_nobody), cluster.clock)
    if read_seconds == READ_SECONDS:  # otherwise pods are asked, which may hang
        cluster.outage.patience = _patience_seconds(module)
        read_seconds = min(read_seconds, max(READ_SHARE * cluster.outage.patience, READ_LEAST_SECONDS))
        _remember_answer(cluster.outage, module, transport.host)
    quick_seconds = READ_QUICK_SECONDS if cluster.outage.patience > READ_LEAST_SECONDS else read_seconds
    transport.patient(read_seconds, quick_seconds)
    return cluster


def _remember_answer(outage: Outage, module: AnsibleModule, host: str) -> None:
    """Let the first answer of a server count for all tasks of a run: each has a process of its own."""
    folder = getattr(module, "run_folder", "")
    if folder:
        marker = Path(folder) / f"answered-{hashlib.sha256(host.encode()).hexdigest()}"

        def touch_marker() -> None:
            with suppress(OSError):  # a full disk is no reason to lose the answer
                marker.touch()

        outage.answered, outage.on_answer = marker.exists(), touch_marker


def _invalid_yaml_problem(module: AnsibleModule, error: Any) -> Problem:
    """Say that a kubeconfig is no YAML, without the parser's own words, which may quote a token."""
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
    return _build_token_transport(access.host, access.token, ca_cert_data=access.ca.decode(), cert_reqs="CERT_REQUIRED")


def _build_token_transport(host: str, token: Callable[[], str], **tls_options: Any) -> PooledTransport:
    """Connect with a token for each request, through the proxy of the environment if it names one for the host."""
    return PooledTransport(_build_pool(host, **tls_options), host, lambda: {"Authorization": f"Bearer {token()}"})


def _build_pool(host: str, **tls_options: Any) -> Any:
    urllib3 = import_library("urllib3")
    proxy = getproxies().get("https")
    if proxy and not proxy_bypass(urlsplit(host).hostname or ""):
        return urllib3.ProxyManager(proxy, maxsize=MOST_WORKERS, **tls_options)
    return urllib3.PoolManager(maxsize=MOST_WORKERS, **tls_options)


def _build_plain_transport(connection: PlainConnection) -> PooledTransport:
    urllib3 = import_library("urllib3")
    urllib3.disable_warnings()  # the user turned verification off
    cert_reqs = "CERT_REQUIRED" if connection.verify else "CERT_NONE"
    pool = urllib3.PoolManager(
        maxsize=MOST_WORKERS,
        cert_reqs=cert_reqs,
        ca_certs=connection.ca_file,
        cert_file=connection.cert_file,
        key_file=connection.key_file,
    )
    if connection.eks:
        token = create_renewed_token(connection.eks, time.monotonic)
        return PooledTransport(pool, connection.host, lambda: {"Authorization": f"Bearer {token()}"})
    headers = {"Authorization": f"Bearer {connection.token}"} if connection.token else {}
    return PooledTransport(pool, connection.host, lambda: headers)


def _build_client_transport(module: AnsibleModule) -> PooledTransport:
    """Connect as kubernetes.core does, but without its own client, which asks the server for all kinds."""
    kubernetes = import_library("kubernetes")
    # Imported here since it loads the client library too.
    from ansible_collections.kubernetes.core.plugins.module_utils.k8s import client  # noqa: PLC0415

    auth = client._create_auth_spec(module)
    fix = "Give kubeconfig, or host and api_key, or set K8S_AUTH_KUBECONFIG or KUBECONFIG."
    # A kubeconfig that was read before, by another item of a loop, is the default with its token and certificate.
    kubernetes.client.Configuration.set_default(None)
    watch = CommandWatch(import_library("kubernetes.config.kube_config", "kubernetes"))
    try:
        with watch.on():
            configuration, extra_headers = client._create_configuration(auth), client._create_headers(module)
    except (kubernetes.config.ConfigException, OSError, TypeError, ValueError) as error:
        task = "Connect to the cluster"
        raise Problem(
            f"there is no usable kubeconfig: {error}", asked=task, where=describe_source(auth), fix=fix
        ) from error
    configuration.connection_pool_maxsize = MOST_WORKERS
    if watch.problem and not configuration.api_key and not configuration.cert_file:
        raise watch.problem

    def authorize() -> dict[str, Any]:  # asked each time, since a token may have been renewed
        with watch.on():
            settings: dict[str, Any] = {
                setting["key"]: setting["value"] for setting in configuration.auth_settings().values()
            }
        return {**settings, **extra_headers}

    pool = call_importing(lambda: kubernetes.client.ApiClient(configuration).rest_client.pool_manager)
    return PooledTransport(pool, configuration.host, authorize, watch)


class PooledTransport:
    """Kept-alive connections without hidden retries."""

    def __init__(self, pool: Any, host: str, authorize: Callable[[], Mapping[str, Any]], watch: Any = None) -> None:
        self._urllib3 = import_library("urllib3")
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

    def __call__(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> RawAnswer:
        """Send one request over a connection of the pool."""
        request_headers = self._add_rights(headers)
        is_quick = self._met and method == "GET" and path not in self._slow
        url, timeout = self.host + path, self._quick if is_quick else self._timeout
        try:
            answer = self._pool.request(
                method,
                url,
                body=body,
                headers=request_headers,
                timeout=timeout,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            data = body_of(answer, ANSWER_LIMIT, "the answer of the server")
        except self._urllib3.exceptions.HTTPError as error:
            if is_quick:
                self._slow.add(path)
            raise self._lost(error) from error
        except OSError as error:
            raise LostError("certificate", f"{type(error).__name__}: {error}", self.host, again=False) from error
        except ValueError:  # its text has the header, with signs that no mask knows
            fix = "Give the token and the headers without a line end. A YAML block of `|-` has none."
            raise Problem("the token or a header cannot be sent", where=self.host, fix=fix) from None
        self._met = self._met or (answer.status < SERVER_ERROR and answer.status != TOO_MANY)
        if answer.status == UNAUTHORIZED:
            self._forget_rights()
        return RawAnswer(answer.status, dict(answer.headers), data)

    def _add_rights(self, headers: Mapping[str, str]) -> Any:
        """Return the headers of a request, with those that say who asks."""
        request_headers = self._urllib3.HTTPHeaderDict({"User-Agent": "o11y.opentelemetry", **headers})
        for name, value in self._authorize().items():
            values = value if isinstance(value, list) else [value]
            for single_value in values:
                request_headers.add(name, single_value)
        return request_headers

    def _forget_rights(self) -> None:
        """Have the next request ask for a new token. Raises Problem if there is none."""
        if self._watch:
            self._watch.forget()
            if problem := self._watch.problem:
                raise problem

    def _lost(self, error: Exception) -> LostError:
        """Return why no answer came, in a word of ours, and whether another try may succeed."""
        trouble = _find_trouble(error)
        # urllib3 wraps what the system says in the names of its own objects.
        error_text = str(error.__cause__ or error)
        reason = _explain_untrusted(error_text) if trouble.why == "tls" else trouble.why
        return LostError(reason, error_text, self.host, again=trouble.again)


def _find_trouble(error: Exception) -> Trouble:
    """Return what an exception of urllib3 means, by its own name and the names of what it wraps."""
    parts = (error, error.__cause__, getattr(error, "reason", None), *error.args)
    class_names = {type(part).__name__ for part in parts}
    for name, trouble in TROUBLES.items():
        if name in class_names:
            return trouble
    return Trouble("reset", again=True)


def _explain_untrusted(error_text: str) -> str:
    """Return why a certificate is not trusted, in a word of ours."""
    for phrase, reason in UNTRUSTED_REASONS:
        if phrase in error_text:
            return reason
    return "tls"


# The secrets of the connection options; a whole kubeconfig would take words like 'default' out of every message.
SECRET_OPTIONS = ("api_key", "password")
# Options that have headers, whose values may be logins of a name that nobody knows.
OPTIONS_WITH_HEADERS = ("backend", "backends")
# Objects and configs of a cluster that later tasks read: their text stays as it is, and no task shows it.
RAW_RESULTS = ("resources", "facts")


def run(module: AnsibleModule, task: Callable[[], dict[str, Any]], secrets: Iterable[str] = ()) -> None:
    """Do the work and exit with its result or failure. Neither shows a secret of the options."""
    clear_text_secrets = protect_secrets(module, secrets)
    # Ansible shows the options of a task with -vvv, and when the task fails.
    invocation = {"invocation": {"module_args": _redact_options(module.params, bool(clear_text_secrets))}}
    remove_secrets = build_secret_remover(module.no_log_values)
    try:
        result = task()
    except Problem as problem:
        facts = _emit_warnings(module, problem.facts)
        module.fail_json(**remove_secrets(facts | invocation | {"msg": conceal_secrets(str(problem))}))
    except LostError as error:
        module.fail_json(**remove_secrets({"msg": conceal_secrets(str(explain_outage(error))), **invocation}))
    else:
        module.exit_json(**remove_secrets({**_emit_warnings(module, result), **invocation}))
    finally:
        # The client removes its files of keys when Python ends; a worker of Ansible ends without that.
        if client := sys.modules.get("kubernetes.config.kube_config"):
            client._cleanup_temp_files()


def _redact_options(params: Mapping[str, Any], has_clear_text_secrets: bool) -> dict[str, Any]:
    """Return the options as a result shows them: without values of Secrets, of headers, and of secrets in manifests."""
    shown_options = dict(params)
    if params.get("manifests"):
        hide_value = make_salted_replacer(random.token_hex(8))
        shown_options["manifests"] = [
            _redact_if_secret(manifest, hide_value, has_clear_text_secrets) for manifest in params["manifests"]
        ]
    for name in OPTIONS_WITH_HEADERS:
        if name in shown_options:
            shown_options[name] = _mask_headers(shown_options[name])
    masked_options: dict[str, Any] = _mask_headers(shown_options)
    return masked_options


def _redact_if_secret(
    manifest: dict[str, Any], hide_value: Callable[[str], str], has_clear_text_secrets: bool
) -> dict[str, Any]:
    if has_clear_text_secrets or manifest.get("kind") == "Secret":
        return redact_manifest(manifest, hide_value, parse_foreign_yaml)
    return manifest


def _mask_headers(option: Any) -> Any:
    """Return an option with the names of its headers, and without their values."""
    if isinstance(option, list):
        return [_mask_headers(element) for element in option]
    if not isinstance(option, dict):
        return option
    headers = option.get("headers")
    if not isinstance(headers, dict):
        return option
    return {**option, "headers": dict.fromkeys(headers, MASK)}


def _emit_warnings(module: AnsibleModule, result: dict[str, Any]) -> dict[str, Any]:
    """Warn as the result asks. Ansible hides no_log values in results, and not in warnings."""
    remove_secrets = build_secret_remover(module.no_log_values)
    for warning in dict.fromkeys(result.pop("warnings", [])):
        module.warn(conceal_secrets(make_printable(remove_secrets(warning))))
    return {name: value if name in RAW_RESULTS else escape_tree(value) for name, value in result.items()}


def protect_secrets(module: AnsibleModule, secrets: Iterable[str]) -> set[str]:
    """Add the secrets of all options to Ansible's list, and return those in clear text in manifests."""
    params = module.params
    manifests = params.get("manifests") or []
    hidden_values = set(secrets)
    hidden_values |= {str(params[name]) for name in SECRET_OPTIONS if params.get(name)}
    hidden_values |= {str(value) for value in (params.get("proxy_headers") or {}).values() if value}
    hidden_values.update(find_secrets({"proxy": params.get("proxy")}))
    hidden_values.update(list_secret_values(manifests))
    clear_text_secrets = set(find_secrets_in_objects(manifests, parse_foreign_yaml))
    # A kubeconfig inside of the connections of roles is one all the same, and changes hold configs.
    trees = [params.get(name) for name in ("kubeconfig", "roles", "change", "changes")]
    hide_option_secrets(
        module, {*hidden_values, *clear_text_secrets, *find_secrets_in_objects(trees)}, [*trees, manifests]
    )
    return clear_text_secrets
