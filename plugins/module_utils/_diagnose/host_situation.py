# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts about a collector of a Linux host, made of the answer of the host.

The action of module host_diagnose calls `build_host_situation`, then `add_flow_facts`, and gives the facts to the
checks of `host_checks.py`, which search them by JMESPath. The facts have the keys of a collector of a cluster, as
`live/diagnosed_collector.py` makes them, and further keys that only a host has, such as `service`. Private.

Keys that only hosts have, all of which are empty or false if nothing is wrong:

| key | what it holds | example |
|---|---|---|
| `missing_credentials` | the paths of credentials whose files are missing | `["/etc/token"]` |
| `taken_ports` | ports that another process listens on | `[{"text": "port 4317/tcp is in use by …", "fix": …}]` |
| `unopened_ports` | ports that the config opens and where nothing listens | `["4317/tcp"]` |
| `unhealthy_reason` | why the service does not say that it is healthy | `"http://127.0.0.1:13133: refused"` |
| `memory_kills` | when the kernel killed it for its memory | `[{"limit": "512 MiB", "seconds": 30}]` |
| `unreadable_files` | files that the service may not read | `[{"file": "/var/log/a.log", "owner": "root", …}]` |
| `receivers_without_journal` | receivers that may not read the journal | `[{"about": "receivers/journald", …}]` |
| `selinux_denials` | what SELinux has denied | `["avc:  denied  { read } for …"]` |
| `clock_difference` | how far the clock is from that of the controller | `{"age": "3 min", "direction": "behind", …}` |

`symptoms` say in which state a service is that does not run, as those of a cluster do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .._host_change.host_answer import CollectorAnswer, ServiceFacts, SystemFacts
from .._otelcol.config.paths import list_at
from .._telemetry import log_causes, logs
from .._telemetry.times import describe_duration, seconds_between
from .host_files import describe_certificate_file, list_unreadable_files
from .host_journal import START_LIMIT_HIT, HostJournal
from .host_words import find_host_words

# A smaller difference of clocks harms nothing: certificates and AWS tolerate some minutes.
_TOLERATED_CLOCK_SECONDS = 60
# The results of a service that a kill may have ended. Source: systemd.service(5), $SERVICE_RESULT.
_KILL_RESULTS = ("oom-kill", "signal", START_LIMIT_HIT)
_MIB = 1024 * 1024


@dataclass(frozen=True)
class HostAnswer:
    """What a host has answered about one of its collectors, and about itself."""

    name: str
    """The name of the host."""
    raw_answer: CollectorAnswer
    host_facts: SystemFacts
    question: Mapping[str, Any]
    """What the host was asked about the collector, see `host_questions.py`."""
    asked_between: tuple[float, float]
    """When the question began and ended, in seconds of Unix by the clock of the controller."""
    host_time: str
    """The time of the host, such as `2026-03-01T10:00:00Z`."""
    mask_secrets: Callable[[str], str]
    """Hides the secrets of the collector in a text."""

    @property
    def service(self) -> ServiceFacts:
        """What systemd says of the service."""
        return self.raw_answer["service"]

    @property
    def is_running(self) -> bool:
        """Whether the service runs."""
        return self.service["active"] == "active"

    @property
    def journal(self) -> HostJournal:
        """The entries of the service in the journal."""
        return HostJournal(list_at(self.raw_answer, "journal"))


def build_host_situation(answer: HostAnswer) -> dict[str, Any]:
    """Return the facts of one collector, without those of its metrics, which `add_flow_facts` adds."""
    return {
        **_collect_service_facts(answer),
        **_collect_release_facts(answer),
        **_collect_failure_facts(answer),
        **_collect_file_facts(answer),
        **_collect_system_facts(answer),
        **_collect_journal_access(answer),
        "logs": _list_log_failures(answer),
        "unseen": [],
    }


# ── The service and its release ──


def _collect_service_facts(answer: HostAnswer) -> dict[str, Any]:
    """Return which service it is, and whether it runs."""
    has_given_up = not answer.is_running and _has_systemd_given_up(answer)
    service = {**answer.service, "given_up": has_given_up}
    unit, drop_in_files = answer.service["unit"], answer.service["drop_ins"]
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
        # A drop-in for all services is none of this unit.
        "drop_ins": [path for path in drop_in_files if f"/{unit}.d/" in path],
    }


def _has_systemd_given_up(answer: HostAnswer) -> bool:
    """Whether systemd does not start a service any more, because it failed too often.

    The result of the service may still be that of the failure before. Then only the journal says that systemd gave up.
    Source: service_enter_dead and unit_start in systemd's src/core, seen with version 252.
    """
    return answer.service["result"] == START_LIMIT_HIT or answer.journal.says_started_too_often()


def _collect_release_facts(answer: HostAnswer) -> dict[str, Any]:
    """Return the facts about the release: its program, its credentials, its ports and its health."""
    raw = answer.raw_answer
    return {
        "release": raw["release"],
        "program": raw["program"],
        "missing_credentials": raw["release"]["credentials"],
        "unopened_ports": raw["closed"],
        "taken_ports": raw["taken"],
        "unhealthy_reason": raw["unhealthy"],
    }


# ── Why it does not run ──


def _collect_failure_facts(answer: HostAnswer) -> dict[str, Any]:
    """Return why a service does not run, and whether it was killed."""
    # Without a release, the service was never installed: check `absent` says so, and there is no failure to explain.
    is_down = not answer.is_running and answer.raw_answer["release"]["number"]
    return {
        "symptoms": [_describe_symptom(answer)] if is_down else [],
        "last_words": answer.journal.find_last_words(),
        "memory_kills": _find_last_kill(answer),
    }


def _describe_symptom(answer: HostAnswer) -> dict[str, Any]:
    """Return the state of a service that does not run, with the last words of its process and their cause."""
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
    """Return a row for the last time that the kernel killed the process for its memory.

    Return no row if there was no such time, or if the service is down for another reason.
    """
    if not answer.is_running and answer.service["result"] not in _KILL_RESULTS:
        return []
    killed_at = answer.journal.find_time_of_last_kill()
    if killed_at is None:
        return []
    limit = answer.service["memory_max"]
    # systemd says `infinity` without a limit: then the memory of the host was used up.
    limit_text = f"{int(limit) // _MIB} MiB" if limit.isdigit() else "the host"
    return [{"limit": limit_text, "seconds": round(seconds_between(killed_at, answer.host_time))}]


# ── Files, peers, and the host itself ──


def _collect_file_facts(answer: HostAnswer) -> dict[str, Any]:
    """Return the facts about the files and peers of the collector, and about the file systems."""
    patterns = list_at(answer.raw_answer, "files")
    certificates = []
    for row in list_at(answer.raw_answer, "certificates"):
        certificates.append(describe_certificate_file(row, answer.host_time, running=answer.is_running))
    return {
        "file_patterns": patterns,
        "unreadable_files": list(list_unreadable_files(patterns)),
        "certificates": certificates,
        "peers": list_at(answer.raw_answer, "peers"),
        "disks": list_at(answer.raw_answer, "disks"),
    }


def _collect_system_facts(answer: HostAnswer) -> dict[str, Any]:
    """Return what SELinux has denied, the version of systemd, and how wrong the clock is."""
    return {
        "selinux_denials": list_at(answer.host_facts, "denials"),
        "systemd_version": answer.host_facts.get("systemd") or 0,
        "clock_difference": _measure_clock_difference(answer),
    }


def _measure_clock_difference(answer: HostAnswer) -> dict[str, Any] | None:
    """Return how far the clock of the host is from that of the controller; None if it is near."""
    host_time = float(answer.host_facts.get("now") or 0)
    asked_from, asked_until = answer.asked_between
    # The host told its time at some moment between the two.
    seconds_behind, seconds_ahead = asked_from - host_time, host_time - asked_until
    seconds = max(seconds_behind, seconds_ahead)
    if not host_time or seconds < _TOLERATED_CLOCK_SECONDS:
        return None
    direction = "behind" if seconds_behind > seconds_ahead else "ahead of"
    is_unsynchronized = answer.host_facts.get("synchronized") == "no"
    sync_note = ", and no time server sets it" if is_unsynchronized else ""
    return {"age": describe_duration(seconds), "direction": direction, "unsynchronized": sync_note}


# ── The journal ──


def _collect_journal_access(answer: HostAnswer) -> dict[str, Any]:
    """Return whether the receivers of the journal may read it, and whether the journal outlives a restart."""
    receivers = [f"receivers/{name}" for name in list_at(answer.question, "journals")]
    groups_that_may = list_at(answer.host_facts, "journal_groups")
    receivers_without_journal = []
    if not set(groups_that_may) & set(answer.service["groups"]):
        groups_text = f" ({', '.join(groups_that_may)})" if groups_that_may else "; the host has none"
        receivers_without_journal = [{"about": name, "groups": groups_text} for name in receivers]
    return {
        "journal_receivers": receivers,
        "journal_is_kept": bool(answer.host_facts.get("journal_is_kept")),
        "receivers_without_journal": receivers_without_journal,
    }


def _list_log_failures(answer: HostAnswer) -> list[dict[str, Any]]:
    """Return the failures that the journal shows, in the words of hosts.

    Key `current` says whether a failure still goes on.
    """
    rows = []
    for row in logs.group_log_failures(answer.journal.build_collector_log(), answer.host_time, answer.mask_secrets):
        cause_words = find_host_words(str(row["cause"]))
        word_fields = cause_words._asdict() if cause_words else {}
        rows.append({**row, **word_fields, "current": row["seconds_ago"] <= logs.CURRENT_SECONDS})
    return rows


# ── What flows ──


def add_flow_facts(facts: Mapping[str, Any], flow: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts with those of the metrics. A peer that an exporter sends to is in reach, whatever the host says.

    `flow` has the rows of `SignalFlow.collect_facts`; empty if the metrics could not be read.
    """
    # None tells the verdict that nobody can see whether data flows; an empty list would mean that there is no receiver.
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
    """Return the receivers, such as `receivers/otlp`, that get data or to which nobody sends at the moment."""
    receiving = set()
    for row in flows["receives"] or ():
        if row["state"] in ("comes", "rests"):
            receiving.add(f"receivers/{row['id']}")
    return receiving
