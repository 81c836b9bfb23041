# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Select the pods of a workload's newest revision, and apply the rows of `tables` to them. Private."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from .._otelcol.config.paths import amount
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
        return (self.row.id, self.pod["metadata"]["name"] if self.pod else "", self.container)


def title(workload: Object) -> str:
    """Return the name of a workload, preceded by the name of its custom resource."""
    return f"{workload[OF]} ({ref(workload)})" if workload.get(OF) else str(ref(workload))


def unprobed(workload: Object) -> bool:
    """Return whether a workload of an operator has no readiness probe."""
    template = (workload.get("spec") or {}).get("template") or {}
    containers = (template.get("spec") or {}).get("containers") or []
    return bool(workload.get(OF)) and not any("readinessProbe" in container for container in containers)


def newest(workload: Object, revisions: Iterable[Object]) -> Object | None:
    own = [revision for revision in revisions if owned(revision, workload)]
    return max(own, key=_number, default=None)


def _number(revision: Object) -> int:
    annotations = revision["metadata"].get("annotations") or {}
    # Whoever may edit a ReplicaSet may write anything into its annotation.
    return int(amount(str(revision.get("revision") or annotations.get("deployment.kubernetes.io/revision"))))


def owned(item: Object, owner: Object) -> bool:
    """Return whether an object belongs to another."""
    return any(o.get("uid") == owner["metadata"]["uid"] for o in item["metadata"].get("ownerReferences") or [])


def newest_pods(workload: Object, revision: Object | None, pods: Iterable[Object]) -> list[Object]:
    """Return the remaining pods of the newest revision. Older pods are being replaced."""
    if workload["kind"] == "Deployment":
        mine = [pod for pod in pods if revision and owned(pod, revision)]
    else:
        label = "controller-revision-hash"
        name = workload.get("status", {}).get("updateRevision") or _labels(revision).get(label)
        mine = [pod for pod in pods if owned(pod, workload) and (not revision or _labels(pod).get(label) == name)]
    return [pod for pod in mine if not pod["metadata"].get("deletionTimestamp")]


def fix_of(symptom: Symptom, log: Iterable[str]) -> str:
    """Return the fix of a symptom, or of what the log of its container says."""
    lines = list(log)
    words = (line.partition(_DENIED)[0].split()[-1:] for line in lines if _DENIED in line)
    path = next((word[0] for word in words if word and word[0].startswith("/")), "")
    if symptom.row.id != "crash":
        return symptom.row.fix
    if not path or not symptom.pod:
        cause = crash_cause(lines)
        return f"{cause.text[0].upper()}{cause.text[1:]}. {cause.fix}" if cause else symptom.row.fix
    security = symptom.pod["spec"].get("securityContext") or {}
    given = {key: security[key] for key in ("runAsUser", "fsGroup") if security.get(key) is not None}
    who = ", ".join(f"{key} {value}" for key, value in given.items()) or "no fsGroup"
    return (
        f"Let the pod ({who}) use {path}. Kubernetes gives a volume to the group fsGroup only if its driver"
        " supports that; for a hostPath or an NFS volume, change owner or mode of the folder on the volume, or set"
        " `storage.class` to a class whose driver supports fsGroup."
    )


def unbound(symptom: Symptom, claims: Iterable[Object], events: list[Object]) -> Symptom:
    """Return a symptom about unbound claims, with the claims of the pod, their class, and the last event of each."""
    volumes = ((symptom.pod or {}).get("spec") or {}).get("volumes") or []
    names = [(volume.get("persistentVolumeClaim") or {}).get("claimName") for volume in volumes]
    details = [symptom.detail]
    for claim in claims:
        if claim["metadata"]["name"] in names and (claim.get("status") or {}).get("phase") != "Bound":
            storage_class = (claim.get("spec") or {}).get("storageClassName")
            last = [str(event.get("message")) for event in events_of(claim, events)[-1:]]
            of = f"StorageClass {storage_class}" if storage_class else "no StorageClass"
            details.append(": ".join([f"claim {claim['metadata']['name']} of {of}", *last]))
    return symptom._replace(detail="; ".join(details))


def issuing(symptom: Symptom, certificates: Iterable[Object], _events: list[Object]) -> Symptom:
    """Return a symptom about a missing Secret, with the status of the Certificate that creates the Secret."""
    match = _MISSING_SECRET.search(symptom.detail) if symptom.row.id == "mount" else None
    for item in certificates if match else ():
        if item["spec"].get("secretName") == (match or {"name": ""})["name"]:
            states = (item.get("status") or {}).get("conditions") or []
            why = next((state.get("message") for state in states if state.get("type") == "Ready"), None)
            detail = f"{symptom.detail}; Certificate {item['metadata']['name']}: {why or 'not processed yet'}"
            return symptom._replace(row=ISSUING, detail=detail)
    return symptom


Explained = Callable[[Symptom, Iterable[Object], list[Object]], Symptom]
# By row: the objects that explain a symptom further, which are listed only for it, and how they do.
EXPLAINED: dict[str, tuple[tuple[str, str, str], Explained]] = {
    "mount": (("cert-manager.io/v1", "Certificate", "certificates"), issuing),
    "unbound_claim": (("v1", "PersistentVolumeClaim", "persistentvolumeclaims"), unbound),
}


def older_pods(workload: Object, newest: list[Object], pods: Iterable[Object]) -> list[Object]:
    mine = [pod for pod in pods if owned(pod, workload) and pod not in newest]
    return [pod for pod in mine if not pod["metadata"].get("deletionTimestamp")]


def _labels(item: Object | None) -> dict[str, str]:
    return (item["metadata"].get("labels") or {}) if item else {}


def event_time(event: Object) -> str:
    """Return when the event last occurred. These times compare as text."""
    last = (event.get("series") or {}).get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return str(last or event["metadata"].get("creationTimestamp") or "")


def events_of(item: Object, events: Iterable[Object], since: str = "") -> list[Object]:
    """Return the events of an object since its creation, or since a time, oldest first."""
    start = max(since, item["metadata"].get("creationTimestamp") or "")
    mine = (e for e in events if e.get("involvedObject", {}).get("uid") == item["metadata"]["uid"])
    return sorted((event for event in mine if event_time(event)[:19] >= start[:19]), key=event_time)


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
    latest = max(
        (item["metadata"].get("creationTimestamp") or "" for item in [*pods, revision or workload]), default=""
    )
    subject = {
        "workload": workload,
        "events": events_of(creator, events, latest),
        "missing": len(pods) < _wanted(workload),
        "old": old or [],
        "allow_empty": allow_empty,
    }
    found = [*_first(search, WORKLOAD_FAILURES, subject, None)]
    for pod in pods:
        found += _first(search, POD_FAILURES, {"pod": pod, "events": events_of(pod, events)}, pod)
    for symptom in found:
        yield symptom._replace(row=OPERATING) if _is_created_later(workload, symptom) else symptom


def _wanted(workload: Object) -> int:
    """Return how many pods should be there. A Job that has not ended has one at least."""
    if workload["kind"] == "Job":
        return 0 if (workload.get("status") or {}).get("conditions") else 1
    return pod_counts(workload).desired


def _is_created_later(workload: Object, symptom: Symptom) -> bool:
    """Return whether pods lack an object that the operator creates, by its name."""
    name = workload["metadata"]["name"]
    return bool(workload.get(OF)) and any(
        name in (found["name"], found["whole"]) for found in _MISSING_CHILD.finditer(symptom.detail)
    )


def _first(search: Search, rows: tuple[FailureRow, ...], subject: Object, pod: Object | None) -> Iterator[Symptom]:
    for row in rows:
        found = search(row.find, subject)
        if found:
            last = found[-1]
            detail = " ".join(str(last.get("detail") or "").split()).removeprefix(REPEATED)
            yield Symptom(row, pod, str(last.get("container") or ""), str(last.get("reason") or row.id), detail)
            return
