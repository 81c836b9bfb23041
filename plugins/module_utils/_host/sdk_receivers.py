# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which collector of a host gets the data of each service with an SDK, and at which URL. Private.

`_host_services.py` of plugin_utils lists the OTLP receivers of the collectors of a host, and then calls
`list_sdk_services` with the rows of option `otel_host_sdks` (host_sdks.py). For example, if collector `agent` has

    SdkReceiver("agent", "http", "http://127.0.0.1:4318")

the row `{services: [shop], protocol: http/protobuf}` gives `shop.service` to `agent`, with that URL in its environment.
A receiver with TLS is no choice, since an SDK cannot send there by its URL alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._diagnose.otlp_http_receiver import LOOPBACK_OF_ANY
from .._host_change.bundle_form import unit_name
from .._host_change.service_environment import ServiceEnvironment
from .._otelcol.config.paths import mapping_at
from .._otelcol.errors import Problem, join_at_most, prefix_problems, suggest_word
from .._otelcol.needs.listeners import Listener
from .host_groups import GRPC, HTTP
from .host_sdks import HostSdk

# The section and the type of a receiver of OTLP.
_OTLP = ("receivers", "otlp")
# How many collectors a message names.
_SHOWN_COLLECTORS = 5


@dataclass(frozen=True)
class SdkReceiver:
    """Where a collector receives OTLP of its host."""

    collector: str
    protocol: str
    """GRPC or HTTP."""
    url: str
    """Such as `http://127.0.0.1:4318`."""
    closed_reason: str = ""
    """Why an SDK cannot send there by its URL alone, such as `receives TLS`; empty if it can."""


def list_sdk_receivers(collector: str, listeners: Iterable[Listener]) -> Iterator[SdkReceiver]:
    """Yield where a collector receives OTLP of its host."""
    for listener in listeners:
        part = listener.part
        if part is None or (part.section, part.kind) != _OTLP:
            continue
        protocol = HTTP if listener.name.endswith(HTTP) else GRPC
        address = listener.host.strip("[]")
        # A receiver that listens on all addresses is reached on the loopback: the service runs on the same host.
        host = LOOPBACK_OF_ANY.get(address, address)
        url_host = f"[{host}]" if ":" in host else host
        closed_reason = _explain_closed(mapping_at(part.settings, "protocols", protocol), host)
        yield SdkReceiver(collector, protocol, f"http://{url_host}:{listener.port}", closed_reason)


def list_sdk_services(
    sdks: Sequence[HostSdk], collectors: Sequence[str], receivers: Sequence[SdkReceiver]
) -> dict[str, list[ServiceEnvironment]]:
    """Return the services of each collector of a host. Raises Problem for a service without a collector, or of two."""
    services_by_collector: dict[str, list[ServiceEnvironment]] = {name: [] for name in collectors}
    collector_units = {unit_name(name) for name in collectors}
    listed_units: set[str] = set()
    for sdk in sdks:
        for unit in sdk.unit_names:
            with prefix_problems(f"service '{unit}'"):
                _check_unit_is_free(unit, collector_units, listed_units)
                receiver = _choose_receiver(sdk, collectors, receivers)
                services_by_collector[receiver.collector].append(sdk.build_environment(unit, receiver.url))
            listed_units.add(unit)
    return services_by_collector


def _check_unit_is_free(unit: str, collector_units: set[str], listed_units: set[str]) -> None:
    """Raise Problem for a unit of a collector, and for one that another row has."""
    if unit in collector_units:
        raise Problem("it is a collector of the inventory", fix="Use option `env` of the collector.")
    if unit in listed_units:
        raise Problem("it stands twice in the list", fix="Remove one.")


def _choose_receiver(sdk: HostSdk, collectors: Sequence[str], receivers: Sequence[SdkReceiver]) -> SdkReceiver:
    """Return where the services of a row send to. Raises Problem if no receiver fits, or those of several collectors.

    A receiver with a `closed_reason` fits too if the row has an endpoint: the user has said there how the SDK sends.
    """
    fitting_receivers = _find_fitting_receivers(sdk, collectors, receivers)
    _refuse_several_collectors(sdk, fitting_receivers)
    open_receivers = [receiver for receiver in fitting_receivers if not receiver.closed_reason]
    chosen_receiver = (open_receivers or fitting_receivers)[0]
    if chosen_receiver.closed_reason and not sdk.endpoint:
        wrong = f"collector '{chosen_receiver.collector}' {chosen_receiver.closed_reason} at {chosen_receiver.url}"
        fix = "Add a receiver on the loopback, or set `endpoint`, and what the SDK needs beside it in `env`."
        raise Problem(wrong, fix=fix)
    return chosen_receiver


def _find_fitting_receivers(
    sdk: HostSdk, collectors: Sequence[str], receivers: Sequence[SdkReceiver]
) -> list[SdkReceiver]:
    """Return the receivers of the row's protocol, of the collector that it names if it names one.

    Raises Problem for a collector that the host does not have, and if no receiver fits.
    """
    if sdk.collector and sdk.collector not in collectors:
        wrong = f"the host has no collector '{sdk.collector}'{suggest_word(sdk.collector, collectors)}"
        raise Problem(wrong, fix=f"Collectors: {join_at_most(_SHOWN_COLLECTORS, collectors)}.")
    fitting_receivers = []
    for receiver in receivers:
        if receiver.protocol == sdk.transport and sdk.collector in ("", receiver.collector):
            fitting_receivers.append(receiver)
    if not fitting_receivers:
        wrong = "no collector of the host has an OTLP receiver"
        if sdk.collector:
            wrong = f"collector '{sdk.collector}' has no OTLP receiver"
        raise Problem(f"{wrong} over {sdk.transport}", fix="Add recipe `otlp_ingest`, or change `protocol`.")
    return fitting_receivers


def _refuse_several_collectors(sdk: HostSdk, fitting_receivers: Iterable[SdkReceiver]) -> None:
    """Raise Problem for receivers of several collectors: only the user knows which one shall get the data."""
    collector_names = list(dict.fromkeys(receiver.collector for receiver in fitting_receivers))
    if len(collector_names) > 1:
        shown_names = join_at_most(_SHOWN_COLLECTORS, collector_names)
        wrong = f"several collectors of the host receive OTLP over {sdk.transport}: {shown_names}"
        raise Problem(wrong, fix="Name one with `collector`.")


def _explain_closed(settings: Mapping[str, Any], host: str) -> str:
    """Return why an SDK without more settings cannot send to a receiver, or an empty string."""
    if mapping_at(settings, "tls"):
        return "receives TLS"
    if mapping_at(settings, "auth"):
        return "asks for a login"
    if "$" in host:
        return "has an address that is known on the host alone"
    return ""
