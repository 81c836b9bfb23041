# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module alert_plan: which collector of the inventory an alert is about, and what is done about it. Private.

Playbook alert calls it first, with an alert that ansible-rulebook or the EDA controller has received. What may be done:
the collector is diagnosed, runs that change hosts in waves are stopped, and the last change of the collector is undone
(see alert_answer.py). For example, alert OtelCollectorExportFailed is about collector `agent` on web1, while no run
changes hosts. Then the result has

    {"host": "web1", "collector": "agent", "diagnoses": true, "stops_waves": false, "goes_back": true, …}

`_alert_keep.py` keeps at the end what was found out and done.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypedDict

from ansible.module_utils.parsing.convert_bool import boolean

from ..module_utils._alerts.alert_answer import CONSENT_VARIABLE, AlertedHost, decide_answer
from ..module_utils._alerts.collector_alert import ASKED, HOST_LABEL, CollectorAlert, read_alert
from ..module_utils._alerts.run_records import Stop
from ..module_utils._otelcol.errors import Problem, clean_text, join_at_most, suggest_word
from ._alert_folder import AlertFolder
from ._chosen_collectors import select_names
from ._host_request import HostRequest
from ._inventory_hosts import LINUX_GROUP
from ._role_options import read_all_role_options

# Where ansible-rulebook and the EDA controller put the event, and what the filter of this collection makes of it.
_EVENT_PATH = ("ansible_eda", "event", "alert")
_SHOWN_COLLECTORS = 5
_LONGEST_NAME = 100
_SECONDS_VARIABLE = "otel_alert_change_seconds"
_DEFAULT_SECONDS = 3600.0


class AlertPlan(TypedDict):
    """The result of module alert_plan."""

    changed: bool
    alert: str
    """The name of the alert."""
    host: str
    """The host of the inventory that it is about: a Linux host, or one that stands for a cluster."""
    collector: str
    """The name of the collector, without its namespace."""
    only: list[str]
    """The same as diagnoses take it: NAME on a Linux host, NAMESPACE/NAME in a cluster."""
    began: float
    """When the alert began, in seconds of Unix."""
    change_seconds: float
    """How long before the alert the change may have been that is undone."""
    clusters: list[str]
    """The host, if it stands for a cluster; else nothing. Plays take it as their hosts."""
    linux: list[str]
    """The host, if it is a Linux host; else nothing."""
    diagnoses: bool
    goes_back: bool
    """Whether the last change of the collector is to be undone."""
    stops_waves: bool
    """Whether runs that change hosts in waves are stopped."""
    told: list[str]
    """Lines for people."""


def plan_alert(
    arguments: Mapping[str, Any], variables: Mapping[str, Any], current_time: float, check: bool
) -> dict[str, Any]:
    """Return which collector an alert is about, and what is done. Raises Problem for one of another inventory.

    The texts of the alert are read where no template of them is rendered, and nothing is named by them: hosts and
    collectors are those of the inventory. `current_time` is in seconds of Unix.
    """
    alert = read_alert(_find_alert_event(variables))
    host = _find_host(alert, variables)
    host_variables = variables["hostvars"][host]
    is_cluster = host not in (variables["groups"].get(LINUX_GROUP) or ())
    _check_collector_is_known(alert, host, host_variables, is_cluster)
    alert_folder = AlertFolder(arguments["path"])
    alert_place = AlertedHost(host, is_cluster, _consents_to_undo(host_variables))
    planned_answer = decide_answer(alert, alert_place, alert_folder.list_runs(current_time))
    if not check:
        alert_folder.remove_ended_runs(current_time)
    if planned_answer.stops_waves and not check:
        alert_folder.note_stop(Stop(alert.name, alert.qualified_name, host, current_time))
    plan: AlertPlan = {
        "changed": planned_answer.stops_waves,
        "alert": alert.name,
        "host": host,
        "collector": alert.collector,
        "only": [alert.qualified_name if is_cluster else alert.collector],
        "began": alert.begin_time,
        "change_seconds": _read_change_seconds(host_variables),
        "clusters": [host] if is_cluster else [],
        "linux": [] if is_cluster else [host],
        "diagnoses": planned_answer.diagnoses,
        "goes_back": planned_answer.undoes_change,
        "stops_waves": planned_answer.stops_waves,
        "told": [
            f"{alert.name} of collector {alert.qualified_name} on {host} since {alert.began_at}.",
            *planned_answer.report_lines,
        ],
    }
    return dict(plan)


def _find_alert_event(variables: Mapping[str, Any]) -> Any:
    """Return the alert as it came. Ansible renders a variable where a task names it, and no task names this one."""
    alert_event: Any = variables
    for name in _EVENT_PATH:
        alert_event = alert_event.get(name) if isinstance(alert_event, Mapping) else None
    return alert_event


def _find_host(alert: CollectorAlert, variables: Mapping[str, Any]) -> str:
    """Return the host of the inventory that the alert names, or the only one. Raises Problem if there is none."""
    hosts = list(variables["groups"].get("all") or ())
    matching_hosts = [host for host in hosts if host == alert.host] if alert.host else hosts
    if len(matching_hosts) == 1 and matching_hosts[0] in variables["ansible_play_hosts_all"]:
        return str(matching_hosts[0])
    label_path = f"labels.{HOST_LABEL}"
    if alert.host:
        name = clean_text(alert.host, _LONGEST_NAME)
        wrong = f"the inventory of this run has no host '{name}'{suggest_word(alert.host[:_LONGEST_NAME], hosts)}"
        raise Problem(wrong, asked=ASKED, where=label_path, fix="Nothing was run.")
    wrong = f"it has no such label, and the inventory has {len(hosts)} hosts"
    label = f"alert_labels: {{{HOST_LABEL}: '{{{{ inventory_hostname }}}}'}}"
    fix = f"Set `{label}` in `monitoring` of the collectors. Nothing was run."
    raise Problem(wrong, asked=ASKED, where=label_path, fix=fix)


# ── The collectors of a host, and what it allows ──


def _check_collector_is_known(
    alert: CollectorAlert, host: str, host_variables: Mapping[str, Any], is_cluster: bool
) -> None:
    """Raise Problem if the inventory has no such collector on the host."""
    known_collectors = list(
        _list_cluster_collectors(host_variables) if is_cluster else _list_host_collectors(host_variables)
    )
    alert_collector = alert.qualified_name if is_cluster else alert.collector
    if not select_names(known_collectors, [alert_collector]):
        wrong = f"{host} has no collector '{alert_collector}' in the inventory"
        fix = f"It has {join_at_most(_SHOWN_COLLECTORS, known_collectors) or 'none'}. Nothing was run."
        raise Problem(wrong, asked=ASKED, where="labels.collector", fix=fix)


def _list_cluster_collectors(host_variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield the collectors of a cluster, as NAMESPACE/NAME."""
    common_options = {
        key: host_variables[f"otel_collector_{key}"]
        for key in ("name", "namespace")
        if f"otel_collector_{key}" in host_variables
    }
    collector_rows = host_variables.get("otel_collector_instances") or host_variables.get("otel_collectors") or [{}]
    for row in _select_mappings(collector_rows):
        options = {**common_options, **row}
        namespace = _read_option(options, "otel_collector", "namespace")
        name = _read_option(options, "otel_collector", "name")
        yield f"{namespace}/{name}"


def _list_host_collectors(host_variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield the collectors of a Linux host, by the names with which role otel_host installs them."""
    request = HostRequest.from_variables(host_variables)
    # Without a list of collectors, the common options are those of the one collector.
    collector_rows = request.collectors or ([{}] if request.names_any else [])
    for row in _select_mappings(collector_rows):
        yield _read_option({**request.defaults, **row}, "otel_host", "name")


def _read_option(options: Mapping[str, Any], role: str, key: str) -> str:
    """Return an option of a collector as the role reads it: null is the default of the role.

    `options` are those of the collector's row, which hide the common ones, also if they are null.
    """
    written_value = options.get(key)
    default = read_all_role_options(role)[f"{role}_{key}"].get("default")
    return str(default if written_value is None else written_value)


def _select_mappings(values: Any) -> list[Mapping[str, Any]]:
    """Return the mappings of a list; what else a user has written is for the roles to refuse."""
    return [entry for entry in values if isinstance(entry, Mapping)] if isinstance(values, Sequence) else []


def _consents_to_undo(variables: Mapping[str, Any]) -> bool:
    """Whether the last change may be undone. Raises Problem for what is neither true nor false."""
    consent = variables.get(CONSENT_VARIABLE, False)
    try:
        return bool(boolean(consent))
    except TypeError:
        raise Problem(f"it is {consent!r}", asked=ASKED, where=CONSENT_VARIABLE, fix="Write true or false.") from None


def _read_change_seconds(variables: Mapping[str, Any]) -> float:
    """Return in seconds how long before an alert a change may have been.

    Raises Problem for what is no number, or below 0.
    """
    given_seconds = variables.get(_SECONDS_VARIABLE, _DEFAULT_SECONDS)
    try:
        change_seconds = float(given_seconds)
    except (OverflowError, TypeError, ValueError):
        change_seconds = math.nan
    if isinstance(given_seconds, bool) or not 0 <= change_seconds < math.inf:
        raise Problem(
            f"it is {given_seconds!r}", asked=ASKED, where=_SECONDS_VARIABLE, fix="Write a number of seconds."
        )
    return change_seconds
