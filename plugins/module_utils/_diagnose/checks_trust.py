# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in checks of rights and certificates.

The expression of a check is a JMESPath that searches the facts of a collector (docs/diagnose.md lists their keys), here
the rows `rights`, `certificates`, `trust` and `logs`. It yields mappings, and the message and the fix of the check take
their `{fields}` from one of them, as in

    certificates[?state=='expired']

    {kind: Secret, namespace: obs, name: gateway-tls, key: tls.crt, subject: CN=gateway, left: 3 h, …}

    the certificate of CN=gateway in Secret obs/gateway-tls (tls.crt) expired 3 h ago, at …

`certificate_facts.py` and `component_rights.py` make these rows. Private.
"""

from __future__ import annotations

from .diagnose_checks import Check

TRUST_CHECKS = (
    Check(
        id="right_missing",
        find_expression="rights[?state=='none']",
        message_template="ServiceAccount {namespace}/{account} may not {missing}",
        fix_template=(
            "Run `site`, which grants what the config needs; for a collector of others, grant it by a ClusterRole and a"
            " ClusterRoleBinding."
        ),
        stage="rights",
    ),
    Check(
        id="right_in_namespace",
        find_expression="rights[?state=='namespace']",
        message_template="ServiceAccount {namespace}/{account} may {missing} in its own namespace only",
        fix_template="Grant it for the cluster, or limit {id} to that namespace.",
        stage="rights",
        severity="info",
    ),
    Check(
        # What the log says of a missing right. If the API server itself has named missing rights (`right_missing`),
        # this would repeat them.
        id="right_denied",
        find_expression=(
            "!(rights[?state=='none']) && logs[?cause=='forbidden' && current]"
            ".{about: about || 'rights', text: text, fix: fix}"
        ),
        message_template="{text}",
        fix_template="{fix}",
        stage="rights",
    ),
    Check(
        id="certificate_expired",
        find_expression="certificates[?state=='expired']",
        message_template=(
            "the certificate of {subject} in {kind} {namespace}/{name} ({key}) expired {left} ago, at {not_after}"
        ),
        fix_template="Renew it.",
        stage="certificates",
    ),
    Check(
        id="certificate_early",
        find_expression="certificates[?state=='not_yet_valid']",
        message_template=(
            "the certificate of {subject} in {kind} {namespace}/{name} ({key}) is valid only from {not_before}"
        ),
        fix_template="Reissue it, or check the clock of its issuer.",
        stage="certificates",
    ),
    Check(
        id="certificate_soon",
        find_expression=(
            "certificates[?state=='soon'].{subject: subject, kind: kind, namespace: namespace, name: name, left: left}"
        ),
        message_template="the certificate of {subject} in {kind} {namespace}/{name} expires in {left}",
        fix_template="Renew it.",
        stage="certificates",
        severity="warning",
    ),
    Check(
        id="certificate_names",
        find_expression=(
            "certificates[?uncovered].{about: about, subject: subject, name: name, namespace: namespace,"
            " hosts: join(', ', uncovered), names: join(', ', names) || 'no host name'}"
        ),
        message_template="the certificate in Secret {namespace}/{name} is for {names}, and clients use {hosts}",
        fix_template="Reissue it with the names that clients use.",
        stage="certificates",
        severity="warning",
    ),
    Check(
        id="certificate_untrusted",
        find_expression="trust[?state=='untrusted']",
        message_template="the CA in {ca} has not signed the server's certificate in Secret {server} (issuer {issuer})",
        fix_template="Put the CA {issuer} in {ca}, or give the server a certificate of that CA.",
        stage="certificates",
    ),
    Check(
        id="certificate_other_name",
        find_expression="trust[?state=='other_name']",
        message_template="the server's certificate in Secret {server} is for {names}, and the client uses {host}",
        fix_template="Use one of its names as endpoint or `server_name_override`, or reissue it.",
        stage="certificates",
    ),
)
