# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What more is known of a symptom than its row says: a better fix by the log, and details by further objects. Private.

A symptom is a fault of a workload or a pod (failures.py). `live/failure_texts.py` asks for the fix when it shows
a symptom, and `live/explain_failures.py` lists further objects for some symptoms. For example, a pod that waits for
a Secret which cert-manager has not made yet gets the status of the Certificate:

    secret "web-tls" not found; Certificate web: Issuing certificate as Secret does not exist
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from .._kube.conditions import find_condition
from .._otelcol.config.paths import list_at, value_at
from .._telemetry.crash_logs import find_crash_cause
from .events import select_events_of
from .failure_tables import ISSUING_ROW
from .failures import Object, Symptom

# What Go says after the path of a file that it may not open or create.
_PERMISSION_DENIED = ": permission denied"
# The name in `secret "web-tls" not found` and `secrets "ns/web-tls" not found`.
_MISSING_SECRET = re.compile(r'secrets? "(?:[^"/]*/)?(?P<name>[^"]+)" not found')


# ── Fixes ──


def find_fix(symptom: Symptom, log: Iterable[str]) -> str:
    """Return the fix of a symptom. For a crash, the log of the container may name a better one than the row."""
    if symptom.failure_row.id != "crash":
        return symptom.failure_row.fix
    log_lines = list(log)
    # The pod says by which user and group the path is used, which the general words about a file cannot.
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


# ── Details by further objects ──


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

    A symptom of another cause, and of a Secret that no Certificate creates, stays as it is. The events are not needed,
    but every function of an Explanation gets them.
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
    """What explains symptoms of one row further: objects of a namespaced kind, which are listed only for this."""

    api_version: str
    kind: str
    plural: str
    explain_symptom: Callable[[Symptom, Iterable[Object], list[Object]], Symptom]
    """Takes the symptom, the objects of the kind and all events, and returns the symptom with more detail."""


# By the id of the row in failure_tables.py.
EXPLANATIONS_BY_ROW = {
    "mount": Explanation("cert-manager.io/v1", "Certificate", "certificates", add_certificate_status),
    "unbound_claim": Explanation("v1", "PersistentVolumeClaim", "persistentvolumeclaims", add_unbound_claims),
}
