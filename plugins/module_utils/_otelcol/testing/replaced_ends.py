# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The receivers and exporters of a test, in place of the user's: they listen and send on loopback. Private.

These are the ends of a test. harness.py puts them into the config. A sink is an exporter that sends to the test; the
name in its URL says which exporter of the user it stands for. A receiver stays only if it reads what the test writes or
serves:

| the user's component | in a test |
|---|---|
| receiver `file_log`, `include: [/var/log/*.log]` | itself, `include: [/tmp/x/var/log/*.log]` |
| receiver `prometheus` with pages of the test | itself, with jobs that scrape the pages (scrapes.py) |
| receiver `zipkin` | receiver `otlp/0_zipkin` at `127.0.0.1:PORT` |
| exporter `kafka/a` | exporter `otlp_http/0_kafka_a` that sends to `http://127.0.0.1:PORT/kafka%2Fa` |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from posixpath import normpath
from typing import Any
from urllib.parse import quote

from ..config.paths import format_path, iter_leaves, value_at
from ..errors import Problem
from ..traits import kind_of
from . import scrapes
from .changed_sections import ChangedComponent, ChangedSection, collect_changed_section
from .checked_pipelines import check_shape

_FILE_LOG = "filelog"
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class ReplacedEnds:
    """What a test listens on and connects to: addresses on loopback, and the folder that stands for `/`."""

    sink_address: str
    """The URL of the test's server, such as `http://127.0.0.1:1234`."""
    port_by_receiver: Mapping[str, int]
    """A port of loopback for each receiver of the user."""
    root_folder: str
    """The folder in which the files of the test are, as if it were `/`."""
    otlp_http: str = "otlp_http"
    """The name of that exporter in the version of the Collector, `otlphttp` or `otlp_http`."""
    pages: Sequence[scrapes.ScrapedPage] = ()
    """What receivers of type prometheus scrape."""
    scrape_seconds: int = scrapes.SECONDS_BETWEEN_SCRAPES
    """Seconds between two scrapes."""
    is_replay: bool = False
    """Whether the run is a replay of captured telemetry: then no receiver stays, and each gets OTLP."""

    def reads_test_data(self, receiver: str) -> bool:
        """Return whether a receiver stays, and reads what the test puts there."""
        if self.is_replay:
            return False
        return is_file_log(receiver) or bool(self.list_pages_of(receiver))

    def list_pages_of(self, receiver: str) -> list[scrapes.ScrapedPage]:
        """Return the pages that a receiver scrapes."""
        return [page for page in self.pages if page.receiver == receiver]


def is_file_log(receiver: str) -> bool:
    """Return whether a receiver is of type file_log."""
    return kind_of(receiver) == _FILE_LOG


def make_numbered_id(kind: str, position: int, component_id: str) -> str:
    """Return the id, with a number of its own, of what stands for a component in a test, such as `otlp/0_zipkin`."""
    return f"{kind}/{position}_{make_id_part(component_id)}"


def make_id_part(component_id: str) -> str:
    """Return an id as a part of another one: `kafka/a` is `kafka_a`."""
    return component_id.replace("/", "_")


def replace_receivers(
    config: Mapping[str, Any], source_ids: Mapping[str, str], ends: ReplacedEnds, *, is_time_based: bool
) -> ChangedSection:
    """Return the receivers of a test. `source_ids` has for each receiver of the user the id of the one in its place.

    `is_time_based` says whether components send by time, so that one scrape at the end is too late. Raises Problem for
    settings that a test cannot use.
    """
    replaced_components = {}
    for receiver, source_id in source_ids.items():
        replaced_components[source_id] = _replace_receiver(config, receiver, ends, is_time_based=is_time_based)
    return collect_changed_section(replaced_components)


def _replace_receiver(
    config: Mapping[str, Any], receiver: str, ends: ReplacedEnds, *, is_time_based: bool
) -> ChangedComponent:
    """Return what stands for one receiver: itself if it reads what the test writes or serves, otherwise OTLP."""
    settings = _read_receiver_settings(config, receiver, ends)
    if ends.list_pages_of(receiver):
        return _build_scraping_receiver(settings, receiver, ends, is_time_based=is_time_based)
    if ends.reads_test_data(receiver):
        change = f"receivers.{receiver}: reads below the folder of the test, from the beginning; no storage"
        return ChangedComponent(_build_file_log_settings(ends.root_folder, settings), [change])
    change = f"receivers.{receiver}: OTLP on loopback"
    return ChangedComponent(_build_otlp_settings(ends.port_by_receiver[receiver], settings), [change])


def _read_receiver_settings(config: Mapping[str, Any], receiver: str, ends: ReplacedEnds) -> Mapping[str, Any]:
    """Return what the user sets of a receiver; an empty mapping for a variable in place of its settings.

    Raises Problem for settings of another shape, and for a variable if the test must know them.
    """
    path = ("receivers", receiver)
    user_settings = value_at(config, path)
    is_variable = isinstance(user_settings, str) and "${" in user_settings
    if is_variable and ends.reads_test_data(receiver):
        problem = "the files that this receiver reads are not known"
        raise Problem(problem, where=format_path(path), fix="Write its settings into the config.")
    if not is_variable:
        check_shape(config, path, Mapping, "mapping")
    return user_settings if isinstance(user_settings, Mapping) else {}


def _build_scraping_receiver(
    settings: Mapping[str, Any], receiver: str, ends: ReplacedEnds, *, is_time_based: bool
) -> ChangedComponent:
    """Return a receiver that scrapes the pages of the test: once at its stop, or again and again if that is needed.

    With `is_time_based`, components send at an interval, so that a scrape at the stop comes too late.
    """
    has_one_text_each = all(len(page.texts) == 1 for page in ends.pages)
    pace = 0 if has_one_text_each and not is_time_based else ends.scrape_seconds
    own_pages = ends.list_pages_of(receiver)
    scraping_receiver = scrapes.build_scraping_receiver(
        settings, own_pages, ends.sink_address, ends.port_by_receiver[receiver], pace
    )
    return ChangedComponent(
        scraping_receiver.settings, [f"receivers.{receiver}: {change}" for change in scraping_receiver.changes]
    )


def _build_file_log_settings(test_folder: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of file_log that reads the files of the test, whole."""
    file_log_settings = {key: value for key, value in settings.items() if key != "storage"}
    for key in ("include", "exclude"):
        if file_log_settings.get(key):
            file_log_settings[key] = _move_paths_below(test_folder, file_log_settings[key])
    return {**file_log_settings, "start_at": "beginning", "poll_interval": "50ms"}


def _move_paths_below(test_folder: str, paths: Any) -> list[str]:
    """Return patterns of paths below the folder of the test. The Collector takes a text for a list of one."""
    path_list = paths if isinstance(paths, (list, tuple)) else [paths]
    return [f"{test_folder}{normpath('/' + str(path).lstrip('/'))}" for path in path_list]


def _build_otlp_settings(port: int, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a receiver of OTLP; it hands on metadata if the user's receiver does."""
    server_settings: dict[str, Any] = {"endpoint": f"{_LOOPBACK}:{port}"}
    if _has_metadata_switch(settings):
        server_settings["include_metadata"] = True
    return {"protocols": {"http": server_settings}}


def _has_metadata_switch(settings: Mapping[str, Any]) -> bool:
    """Whether a receiver hands on the headers of requests, by any of its protocols."""
    return any(path[-1] == "include_metadata" and value is True for path, value in iter_leaves(settings))


def build_sink_settings(name: str, ends: ReplacedEnds) -> dict[str, Any]:
    """Return the settings of an exporter by which the test gets records under a name."""
    return {
        "endpoint": f"{ends.sink_address}/{quote(name, safe='')}",
        "encoding": "json",
        "compression": "none",
        "sending_queue": {"enabled": False},
        "retry_on_failure": {"enabled": False},
    }
