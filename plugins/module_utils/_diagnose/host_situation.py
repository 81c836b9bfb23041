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
from .checks_trust import DAY, SOON_DAYS

# A difference of clocks below it harms nothing; certificates and AWS take some minutes.
_SKEW_SECONDS = 60
_ACTIVE = "active"
_ROOTS_OWN = "root"
_GROUP_READS = 0o040
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
    symptoms = [] if running or not raw["release"]["number"] else [_symptom(service, entries)]
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
        "killed": [] if _ended_otherwise(service, running) else list(_kills(service, entries, answer.now)),
        "patterns": items(raw, "files"),
        "shut_files": [row for one in items(raw, "files") for row in _shut(one)],
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
    cause = next(map(of_host, log_causes.causes_in(last, log_causes.CAUSES)), None)
    state = f"{service['active']}, {service['result']}, status {service['status']}"
    fix = cause.fix if cause else "Read its journal: `journalctl -u {}`.".format(service["unit"])
    return {"about": "start", "state": state, "cause": f"{cause.text}:" if cause else "", "last": last, "fix": fix}


def of_host(cause: log_causes.Cause) -> log_causes.Cause:
    """Return a cause in the words of a host."""
    text, fix = HOST_FIXES.get(cause.id, (cause.text, cause.fix))
    return cause._replace(text=text, fix=fix)


def _last_words(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return what the process said last; what systemd said of it if it said nothing."""
    own_rows = [row for row in entries if row["by"] == "collector"]
    said = ""
    if own_rows:
        last_run = own_rows[-1]["run"]
        said = logs.last_words([str(row["text"]) for row in own_rows if row["run"] == last_run])
    for row in reversed(entries):
        if not said and row["by"] == "systemd" and "ailed" in str(row["text"]):
            said = str(row["text"])
    return said[: logs.LONGEST]


def _has_given_up(service: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> bool:
    """Whether systemd starts a service no more. It keeps the result of the failure before that, and tells its journal.

    Source: service_enter_dead and unit_start in systemd's src/core, seen with version 252.
    """
    told = [str(row["text"]) for row in entries if row["by"] == "systemd"]
    starts = [line for line in told if "Starting" in line or _TOO_OFTEN in line]
    return service["result"] == _LIMIT or _TOO_OFTEN in "".join(starts[-1:])


def _ended_otherwise(service: Mapping[str, Any], running: bool) -> bool:
    """Whether a service is down for another reason than a kill that is told in its journal."""
    return not running and service["result"] not in ("oom-kill", "signal", _LIMIT)


def _kills(service: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], now: str) -> Iterator[dict[str, Any]]:
    """Yield the last time that the kernel killed it for its memory."""
    times = [row["time"] for row in entries if row["by"] == "systemd" and any(word in row["text"] for word in _KILLED)]
    for time in times[-1:]:
        limit = service["memory_max"]
        told = f"{int(limit) >> 20} MiB" if limit.isdigit() else "the host"
        yield {"limit": told, "seconds": round(seconds_between(time, now))}


def _shut(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for one in items(row, "unreadable")[:1]:
        more = len(items(row, "unreadable")) - 1 + int(row.get("more") or 0)
        others = f" and {more} more" if more else ""
        yield {**one, "about": row["about"], "others": others, "fix": rights_fix(one, is_log=True)}


def rights_fix(one: Mapping[str, Any], *, is_log: bool) -> str:
    """Return how to let a service read a file: by its group if that may, else by the right to read all."""
    by_group = int(str(one["mode"]), 8) & _GROUP_READS and one["group"] != _ROOTS_OWN
    if by_group:
        return f"Add `groups: [{one['group']}]` to the collector."
    if is_log:
        return "Let a group read it and name the group in `groups`, or consent to `allow: [CAP_DAC_READ_SEARCH]`."
    return "Let a group read it, and name the group in `groups`; or give the secret as a credential in `env`."


def _certificate(row: Mapping[str, Any], now: str, *, running: bool) -> dict[str, Any]:
    """Return a file of a certificate with how long it is valid. What keeps a service from starting is about that."""
    given = dict(row)
    # `path` is that of the barrier if there is one.
    given["file"] = row.get("file") or row["path"]
    if given["state"] == "unreadable":
        given["fix"] = rights_fix(row, is_log=False)
    if given["state"] == "there" and row.get("not_after"):
        left, since = seconds_between(now, row["not_after"]), seconds_between(row["not_before"], now)
        soon = "soon" if left < SOON_DAYS * DAY else "valid"
        given["state"] = "expired" if left <= 0 else "not_yet_valid" if since < 0 else soon
        given["left"] = age(abs(left))
    if not running and given["state"] in ("missing", "unreadable"):
        given["about"] = "start"
    return given


def _skew(answer: HostAnswer) -> dict[str, Any] | None:
    """Return how far the clock of the host is from that of the controller; None if it is near."""
    now, (start, end) = float(answer.host.get("now") or 0), answer.asked
    late, early = start - now, now - end
    seconds = max(late, early)
    if not now or seconds < _SKEW_SECONDS:
        return None
    told = ", and no time server sets it" if answer.host.get("synchronized") == "no" else ""
    return {"age": age(seconds), "direction": "behind" if late > early else "ahead of", "unsynchronized": told}


def _journal(service: Mapping[str, Any], host: Mapping[str, Any], question: Mapping[str, Any]) -> dict[str, Any]:
    """Return whether a receiver of the journal may read it, and whether the journal is kept."""
    receivers = [f"receivers/{name}" for name in items(question, "journals")]
    groups = items(host, "journal_groups")
    may = set(groups) & set(service["groups"])
    known = f" ({', '.join(groups)})" if groups else "; the host has none"
    shut = [] if may else [{"about": name, "groups": known} for name in receivers]
    kept = bool(host.get("journal_is_kept"))
    return {"journal_receivers": receivers, "journal_is_kept": kept, "journal_shut": shut}


def _logs(entries: Sequence[Mapping[str, Any]], answer: HostAnswer) -> list[dict[str, Any]]:
    """Return what the journal says is wrong, in the words of hosts, with whether it still says it."""
    lines = (
        f"{row['time']} {line}" for row in entries if row["by"] == "collector" for line in row["text"].splitlines()
    )
    rows = logs.groups("\n".join(lines), answer.now, answer.mask)
    return [{**row, **_worded(row), "current": row["seconds_ago"] <= logs.CURRENT_SECONDS} for row in rows]


def _worded(row: Mapping[str, Any]) -> dict[str, str]:
    words = HOST_FIXES.get(str(row["cause"]))
    return {"text": words[0], "fix": words[1]} if words else {}


def flowing(facts: Mapping[str, Any], flow: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts with those of the metrics: what works is not said to be out of reach."""
    flows: dict[str, Any] = {"receives": None, "processes": [], "exports": [], **flow}
    sending = {row["about"] for row in flows["exports"] if row["state"] == "sends"}
    receiving = set()
    for row in flows["receives"] or ():
        if row["state"] in ("comes", "rests"):
            receiving.add(f"receivers/{row['id']}")
    logs_now = [{**row, "calm": row["about"] in sending | receiving} for row in facts["logs"]]
    peers = [row | {"state": "ok"} if row["about"] in sending else row for row in facts["peers"]]
    return {**facts, **flows, "logs": logs_now, "peers": peers}
