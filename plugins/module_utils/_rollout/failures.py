# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Select the pods of a workload's newest revision, and apply the rows of `tables` to them. Private."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from .._kube.conditions import condition_of
from .._otelcol.config.paths import amount, at, items
from .._otelcol.kube.objects import ref
from .._telemetry.logs import crash_cause
from .failure_tables import (
    ISSUING,
    OPERATING,
    POD_FAILURES,
    WORKLOAD_FAILURES,
    FailureRow,
)
from .readiness import pod_counts

Object = dict[str, Any]
Search = Callable[[str, Any], Any]

# The key under which a workload carries the name of its custom resource, for messages.
OF = "of"
# The prefix of an event message that the API server combined with others.
REPEATED = "(combined from similar events): "
# What Go says after the path of a file that it may not open or create.
_DENIED = ": permission denied"
_REVISION_LABEL = "controller-revision-hash"  # of pods of a DaemonSet or StatefulSet
# The operator names a ConfigMap after the workload and the first digits of the config's sum.
# Source: internal/naming/main.go of the operator.
_MISSING_CHILD = re.compile(
    r'\b(?:configmap|serviceaccount) "(?P<whole>(?P<name>[^" ]{1,253}?)(?:-[0-9a-f]{8})?)" not found'
)
_MISSING_SECRET = re.compile(r'secrets? "(?:[^"/]*/)?(?P<name>[^"]+)" not found')


class Symptom(NamedTuple):
    """One current fault of a workload or pod."""

    row: FailureRow
    pod: Object | None
    container: str
    reason: str
    detail: str

    @property
    def key(self) -> tuple[str, str, str]:
        """Return the identity of the symptom across polls."""
        pod_name = self.pod["metadata"]["name"] if self.pod else ""
        return (self.row.id, pod_name, self.container)


def title(workload: Object) -> str:
    """Return the name of a workload, preceded by the name of its custom resource."""
    if workload.get(OF):
        return f"{workload[OF]} ({ref(workload)})"
    return str(ref(workload))


def unprobed(workload: Object) -> bool:
    """Return whether a workload of an operator has no readiness probe."""
    template = (workload.get("spec") or {}).get("template") or {}
    containers = (template.get("spec") or {}).get("containers") or []
    return bool(workload.get(OF)) and not any("readinessProbe" in container for container in containers)


def newest(workload: Object, revisions: Iterable[Object]) -> Object | None:
    """Return the newest revision of a workload, or None if it has none."""
    own_revisions = [revision for revision in revisions if owned(revision, workload)]
    return max(own_revisions, key=_number, default=None)


def _number(revision: Object) -> int:
    annotations = revision["metadata"].get("annotations") or {}
    # Whoever may edit a ReplicaSet may write anything into its annotation.
    return int(amount(str(revision.get("revision") or annotations.get("deployment.kubernetes.io/revision"))))


def owned(item: Object, owner: Object) -> bool:
    """Return whether an object belongs to another."""
    references = item["metadata"].get("ownerReferences") or []
    return any(reference.get("uid") == owner["metadata"]["uid"] for reference in references)


def newest_pods(workload: Object, revision: Object | None, pods: Iterable[Object]) -> list[Object]:
    """Return the remaining pods of the newest revision. Older pods are being replaced."""
    remaining_pods = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    if workload["kind"] == "Deployment":
        return _owned_pods(remaining_pods, revision) if revision else []
    own_pods = _owned_pods(remaining_pods, workload)
    if not revision:
        return own_pods
    newest = workload.get("status", {}).get("updateRevision") or _labels(revision).get(_REVISION_LABEL)
    return [pod for pod in own_pods if _labels(pod).get(_REVISION_LABEL) == newest]


def _owned_pods(pods: Iterable[Object], owner: Object) -> list[Object]:
    return [pod for pod in pods if owned(pod, owner)]


def fix_of(symptom: Symptom, log: Iterable[str]) -> str:
    """Return the fix of a symptom, or of what the log of its container says."""
    if symptom.row.id != "crash":
        return symptom.row.fix
    lines = list(log)
    denied = _denied_path(lines)
    if denied and symptom.pod:
        return _fix_of_access(symptom.pod, denied)
    cause = crash_cause(lines)
    if cause is None:
        return symptom.row.fix
    return f"{cause.text[0].upper()}{cause.text[1:]}. {cause.fix}"


def _denied_path(lines: Iterable[str]) -> str:
    """Return the path to which a log says that access is denied, or an empty text."""
    for line in lines:
        before, denied, _after = line.partition(_DENIED)
        words = before.split()
        if denied and words and words[-1].startswith("/"):
            return words[-1]
    return ""


def _fix_of_access(pod: Object, path: str) -> str:
    """Return how to let a pod use a path, with the user and group that it has."""
    security = pod["spec"].get("securityContext") or {}
    ids = [f"{key} {security[key]}" for key in ("runAsUser", "fsGroup") if security.get(key) is not None]
    who = ", ".join(ids) or "no fsGroup"
    return (
        f"Let the pod ({who}) use {path}. Kubernetes gives a volume to the group fsGroup only if its driver"
        " supports that; for a hostPath or an NFS volume, change owner or mode of the folder on the volume, or set"
        " `storage.class` to a class whose driver supports fsGroup."
    )


def unbound(symptom: Symptom, claims: Iterable[Object], events: list[Object]) -> Symptom:
    """Return a symptom about unbound claims, with the claims of the pod, their class, and the last event of each."""
    volumes = items(symptom.pod, "spec", "volumes")
    claims_of_pod = {at(volume, ("persistentVolumeClaim", "claimName")) for volume in volumes}
    details = [symptom.detail]
    for claim in claims:
        if claim["metadata"]["name"] in claims_of_pod and at(claim, ("status", "phase")) != "Bound":
            details.append(_of_claim(claim, events))
    return symptom._replace(detail="; ".join(details))


def _of_claim(claim: Object, events: list[Object]) -> str:
    """Return what is known of a claim that is not bound: its class, and what its last event says."""
    storage_class = at(claim, ("spec", "storageClassName"))
    of_class = f"StorageClass {storage_class}" if storage_class else "no StorageClass"
    line = f"claim {claim['metadata']['name']} of {of_class}"
    last_events = events_of(claim, events)[-1:]
    return f"{line}: {last_events[0].get('message')}" if last_events else line


def issuing(symptom: Symptom, certificates: Iterable[Object], _events: list[Object]) -> Symptom:
    """Return a symptom about a missing Secret, with the status of the Certificate that creates the Secret."""
    missing = _MISSING_SECRET.search(symptom.detail)
    if symptom.row.id != "mount" or missing is None:
        return symptom
    for certificate in certificates:
        if certificate["spec"].get("secretName") == missing["name"]:
            why = condition_of(certificate, "Ready").get("message") or "not processed yet"
            detail = f"{symptom.detail}; Certificate {certificate['metadata']['name']}: {why}"
            return symptom._replace(row=ISSUING, detail=detail)
    return symptom


Explained = Callable[[Symptom, Iterable[Object], list[Object]], Symptom]
# By row: the objects that explain a symptom further, which are listed only for it, and how they do.
EXPLAINED: dict[str, tuple[tuple[str, str, str], Explained]] = {
    "mount": (("cert-manager.io/v1", "Certificate", "certificates"), issuing),
    "unbound_claim": (("v1", "PersistentVolumeClaim", "persistentvolumeclaims"), unbound),
}


def older_pods(workload: Object, newest: list[Object], pods: Iterable[Object]) -> list[Object]:
    """Return the remaining pods of a workload that are not among the newest ones."""
    own_pods = [pod for pod in pods if owned(pod, workload) and pod not in newest]
    return [pod for pod in own_pods if not pod["metadata"].get("deletionTimestamp")]


def _labels(item: Object | None) -> dict[str, str]:
    return (item["metadata"].get("labels") or {}) if item else {}


def event_time(event: Object) -> str:
    """Return when the event last occurred. These times compare as text."""
    times = (
        (event.get("series") or {}).get("lastObservedTime"),
        event.get("lastTimestamp"),
        event.get("eventTime"),
        event["metadata"].get("creationTimestamp"),
    )
    for time in times:
        if time:
            return str(time)
    return ""


def events_of(item: Object, events: Iterable[Object], since: str = "") -> list[Object]:
    """Return the events of an object since its creation, or since a time, oldest first."""
    start = max(since, _created_at(item))
    own_events = []
    for event in events:
        is_about = event.get("involvedObject", {}).get("uid") == item["metadata"]["uid"]
        if is_about and event_time(event)[:19] >= start[:19]:
            own_events.append(event)
    return sorted(own_events, key=event_time)


def _created_at(item: Object) -> str:
    return item["metadata"].get("creationTimestamp") or ""


def symptoms(
    search: Search,
    workload: Object,
    revision: Object | None,
    pods: list[Object],
    events: list[Object],
    *,
    allow_empty: bool,
    old: list[Object] | None = None,
) -> Iterator[Symptom]:
    """Yield the failures of a workload and of each pod of its newest revision."""
    creator = revision if revision and workload["kind"] == "Deployment" else workload
    latest = max(_created_at(created) for created in [*pods, revision or workload])
    subject = {
        "workload": workload,
        "events": events_of(creator, events, latest),
        "missing": len(pods) < _wanted(workload),
        "old": old or [],
        "allow_empty": allow_empty,
    }
    found = [*_first_failure(search, WORKLOAD_FAILURES, subject, None)]
    for pod in pods:
        subject_of_pod = {"pod": pod, "events": events_of(pod, events)}
        found += _first_failure(search, POD_FAILURES, subject_of_pod, pod)
    for symptom in found:
        if _is_created_later(workload, symptom):
            yield symptom._replace(row=OPERATING)
        else:
            yield symptom


def _wanted(workload: Object) -> int:
    """Return how many pods should be there. A Job that has not ended has one at least."""
    if workload["kind"] == "Job":
        return 0 if (workload.get("status") or {}).get("conditions") else 1
    return pod_counts(workload).desired


def _is_created_later(workload: Object, symptom: Symptom) -> bool:
    """Return whether pods lack an object that the operator creates, by its name."""
    if not workload.get(OF):
        return False
    name = workload["metadata"]["name"]
    return any(name in (child["name"], child["whole"]) for child in _MISSING_CHILD.finditer(symptom.detail))


def _first_failure(
    search: Search, rows: tuple[FailureRow, ...], subject: Object, pod: Object | None
) -> Iterator[Symptom]:
    """Yield the symptom of the first row that fits; nothing if none does."""
    for row in rows:
        facts = search(row.find, subject)
        if facts:
            last = facts[-1]
            container, reason = str(last.get("container") or ""), str(last.get("reason") or row.id)
            detail = " ".join(str(last.get("detail") or "").split()).removeprefix(REPEATED)
            yield Symptom(row, pod, container, reason, detail)
            return
