# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explain why workloads are not ready: object, reason, duration and last log lines. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..._kube.live.api_errors import explain, library
from ..._kube.live.cluster import NOT_ALLOWED, ApiError, Cluster
from ..._kube.live.kinds import ApiResource
from ..._otelcol.config.masking import concealed, quoted
from ..._otelcol.config.paths import items, section
from ..._otelcol.errors import Failure, Problem
from ..._otelcol.kube.objects import ref
from ..._telemetry.logs import tail
from ..failure_tables import UNSCHEDULABLE_GRACE
from ..failures import (
    EXPLAINED,
    OF,
    Object,
    Symptom,
    event_time,
    fix_of,
    newest,
    newest_pods,
    older_pods,
    symptoms,
    title,
)
from ..readiness import observed

SHOWN, LISTED, LINES, LINE_LENGTH, EVENTS = 3, 20, 10, 300, 5
# More lines are read than shown: the stack trace of a panic hides what it is about.
READ = 200
LOG_TRIES, LOG_PAUSE = 4, 0.5
# The kubelet's answer instead of a log while it replaces a container.
NO_LOG = "unable to retrieve container logs"

Found = list[tuple[Object, Symptom]]


def described(
    cluster: Cluster, found: Found, mask: Callable[[str], str] = concealed
) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Return the symptoms as data and as problems. Pods with the same symptom share one problem and one log."""
    groups: dict[tuple[str, ...], Found] = {}
    for workload, symptom in found:
        key = (str(ref(workload)), symptom.row.id, symptom.container, symptom.reason)
        groups.setdefault(key, []).append((workload, symptom))
    shown = list(groups.values())[:SHOWN]
    logs = [_log(cluster, group[0][1], mask) for group in shown]
    problems = [_problem(group, log) for group, log in zip(shown, logs, strict=True)]
    first_of = {id(group[0][1]): log for group, log in zip(shown, logs, strict=True)}
    facts = [_fact(workload, symptom, first_of.get(id(symptom), [])) for workload, symptom in found[:LISTED]]
    return facts, problems


def _fact(workload: Object, symptom: Symptom, log: list[str]) -> dict[str, Any]:
    pod = symptom.pod or {"metadata": {"name": ""}, "spec": {}}
    return {
        "id": symptom.row.id,
        **ref(workload)._asdict(),
        "of": workload.get(OF) or "",
        "pod": pod["metadata"]["name"],
        "node": pod["spec"].get("nodeName") or "",
        "container": symptom.container,
        "reason": symptom.reason,
        "message": symptom.detail,
        "log": log,
        "fix": fix_of(symptom, log).replace("NAMESPACE", str(workload["metadata"].get("namespace") or "")),
    }


def _problem(group: Found, log: list[str]) -> Problem:
    workload, symptom = group[0]
    fact = _fact(workload, symptom, log)
    words = {"container": "container {}", "pod": "pod {}", "node": "node {}"}
    where = ", ".join(text.format(fact[key]) for key, text in words.items() if fact[key])
    more = f"; the same for {len(group) - 1} more" if len(group) > 1 else ""
    last = "\nThe last lines of its log:\n  " + "\n  ".join(log) if log else ""
    wrong = f"{symptom.reason}: {symptom.detail.rstrip('.')}{more}"
    return Problem(wrong, asked=f"Wait for {title(workload)}", where=where, fix=fact["fix"] + last)


def _log(cluster: Cluster, symptom: Symptom, mask: Callable[[str], str]) -> list[str]:
    """Return the last log lines of a container that ended. Retries while the kubelet replaces the container."""
    if not symptom.row.evidence or not symptom.pod:
        return []
    metadata = symptom.pod["metadata"]
    path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/log"
    query = {"container": symptom.container, "tailLines": READ}
    for attempt in range(LOG_TRIES):
        if attempt:
            cluster.sleep(LOG_PAUSE)
        for previous in ("true", "false"):  # the previous container first: a new one may already run
            try:
                lines = _tail(cluster, path, {**query, "previous": previous}, mask)
            except ApiError as error:  # no log, or no permission to read it: report the reason only
                if error.status == NOT_ALLOWED:
                    return []
                continue
            if lines:
                return lines
    return []


def _tail(cluster: Cluster, path: str, query: dict[str, Any], mask: Callable[[str], str]) -> list[str]:
    """Return the last lines of a log that say something. Raises ApiError."""
    lines = cluster.text(path, query).splitlines()
    if lines and lines[0].startswith(NO_LOG):
        return []
    return [quoted(line, longest, mask) for line, longest in tail(lines, LINES, LINE_LENGTH)]


def unfinished(workloads: list[Object], events: list[Object]) -> list[str]:
    """Return the conditions of unfinished workloads, then the latest warning events."""
    lines: list[str] = []
    for workload in workloads:
        lines += _unmet_conditions(workload)
    warnings = [event for event in events if event.get("type") == "Warning" and _concerns(event, workloads)]
    latest = sorted(warnings, key=event_time)[-EVENTS:]
    return lines + [_saying(event) for event in latest]


def _unmet_conditions(workload: Object) -> Iterator[str]:
    """Yield what each condition of a workload says that is not true."""
    for condition in items(workload, "status", "conditions"):
        if condition.get("status") != "True":
            said = quoted(str(condition.get("message") or condition.get("reason") or ""), LINE_LENGTH)
            yield f"{ref(workload)}: {condition['type']} is {condition['status']}: {said}"


def _saying(event: Object) -> str:
    about, said = event["involvedObject"], quoted(str(event.get("message") or ""), LINE_LENGTH)
    return f"{about.get('kind') or 'Object'} {about['name']}: {event.get('reason')}: {said}"


def _concerns(event: Object, workloads: list[Object]) -> bool:
    """Return whether an event is about a workload or an object named after it, such as a pod."""
    about = section(event, "involvedObject")
    name = str(about.get("name") or "")
    if not name:
        return False
    for workload in workloads:
        metadata = workload["metadata"]
        if about.get("namespace", "") != metadata.get("namespace", ""):
            continue
        if name == metadata["name"] or name.startswith(f"{metadata['name']}-"):
            return True
    return False


# Kinds that are listed once per namespace for all its workloads.
KINDS = (("v1", "Pod", "pods"), ("apps/v1", "ReplicaSet", "replicasets"), ("v1", "Event", "events"))
REVISIONS = ("apps/v1", "ControllerRevision", "controllerrevisions")

Search = Callable[[str, Any], Any]


def checked_search(until: dict[str, str]) -> Search:
    """Return JMESPath's search. Raises Problem if an expression of `until` is invalid."""
    jmespath = library("jmespath")
    compiled: dict[str, Any] = {}
    for kind, expression in until.items():
        if not isinstance(expression, str):
            wrong = f"an expression is text, not {quoted(str(expression))}"
            raise Problem(wrong, where=f"until.{kind}", fix="See https://jmespath.org for the language.")
        try:
            compiled[expression] = _compiled(jmespath, expression)
        except jmespath.exceptions.JMESPathError as error:
            fix = "See https://jmespath.org for the language."
            raise Problem(f"invalid JMESPath: {error}", asked=expression, where=f"until.{kind}", fix=fix) from error

    def search(expression: str, data: Any) -> Any:
        if expression not in compiled:
            compiled[expression] = _compiled(jmespath, expression)
        try:
            return compiled[expression].search(data)
        # Functions of jmespath raise more than its own errors, such as contains() of a number in a text.
        except (jmespath.exceptions.JMESPathError, ArithmeticError, TypeError, ValueError) as error:
            wrong = f"the expression does not fit the object: {error}"
            raise Problem(wrong, asked=expression, fix="Correct the expression.") from error

    return search


def _compiled(jmespath: Any, expression: str) -> Any:
    """Return a compiled expression.

    jmespath 1.0.0 empties a part of its full cache in a way that Python 3.11 and later refuse with a TypeError.
    """
    jmespath.parser.Parser.purge()
    return jmespath.compile(expression)


class WorkloadStatus:
    """Polls workloads for symptoms."""

    def __init__(
        self, cluster: Cluster, search: Search, *, unschedulable_seconds: float, allow_empty: bool = False
    ) -> None:
        self.cluster, self.search = cluster, search
        self._unschedulable, self._empty = unschedulable_seconds, allow_empty
        self._seen: dict[tuple[str, ...], float] = {}
        self._listed: dict[tuple[str, str], list[Object]] = {}
        self._more: dict[tuple[ApiResource, str], list[Object]] = {}

    def at(self, workloads: list[Object]) -> Found:
        """Return the current symptoms. Lists each kind once per namespace."""
        observed_workloads = [workload for workload in workloads if observed(workload)]
        self._list_all(observed_workloads)
        found: Found = []
        for workload in observed_workloads:
            for symptom in self._symptoms(workload):
                found.append((workload, self._explained(workload, symptom)))
        return found

    def _list_all(self, workloads: list[Object]) -> None:
        """Read what explains the state of some workloads: all objects of a kind in a namespace at once."""
        kinds = list(KINDS)
        if any(workload["kind"] != "Deployment" for workload in workloads):
            kinds.append(REVISIONS)
        resources = [ApiResource(*kind, True) for kind in kinds]
        namespaces = {workload["metadata"].get("namespace", "") for workload in workloads} - {""}
        places = [(resource, namespace) for namespace in sorted(namespaces) for resource in resources]
        try:
            lists = self.cluster.parallel(self._list, places)
        except ApiError as error:
            raise explain(error, "Find the reasons") from error
        self._more, self._listed = {}, {}
        for (resource, namespace), objects in zip(places, lists, strict=True):
            self._listed[resource.kind, namespace] = objects

    def _explained(self, workload: Object, symptom: Symptom) -> Symptom:
        """Return a symptom with what other objects say of it, which are read for it alone."""
        if symptom.row.id not in EXPLAINED:
            return symptom
        resource, explained = EXPLAINED[symptom.row.id]
        where = (ApiResource(*resource, True), workload["metadata"]["namespace"])
        if where not in self._more:
            self._more[where] = self._list(where)
        return explained(symptom, self._more[where], self.events())

    def _list(self, where: tuple[ApiResource, str]) -> list[Object]:
        resource, namespace = where
        try:
            return list(self.cluster.items(resource.path(namespace)))
        except ApiError as error:
            if error.status in (403, 404) and resource.kind != "Pod":  # continue with fewer reasons
                return []
            raise

    def _symptoms(self, workload: Object) -> list[Symptom]:
        def listed(kind: str) -> list[Object]:
            return self._listed.get((kind, workload["metadata"].get("namespace", "")), [])

        revision_kind = "ReplicaSet" if workload["kind"] == "Deployment" else "ControllerRevision"
        revision = newest(workload, listed(revision_kind))
        pods = newest_pods(workload, revision, listed("Pod"))
        old = older_pods(workload, pods, listed("Pod"))
        return list(symptoms(self.search, workload, revision, pods, listed("Event"), allow_empty=self._empty, old=old))

    def lasting(self, found: Found) -> Found:
        """Return the symptoms that have lasted longer than the grace period of their rows.

        Those that an outage of the API server may have caused have to last once more.
        """
        if self.cluster.outage.shaken:
            self._seen.clear()
            return []
        return [(workload, symptom) for workload, symptom in found if self._lasts(workload, symptom)]

    def _lasts(self, workload: Object, symptom: Symptom) -> bool:
        now = self.cluster.clock()
        first = self._seen.setdefault((str(ref(workload)), *symptom.key), now)
        grace = self._unschedulable if symptom.row.grace == UNSCHEDULABLE_GRACE else symptom.row.grace
        return now - first >= grace

    def events(self) -> list[Object]:
        return self.seen("Event")

    def seen(self, kind: str) -> list[Object]:
        """Return the objects of a kind in all namespaces, as the last poll has read them."""
        seen: list[Object] = []
        for (listed_kind, _namespace), objects in self._listed.items():
            if listed_kind == kind:
                seen += objects
        return seen

    def failure(self, fatal: Found) -> Failure:
        """Return the failure that reports lasting symptoms."""
        failures, problems = described(self.cluster, fatal)
        unclear = [workload for workload, symptom in fatal if symptom.row.evidence and not symptom.pod]
        more = [str(problem) for problem in problems[1:]] + unfinished(unclear, self.events())
        first = problems[0]
        fix = "\n".join([first.fix, *more])
        return Failure(first.wrong, asked=first.asked, where=first.where, fix=fix, facts={"failures": failures})
