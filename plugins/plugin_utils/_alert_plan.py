# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An alert and the inventory: which collector the alert is about, and what is done. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from ..module_utils._alerts.alert_answer import CONSENT, AlertPlace, answer
from ..module_utils._alerts.collector_alert import ASKED, HOST, CollectorAlert, alert_of
from ..module_utils._alerts.run_records import Stop
from ..module_utils._otelcol.errors import Problem, at_most, cleaned, near
from ._alert_folder import AlertFolder
from ._chosen_collectors import chosen_names
from ._host_groups import LINUX
from ._sources import documented

# Where ansible-rulebook and the EDA controller put the event, and what the filter of this collection makes of it.
_EVENT = ("ansible_eda", "event", "alert")
_SHOWN = 5
_LONGEST_NAME = 100
_SECONDS = "otel_alert_change_seconds"
_DEFAULT_SECONDS = 3600.0


def plan(arguments: Mapping[str, Any], variables: Mapping[str, Any], now: float, check: bool) -> dict[str, Any]:
    """Return which collector an alert is about, and what is done. Raises Problem for one of another inventory.

    The texts of the alert are read where no template of them is rendered, and nothing is named by them: hosts and
    collectors are those of the inventory. `now` is in seconds of Unix.
    """
    alert = alert_of(_event(variables))
    host = _host_of(alert, variables)
    its_variables = variables["hostvars"][host]
    is_cluster = host not in (variables["groups"].get(LINUX) or ())
    _check_known(alert, host, its_variables, is_cluster)
    folder = AlertFolder(arguments["path"])
    place = AlertPlace(host, is_cluster, _consents(its_variables))
    what = answer(alert, place, folder.runs(now))
    if what.stops_waves and not check:
        folder.note_stop(Stop(alert.name, alert.who, host, now))
    return {
        "changed": what.stops_waves,
        "alert": alert.name,
        "host": host,
        "collector": alert.collector,
        "only": [alert.who if is_cluster else alert.collector],
        "began": alert.began,
        "change_seconds": _seconds(its_variables),
        "clusters": [host] if is_cluster else [],
        "linux": [] if is_cluster else [host],
        "diagnoses": what.diagnoses,
        "goes_back": what.goes_back,
        "stops_waves": what.stops_waves,
        "told": [f"{alert.name} of collector {alert.who} on {host} since {alert.began_at}.", *what.told],
    }


def _event(variables: Mapping[str, Any]) -> Any:
    """Return the alert as it came. Ansible renders a variable where a task names it, and no task names this one."""
    found: Any = variables
    for name in _EVENT:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _host_of(alert: CollectorAlert, variables: Mapping[str, Any]) -> str:
    """Return the host of the inventory that the alert names, or the only one. Raises Problem if there is none."""
    hosts = list(variables["groups"].get("all") or ())
    named = [host for host in hosts if host == alert.host] if alert.host else hosts
    if len(named) == 1 and named[0] in variables["ansible_play_hosts_all"]:
        return str(named[0])
    where = f"labels.{HOST}"
    if alert.host:
        name = cleaned(alert.host, _LONGEST_NAME)
        wrong = f"the inventory of this run has no host '{name}'{near(alert.host[:_LONGEST_NAME], hosts)}"
        raise Problem(wrong, asked=ASKED, where=where, fix="Nothing was run.")
    wrong = f"it has no such label, and the inventory has {len(hosts)} hosts"
    label = f"alert_labels: {{{HOST}: '{{{{ inventory_hostname }}}}'}}"
    fix = f"Set `{label}` in `monitoring` of the collectors. Nothing was run."
    raise Problem(wrong, asked=ASKED, where=where, fix=fix)


# ── The collectors of a host, and what it allows ──


def _check_known(alert: CollectorAlert, host: str, variables: Mapping[str, Any], is_cluster: bool) -> None:
    """Raise Problem if the inventory has no such collector on the host."""
    known = list(_collectors_of_cluster(variables) if is_cluster else _collectors_of_host(variables))
    asked = alert.who if is_cluster else alert.collector
    if not chosen_names(known, [asked]):
        wrong = f"{host} has no collector '{asked}' in the inventory"
        fix = f"It has {at_most(_SHOWN, known) or 'none'}. Nothing was run."
        raise Problem(wrong, asked=ASKED, where="labels.collector", fix=fix)


def _collectors_of_cluster(variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield the collectors of a cluster, as NAMESPACE/NAME."""
    role = documented("otel_collector")
    common = {
        key: variables.get(f"otel_collector_{key}", role[f"otel_collector_{key}"].get("default"))
        for key in ("name", "namespace")
    }
    listed = variables.get("otel_collector_instances") or variables.get("otel_collectors") or [{}]
    for item in _mappings(listed):
        namespace, name = item.get("namespace") or common["namespace"], item.get("name") or common["name"]
        yield f"{namespace}/{name}"


def _collectors_of_host(variables: Mapping[str, Any]) -> Iterator[str]:
    for item in _mappings(variables.get("otel_host_collectors") or ()):
        yield str(item.get("name"))


def _mappings(listed: Any) -> list[Mapping[str, Any]]:
    return [item for item in listed if isinstance(item, Mapping)] if isinstance(listed, Sequence) else []


def _consents(variables: Mapping[str, Any]) -> bool:
    """Whether the last change may be undone. Raises Problem for what is neither true nor false."""
    given = variables.get(CONSENT, False)
    try:
        return bool(boolean(given))
    except TypeError:
        raise Problem(f"it is {given!r}", asked=ASKED, where=CONSENT, fix="Write true or false.") from None


def _seconds(variables: Mapping[str, Any]) -> float:
    """Return in seconds how long before an alert a change may have been. Raises Problem for what is no number."""
    given = variables.get(_SECONDS, _DEFAULT_SECONDS)
    try:
        return float(given)
    except (TypeError, ValueError):
        raise Problem(f"it is {given!r}", asked=ASKED, where=_SECONDS, fix="Write a number of seconds.") from None
