# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has said of a collector, as facts for the checks. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._otelcol.config.paths import items
from .._telemetry import log_causes, logs
from .._telemetry.times import age, seconds_between
from .checks_trust import state_by_dates

# A difference of clocks below it harms nothing; certificates and AWS take some minutes.
_SKEW_SECONDS = 60
_ACTIVE = "active"
_ROOTS_OWN = "root"
# The right of a group to read a file, or to pass a folder.
_GROUP_READS, _GROUP_PASSES = 0o040, 0o010
# What systemd logs when the kernel has killed a process of the unit. Source: src/core/unit.c, service.c.
_KILLED = ("oom-kill", "killed by the OOM killer")

# What the log of a collector says of a host in other words than of a pod, by the cause.
HOST_FIXES: Mapping[str, tuple[str, str]] = {
    "disk": ("the disk is full", "Free space, or move the folder to a larger file system."),
    "port_taken": (
        "another process of the host listens on the port",
        "Stop it, or give one of them another port; `ss -ltnp` names it.",
    ),
    "low_port": (
        "the service may not listen on a port below 1024",
        "Run `site`, which gives the unit the capability, or use a port from 1024 on.",
    ),
    "no_such_host": (
        "the host name cannot be resolved",
        "Correct the endpoint, or the name servers of the host (/etc/resolv.conf).",
    ),
    "no_route": ("no route to it", "Look for routes and firewalls on the way."),
    "timeout": ("it does not answer in time", "Look for firewalls on the way, then for load on the other side."),
    "memory": (
        "the memory limiter refuses data",
        "Raise `memory_limit`, or see which exporter does not keep up.",
    ),
    "no_credentials": (
        "the host has no AWS credentials",
        "Give the instance a role, or give the keys as credentials in `env`.",
    ),
    "bad_credentials": ("AWS does not accept the credentials", "Renew the keys, or give the instance a role."),
    "role_trust": ("AWS does not let its identity assume the role", "Correct the trust policy of the role."),
    "old_signature": ("AWS finds the time of the requests wrong", "Correct the clock of the host."),
    "unauthenticated": (
        "the credentials are not accepted",
        "Check the token or header that it sends, and the credential in `env`.",
    ),
    "file": (
        "a file cannot be opened",
        "Let the service read it by `groups`, or put it into the state folder if it writes it.",
    ),
}


# What systemd says of a service that was started too often: its result, and in its journal.
_LIMIT, _TOO_OFTEN = "start-limit-hit", "Start request repeated too quickly"


@dataclass(frozen=True)
class HostAnswer:
    """What a host has said: of one collector, and of itself. `asked` is when, by the clock of the controller."""

    name: str
    raw: Mapping[str, Any]
    host: Mapping[str, Any]
    question: Mapping[str, Any]
    asked: tuple[float, float]
    now: str
    mask: Callable[[str], str]


def situation(answer: HostAnswer) -> dict[str, Any]:
    """Return the facts of one collector, without those of its metrics."""
    raw, host, question = answer.raw, answer.host, answer.question
    service = dict(raw["service"])
    running = service["active"] == _ACTIVE
    entries = items(raw, "journal")
    service["given_up"] = not running and _has_given_up(service, entries)
    symptoms = []
    if not running and raw["release"]["number"]:
        symptoms.append(_symptom(service, entries))
    return {
        "name": raw["name"],
        "namespace": answer.name,
        "kind": "service",
        "mode": "service",
        "image": str(raw["program"]["path"]),
        "running": running,
        "ready_text": f"{service['active']} ({service['sub']})",
        "workload": {"service": service},
        "service": service,
        "release": raw["release"],
        "program": raw["program"],
        "credentials": raw["release"]["credentials"],
        "closed": raw["closed"],
        "taken": raw["taken"],
        "unhealthy": raw["unhealthy"],
        "drop_ins": [path for path in service["drop_ins"] if f"/{service['unit']}.d/" in path],
        "symptoms": symptoms,
        "last_words": _last_words(entries),
        "killed": _kills(service, entries, answer.now, running=running),
        "patterns": items(raw, "files"),
        "shut_files": list(_shut_files(items(raw, "files"))),
        "certificates": [_certificate(row, answer.now, running=running) for row in items(raw, "certificates")],
        "peers": items(raw, "peers"),
        "disks": items(raw, "disks"),
        "denials": items(host, "denials"),
        "systemd": host.get("systemd") or 0,
        "skew": _skew(answer),
        **_journal(service, host, question),
        "logs": _logs(entries, answer),
        "unseen": [],
    }


def _symptom(service: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return how a service is that does not run, with the last words of its process and their cause."""
    last = _last_words(entries)
    cause_text = ""
    fix = f"Read its journal: `journalctl -u {service['unit']}`."
    causes = list(log_causes.causes_in(last, log_causes.CAUSES))
    if causes:
        cause = of_host(causes[0])
        cause_text, fix = f"{cause.text}:", cause.fix
    state = f"{service['active']}, {service['result']}, status {service['status']}"
    return {"about": "start", "state": state, "cause": cause_text, "last": last, "fix": fix}


def of_host(cause: log_causes.Cause) -> log_causes.Cause:
    """Return a cause in the words of a host."""
    text, fix = HOST_FIXES.get(cause.id, (cause.text, cause.fix))
    return cause._replace(text=text, fix=fix)


def _last_words(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return what the process said last; what systemd said of it if it said nothing."""
    own_rows = [row for row in entries if row["by"] == "collector"]
    if own_rows:
        last_run = own_rows[-1]["run"]
        own_words = logs.last_words([str(row["text"]) for row in own_rows if row["run"] == last_run])
        if own_words:
            return own_words[: logs.LONGEST]
    for text in reversed(_texts_of(entries, "systemd")):
        if "ailed" in text:
            return text[: logs.LONGEST]
    return ""


def _has_given_up(service: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> bool:
    """Whether systemd starts a service no more. It keeps the result of the failure before that, and tells its journal.

    Source: service_enter_dead and unit_start in systemd's src/core, seen with version 252.
    """
    last_start = ""
    for line in _texts_of(entries, "systemd"):
        if "Starting" in line or _TOO_OFTEN in line:
            last_start = line
    return service["result"] == _LIMIT or _TOO_OFTEN in last_start


def _texts_of(entries: Sequence[Mapping[str, Any]], author: str) -> list[str]:
    """Return what `systemd` or the `collector` has written to the journal."""
    return [str(row["text"]) for row in entries if row["by"] == author]


def _kills(
    service: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], now: str, *, running: bool
) -> list[dict[str, Any]]:
    """Return the last time that the kernel killed it for its memory; none if it is down for another reason."""
    if not running and service["result"] not in ("oom-kill", "signal", _LIMIT):
        return []
    last_time = None
    for row in entries:
        if row["by"] == "systemd" and any(word in row["text"] for word in _KILLED):
            last_time = row["time"]
    if last_time is None:
        return []
    limit = service["memory_max"]
    limit_text = f"{int(limit) >> 20} MiB" if limit.isdigit() else "the host"
    return [{"limit": limit_text, "seconds": round(seconds_between(last_time, now))}]


def _shut_files(patterns: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the first file of each pattern that the service may not read, with how many more there are."""
    for row in patterns:
        unreadable = items(row, "unreadable")
        if unreadable:
            more = len(unreadable) - 1 + int(row.get("more") or 0)
            others = f" and {more} more" if more else ""
            fix = rights_fix(unreadable[0], is_log=True)
            yield {**unreadable[0], "about": row["about"], "others": others, "fix": fix}


def rights_fix(one: Mapping[str, Any], *, is_log: bool) -> str:
    """Return how to let a service read a file, or pass a folder: by its group if that may, else by another right."""
    is_folder = one["what"] == "folder"
    group_may = int(str(one["mode"]), 8) & (_GROUP_PASSES if is_folder else _GROUP_READS)
    if group_may and one["group"] != _ROOTS_OWN:
        return f"Add `groups: [{one['group']}]` to the collector."
    let_a_group = "Let a group enter it (`chmod g+x`)" if is_folder else "Let a group read it"
    if is_log:
        return f"{let_a_group} and name the group in `groups`, or consent to `allow: [CAP_DAC_READ_SEARCH]`."
    return f"{let_a_group}, and name the group in `groups`; or give the secret as a credential in `env`."


def _certificate(row: Mapping[str, Any], now: str, *, running: bool) -> dict[str, Any]:
    """Return a file of a certificate with how long it is valid. What keeps a service from starting is about that."""
    given = dict(row)
    # `path` is that of the barrier if there is one.
    given["file"] = row.get("file") or row["path"]
    if given["state"] == "unreadable":
        given["fix"] = rights_fix(row, is_log=False)
    if given["state"] == "there" and row.get("not_after"):
        given["state"] = state_by_dates(row["not_before"], row["not_after"], now)
        given["left"] = age(abs(seconds_between(now, row["not_after"])))
    if not running and given["state"] in ("missing", "unreadable"):
        given["about"] = "start"
    return given


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


def _journal(service: Mapping[str, Any], host: Mapping[str, Any], question: Mapping[str, Any]) -> dict[str, Any]:
    """Return whether a receiver of the journal may read it, and whether the journal is kept."""
    receivers = [f"receivers/{name}" for name in items(question, "journals")]
    groups = items(host, "journal_groups")
    shut_receivers = []
    if not set(groups) & set(service["groups"]):
        known_groups = f" ({', '.join(groups)})" if groups else "; the host has none"
        shut_receivers = [{"about": name, "groups": known_groups} for name in receivers]
    is_kept = bool(host.get("journal_is_kept"))
    return {"journal_receivers": receivers, "journal_is_kept": is_kept, "journal_shut": shut_receivers}


def _logs(entries: Sequence[Mapping[str, Any]], answer: HostAnswer) -> list[dict[str, Any]]:
    """Return what the journal says is wrong, in the words of hosts, with whether it still says it."""
    lines = []
    for row in entries:
        if row["by"] == "collector":
            lines += [f"{row['time']} {line}" for line in row["text"].splitlines()]
    groups = logs.groups("\n".join(lines), answer.now, answer.mask)
    return [{**row, **_worded(row), "current": row["seconds_ago"] <= logs.CURRENT_SECONDS} for row in groups]


def _worded(row: Mapping[str, Any]) -> dict[str, str]:
    """Return the text and the fix of an entry of the log in the words of hosts; nothing if they are the same."""
    cause = str(row["cause"])
    if cause not in HOST_FIXES:
        return {}
    text, fix = HOST_FIXES[cause]
    return {"text": text, "fix": fix}


def flowing(facts: Mapping[str, Any], flow: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts with those of the metrics: what works is not said to be out of reach."""
    flows: dict[str, Any] = {"receives": None, "processes": [], "exports": [], **flow}
    sending = {row["about"] for row in flows["exports"] if row["state"] == "sends"}
    receiving = set()
    for row in flows["receives"] or ():
        if row["state"] in ("comes", "rests"):
            receiving.add(f"receivers/{row['id']}")
    working = sending | receiving
    logs_now = [{**row, "calm": row["about"] in working} for row in facts["logs"]]
    peers = []
    for row in facts["peers"]:
        state = "ok" if row["about"] in sending else row["state"]
        peers.append({**row, "state": state})
    return {**facts, **flows, "logs": logs_now, "peers": peers}
