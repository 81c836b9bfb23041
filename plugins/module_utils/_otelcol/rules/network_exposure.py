# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on what others can read or reach: clear text on the network, and open receivers and diagnostics.

Sources: the Collector's config/configtls, and OpenTelemetry's best practices for configs. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    exporters.otlp.endpoint: warning [clear-text] 'otlp' sends in clear text to ingest.example.com. Use the server's
    TLS port: an https:// URL, or `tls: {insecure: false}` with gRPC.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..config.addresses import ANY_HOSTS, is_internal_host, is_loopback, parse_destination
from ..config.paths import Path, value_at
from ..needs.listeners import Listener
from ..needs.started_components import StartedComponent
from ..traits import EXTENSIONS, Trait, sends_nothing, traits_of, types_with_traits
from .rule_definitions import SEVERITY_OF_RULE, Fault, about, define_rules
from .subject import Subject
from .view import ENDPOINT_KEYS

_BEST_PRACTICES = "https://opentelemetry.io/docs/security/config-best-practices/"
_TLS = "https://github.com/open-telemetry/opentelemetry-collector/blob/main/config/configtls/README.md"
_FIX_OUTSIDE = "Use the server's TLS port: an https:// URL, or `tls: {insecure: false}` with gRPC."
_FIX_IN_CLUSTERS = (
    "Give the receiver a certificate (`tls_secret` of recipe otlp_ingest) and write `tls: {ca_file: FILE}` here "
    "(`ca_secret` of recipe otlp_forward)."
)
_FIX_ON_HOSTS = (
    "Give the receiver a certificate, and write `tls: {ca_file: FILE}` here (`otel_host_tls` for both sides of recipe "
    "otlp_forward)."
)
_INSECURE_SWITCHES: tuple[Path, ...] = (("tls", "insecure"), ("protocol", "otlp", "tls", "insecure"))
_SKIP_VERIFY_KEY = "insecure_skip_verify"
# The schemes with which a switch decides whether gRPC uses TLS.
_SCHEMES_OF_GRPC = ("", "dns", "passthrough")
# The schemes that decide by themselves.
_SCHEMES_OVERRIDING_SWITCH = ("https", "unix")


class _ClearText(NamedTuple):
    """An exporter that sends in clear text, where that is said, and to which host; empty if it is not known."""

    part: StartedComponent
    path: Path
    host: str


def _list_clear_text_exporters(subject: Subject) -> Iterator[_ClearText]:
    """Yield where exporters send in clear text."""
    for part in subject.view.started_components:
        if part.section == "exporters" and not sends_nothing(part.kind):
            yield from _list_clear_texts_of_part(part)


def _list_clear_texts_of_part(part: StartedComponent) -> Iterator[_ClearText]:
    """Yield the endpoints of an exporter without TLS; where none is known, the switch that turns TLS off."""
    switch_path = _find_insecure_switch(part)
    clear_endpoints = list(_list_clear_endpoints(part, switch_path))
    yield from clear_endpoints
    # Exporters such as load_balancing have the switch and no endpoint that is known here.
    if switch_path and not clear_endpoints and not _is_encrypted(part.settings):
        yield _ClearText(part, switch_path, "")


def _list_clear_endpoints(part: StartedComponent, switch_path: Path) -> Iterator[_ClearText]:
    """Yield the endpoints of an exporter without TLS: by their scheme, or by the switch if there is one."""
    for key in ENDPOINT_KEYS:
        scheme, host = parse_destination(part.settings.get(key))
        if scheme == "http":
            yield _ClearText(part, (*part.path, key), host)
        elif switch_path and host and scheme in _SCHEMES_OF_GRPC:
            yield _ClearText(part, switch_path, host)


def _find_insecure_switch(part: StartedComponent) -> Path:
    """Return the path of a switch that turns TLS off; an empty one if there is none."""
    for path in _INSECURE_SWITCHES:
        if value_at(part.settings, path) is True:
            return (*part.path, *path)
    return ()


def _is_encrypted(settings: dict[str, Any]) -> bool:
    """Whether the scheme of an endpoint overrides the switch: https is encrypted, and a socket needs no encryption."""
    schemes = {parse_destination(settings.get(key)).scheme for key in ENDPOINT_KEYS}
    return not schemes.isdisjoint(_SCHEMES_OVERRIDING_SWITCH)


def clear_text(subject: Subject) -> Iterator[Fault]:
    """Yield exporters that send in clear text to a host outside the cluster."""
    for part, path, host in _list_clear_text_exporters(subject):
        if host and not is_internal_host(host):
            yield Fault(path, f"'{part.id}' sends in clear text to {host}", _FIX_OUTSIDE)


def clear_text_inside(subject: Subject) -> Iterator[Fault]:
    """Yield exporters that send in clear text within the cluster or to an unknown address."""
    network_name = "network" if subject.on_host else "cluster"
    fix = _FIX_ON_HOSTS if subject.on_host else _FIX_IN_CLUSTERS
    for part, path, host in _list_clear_text_exporters(subject):
        if not host:
            yield Fault(path, f"'{part.id}' sends in clear text to an address that is not known here", fix)
        elif is_internal_host(host) and not is_loopback(host):
            yield Fault(path, f"'{part.id}' sends in clear text inside the {network_name}, to {host}", fix)


def unverified_certificate(subject: Subject) -> Iterator[Fault]:
    """Yield TLS settings that accept any certificate; an attacker in between can read and change the data."""
    for path, value in subject.view.scalar_leaves:
        if path[-1:] != (_SKIP_VERIFY_KEY,) or value is not True:
            continue
        is_scrape = path[0] == "receivers"  # kubelets sign their own certificates, and get no telemetry
        fix = "Remove it, and give the server's CA as `ca_file`."
        yield Fault(path, "any certificate is accepted here", fix, severity="info" if is_scrape else SEVERITY_OF_RULE)


def open_receiver(subject: Subject) -> Iterator[Fault]:
    """Yield receivers that accept clear text on every address."""
    is_on_node = bool(subject.deployment and subject.deployment.uses_host_network)
    for listener in subject.view.listeners:
        if not _accepts_clear_text(listener):
            continue
        message = f"port {listener.port} accepts clear text on every address"
        address = _suggest_narrower_address(listener.port, subject.on_host)
        fix = f"Write `{address}`, and `tls: {{cert_file: FILE, key_file: FILE}}` beside it."
        yield Fault(listener.path, message, fix, severity="warning" if is_on_node else SEVERITY_OF_RULE)


def _accepts_clear_text(listener: Listener) -> bool:
    """Whether a receiver listens for TCP on every address, at an endpoint without `tls` beside it."""
    part = listener.part
    if part is None or part.section != "receivers":
        return False
    has_endpoint = listener.path != part.path
    is_open = listener.protocol == "TCP" and listener.host in ANY_HOSTS
    if not has_endpoint or not is_open:
        return False
    server_path = listener.path[2:-1]  # without the section and the id before it, and without the endpoint's key
    return value_at(part.settings, (*server_path, "tls")) is None


def _suggest_narrower_address(port: int, is_on_host: bool) -> str:
    """Return an address that others reach less: that of the pod, or the loopback of a host."""
    if is_on_host:
        return f"127.0.0.1:{port}"
    return f'"[${{env:MY_POD_IP}}]:{port}"'


@about(extensions=types_with_traits(EXTENSIONS, Trait.SHOWS_INTERNALS))
def open_diagnostics(subject: Subject) -> Iterator[Fault]:
    """Yield pprof and zpages that are reachable from outside the pod; they expose memory and can exhaust it."""
    machine_name, tunnel_command = ("host", "ssh -L") if subject.on_host else ("pod", "kubectl port-forward")
    for listener in subject.view.listeners:
        part = listener.part
        if part and Trait.SHOWS_INTERNALS in traits_of(part.section, part.kind) and not is_loopback(listener.host):
            fix = f"Write `{listener.describe_host_setting('localhost')}`, and use `{tunnel_command}`."
            yield Fault(listener.path, f"'{part.id}' is reachable from outside the {machine_name}", fix)


RULES = (
    *define_rules("warning", clear_text, documentation=_TLS),
    *define_rules("info", clear_text_inside, documentation=_TLS),
    *define_rules("warning", unverified_certificate, documentation=_TLS),
    *define_rules("info", open_receiver, documentation=_BEST_PRACTICES),
    *define_rules("warning", open_diagnostics, documentation=_BEST_PRACTICES),
)
