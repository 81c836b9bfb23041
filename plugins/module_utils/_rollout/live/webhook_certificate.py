# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate of a webhook without cert-manager: made when there is none, or when the old one ends soon. Private.

The module `webhook_certificate` runs this. A Secret keeps three texts in PEM: `ca.crt` is the CA bundle, `tls.crt`
the certificate, `tls.key` its private key. The CA bundle has the CA of the certificate and
the CA before it while that one is valid, so that a renewal interrupts nothing. The result is for example:

    {changed: true, days_left: 365, msg: "it was made: the old one ends 2027-01-31", …}
"""

from __future__ import annotations

import base64
import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypedDict

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import APPLY, CONFLICT, ApiError, Cluster
from ..._kube.live.connect import connect
from ..._kube.live.task_end import run
from ..._kube.live.urls import quote_segment
from ..._kube.owner_words import describe_owner
from ..._kube.ownership import is_applied_by
from ..._otelcol.errors import Problem
from ..._otelcol.kube.names import OWNER, OWNER_LABEL
from ..._otelcol.kube.objects import Manifest
from .certificate_issue import IssuedCertificate, find_valid_ca, issue_certificate, read_expiry, read_host_names

# No object has this resourceVersion. An apply with it creates an object, and is refused for one that exists.
_NEVER_VERSION = "1"
# Returns the current time, with a time zone.
Clock = Callable[[], datetime.datetime]


@dataclass(frozen=True)
class CertificateRequest:
    """Which certificate the task wants, and in which Secret."""

    namespace: str
    name: str
    """The name of the Secret."""
    hosts: list[str]
    """The names by which the API server calls the webhook, such as `operator-webhook.otel.svc`."""
    labels: dict[str, str]
    """Labels of the Secret, beside the one that names this collection."""
    days: int
    """How long a new certificate is valid."""
    renew_days: int
    """A certificate that is valid for fewer days is renewed."""
    check: bool
    """Whether this is check mode."""

    @property
    def path(self) -> str:
        """The URL path of its Secret."""
        return f"/api/v1/namespaces/{quote_segment(self.namespace)}/secrets/{quote_segment(self.name)}"


class CertificateResult(TypedDict):
    """The result of the task."""

    changed: bool
    ca_bundle: str
    """The CAs to trust, as PEM; empty if there is no certificate yet."""
    not_after: str
    """The end of the certificate in RFC 3339; empty if there is none."""
    days_left: int
    """Whole days until then; 0 if there is no certificate."""
    msg: str


def run_webhook_certificate(module: AnsibleModule) -> None:
    """See to the certificate, and end the task with the result."""
    params = {key: module.params[key] for key in ("namespace", "name", "hosts", "labels", "days", "renew_days")}
    request = CertificateRequest(**params, check=module.check_mode)

    def ensure() -> dict[str, Any]:
        return dict(ensure_certificate(connect(module), request, lambda: datetime.datetime.now(datetime.UTC)))

    run(module, ensure)


def ensure_certificate(cluster: Cluster, request: CertificateRequest, clock: Clock) -> CertificateResult:
    """Return the CA bundle and the end of the certificate. Make a new certificate if that is needed.

    Check mode makes none. Raises Problem if the Secret belongs to another owner, if the certificate would be valid for
    too few days or without end or replaced after its end, or if the API server refuses a request.
    """
    action = f"See to the certificate {request.namespace}/{request.name}"
    _refuse_late_renewal(request, action)
    _refuse_short_validity(request, action)
    _refuse_endless_validity(request, action, clock())
    try:
        try:
            return _read_or_make_certificate(cluster, request, clock)
        except ApiError as error:
            if error.status != CONFLICT:
                raise
        # Another run has written the Secret since it was read: its certificate is as good.
        return _read_or_make_certificate(cluster, request, clock)
    except ApiError as error:
        raise explain(error, action) from error


def _read_or_make_certificate(cluster: Cluster, request: CertificateRequest, clock: Clock) -> CertificateResult:
    """Return the result of the task. Raises ApiError with CONFLICT if the Secret is written after it was read here."""
    live_secret = cluster.get(request.path)
    _refuse_secret_of_others(live_secret, request)
    old_certificate = _read_secret(live_secret)
    renewal_reason = _find_renewal_reason(old_certificate, request, clock())
    if not renewal_reason:
        message = f"it is valid until {_format_expiry_date(old_certificate)}"
        return _build_result(old_certificate, clock(), message, changed=False)
    if request.check:
        return _build_result(old_certificate, clock(), f"it would be made: {renewal_reason}", changed=True)
    new_certificate = _renew_certificate(request, old_certificate, clock())
    new_secret = _pin_to_read_state(_build_secret(request, new_certificate), live_secret)
    # A Secret that appeared since the read belongs to another owner, who must not lose a key.
    query = {"fieldManager": OWNER, "force": "true" if live_secret else "false"}
    try:
        cluster.request("PATCH", request.path, query, new_secret, APPLY)
    except ApiError as error:
        if error.status != CONFLICT or _read_secret(cluster.get(request.path)) != new_certificate:
            raise
        # This run has written it, and the answer was lost.
    return _build_result(new_certificate, clock(), f"it was made: {renewal_reason}", changed=True)


def _refuse_late_renewal(request: CertificateRequest, action: str) -> None:
    """Raise Problem if a certificate would be in use after its end."""
    if request.renew_days < 0:
        wrong = f"renew_days is {request.renew_days}, so a certificate would be replaced after its end"
        raise Problem(wrong, asked=action, where="renew_days", fix="Give 0 or more, such as 90.")


def _refuse_endless_validity(request: CertificateRequest, action: str, current_time: datetime.datetime) -> None:
    """Raise Problem if the end of a new certificate would be after the last year that a certificate can name."""
    try:
        current_time + datetime.timedelta(days=request.days)
    except OverflowError:
        wrong = f"a certificate ends before the year 10000, and {request.days} days end later"
        raise Problem(wrong, asked=action, where="days", fix="Give fewer days, such as 365.") from None


def _refuse_short_validity(request: CertificateRequest, action: str) -> None:
    """Raise Problem if a new certificate would be due for renewal at once, so that every run would make one."""
    shortest_days = request.renew_days + 1
    if request.days < shortest_days:
        wrong = f"a certificate of {request.days} days is due for renewal at once (renew_days is {request.renew_days})"
        fix = f"Give at least {shortest_days} days, or fewer renew_days."
        raise Problem(wrong, asked=action, where="days", fix=fix)


def _renew_certificate(
    request: CertificateRequest, old_certificate: IssuedCertificate, current_time: datetime.datetime
) -> IssuedCertificate:
    """Return a new certificate, whose CA bundle also has the CA before it while that is valid."""
    issued = issue_certificate(request.name, request.hosts, request.days, current_time)
    old_ca = find_valid_ca(old_certificate.ca_bundle, current_time)
    return issued._replace(ca_bundle=issued.ca_bundle + old_ca)


def _refuse_secret_of_others(live_secret: Manifest | None, request: CertificateRequest) -> None:
    """Raise Problem if the Secret belongs to another owner."""
    labels = (live_secret or {"metadata": {}})["metadata"].get("labels") or {}
    if live_secret and not (labels.get(OWNER_LABEL) == OWNER and is_applied_by(live_secret, OWNER)):
        wrong = f"the Secret {request.namespace}/{request.name} belongs to {describe_owner(live_secret)}"
        raise Problem(wrong, fix="Remove it, or let certificates come from cert-manager.")


def _find_renewal_reason(
    old_certificate: IssuedCertificate, request: CertificateRequest, current_time: datetime.datetime
) -> str:
    """Return why a new certificate is needed, such as `there was none`; empty if the old one still serves."""
    # A certificate without its CA or its key serves nobody.
    expiry = read_expiry(old_certificate.certificate) if all(old_certificate) else None
    if expiry is None:
        return "there was none"
    if expiry - current_time < datetime.timedelta(days=request.renew_days):
        return f"the old one ends {expiry.date().isoformat()}"
    missing_hosts = sorted(set(request.hosts) - read_host_names(old_certificate.certificate))
    return f"the old one is not for {', '.join(missing_hosts)}" if missing_hosts else ""


def _build_result(
    certificate: IssuedCertificate, current_time: datetime.datetime, message: str, *, changed: bool
) -> CertificateResult:
    expiry = read_expiry(certificate.certificate)
    return {
        "changed": changed,
        "ca_bundle": certificate.ca_bundle,
        "not_after": expiry.isoformat() if expiry else "",
        "days_left": (expiry - current_time).days if expiry else 0,
        "msg": message,
    }


def _format_expiry_date(certificate: IssuedCertificate) -> str:
    """Return the day on which a certificate ends, such as `2027-01-31`."""
    expiry = read_expiry(certificate.certificate)
    return expiry.date().isoformat() if expiry else ""


# ── The Secret ──


def _read_secret(secret: Manifest | None) -> IssuedCertificate:
    """Return the certificate that a Secret keeps. Its texts are empty without a Secret."""
    encoded_data = (secret or {}).get("data") or {}
    texts = {key: base64.b64decode(value).decode(errors="replace") for key, value in encoded_data.items()}
    return IssuedCertificate(
        ca_bundle=texts.get("ca.crt", ""),
        certificate=texts.get("tls.crt", ""),
        private_key=texts.get("tls.key", ""),
    )


def _pin_to_read_state(secret: Manifest, live_secret: Manifest | None) -> Manifest:
    """Return a Secret that the server applies only if the live one is as it was read, or is still missing."""
    if live_secret is None:
        pinned_fields = {"resourceVersion": _NEVER_VERSION}
    else:
        pinned_fields = {key: live_secret["metadata"][key] for key in ("uid", "resourceVersion")}
    return {**secret, "metadata": {**secret["metadata"], **pinned_fields}}


def _build_secret(request: CertificateRequest, certificate: IssuedCertificate) -> Manifest:
    texts = {
        "ca.crt": certificate.ca_bundle,
        "tls.crt": certificate.certificate,
        "tls.key": certificate.private_key,
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {
            "name": request.name,
            "namespace": request.namespace,
            "labels": {**request.labels, OWNER_LABEL: OWNER},
        },
        "data": {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()},
    }
