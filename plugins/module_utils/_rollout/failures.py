# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find out why a workload fails: apply the rows of failure_tables.py to the pods of its newest revision. Private.

`live/explain_failures.py` reads the objects and calls `find_symptoms`. A `Symptom` is a row that fits, with the place
where it does. A revision is a ReplicaSet of a Deployment, or a ControllerRevision of a DaemonSet or StatefulSet; the
newest one has the template that the workload has now. A child is what the operator makes for a resource.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypedDict

from .._kube.conditions import find_condition
from .._otelcol.config.paths import list_at, parse_amount, value_at
from .._otelcol.kube.objects import ref
from .._telemetry.logs import find_crash_cause
from .failure_tables import (
    ISSUING_ROW,
    OPERATOR_ROW,
    POD_FAILURES,
    WORKLOAD_FAILURES,
    FailureRow,
)
from .readiness import read_pod_counts

Object = dict[str, Any]
Search = Callable[[str, Any], Any]

# The key under which a workload of the operator carries the name of its custom resource. followed_workloads.py adds it
# to the object, and messages show it.
OWNER_NAME_KEY = "of"
# The prefix of an event message that the API server combined with others.
REPEATED_PREFIX = "(combined from similar events): "
# The length of a time without fractions of a second, such as `2026-01-01T00:00:00`.
_LENGTH_TO_SECONDS = 19
# What Go says after the path of a file that it may not open or create.
_PERMISSION_DENIED = ": permission denied"
_REVISION_LABEL = "controller-revision-hash"  # of pods of a DaemonSet or StatefulSet
# The operator names a ConfigMap after the workload and the first digits of the config's sum.
# Source: internal/naming/main.go of the operator.
_MISSING_CHILD = re.compile(
    r'\b(?:configmap|serviceaccount) "(?P<whole>(?P<name>[^" ]{1,253}?)(?:-[0-9a-f]{8})?)" not found'
)
# The name in `secret "web-tls" not found` and `secrets "ns/web-tls" not found`.
_MISSING_SECRET = re.compile(r'secrets? "(?:[^"/]*/)?(?P<name>[^"]+)" not found')


class WorkloadFacts(TypedDict):
    """What the expressions of WORKLOAD_FAILURES search."""

    workload: Object
    events: list[Object]
    """The events of the object that creates the pods."""
    missing: bool
    """Whether there are fewer pods than the workload wants."""
    old: list[Object]
    """The pods of older revisions."""
    allow_empty: bool
    """Whether a DaemonSet that no node matches is no failure."""


class PodFacts(TypedDict):
    """What the expressions of POD_FAILURES search."""

    pod: Object
    events: list[Object]


class Symptom(NamedTuple):
    """One current fault of a workload, or of a pod of it: then `pod` and `container` say where."""

    failure_row: FailureRow
    pod: Object | None
    """None for a fault of the workload."""
    container: str
    """Empty if the fault is of no container."""
    reason: str
    """The word of Kubernetes, such as `ErrImagePull`; without one, the id of the row."""
    detail: str
    """What Kubernetes says about it, in one line; empty if it says nothing."""

    @property
    def key(self) -> tuple[str, str, str]:
        """By what the symptom is the same as one that was found earlier: row, pod and container."""
        pod_name = self.pod["metadata"]["name"] if self.pod else ""
        return (self.failure_row.id, pod_name, self.container)


def format_title(workload: Object) -> str:
    """Return the name of a workload, preceded by the name of its custom resource if it has one."""
    resource_name = workload.get(OWNER_NAME_KEY)
    return f"{resource_name} ({ref(workload)})" if resource_name else str(ref(workload))


def has_no_readiness_probe(workload: Object) -> bool:
    """Return whether a workload of an operator has no readiness probe."""
    is_of_operator = bool(workload.get(OWNER_NAME_KEY))
    containers = list_at(workload, "spec", "template", "spec", "containers")
    return is_of_operator and not any("readinessProbe" in container for container in containers)


def find_newest_revision(workload: Object, revisions: Iterable[Object]) -> Object | None:
    """Return the newest revision of a workload, or None if it has none."""
    own_revisions = [revision for revision in revisions if is_owned_by(revision, workload)]
    return max(own_revisions, key=_read_revision_number, default=None)


def _read_revision_number(revision: Object) -> int:
    """Return the number of a revision: a field of a ControllerRevision, an annotation of a ReplicaSet."""
    annotations = revision["metadata"].get("annotations") or {}
    # Whoever may edit a ReplicaSet may write anything into its annotation.
    return int(parse_amount(str(revision.get("revision") or annotations.get("deployment.kubernetes.io/revision"))))


def is_owned_by(owned_object: Object, owner: Object) -> bool:
    """Return whether an object belongs to another."""
    references = owned_object["metadata"].get("ownerReferences") or []
    return any(reference.get("uid") == owner["metadata"]["uid"] for reference in references)


def select_newest_pods(workload: Object, revision: Object | None, pods: Iterable[Object]) -> list[Object]:
    """Return the pods of the newest revision that are not being deleted. Older pods are being replaced."""
    remaining_pods = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    if workload["kind"] == "Deployment":
        return _select_owned_pods(remaining_pods, revision) if revision else []
    own_pods = _select_owned_pods(remaining_pods, workload)
    if not revision:
        return own_pods
    newest_hash = workload.get("status", {}).get("updateRevision") or _read_labels(revision).get(_REVISION_LABEL)
    return [pod for pod in own_pods if _read_labels(pod).get(_REVISION_LABEL) == newest_hash]


def _select_owned_pods(pods: Iterable[Object], owner: Object) -> list[Object]:
    return [pod for pod in pods if is_owned_by(pod, owner)]


def find_fix(symptom: Symptom, log: Iterable[str]) -> str:
    """Return the fix of a symptom. For a crash, the log of the container may name a better one than the row."""
    if symptom.failure_row.id != "crash":
        return symptom.failure_row.fix
    log_lines = list(log)
    denied_path = _find_denied_path(log_lines)
    if denied_path and symptom.pod:
        return _describe_access_fix(symptom.pod, denied_path)
    crash = find_crash_cause(log_lines)
    if crash is None:
        return symptom.failure_row.fix
    return f"{crash.text[0].upper()}{crash.text[1:]}. {crash.fix}"


def _find_denied_path(lines: Iterable[str]) -> str:
    """Return the path to which a log says that access is denied, or an empty text."""
    for line in lines:
        text_before, denial, _after = line.partition(_PERMISSION_DENIED)
        words = text_before.split()
        if denial and words and words[-1].startswith("/"):
            return words[-1]
    return ""


def _describe_access_fix(pod: Object, path: str) -> str:
    """Return how to let a pod use a path that its user or group may not use."""
    security = pod["spec"].get("securityContext") or {}
    security_ids = [f"{key} {security[key]}" for key in ("runAsUser", "fsGroup") if security.get(key) is not None]
    pod_identity = ", ".join(security_ids) or "no fsGroup"
    return (
        f"Let the pod ({pod_identity}) use {path}. Kubernetes gives a volume to the group fsGroup only if its driver"
        " supports that; for a hostPath or an NFS volume, change owner or mode of the folder on the volume, or set"
        " `storage.class` to a class whose driver supports fsGroup."
    )


def add_unbound_claims(symptom: Symptom, claims: Iterable[Object], events: list[Object]) -> Symptom:
    """Return a symptom about unbound claims, with each unbound claim of the pod in its detail."""
    volumes = list_at(symptom.pod, "spec", "volumes")
    claims_of_pod = {value_at(volume, ("persistentVolumeClaim", "claimName")) for volume in volumes}
    detail_texts = [symptom.detail]
    for claim in claims:
        if claim["metadata"]["name"] in claims_of_pod and value_at(claim, ("status", "phase")) != "Bound":
            detail_texts.append(_describe_claim(claim, events))
    return symptom._replace(detail="; ".join(detail_texts))


def _describe_claim(claim: Object, events: list[Object]) -> str:
    """Return the name of a claim that is not bound, its class, and what its last event says."""
    storage_class = value_at(claim, ("spec", "storageClassName"))
    class_in_words = f"StorageClass {storage_class}" if storage_class else "no StorageClass"
    claim_in_words = f"claim {claim['metadata']['name']} of {class_in_words}"
    last_events = select_events_of(claim, events)[-1:]
    return f"{claim_in_words}: {last_events[0].get('message')}" if last_events else claim_in_words


def add_certificate_status(symptom: Symptom, certificates: Iterable[Object], _events: list[Object]) -> Symptom:
    """Return a symptom about a missing Secret, with the status of the Certificate that creates the Secret.

    A symptom of another cause, and of a Secret that no Certificate creates, stays as it is.
    """
    missing_secret = _MISSING_SECRET.search(symptom.detail)
    if symptom.failure_row.id != "mount" or missing_secret is None:
        return symptom
    for certificate in certificates:
        if certificate["spec"].get("secretName") == missing_secret["name"]:
            status_message = find_condition(certificate, "Ready").get("message") or "not processed yet"
            detail = f"{symptom.detail}; Certificate {certificate['metadata']['name']}: {status_message}"
            return symptom._replace(failure_row=ISSUING_ROW, detail=detail)
    return symptom


class Explanation(NamedTuple):
    """What explains symptoms of one row further: objects of a namespaced kind, which are listed only for this.

    `explain_symptom` takes the symptom, the objects of the kind and all events, and returns the symptom with more
    detail.
    """

    api_version: str
    kind: str
    plural: str
    explain_symptom: Callable[[Symptom, Iterable[Object], list[Object]], Symptom]


# By the id of the row in failure_tables.py.
EXPLANATIONS_BY_ROW = {
    "mount": Explanation("cert-manager.io/v1", "Certificate", "certificates", add_certificate_status),
    "unbound_claim": Explanation("v1", "PersistentVolumeClaim", "persistentvolumeclaims", add_unbound_claims),
}


def select_older_pods(workload: Object, pods_of_newest: list[Object], pods: Iterable[Object]) -> list[Object]:
    """Return the pods of a workload that are not among the newest ones and that are not being deleted."""
    own_pods = [pod for pod in pods if is_owned_by(pod, workload) and pod not in pods_of_newest]
    return [pod for pod in own_pods if not pod["metadata"].get("deletionTimestamp")]


def _read_labels(kubernetes_object: Object | None) -> dict[str, str]:
    return (kubernetes_object["metadata"].get("labels") or {}) if kubernetes_object else {}


def read_event_time(event: Object) -> str:
    """Return when an event last occurred. Which field has the time depends on who wrote the event.

    These times are in UTC, so they compare as text.
    """
    possible_times = (
        (event.get("series") or {}).get("lastObservedTime"),
        event.get("lastTimestamp"),
        event.get("eventTime"),
        event["metadata"].get("creationTimestamp"),
    )
    for possible_time in possible_times:
        if possible_time:
            return str(possible_time)
    return ""


def select_events_of(kubernetes_object: Object, events: Iterable[Object], earliest_time: str = "") -> list[Object]:
    """Return the events of an object since its creation, or since `earliest_time` if that is later, oldest first."""
    start_time = max(earliest_time, _read_creation_time(kubernetes_object))
    own_events = []
    for event in events:
        is_about_object = event.get("involvedObject", {}).get("uid") == kubernetes_object["metadata"]["uid"]
        # Whole seconds are compared: only some of these times have fractions.
        if is_about_object and read_event_time(event)[:_LENGTH_TO_SECONDS] >= start_time[:_LENGTH_TO_SECONDS]:
            own_events.append(event)
    return sorted(own_events, key=read_event_time)


def _read_creation_time(kubernetes_object: Object) -> str:
    return kubernetes_object["metadata"].get("creationTimestamp") or ""


def find_symptoms(
    search: Search,
    workload: Object,
    revision: Object | None,
    pods: list[Object],
    events: list[Object],
    *,
    allow_empty: bool,
    old: list[Object] | None = None,
) -> Iterator[Symptom]:
    """Yield the symptoms of a workload and of each of `pods`, the pods of its newest revision.

    `old` are the pods of older revisions. With `allow_empty`, a DaemonSet that no node matches has no symptom.
    """
    pod_creator = revision if revision and workload["kind"] == "Deployment" else workload
    # Earlier events are about pods that are no longer there.
    latest_creation = max(_read_creation_time(created_object) for created_object in [*pods, revision or workload])
    workload_facts: WorkloadFacts = {
        "workload": workload,
        "events": select_events_of(pod_creator, events, latest_creation),
        "missing": len(pods) < _count_wanted_pods(workload),
        "old": old or [],
        "allow_empty": allow_empty,
    }
    symptoms = [_find_first_symptom(search, WORKLOAD_FAILURES, workload_facts, None)]
    for pod in pods:
        pod_facts: PodFacts = {"pod": pod, "events": select_events_of(pod, events)}
        symptoms.append(_find_first_symptom(search, POD_FAILURES, pod_facts, pod))
    for symptom in filter(None, symptoms):
        if _is_missing_operator_child(workload, symptom):
            yield symptom._replace(failure_row=OPERATOR_ROW)
        else:
            yield symptom


def _count_wanted_pods(workload: Object) -> int:
    """Return how many pods should be there. A Job that has not ended should have at least one."""
    if workload["kind"] == "Job":
        return 0 if (workload.get("status") or {}).get("conditions") else 1
    return read_pod_counts(workload).desired


def _is_missing_operator_child(workload: Object, symptom: Symptom) -> bool:
    """Return whether pods lack an object of a name that the operator gives to what it creates for the workload."""
    if not workload.get(OWNER_NAME_KEY):
        return False
    workload_name = workload["metadata"]["name"]
    return any(
        workload_name in (missing_child["name"], missing_child["whole"])
        for missing_child in _MISSING_CHILD.finditer(symptom.detail)
    )


def _find_first_symptom(
    search: Search, rows: tuple[FailureRow, ...], searched_facts: WorkloadFacts | PodFacts, pod: Object | None
) -> Symptom | None:
    """Return the symptom of the first row that fits; None if none does. Of several matches, the last one counts."""
    for row in rows:
        matches = search(row.find_expression, searched_facts)
        if matches:
            last_match = matches[-1]
            one_line_detail = " ".join(str(last_match.get("detail") or "").split())
            return Symptom(
                failure_row=row,
                pod=pod,
                container=str(last_match.get("container") or ""),
                reason=str(last_match.get("reason") or row.id),
                detail=one_line_detail.removeprefix(REPEATED_PREFIX),
            )
    return None
