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

from .._otelcol.config.paths import list_at
from .._telemetry import log_causes, logs
from .._telemetry.times import describe_duration, seconds_between
from .host_files import describe_certificate_file, list_unreadable_files
from .host_journal import START_LIMIT_HIT, HostJournal
from .host_words import find_host_words

# A difference of clocks below it harms nothing; certificates and AWS take some minutes.
_SKEW_SECONDS = 60
# The results of a service that a kill may have ended. Source: systemd.service(5), $SERVICE_RESULT.
_KILL_RESULTS = ("oom-kill", "signal", START_LIMIT_HIT)


@dataclass(frozen=True)
class HostAnswer:
    """What a host has said: of one collector, and of itself. `asked_between` is when, by the clock of the controller.

    `name` is that of the host, `raw_answer` what it says of the collector, `question` what it was asked about it.
    `host_time` is the time of the host, and `mask_secrets` hides the secrets of the collector.
    """

    name: str
    raw_answer: Mapping[str, Any]
    host_facts: Mapping[str, Any]
    question: Mapping[str, Any]
    asked_between: tuple[float, float]
    host_time: str
    mask_secrets: Callable[[str], str]

    @property
    def service(self) -> Mapping[str, Any]:
        """What systemd says of the service."""
        service: Mapping[str, Any] = self.raw_answer["service"]
        return service

    @property
    def is_running(self) -> bool:
        """Whether the service runs."""
        return bool(self.service["active"] == "active")

    @property
    def journal(self) -> HostJournal:
        """The entries of the service in the journal."""
        return HostJournal(list_at(self.raw_answer, "journal"))


def build_host_situation(answer: HostAnswer) -> dict[str, Any]:
    """Return the facts of one collector, without those of its metrics, which `add_flow_facts` adds."""
    return {
        **_service_facts(answer),
        **_release_facts(answer),
        **_failure_facts(answer),
        **_file_facts(answer),
        **_host_facts(answer),
        **_journal_access(answer),
        "logs": _log_facts(answer),
        "unseen": [],
    }


def _service_facts(answer: HostAnswer) -> dict[str, Any]:
    """Return which service it is, and whether it runs."""
    service = {**answer.service, "given_up": not answer.is_running and _has_given_up(answer)}
    return {
        "name": answer.raw_answer["name"],
        "namespace": answer.name,
        "kind": "service",
        "mode": "service",
        "image": str(answer.raw_answer["program"]["path"]),
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
    return answer.service["result"] == START_LIMIT_HIT or answer.journal.says_started_too_often()


def _release_facts(answer: HostAnswer) -> dict[str, Any]:
    """Return what the host says of the release: its program, its credentials, its ports and its health."""
    raw = answer.raw_answer
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
    is_down = not answer.is_running and answer.raw_answer["release"]["number"]
    return {
        "symptoms": [_describe_symptom(answer)] if is_down else [],
        "last_words": answer.journal.find_last_words(),
        "killed": _find_last_kill(answer),
    }


def _describe_symptom(answer: HostAnswer) -> dict[str, Any]:
    """Return how a service is that does not run, with the last words of its process and their cause."""
    service = answer.service
    last_words = answer.journal.find_last_words()
    symptom = {
        "about": "start",
        "state": f"{service['active']}, {service['result']}, status {service['status']}",
        "cause": "",
        "last": last_words,
        "fix": f"Read its journal: `journalctl -u {service['unit']}`.",
    }
    causes = list(log_causes.find_causes(last_words, log_causes.CAUSES))
    if causes:
        cause_words = find_host_words(causes[0].id) or causes[0]
        symptom["cause"] = f"{cause_words.text}:"
        symptom["fix"] = cause_words.fix
    return symptom


def _find_last_kill(answer: HostAnswer) -> list[dict[str, Any]]:
    """Return the last time that the kernel killed it for its memory; none if it is down for another reason."""
    if not answer.is_running and answer.service["result"] not in _KILL_RESULTS:
        return []
    killed_at = answer.journal.find_time_of_last_kill()
    if killed_at is None:
        return []
    limit = answer.service["memory_max"]  # bytes, or `infinity`
    limit_text = f"{int(limit) >> 20} MiB" if limit.isdigit() else "the host"
    return [{"limit": limit_text, "seconds": round(seconds_between(killed_at, answer.host_time))}]


def _file_facts(answer: HostAnswer) -> dict[str, Any]:
    """Return the files and peers of the collector, and the file systems."""
    raw = answer.raw_answer
    certificates = list_at(raw, "certificates")
    return {
        "patterns": list_at(raw, "files"),
        "shut_files": list(list_unreadable_files(list_at(raw, "files"))),
        "certificates": [
            describe_certificate_file(row, answer.host_time, running=answer.is_running) for row in certificates
        ],
        "peers": list_at(raw, "peers"),
        "disks": list_at(raw, "disks"),
    }


def _host_facts(answer: HostAnswer) -> dict[str, Any]:
    """Return what SELinux denied, the version of systemd, and how wrong the clock is."""
    return {
        "denials": list_at(answer.host_facts, "denials"),
        "systemd": answer.host_facts.get("systemd") or 0,
        "skew": _measure_skew(answer),
    }


def _measure_skew(answer: HostAnswer) -> dict[str, Any] | None:
    """Return how far the clock of the host is from that of the controller; None if it is near."""
    host_time = float(answer.host_facts.get("now") or 0)
    asked_from, asked_until = answer.asked_between
    seconds_behind, seconds_ahead = asked_from - host_time, host_time - asked_until
    seconds = max(seconds_behind, seconds_ahead)
    if not host_time or seconds < _SKEW_SECONDS:
        return None
    direction = "behind" if seconds_behind > seconds_ahead else "ahead of"
    is_unsynchronized = answer.host_facts.get("synchronized") == "no"
    sync_note = ", and no time server sets it" if is_unsynchronized else ""
    return {"age": describe_duration(seconds), "direction": direction, "unsynchronized": sync_note}


def _journal_access(answer: HostAnswer) -> dict[str, Any]:
    """Return whether a receiver of the journal may read it, and whether the journal is kept."""
    receivers = [f"receivers/{name}" for name in list_at(answer.question, "journals")]
    groups_that_may = list_at(answer.host_facts, "journal_groups")
    shut_receivers = []
    if not set(groups_that_may) & set(answer.service["groups"]):
        groups_text = f" ({', '.join(groups_that_may)})" if groups_that_may else "; the host has none"
        shut_receivers = [{"about": name, "groups": groups_text} for name in receivers]
    return {
        "journal_receivers": receivers,
        "journal_is_kept": bool(answer.host_facts.get("journal_is_kept")),
        "journal_shut": shut_receivers,
    }


def _log_facts(answer: HostAnswer) -> list[dict[str, Any]]:
    """Return what the journal says is wrong, in the words of hosts, with whether it still says it."""
    rows = []
    for row in logs.group_log_failures(answer.journal.build_collector_log(), answer.host_time, answer.mask_secrets):
        cause_words = find_host_words(str(row["cause"]))
        word_fields = cause_words._asdict() if cause_words else {}
        rows.append({**row, **word_fields, "current": row["seconds_ago"] <= logs.CURRENT_SECONDS})
    return rows


def add_flow_facts(facts: Mapping[str, Any], flow: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts with those of the metrics: what works is not said to be out of reach."""
    flows: dict[str, Any] = {"receives": None, "processes": [], "exports": [], **flow}
    sending_components = {row["about"] for row in flows["exports"] if row["state"] == "sends"}
    working_components = sending_components | _find_working_receivers(flows)
    peers = []
    for row in facts["peers"]:
        state = "ok" if row["about"] in sending_components else row["state"]
        peers.append({**row, "state": state})
    log_rows = [{**row, "calm": row["about"] in working_components} for row in facts["logs"]]
    return {**facts, **flows, "logs": log_rows, "peers": peers}


def _find_working_receivers(flows: Mapping[str, Any]) -> set[str]:
    """Return the receivers that get data, or that nobody sends to at the moment, such as `receivers/otlp`."""
    receiving = set()
    for row in flows["receives"] or ():
        if row["state"] in ("comes", "rests"):
            receiving.add(f"receivers/{row['id']}")
    return receiving
