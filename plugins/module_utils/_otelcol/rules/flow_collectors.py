# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A collector of one run, of files or of a cluster, as data_flow.py compares it with the others. Private.

For example, of an agent with exporter `otlp` in a pipeline of traces, `sent` has the pair `("otlp", "traces")`. Of the
gateway that gets them, `received_signals` are `{"traces"}`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ..config.paths import mapping_at, value_at
from ..needs.pod_logs import PodLogs
from ..traits import RECEIVERS, Trait, find_otlp_protocol, kind_of, traits_of
from .annotated_scrapes import AnnotatedScrape, find_annotated_scrapes
from .client_metadata import find_asked_headers
from .printing_exporters import find_printing_exporters
from .subject import Printer, Receiving
from .view import View

# Where a receiver of OTLP says after which time it ends connections.
_CONNECTION_AGE_PATH = ("protocols", "grpc", "keepalive", "server_parameters", "max_connection_age")


class FlowCollector(NamedTuple):
    """A collector of those between which data flows, and what others need to know of it."""

    name: str
    """Empty for a collector of a file, which has none."""
    namespace: str
    services: Iterable[str]
    """The names of its Services, by which others send to it."""
    config: Any
    pod_logs: PodLogs | None = None
    """The files with its own log; None if they are not known."""
    nodes: str = ""
    """On which nodes it runs; empty for all."""

    @property
    def config_view(self) -> View:
        """The config taken apart. Nothing here needs its ports, so the table of ports is left out."""
        return View(self.config, {}, is_by_operator=False)

    @property
    def annotated_scrapes(self) -> tuple[AnnotatedScrape, ...]:
        """The jobs that scrape annotated pods and Services."""
        scrapes: list[AnnotatedScrape] = []
        for part in self.config_view.find_parts("receivers", "prometheus"):
            scrapes += find_annotated_scrapes(part, self.name, self.nodes)
        return tuple(scrapes)

    @property
    def printers(self) -> tuple[Printer, ...]:
        """The exporters that print records to its log; none if the files with the log are not known."""
        if not self.pod_logs:
            return ()
        verbosities = find_printing_exporters(self.config_view)
        return tuple(
            Printer(self.name, self.pod_logs, exporter, verbosity) for exporter, verbosity in verbosities.items()
        )

    @property
    def exporters_without_pods(self) -> set[str]:
        """The exporters that get data of applications without the attributes of their pods."""
        exporters: set[str] = set()
        for pipeline in self.config_view.pipelines:
            serves_applications = any(
                Trait.SERVES_APPLICATIONS in traits_of(RECEIVERS, name) for name in pipeline.receivers
            )
            adds_pods = any(kind_of(name) == "k8sattributes" for name in pipeline.processors)
            if serves_applications and not adds_pods:
                exporters.update(pipeline.exporters)
        return exporters

    @property
    def sent(self) -> Iterator[tuple[str, str]]:
        """Each exporter with a signal that it sends, such as `("otlp", "traces")`."""
        for pipeline in self.config_view.pipelines:
            for exporter in pipeline.exporters:
                yield exporter, kind_of(pipeline.key)

    @property
    def renews_connections(self) -> bool:
        """Whether receivers of OTLP end connections after a time, so that gRPC clients ask again who is there."""
        return any(value_at(settings, _CONNECTION_AGE_PATH) for settings in self.otlp_receiver_settings)

    @property
    def balancing_exporters(self) -> Iterator[str]:
        """Each exporter that asks DNS for all pods behind a name, by `dns:///`, and sends to them in turn."""
        for name, settings in mapping_at(self.config, "exporters").items():
            asks_dns = str(value_at(settings, ("endpoint",))).startswith("dns:///")
            if asks_dns and isinstance(name, str) and find_otlp_protocol(name) == "grpc":
                yield name

    @property
    def known_name(self) -> str:
        """The name, or else the first one of its Services; empty without both."""
        return self.name or min(self.services, default="")

    @property
    def otlp_receiver_settings(self) -> list[Any]:
        """The settings of the receivers of OTLP that pipelines use."""
        return [part.settings for part in self.config_view.find_parts("receivers", "otlp")]

    @property
    def receiving_facts(self) -> Receiving:
        """What the rules know of a collector that gets requests."""
        return Receiving(self.known_name, tuple(self.otlp_receiver_settings), tuple(find_asked_headers(self.config)))

    @property
    def received_signals(self) -> set[str]:
        """The signals that receivers of OTLP take; empty if there is none of them."""
        signals: set[str] = set()
        for pipeline in self.config_view.pipelines:
            if any(kind_of(name) == "otlp" for name in pipeline.receivers):
                signals.add(kind_of(pipeline.key))
        return signals
