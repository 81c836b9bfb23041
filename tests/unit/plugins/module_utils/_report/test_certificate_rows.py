# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page has each certificate once."""

from __future__ import annotations

from .test_page_model import CERTIFICATE, diagnosed, first, fleet


def test_a_certificate_is_told_once_with_all_who_use_it_but_not_the_authority_of_the_cluster() -> None:
    found = fleet().cluster(asked=True, diagnosis=diagnosed(agent="healthy", gateway="healthy"))
    (row,) = first(found)["certificates"]
    assert (row["holder"], row["used_by"]) == ("Secret obs/tls (tls.crt)", ["obs/agent", "obs/gateway"])
    assert (row["until"], row["left"], row["state"]) == ("2026-12-01T00:00:00Z", "5 days", "soon")
    found = diagnosed(agent="healthy")
    found["collectors"][0]["certificates"] = [CERTIFICATE | {"kind": "ConfigMap", "name": "kube-root-ca.crt"}]
    assert first(fleet().cluster(asked=True, diagnosis=found))["certificates"] == []


def test_without_a_cluster_certificates_are_those_that_are_asked_for() -> None:
    spec = {"secretName": "tls", "dnsNames": ["g.obs.svc"], "issuerRef": {"name": "ca"}}
    (row,) = first(fleet().object("Certificate", "obs", "g-tls", "gateway", spec=spec).cluster())["certificates"]
    assert (row["holder"], row["issuer"], row["state"]) == ("Secret obs/tls", "Issuer ca", "asked")
