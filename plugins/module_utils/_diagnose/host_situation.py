# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which facts the checks of a host get of a collector: what the host has said, and what that means.

`host_checks.py` has the checks. The facts have the keys of a collector of a cluster, as `live/collect.py` makes them,
and besides those that only a host has, such as `service`. `host_journal.py` reads the journal, `host_files.py` the
rights of files. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .._otelcol.config.paths import items
from .._telemetry import log_causes, logs
from .._telemetry.times import age, seconds_between
from .host_files import certificate_facts, unreadable_files
from .host_journal import START_LIMIT_HIT, HostJournal
from .host_words import host_words

# A difference of clocks below it harms nothing; certificates and AWS take some minutes.
_SKEW_SECONDS = 60
# The results of a service that a kill may have ended. Source: systemd.service(5), $SERVICE_RESULT.
_RESULTS_OF_KILLS = ("oom-kill", "signal", START_LIMIT_HIT)


@dataclass(frozen=True)
class HostAnswer:
    """What a host has said: of one collector, and of itself. `asked` is when, by the clock of the controller.

    `name` is that of the host, `raw` what it says of the collector, `question` what it was asked about it. `now` is
    the time of the host, and `mask` hides the secrets of the collector.
    """

    name: str
    raw: Mapping[str, Any]
    host: Mapping[str, Any]
    question: Mapping[str, Any]
    asked: tuple[float, float]
    now: str
    mask: Callable[[str], str]

    @property
    def service(self) -> Mapping[str, Any]:
        """What systemd says of the service."""
        service: Mapping[str, Any] = self.raw["service"]
        return service

    @property
    def is_running(self) -> bool:
        """Whether the service runs."""
        return bool(self.service["active"] == "active")

    @property
    def journal(self) -> HostJournal:
        """The entries of the service in the journal."""
        return HostJournal(items(self.raw, "journal"))


def host_situation(answer: HostAnswer) -> dict[str, Any]:
    """Return the facts of one collector, without those of its metrics, which `with_flows` adds."""
    return {
        **_service_facts(answer),
        **_release_facts(answer),
        **_failure_facts(answer),
        **_file_facts(answer),
        **_facts_of_the_host(answer),
        **_journal_access(answer),
        "logs": _log_facts(answer),
        "unseen": [],
    }


def _service_facts(answer: HostAnswer) -> dict[str, Any]:
    """Return which service it is, and whether it runs."""
    service = {**answer.service, "given_up": not answer.is_running and _has_given_up(answer)}
    return {
        "name": answer.raw["name"],
        "namespace": answer.name,
        "kind": "service",
        "mode": "service",
        "image": str(answer.raw["program"]["path"]),
        "running": answer.is_running,
        "ready_text": f"{service['active']} ({service['sub']})",
        "workload": {"service": service},
        "service": service,
        "drop_ins": [path for path in service["drop_ins"] if f"/{service['unit']}.d/" in path],
    }


def _has_given_up(answer: HostAnswer) -> bool:
    """Whether systemd starts a service no more. It keeps the result of the failure before that, and tells its journal.

    Source: service_enter_dead and unit_start in systemd's src/core, seen with version 252.
    """
    return answer.service["result"] == START_LIMIT_HIT or answer.journal.says_too_often()


def _release_facts(answer: HostAnswer) -> dict[str, Any]:
    """Return what the host says of the release: its program, its credentials, its ports and its health."""
    raw = answer.raw
    return {
        "release": raw["release"],
        "program": raw["program"],
        "credentials": raw["release"]["credentials"],
        "closed": raw["closed"],
        "taken": raw["taken"],
        "unhealthy": raw["unhealthy"],
    }


def _failure_facts(answer: HostAnswer) -> dict[str, Any]:
    """Return why a service does not run, and whether it was killed."""
    is_down = not answer.is_running and answer.raw["release"]["number"]
    return {
        "symptoms": [_symptom(answer)] if is_down else [],
        "last_words": answer.journal.last_words(),
        "killed": _kills(answer),
    }


def _symptom(answer: HostAnswer) -> dict[str, Any]:
    """Return how a service is that does not run, with the last words of its process and their cause."""
    service = answer.service
    last_words = answer.journal.last_words()
    symptom = {
        "about": "start",
        "state": f"{service['active']}, {service['result']}, status {service['status']}",
        "cause": "",
        "last": last_words,
        "fix": f"Read its journal: `journalctl -u {service['unit']}`.",
    }
    causes = list(log_causes.causes_in(last_words, log_causes.CAUSES))
    if causes:
        words = host_words(causes[0].id) or causes[0]
        symptom["cause"] = f"{words.text}:"
        symptom["fix"] = words.fix
    return symptom


def _kills(answer: HostAnswer) -> list[dict[str, Any]]:
    """Return the last time that the kernel killed it for its memory; none if it is down for another reason."""
    if not answer.is_running and answer.service["result"] not in _RESULTS_OF_KILLS:
        return []
    killed_at = answer.journal.time_of_last_kill()
    if killed_at is None:
        return []
    limit = answer.service["memory_max"]  # bytes, or `infinity`
    limit_text = f"{int(limit) >> 20} MiB" if limit.isdigit() else "the host"
    return [{"limit": limit_text, "seconds": round(seconds_between(killed_at, answer.now))}]


def _file_facts(answer: HostAnswer) -> dict[str, Any]:
    """Return the files and peers of the collector, and the file systems."""
    raw = answer.raw
    certificates = items(raw, "certificates")
    return {
        "patterns": items(raw, "files"),
        "shut_files": list(unreadable_files(items(raw, "files"))),
        "certificates": [certificate_facts(row, answer.now, running=answer.is_running) for row in certificates],
        "peers": items(raw, "peers"),
        "disks": items(raw, "disks"),
    }


def _facts_of_the_host(answer: HostAnswer) -> dict[str, Any]:
    """Return what SELinux denied, the version of systemd, and how wrong the clock is."""
    return {
        "denials": items(answer.host, "denials"),
        "systemd": answer.host.get("systemd") or 0,
        "skew": _skew(answer),
    }


def _skew(answer: HostAnswer) -> dict[str, Any] | None:
    """Return how far the clock of the host is from that of the controller; None if it is near."""
    host_time = float(answer.host.get("now") or 0)
    asked_from, asked_until = answer.asked
    seconds_behind, seconds_ahead = asked_from - host_time, host_time - asked_until
    seconds = max(seconds_behind, seconds_ahead)
    if not host_time or seconds < _SKEW_SECONDS:
        return None
    direction = "behind" if seconds_behind > seconds_ahead else "ahead of"
    is_unsynchronized = answer.host.get("synchronized") == "no"
    note = ", and no time server sets it" if is_unsynchronized else ""
    return {"age": age(seconds), "direction": direction, "unsynchronized": note}


def _journal_access(answer: HostAnswer) -> dict[str, Any]:
    """Return whether a receiver of the journal may read it, and whether the journal is kept."""
    receivers = [f"receivers/{name}" for name in items(answer.question, "journals")]
    groups_that_may = items(answer.host, "journal_groups")
    shut_receivers = []
    if not set(groups_that_may) & set(answer.service["groups"]):
        groups_text = f" ({', '.join(groups_that_may)})" if groups_that_may else "; the host has none"
        shut_receivers = [{"about": name, "groups": groups_text} for name in receivers]
    return {
        "journal_receivers": receivers,
        "journal_is_kept": bool(answer.host.get("journal_is_kept")),
        "journal_shut": shut_receivers,
    }


def _log_facts(answer: HostAnswer) -> list[dict[str, Any]]:
    """Return what the journal says is wrong, in the words of hosts, with whether it still says it."""
    rows = []
    for row in logs.groups(answer.journal.collector_log(), answer.now, answer.mask):
        words = host_words(str(row["cause"]))
        in_words = words._asdict() if words else {}
        rows.append({**row, **in_words, "current": row["seconds_ago"] <= logs.CURRENT_SECONDS})
    return rows


def with_flows(facts: Mapping[str, Any], flow: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts with those of the metrics: what works is not said to be out of reach."""
    flows: dict[str, Any] = {"receives": None, "processes": [], "exports": [], **flow}
    sending = {row["about"] for row in flows["exports"] if row["state"] == "sends"}
    working = sending | _receiving(flows)
    peers = []
    for row in facts["peers"]:
        state = "ok" if row["about"] in sending else row["state"]
        peers.append({**row, "state": state})
    log_rows = [{**row, "calm": row["about"] in working} for row in facts["logs"]]
    return {**facts, **flows, "logs": log_rows, "peers": peers}


def _receiving(flows: Mapping[str, Any]) -> set[str]:
    """Return the receivers that get data, or that nobody sends to at the moment, such as `receivers/otlp`."""
    receiving = set()
    for row in flows["receives"] or ():
        if row["state"] in ("comes", "rests"):
            receiving.add(f"receivers/{row['id']}")
    return receiving
