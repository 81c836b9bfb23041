# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What answers of the API server and failed connections mean, and what to do: tables for `live/api_errors`. Private."""

from __future__ import annotations

from typing import NamedTuple


class OutageText(NamedTuple):
    """Why an API server cannot be reached, as the end of a sentence, and what to do."""

    wrong: str
    fix: str


# By the word of a LostError for the reason, as `pooled_transport` chooses it.
OUTAGES = {
    "dns": OutageText(
        wrong="the host name cannot be resolved",
        fix="Check the server's name in the kubeconfig and the DNS of this machine.",
    ),
    "refused": OutageText(
        wrong="nothing listens there",
        fix="Check the server's address in the kubeconfig, and that the cluster runs.",
    ),
    "timeout": OutageText(
        wrong="it does not answer",
        fix="Check the network, VPN, proxy and firewall between this machine and the cluster.",
    ),
    "tls": OutageText(
        wrong="the TLS connection is not trusted",
        fix="Check https and the port, and give the cluster's CA with ca_cert or in the kubeconfig.",
    ),
    "expired": OutageText(
        wrong="the certificate of the API server has expired",
        fix="Compare the clock of this machine with that of the cluster (`date -u`). If it is right, renew the"
        " certificate of the API server, or of the proxy before it, such as with `kubeadm certs renew all`.",
    ),
    "early": OutageText(
        wrong="the certificate of the API server is not yet valid",
        fix="Correct the clock of this machine (`date -u`), or of the machine that issued the certificate.",
    ),
    "own_expired": OutageText(
        wrong="the server finds the client's certificate expired",
        fix="Renew client_cert and client_key, or those of the kubeconfig, and compare the clocks (`date -u`).",
    ),
    "other_name": OutageText(
        wrong="the certificate of the API server is for another name",
        fix="Use a name or an address of the certificate as server, or set `tls-server-name` in the kubeconfig.",
    ),
    "certificate": OutageText(
        wrong="the client's certificate or key cannot be read",
        fix="Check client_cert and client_key.",
    ),
    "reset": OutageText(
        wrong="the connection breaks",
        fix="Check proxies and load balancers on the way, and the health of the API server.",
    ),
}


class AnswerRow(NamedTuple):
    """Answers of the API server that mean the same: which they are, what is wrong then, and what to do.

    {message} in `wrong` is the server's own message. NAMESPACE and NAME in `fix` are those of the object.
    """

    wrong: str
    fix: str
    status: int | None = None
    """The HTTP status; None for any."""
    message_words: str = ""
    """Words that the reason or the message has; empty for any."""
    path_part: str = ""
    """A part of the path that was asked for, as of one kind; empty for all paths."""


_UNCHANGEABLE_FAULT = "a field cannot be changed in place ({message})"
_DELETE_FIRST_FIX = "Delete the object first, or rename the new one."
_CLAIM_FAULT = "a claim cannot be changed so ({message})"
_CLAIM_FIX = (
    "A claim can only grow, and only if its StorageClass has `allowVolumeExpansion: true`. For all else, make a claim"
    " of another name: what is deleted takes its data along."
)
# A StatefulSet refuses changes of its claims, its Service and its selector. Kubernetes up to 1.36 has words of its own
# for that, and from 1.37 on those that it has for all kinds.
_STATEFUL_SET_FAULT = "such a field of a StatefulSet cannot be changed in place ({message})"
_ORPHAN_FIX = (
    "Delete the StatefulSet without its pods and claims (`kubectl -n NAMESPACE delete statefulset NAME"
    " --cascade=orphan`), then run again. The size of a claim that exists stays: change the claim."
)

# Tried from the top: the first row that fits applies, so what is said of one kind comes before what is said of all.
# tests/unit/plugins/module_utils/_kube/live/api_messages.yml has the messages of every supported Kubernetes.
ANSWER_ROWS = (
    AnswerRow(
        status=401,
        wrong="the server does not accept the credentials ({message})",
        fix="Renew the token or certificate. Check it with `kubectl auth whoami`.",
    ),
    AnswerRow(
        message_words="failed calling webhook",
        wrong="an admission webhook does not answer ({message})",
        fix="Check that the pods of that webhook run.",
    ),
    AnswerRow(
        message_words="denied the request",
        wrong="an admission webhook denied it ({message})",
        fix="Change the object or the policy.",
    ),
    AnswerRow(
        message_words="AdmissionPolicy",
        wrong="an admission policy denied it ({message})",
        fix="Change the object or the policy.",
    ),
    AnswerRow(
        status=403,
        message_words="exceeded quota",
        wrong="a quota is used up ({message})",
        fix="Raise the ResourceQuota, or lower the requests.",
    ),
    AnswerRow(
        status=403,
        message_words="violates PodSecurity",
        wrong="the namespace's pod security forbids it ({message})",
        fix="Change the namespace's pod-security label or the pod.",
    ),
    AnswerRow(
        status=403,
        message_words="being terminated",
        wrong="the namespace is being deleted ({message})",
        fix="Wait until the namespace is gone, or check its finalizers.",
    ),
    AnswerRow(
        status=403,
        wrong="not allowed ({message})",
        fix="Ask an administrator for the permission.",
    ),
    AnswerRow(
        message_words="typed patch object",
        wrong="a field has the wrong type or name ({message})",
        fix="Correct the field.",
    ),
    AnswerRow(
        message_words="illegal base64",
        wrong="a value is not base64 ({message})",
        fix="Encode the values of `data`, or write them as text below `stringData`.",
    ),
    AnswerRow(
        message_words="unable to convert unstructured object to ",
        wrong="a value is not valid ({message})",
        fix="Correct the value.",
    ),
    AnswerRow(
        status=422,
        message_words="updates to statefulset spec",
        wrong=_STATEFUL_SET_FAULT,
        fix=_ORPHAN_FIX,
    ),
    AnswerRow(
        status=422,
        message_words="field is immutable",
        path_part="/statefulsets/",
        wrong=_STATEFUL_SET_FAULT,
        fix=_ORPHAN_FIX,
    ),
    AnswerRow(
        status=422,
        message_words="field is immutable",
        wrong=_UNCHANGEABLE_FAULT,
        fix=_DELETE_FIRST_FIX,
    ),
    AnswerRow(
        status=422,
        path_part="/persistentvolumeclaims/",
        wrong=_CLAIM_FAULT,
        fix=_CLAIM_FIX,
    ),
    AnswerRow(
        status=422,
        message_words="is immutable after creation",
        wrong=_UNCHANGEABLE_FAULT,
        fix=_DELETE_FIRST_FIX,
    ),
    AnswerRow(
        status=422,
        message_words="may not change once set",
        wrong=_UNCHANGEABLE_FAULT,
        fix=_DELETE_FIRST_FIX,
    ),
    AnswerRow(
        status=422,
        message_words="cannot change roleRef",
        wrong=_UNCHANGEABLE_FAULT,
        fix=_DELETE_FIRST_FIX,
    ),
    AnswerRow(
        status=422,
        message_words="updates to ",
        wrong=_UNCHANGEABLE_FAULT,
        fix=_DELETE_FIRST_FIX,
    ),
    AnswerRow(
        message_words="Invalid",
        wrong="the object is not valid ({message})",
        fix="Correct the field.",
    ),
    AnswerRow(
        status=400,
        wrong="the server does not understand the object ({message})",
        fix="Correct the field.",
    ),
    AnswerRow(
        status=404,
        message_words="namespaces ",
        wrong="the namespace does not exist ({message})",
        fix="Set create_namespace: true for the collector, or create the namespace first.",
    ),
    AnswerRow(
        message_words="more than one PodDisruptionBudget",
        wrong="several PodDisruptionBudgets select the pod ({message})",
        fix="Let one of them select it alone (`kubectl -n NAMESPACE get poddisruptionbudgets`).",
    ),
    AnswerRow(
        status=429,
        wrong="the server is overloaded ({message})",
        fix="Run the task again.",
    ),
)


# The fix for an API group that the cluster does not serve.
FIXES_BY_GROUP = {
    "cert-manager.io": "Install or upgrade cert-manager, for example with `cert_manager_provider: manifest`, "
    "or replace `certificates` by a Secret that holds the certificate.",
    "gateway.networking.k8s.io": "Install the CRDs of the Gateway API and a controller for them, "
    "or use `ingress` instead of `routes`.",
    "monitoring.coreos.com": "Install the Prometheus operator with its CRDs, or set `monitoring: {scrape: annotations, "
    "alerts: config_map}` and `service_monitor: {enabled: false}`.",
    "opentelemetry.io": "Install or upgrade the OpenTelemetry operator, for example with "
    "`otel_operator_provider: manifest`, or use `backend: kubernetes` for collectors.",
    "security.openshift.io": "This cluster is not OpenShift: set `platform` to the platform of this cluster.",
    "route.openshift.io": "This cluster is not OpenShift: use `ingress` or `routes` instead of `openshift_route`.",
}
