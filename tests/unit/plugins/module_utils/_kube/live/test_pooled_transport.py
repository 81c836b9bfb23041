# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request over a kept connection: how long it may take, and in which word a lost answer is told."""

from __future__ import annotations

import ssl
from typing import Any

import urllib3
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.api_errors import explain_outage
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import Cluster
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.pooled_transport import PooledTransport
from urllib3.exceptions import ProtocolError, ReadTimeoutError, SSLError

from tests.support.cases import cases

from ...fake_api import Clock
from ...live_helpers import answered
from .test_outage import WAIT


def test_a_read_is_soon_sent_again_and_then_has_its_time() -> None:
    """An old object may have to be converted by a webhook, which the server gives thirty seconds."""
    asked: list[tuple[str, float]] = []

    class Pool:
        def request(self, method: str, url: str, *, timeout: Any, **_more: Any) -> Any:
            asked.append((method, timeout.read_timeout))
            if len(asked) in (2, 4):
                raise ReadTimeoutError(None, url, "Read timed out.")  # type: ignore[arg-type]
            return answered(200, b"{}")

    transport = PooledTransport(Pool(), "https://a", dict)
    transport.set_read_seconds(36.0, 8.0)
    cluster = Cluster(transport, clock=Clock(), sleep=lambda _seconds: None)
    cluster.outage.patience_seconds = WAIT
    cluster.get("/api/v1/nodes")
    cluster.get("/api/v1/pods")
    cluster.request("PATCH", "/api/v1/pods", body={})
    first, *reads = asked[:3]
    assert (first, reads) == (("GET", 36.0), [("GET", 8.0), ("GET", 36.0)])
    assert asked[3:] == [("PATCH", 36.0), ("PATCH", 36.0)]


@cases(
    "error, why, again",
    (SSLError(ssl.SSLEOFError(8, "UNEXPECTED_EOF")), "reset", True),
    (SSLError(ssl.SSLCertVerificationError(1, "CERTIFICATE_VERIFY_FAILED")), "tls", False),
    (ReadTimeoutError(None, "/", "Read timed out."), "timeout", False),  # type: ignore[arg-type]
    (ProtocolError("Connection aborted.", ConnectionResetError(104, "reset")), "reset", True),
)
def test_a_proxy_that_hangs_up_is_told_from_a_certificate_that_is_not_trusted(
    error: Any, why: str, again: bool
) -> None:
    found = PooledTransport(None, "https://a", dict)._build_lost_error(error)
    assert (found.why, found.again) == (why, again)


@cases(
    "said, why",
    ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1006)", "expired"),
    ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate is not yet valid (_ssl.c:1006)", "early"),
    ("[SSL: SSLV3_ALERT_CERTIFICATE_EXPIRED] sslv3 alert certificate expired (_ssl.c:2580)", "own_expired"),
    ("certificate verify failed: Hostname mismatch, certificate is not valid for 'a'. (_ssl.c:1006)", "other_name"),
    ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate", "tls"),
    ("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)", "tls"),
)
def test_a_certificate_out_of_its_time_is_told_from_a_wrong_port(said: str, why: str) -> None:
    transport = object.__new__(PooledTransport)
    transport.host = "https://a:6443"
    found = transport._build_lost_error(urllib3.exceptions.SSLError(said))
    assert (found.why, found.again) == (why, False)
    assert ("date -u" in explain_outage(found).fix) == (why in ("expired", "early", "own_expired"))
