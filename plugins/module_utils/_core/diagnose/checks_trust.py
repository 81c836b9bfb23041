# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in checks of rights and certificates. Private."""

from __future__ import annotations

from .check import DiagnoseCheck

TRUST = (
    DiagnoseCheck(
        "right_missing",
        "rights",
        "error",
        "rights[?state=='none']",
        "ServiceAccount {namespace}/{account} may not {missing}",
        "Grant it by a ClusterRole and a ClusterRoleBinding.",
    ),
    DiagnoseCheck(
        "right_in_namespace",
        "rights",
        "info",
        "rights[?state=='namespace']",
        "ServiceAccount {namespace}/{account} may {missing} in its own namespace only",
        "Grant it for the cluster, or limit {id} to that namespace.",
    ),
    DiagnoseCheck(
        "right_denied",
        "rights",
        "error",
        "!(rights[?state=='none']) && logs[?cause=='forbidden' && current]"
        ".{about: about || 'rights', text: text, fix: fix}",
        "{text}",
        "{fix}",
    ),
    DiagnoseCheck(
        "certificate_expired",
        "certificates",
        "error",
        "certificates[?state=='expired']",
        "the certificate of {subject} in {kind} {namespace}/{name} ({key}) expired {left} ago, at {not_after}",
        "Renew it.",
    ),
    DiagnoseCheck(
        "certificate_early",
        "certificates",
        "error",
        "certificates[?state=='not_yet_valid']",
        "the certificate of {subject} in {kind} {namespace}/{name} ({key}) is valid only from {not_before}",
        "Reissue it, or check the clock of who did.",
    ),
    DiagnoseCheck(
        "certificate_soon",
        "certificates",
        "warning",
        "certificates[?state=='soon'].{subject: subject, kind: kind, namespace: namespace, name: name, left: left}",
        "the certificate of {subject} in {kind} {namespace}/{name} expires in {left}",
        "Renew it.",
    ),
    DiagnoseCheck(
        "certificate_names",
        "certificates",
        "warning",
        "certificates[?uncovered].{about: about, subject: subject, name: name, namespace: namespace,"
        " hosts: join(', ', uncovered), names: join(', ', names)}",
        "the certificate in Secret {namespace}/{name} is for {names}, not for {hosts}",
        "Reissue it with the names that clients use.",
    ),
    DiagnoseCheck(
        "certificate_untrusted",
        "certificates",
        "error",
        "trust[?state=='untrusted']",
        "the CA in {ca} has not signed the server's certificate in Secret {server} (issuer {issuer})",
        "Put the CA {issuer} in {ca}, or give the server a certificate of that CA.",
    ),
    DiagnoseCheck(
        "certificate_other_name",
        "certificates",
        "error",
        "trust[?state=='other_name']",
        "the server's certificate in Secret {server} is for {names}, not for {host}",
        "Use one of its names as endpoint or `server_name_override`, or reissue it.",
    ),
)
