# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An alert and the inventory: which collector it is about, what is done, and what is kept of it. Private."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from ..module_utils._alerts.alert_answer import CONSENT, AlertPlace, answer
from ..module_utils._alerts.collector_alert import ASKED, HOST, CollectorAlert, alert_of
from ..module_utils._alerts.run_records import Stop, WaveRun, check_stop
from ..module_utils._otelcol.errors import Problem, at_most, cleaned, near
from ._alert_folder import AlertFolder, process_of
from ._chosen_collectors import chosen_names
from ._host_groups import LINUX
from ._sources import documented

# Where ansible-rulebook and the EDA controller put the event, and what the filter of this collection makes of it.
_EVENT = ("ansible_eda", "event", "alert")
_SHOWN = 5
_SECONDS = "otel_alert_change_seconds"
_DEFAULT_SECONDS = 3600.0
# What tasks of playbook alert leave in the variables of the host.
TARGET, DIAGNOSIS, LAST_CHANGE, RETURNED, FAILURE = (
    "__otel_target_found",
    "diagnose_result",
    "__otel_last_change",
    "__otel_alert_returned",
    "__otel_alert_failure",
)
_LONGEST = 2_000  # characters of a message


# ── The plan ──


def plan(arguments: Mapping[str, Any], variables: Mapping[str, Any], now: float, check: bool) -> dict[str, Any]:
    """Return which collector an alert is about, and what is done. Raises Problem for one of another inventory.

    The texts of the alert are read where no template of them is rendered, and nothing is named by them: hosts and
    collectors are those of the inventory.
    """
    alert = alert_of(_event(variables))
    host = _host_of(alert, variables)
    its_variables = variables["hostvars"][host]
    is_cluster = host not in (variables["groups"].get(LINUX) or ())
    _check_known(alert, host, its_variables, is_cluster)
    folder = AlertFolder(arguments["path"])
    place = AlertPlace(host, is_cluster, _consents(its_variables))
    runs = folder.runs(now)
    what = answer(alert, place, runs)
    if what.stops_waves and not check:
        folder.note_stop(Stop(alert.name, alert.who, host, now))
    told = [f"{alert.name} of collector {alert.who} on {host} since {alert.began_at}.", *what.told]
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
        "told": told,
    }


def _event(variables: Mapping[str, Any]) -> Any:
    """Return the alert as it came. Ansible renders a variable where a task names it, and no task names this one."""
    found: Any = variables
    for name in _EVENT:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _host_of(alert: CollectorAlert, variables: Mapping[str, Any]) -> str:
    """Return the host of the inventory that the alert names, or the only one."""
    hosts = list(variables["groups"].get("all") or ())
    named = [host for host in hosts if host == alert.host] if alert.host else hosts
    if len(named) == 1 and named[0] in variables["ansible_play_hosts_all"]:
        return str(named[0])
    if alert.host:
        wrong = f"the inventory of this run has no host '{cleaned(alert.host, 100)}'{near(alert.host[:100], hosts)}"
        raise Problem(wrong, asked=ASKED, where=f"labels.{HOST}", fix="Nothing was run.")
    wrong = f"it has no such label, and the inventory has {len(hosts)} hosts"
    label = f"alert_labels: {{{HOST}: '{{{{ inventory_hostname }}}}'}}"
    fix = f"Set `{label}` in `monitoring` of the collectors. Nothing was run."
    raise Problem(wrong, asked=ASKED, where=f"labels.{HOST}", fix=fix)


def _check_known(alert: CollectorAlert, host: str, variables: Mapping[str, Any], is_cluster: bool) -> None:
    """Raise Problem if the inventory has no such collector on the host."""
    known = list(_of_cluster(variables) if is_cluster else _of_host(variables))
    asked = alert.who if is_cluster else alert.collector
    if not chosen_names(known, [asked]):
        wrong = f"{host} has no collector '{asked}' in the inventory"
        fix = f"It has {at_most(_SHOWN, known) or 'none'}. Nothing was run."
        raise Problem(wrong, asked=ASKED, where="labels.collector", fix=fix)


def _of_cluster(variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield the collectors of a cluster, as NAMESPACE/NAME."""
    role = documented("otel_collector")
    common = {
        key: variables.get(f"otel_collector_{key}", role[f"otel_collector_{key}"].get("default"))
        for key in ("name", "namespace")
    }
    listed = variables.get("otel_collector_instances") or variables.get("otel_collectors") or [{}]
    for one in _mappings(listed):
        yield f"{one.get('namespace') or common['namespace']}/{one.get('name') or common['name']}"


def _of_host(variables: Mapping[str, Any]) -> Iterator[str]:
    for one in _mappings(variables.get("otel_host_collectors") or ()):
        yield str(one.get("name"))


def _mappings(listed: Any) -> list[Mapping[str, Any]]:
    return [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, Sequence) else []


def _consents(variables: Mapping[str, Any]) -> bool:
    """Whether the last change may be undone. Raises Problem for what is neither true nor false."""
    given = variables.get(CONSENT, False)
    try:
        return bool(boolean(given))
    except TypeError:
        raise Problem(f"it is {given!r}", asked=ASKED, where=CONSENT, fix="Write true or false.") from None


def _seconds(variables: Mapping[str, Any]) -> float:
    given = variables.get(_SECONDS, _DEFAULT_SECONDS)
    try:
        return float(given)
    except (TypeError, ValueError):
        raise Problem(f"it is {given!r}", asked=ASKED, where=_SECONDS, fix="Write a number of seconds.") from None


# ── What is kept ──


def keep(path: str, planned: Mapping[str, Any], variables: Mapping[str, Any], when: str, check: bool) -> dict[str, Any]:
    """Keep what was found out about an alert, and what was done. Raises Problem if something of it failed."""
    found = {name: variables.get(name) or {} for name in (TARGET, DIAGNOSIS, LAST_CHANGE, RETURNED, FAILURE)}
    failed = list(_failures(found))
    told = [*planned["told"], *_done(planned, found), *failed]
    kept = {
        **{key: planned[key] for key in ("alert", "host", "collector", "began", "stops_waves")},
        "when": when,
        "told": told,
        "verdict": list(found[DIAGNOSIS].get("verdict") or ()),
        "report": str(found[DIAGNOSIS].get("report") or "").split("\n"),
    }
    file = "" if check else AlertFolder(path).keep(kept["host"], planned["only"][0], f"{when}-{kept['alert']}", kept)
    lines = [*told, *kept["verdict"], *([f"Kept in {file}."] if file else [])]
    if failed:
        wrong = cleaned("; ".join(one.rstrip(".") for one in failed), _LONGEST)
        raise Problem(wrong, asked=f"Answer {planned['alert']}", fix=lines[-1], facts={"told": lines})
    return {"changed": bool(file), "path": file, "told": lines}


def _done(planned: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    """Yield what was done, and why the last change was not undone."""
    last = found[LAST_CHANGE]
    if found[RETURNED].get("msg") and not found[RETURNED].get("failed"):
        yield f"{last.get('msg')}: {found[RETURNED]['msg']}"
    elif last.get("is_changing"):
        yield f"{last['msg']}, so nothing is diagnosed and nothing goes back."
    elif planned["goes_back"] and last.get("msg") and not last.get("goes_back"):
        yield f"Nothing goes back: {last['msg']}."


def _failures(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield what failed: the connection, a diagnosis, a way back."""
    if found[TARGET] and "roles" not in found[TARGET]:  # the check of the cluster has failed
        yield f"the cluster was not read: {found[TARGET].get('msg')}"
    if found[LAST_CHANGE].get("unreachable"):
        yield f"the host does not answer: {found[LAST_CHANGE].get('msg')}"
    if found[LAST_CHANGE].get("failed"):
        yield f"the last change was not read: {found[LAST_CHANGE].get('msg')}"
    if found[FAILURE]:
        yield f"the collector was not diagnosed: {_reason(found)}"
    if found[RETURNED].get("failed"):
        yield f"the last change was not undone: {found[RETURNED].get('msg')}"


def _reason(found: Mapping[str, Any]) -> str:
    """Return why there is no diagnosis: in the words of the module that makes it, or of the task that failed before."""
    if found[DIAGNOSIS].get("msg"):
        return str(found[DIAGNOSIS]["msg"])
    return f"{found[FAILURE].get('task')}: {found[FAILURE].get('msg') or 'see its message above'}"


# ── The stop of waves ──


def begin_wave(path: str, planned: Mapping[str, Any], wave: str, now: float) -> dict[str, Any]:
    """Note that a run begins a wave. Raises Problem if an alert has come since the run began.

    An alert that came before is told once, in the first wave of the run, and stops nothing.
    """
    folder, own = AlertFolder(path), _own_run(planned, wave, now)
    earlier = next((run for run in folder.runs(now) if own.is_same(run)), None)
    begun = earlier.begun if earlier else now
    names = [one["name"] for one in planned["waves"]]
    stop = folder.stop()
    check_stop(stop, begun, names[names.index(wave) :])
    folder.note_run(own if earlier is None else _continued(own, begun))
    said = {"changed": False, "msg": f"No alert stops wave {wave}."}
    if stop and earlier is None:
        older = f"{stop.line} is older than this run, and does not stop it."
        return {**said, "warnings": [f"{older} Remove {folder.stop_file} to hear no more of it."]}
    return said


def _own_run(planned: Mapping[str, Any], wave: str, now: float) -> WaveRun:
    """Return the record of this run. The process of the playbook is the parent of the one that runs a task."""
    pid = os.getppid()
    hosts = [host for host, its_wave in planned["wave_of"].items() if its_wave == wave]
    return WaveRun(platform.node(), pid, process_of(pid), now, now, wave, hosts)


def _continued(own: WaveRun, begun: float) -> WaveRun:
    return WaveRun(own.node, own.pid, own.process, begun, own.wave_begun, own.wave, own.hosts)
