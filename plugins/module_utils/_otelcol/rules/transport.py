# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on what others can read: clear text on the network, open receivers, secrets in a config, and placeholders.

A secret never appears in the message, the fix or the path. What a secret is, config/config_secrets.py says. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..config.config_secrets import DEFAULT, is_secret, secret_at, what_is
from ..config.literal_values import is_literal, is_placeholder
from ..config.paths import ANY, Path, Position, at, destination, is_inside, is_loopback
from ..config.secret_names import header_at, is_secret_header, is_secret_key
from ..config.secret_shapes import ATTRIBUTE, RANDOM
from ..traits import EXPORTERS, Trait, sends_nothing, types_that
from .subject import Fault, Subject, about, rules
from .view import Listener, Part, uses_endpoint

_STORING = (
    "https://opentelemetry.io/docs/security/config-best-practices/#store-sensitive-configuration-information-securely"
)
_FIX = "Write `${env:NAME}` here, and give NAME in `env` as `{secret: SECRET, key: KEY}`."
_FIX_ON_HOSTS = "Write `${env:NAME}` here, and give NAME in `env` as `{credential: {content: TEXT}}`."
_FIX_OF_VARIABLES = (
    "Give it in `env` as `{secret: SECRET, key: KEY}`; `extra_manifests` makes a Secret out of a value of a vault, as "
    "docs/start.md shows."
)


def _how_to_hide(subject: Subject) -> str:
    """Return how the config gets a secret where it runs: hosts have no Secrets."""
    return _FIX_ON_HOSTS if subject.on_host else _FIX


def plaintext_secret(subject: Subject) -> Iterator[Fault]:
    """Yield passwords, tokens and keys in clear text."""
    yield from _secret_settings(subject)
    yield from _secret_variables(subject)
    yield from _decrypted_settings(subject)
    yield from _secret_notes(subject)


def _secret_settings(subject: Subject) -> Iterator[Fault]:
    """Yield settings of the config that are secrets by their name or their shape."""
    for suspect in subject.view.suspects:
        what = what_is(subject.config, suspect)
        if what:
            is_doubtful = what == RANDOM or what.startswith((ATTRIBUTE, DEFAULT))
            severity = "warning" if is_doubtful else ""
            yield Fault(suspect.path, f"{what} is written in clear text", _how_to_hide(subject), severity=severity)


def _secret_variables(subject: Subject) -> Iterator[Fault]:
    """Yield variables of `env` whose value is a secret, or comes from a vault."""
    for name, value in subject.literals.items():
        what = secret_at({}, (name,), value)
        if what or value in subject.decrypted:
            message = f"variable {name} in `env` holds a secret in clear text, which the pod and the manifest show"
            yield Fault((), message, _FIX_OF_VARIABLES, severity="warning" if what == RANDOM else "")


def _decrypted_settings(subject: Subject) -> Iterator[Fault]:
    """Yield settings with a value of a vault that nothing else shows to be a secret."""
    if not subject.decrypted:
        return
    for path, value in subject.view.leaves:
        if value in subject.decrypted and not secret_at(subject.config, path, str(value)):
            message = f"`{path[-1]}` has a value of a vault in clear text, which the ConfigMap shows"
            yield Fault(path, message, _how_to_hide(subject))


def _secret_notes(subject: Subject) -> Iterator[Fault]:
    """Yield secrets in labels, annotations and other texts of the objects."""
    for name, value in subject.notes.items():
        if is_secret((name,), value) and is_literal(value):
            message = f"`{name}` holds a secret in clear text, which everybody sees who may read the object"
            fix = "Remove it, and put it into a Secret."
            yield Fault((), message, fix, position=Position("options"), severity="warning")


_PLACEHOLDERS = "https://opentelemetry.io/docs/collector/configuration/"
# An address has no angle brackets. Other text may have some, unless it consists of nothing else.
_WITHIN = re.compile(r"<[^<>\s=]+>")
_ALONE = re.compile(r"<[^<>]+>\Z")
_ADDRESSES = ("endpoint", "url", "host", "hostname", "listen_address")
_NAMES = ("region", "site", "project", "tenant", "tenant_id", "service_account", "role_arn", "arn", "cluster_name")


def placeholder(subject: Subject) -> Iterator[Fault]:
    """Yield settings that still have a placeholder such as `<HOST>`."""
    for path, text in _texts_with_placeholders(subject):
        if _holds_secret(subject.config, path) and is_placeholder(text):
            yield Fault(path, f"`{path[-1]}` has a placeholder, not a secret", _how_to_hide(subject))
        elif "<" in text and _is_unfinished(path, text):
            fix = "Write the real value, or `${env:NAME}` and give NAME in `env`."
            yield Fault(path, f"`{path[-1]}` has a placeholder in angle brackets", fix)


def _texts_with_placeholders(subject: Subject) -> Iterator[tuple[Path, str]]:
    """Yield the texts of started components that may have a placeholder: those with `<`, and possible secrets."""
    started = {part.path for part in subject.view.parts}
    suspected = {suspect.path for suspect in subject.view.suspects}
    for path, value in subject.view.leaves:
        if not isinstance(value, str) or "$" in value:
            continue
        may_have_one = "<" in value or path in suspected
        if may_have_one and path[:2] in started:
            yield path, value


def _is_unfinished(path: Path, text: str) -> bool:
    """Whether an address has a placeholder in it, or a name is nothing but one."""
    key = str(path[-1]).lower()
    is_address = key in _ADDRESSES or key.endswith(("_endpoint", "_url"))
    if is_address and _WITHIN.search(text):
        return True
    if not _ALONE.match(text):
        return False
    is_header = path[-2:-1] == ("headers",)
    return key in _NAMES or is_header or is_secret_key(path)


def _holds_secret(config: Any, path: Path) -> bool:
    """Whether a setting, or the header whose value it is, holds a secret by its name."""
    header = header_at(config, path)
    return is_secret_header(header) if header else is_secret_key(path)


_DOCUMENTATION = "https://opentelemetry.io/docs/security/config-best-practices/"
_TLS = "https://github.com/open-telemetry/opentelemetry-collector/blob/main/config/configtls/README.md"
_DEBUG = "https://github.com/open-telemetry/opentelemetry-collector/blob/main/exporter/debugexporter/README.md"
_WITHOUT_TLS = "http"
_ENDPOINTS = ("endpoint", "traces_endpoint", "metrics_endpoint", "logs_endpoint", "metrics_url", "logs_url")
_UNVERIFIED = "insecure_skip_verify"
_PRINTING = types_that(EXPORTERS, Trait.PRINTS)
_BY_URL = types_that(EXPORTERS, Trait.NEEDS_URL)


def clear_text(subject: Subject) -> Iterator[Fault]:
    """Yield exporters that send in clear text to a host outside the cluster."""
    for part, path, host in _clear_text_exporters(subject):
        if host and not is_inside(host):
            fix = "Use the server's TLS port: an https:// URL, or `tls: {insecure: false}` with gRPC."
            yield Fault(path, f"'{part.id}' sends in clear text to {host}", fix)


_CERTIFICATES = (
    "Give the receiver a certificate (`tls_secret` of recipe otlp_ingest) and write `tls: {ca_file: FILE}` here "
    "(`ca_secret` of recipe otlp_forward)."
)
_CERTIFICATES_OF_HOSTS = (
    "Give the receiver a certificate, and write `tls: {ca_file: FILE}` here (`otel_host_tls` for both sides of recipe "
    "otlp_forward)."
)


def clear_text_inside(subject: Subject) -> Iterator[Fault]:
    """Yield exporters that send in clear text within the cluster or to an unknown address."""
    network = "network" if subject.on_host else "cluster"
    fix = _CERTIFICATES_OF_HOSTS if subject.on_host else _CERTIFICATES
    for part, path, host in _clear_text_exporters(subject):
        if not host:
            message = f"'{part.id}' sends in clear text to an address that is not known here"
            yield Fault(path, message, fix)
        elif is_inside(host) and not is_loopback(host):
            yield Fault(path, f"'{part.id}' sends in clear text inside the {network}, to {host}", fix)


def unverified_certificate(subject: Subject) -> Iterator[Fault]:
    """Yield TLS settings that accept any certificate; an attacker in between can read and change the data."""
    for path, value in subject.view.leaves:
        if path[-1:] == (_UNVERIFIED,) and value is True:
            yield Fault(
                path,
                "any certificate is accepted here",
                "Remove it, and give the server's CA as `ca_file`.",
                severity="info" if path[0] == "receivers" else "",  # kubelets sign their own, and get no telemetry
            )


def open_receiver(subject: Subject) -> Iterator[Fault]:
    """Yield receivers that accept clear text on every address."""
    is_on_node = bool(subject.deployment and subject.deployment.host_network)
    for listener in subject.view.listeners:
        if _accepts_clear_text(listener):
            yield Fault(
                listener.path,
                f"port {listener.port} accepts clear text on every address",
                f"Write `{_narrower(listener.port, subject.on_host)}`, and `tls: {{cert_file: FILE, key_file: FILE}}` "
                "beside it.",
                severity="warning" if is_on_node else "",
            )


def _accepts_clear_text(listener: Listener) -> bool:
    """Whether a receiver listens for TCP on every address, at an endpoint without `tls` beside it."""
    part = listener.part
    if not part or part.section != "receivers" or listener.path == part.path:
        return False
    if listener.protocol != "TCP" or listener.host not in ANY:
        return False
    server = listener.path[2:-1]
    return at(part.settings, (*server, "tls")) is None


def _narrower(port: int, on_host: bool) -> str:
    """Return an address that others reach less: that of the pod, or the loopback of a host."""
    return f"127.0.0.1:{port}" if on_host else f'"[${{env:MY_POD_IP}}]:{port}"'


@about(extensions=["pprof", "zpages"])
def open_diagnostics(subject: Subject) -> Iterator[Fault]:
    """Yield pprof and zpages that are reachable from outside the pod; they expose memory and can exhaust it."""
    way, inside = ("ssh -L", "host") if subject.on_host else ("kubectl port-forward", "pod")
    for listener in subject.view.listeners:
        part = listener.part
        if part and part.kind in ("pprof", "zpages") and not is_loopback(listener.host):
            fix = f"Write `{listener.at('localhost')}`, and use `{way}`."
            yield Fault(listener.path, f"'{part.id}' is reachable from outside the {inside}", fix)


def _clear_text_exporters(subject: Subject) -> Iterator[_ClearText]:
    """Yield the exporters that send in clear text."""
    for part in subject.view.parts:
        if part.section == "exporters" and not sends_nothing(part.kind):
            yield from _clear_endpoints(part)


@about(exporters=_PRINTING)
def verbose_debug(subject: Subject) -> Iterator[Fault]:
    """Yield debug exporters that write all data, including personal data, into the log."""
    for part in subject.view.of("exporters", *_PRINTING):
        if part.settings.get("verbosity") == "detailed" or part.settings.get("loglevel") == "debug":
            fix = "Write `verbosity: basic`, or remove it once data arrives."
            yield Fault(part.path, f"'{part.id}' writes all received data into the log", fix)


class _ClearText(NamedTuple):
    """An exporter that sends in clear text, where that is said, and to which host; empty if it is not known."""

    part: Part
    path: Path
    host: str


def _clear_endpoints(part: Part) -> Iterator[_ClearText]:
    """Yield the endpoints of an exporter without TLS; where none is known, the switch that turns TLS off."""
    insecure = _insecure_at(part)
    is_seen = False
    for key in _ENDPOINTS:
        scheme, host = destination(part.settings.get(key))
        if scheme == _WITHOUT_TLS:
            is_seen = True
            yield _ClearText(part, (*part.path, key), host)
        elif insecure and host and scheme in ("", "dns", "passthrough"):
            is_seen = True
            yield _ClearText(part, insecure, host)
    if insecure and not is_seen and not _is_encrypted(part.settings):
        yield _ClearText(part, insecure, "")


def _insecure_at(part: Part) -> Path:
    """Return the path of a switch that turns TLS off; an empty one if there is none."""
    for path in (("tls", "insecure"), ("protocol", "otlp", "tls", "insecure")):
        if at(part.settings, path) is True:
            return (*part.path, *path)
    return ()


def _is_encrypted(settings: dict[str, Any]) -> bool:
    """Whether the endpoint's scheme decides: https overrides `insecure`."""
    return any(destination(settings.get(key))[0] in ("https", "unix") for key in _ENDPOINTS)


_ENDPOINT = "https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp"


class _Protocol(NamedTuple):
    """A protocol of OTLP: its usual port, that of the other one, and the exporter that speaks the other one."""

    name: str
    other_port: int
    usual_port: int
    other_exporter: str


_PROTOCOLS = {
    "otlp": _Protocol("gRPC", 4318, 4317, "otlp_http"),
    "otlpgrpc": _Protocol("gRPC", 4318, 4317, "otlp_http"),
    "otlphttp": _Protocol("HTTP", 4317, 4318, "otlp_grpc"),
}
_BARE_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?(/|\Z)")


@about(exporters=_BY_URL)
def endpoint_without_scheme(subject: Subject) -> Iterator[Fault]:
    """Yield URLs of OTLP over HTTP, remote write and Zipkin without a scheme, so that each request fails."""
    for part in subject.view.of("exporters", *_BY_URL):
        for key in _ENDPOINTS:
            value = part.settings.get(key)
            if _fails_each_request(value, part.kind) and uses_endpoint(subject.view, part, key):
                message = f"'{value}' is not a URL, so every request of '{part.id}' fails"
                yield Fault((*part.path, key), message, f"Write `https://{value}`, or `http://{value}` without TLS.")


def _fails_each_request(endpoint: Any, kind: str) -> bool:
    """Whether an endpoint is a bare host; without a port, remote write refuses to start instead."""
    host = _BARE_HOST.match(endpoint) if isinstance(endpoint, str) else None
    if host is None:
        return False
    return bool(host[1]) or kind != "prometheusremotewrite"


@about(exporters=_PROTOCOLS)
def port_of_other_protocol(subject: Subject) -> Iterator[Fault]:
    """Yield endpoints of OTLP over gRPC with the port of OTLP over HTTP, and the reverse."""
    for part in subject.view.of("exporters", *_PROTOCOLS):
        protocol = _PROTOCOLS[part.kind]
        port_of_other = re.compile(rf":{protocol.other_port}(/|\Z)")
        for key in _ENDPOINTS:
            value = part.settings.get(key)
            if isinstance(value, str) and port_of_other.search(value):
                message = (
                    f"'{part.id}' uses {protocol.name}, and {protocol.other_port} is the usual port of the other "
                    "protocol of OTLP"
                )
                fix = f"Write port {protocol.usual_port}, or use the exporter {protocol.other_exporter}."
                yield Fault((*part.path, key), message, fix)


_QUEUES = "https://github.com/open-telemetry/opentelemetry-collector/blob/main/exporter/exporterhelper/README.md"
_SWITCHES: dict[Path, str] = {
    ("retry_on_failure", "enabled"): "drops data that the receiver rejects at the first attempt",
    ("sending_queue", "enabled"): "makes senders wait for each request, and gives them its error back: those that do "
    "not send again lose data",
    ("remote_write_queue", "enabled"): "makes senders wait for each request, and gives them its error back: those that "
    "do not send again lose data",
}


def nothing_retried(subject: Subject) -> Iterator[Fault]:
    """Yield exporters with retries or queue turned off; a short outage loses data."""
    for part in subject.view.parts:
        if part.section != "exporters":
            continue
        for path, effect in _SWITCHES.items():
            if at(part.settings, path) is False:
                yield Fault((*part.path, *path), f"'{part.id}' {effect}", f"Remove `{path[0]}: {{enabled: false}}`.")


RULES = (
    *rules("error", plaintext_secret, documentation=_STORING),
    *rules("error", placeholder, documentation=_PLACEHOLDERS),
    *rules("warning", clear_text, documentation=_TLS),
    *rules("info", clear_text_inside, documentation=_TLS),
    *rules("warning", unverified_certificate, documentation=_TLS),
    *rules("info", open_receiver, documentation=_DOCUMENTATION),
    *rules("warning", open_diagnostics, documentation=_DOCUMENTATION),
    *rules("info", verbose_debug, documentation=_DEBUG),
    *rules("error", endpoint_without_scheme, documentation=_ENDPOINT),
    *rules("warning", port_of_other_protocol, documentation=_ENDPOINT),
    *rules("warning", nothing_retried, documentation=_QUEUES),
)
