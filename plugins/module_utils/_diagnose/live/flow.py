# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the collectors' own metrics twice to see what flows, and the certificates that are served. Private."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..._kube.live.api_errors import library
from ..._otelcol.catalogue.port_rows import Listeners
from ..._otelcol.errors import Problem
from ..._telemetry.metrics import MEMORY, Flow, Reading, grown, metrics_port, reading, total, unserved
from ..checks_trust import Certificate
from ..cluster_objects import memory_limit
from .find_collectors import DiagnosedTarget
from .reader import ClusterReader, ReadResult, path_of

POLL_FIRST, POLL_GROWTH, POLL_LAST = 0.5, 1.4, 2.0
# So many pods of a collector are asked; more of them say the same.
MOST_PODS = 20


@dataclass
class Meter:
    """The metrics of one collector."""

    target: DiagnosedTarget
    config: dict[str, Any]
    listeners: Listeners
    default_port: int
    first: dict[str, Reading] = field(default_factory=dict)
    last: dict[str, Reading] = field(default_factory=dict)
    flow: Flow | None = None
    # Whether the pods are new, so that one reading shows all that they did.
    fresh: bool = False

    def paths(self) -> dict[str, str]:
        """Return the address of each pod's metrics; none if they are not served."""
        running = [pod["metadata"] for pod in self.target.pods if pod.get("status", {}).get("phase") == "Running"]
        why = unserved(self.config, self.default_port)
        if why:
            if running:
                self.target.notes.add("own metrics", why)
            return {}
        if len(running) > MOST_PODS:
            self.target.notes.add("own metrics of all pods", f"{MOST_PODS} of {len(running)} are read")
        names = [(meta["namespace"], meta["name"]) for meta in running[:MOST_PODS]]
        port = metrics_port(self.config, self.default_port)[1]
        return {
            f"{namespace}/{name}": f"{path_of('pods', namespace, name)}:{port}/proxy/metrics"
            for namespace, name in names
        }

    def take(self, answers: dict[str, ReadResult]) -> None:
        """Take a reading of each pod; the first one stays the base."""
        for key, answer in answers.items():
            if answer.value is None:
                self.target.notes.add("own metrics", f"pod {key}: {answer.why}")
                continue
            self.last[key] = reading(answer.value)
            self.first.setdefault(key, Reading() if self.fresh else self.last[key])

    def measure(self, seconds: float) -> None:
        """Work out what flowed between the readings."""
        if self.last:
            gained = total([grown(self.first[key], self.last[key]) for key in self.last])
            self.flow = Flow(self.config, self.listeners, gained, total(list(self.last.values())), seconds)

    def memory(self) -> list[dict[str, Any]]:
        """Return how much of its memory limit each pod uses."""
        limit = memory_limit(self.target.container)
        used = {key: int(one[MEMORY]) for key, one in self.last.items() if one[MEMORY]}
        return [
            {"pod": key.partition("/")[2], "bytes": size, "limit": limit, "percent": 100 * size // limit}
            for key, size in used.items()
            if limit
        ]


def read_all(reader: ClusterReader, meters: list[Meter]) -> None:
    """Take a reading of all collectors at once."""
    asked = [(meter, key, path) for meter in meters for key, path in meter.paths().items()]
    answers = reader.cluster.parallel(lambda one: reader.text(one[2]), asked)
    for (meter, key, _path), answer in zip(asked, answers, strict=True):
        meter.take({key: answer})


def watch(reader: ClusterReader, meters: list[Meter], since: float, window: float) -> None:
    """Read until every signal shows what becomes of it, or the window is over."""
    live = [meter for meter in meters if meter.last]
    pause = POLL_FIRST
    while live:
        left = window - (reader.cluster.clock() - since)
        reader.cluster.sleep(max(min(pause, left), 0))
        pause = min(pause * POLL_GROWTH, POLL_LAST)
        read_all(reader, live)
        seconds = reader.cluster.clock() - since
        for meter in live:
            meter.measure(seconds)
        live = [meter for meter in live if meter.flow and not meter.flow.moving()]
        if seconds >= window:
            return


BEGIN = b"-----BEGIN CERTIFICATE-----"


class Parsed(NamedTuple):
    """A certificate, and what the library knows of it."""

    facts: Certificate
    inner: Any


def decoded(value: str) -> bytes:
    """Return the content of a key of a Secret."""
    try:
        return base64.b64decode(value)
    except (binascii.Error, ValueError):
        return b""


def available() -> str:
    """Return why certificates cannot be read here; nothing when they can."""
    try:
        library("cryptography.x509", "cryptography")
    except Problem as problem:
        return problem.wrong
    return ""


def certificates(data: bytes) -> list[Parsed]:
    """Return the certificates of a PEM text, the server's own first; none for other text."""
    if BEGIN not in data:
        return []
    x509 = library("cryptography.x509", "cryptography")
    try:
        return [Parsed(_facts(x509, one), one) for one in x509.load_pem_x509_certificates(data)]
    except ValueError:
        return []


def _facts(x509: Any, one: Any) -> Certificate:
    # Older versions of the library have the times without their zone, which is UTC.
    before = getattr(one, "not_valid_before_utc", None) or one.not_valid_before
    after = getattr(one, "not_valid_after_utc", None) or one.not_valid_after
    return Certificate(
        subject=one.subject.rfc4514_string() or "an empty subject",
        issuer=one.issuer.rfc4514_string(),
        not_before=before.strftime("%Y-%m-%dT%H:%M:%SZ"),
        not_after=after.strftime("%Y-%m-%dT%H:%M:%SZ"),
        names=tuple(_names(x509, one)),
        is_ca=bool(_extension(one, x509.BasicConstraints, "ca")),
    )


def _names(x509: Any, one: Any) -> Iterable[str]:
    extension = _extension(one, x509.SubjectAlternativeName)
    return [str(item.value) for item in extension or () if isinstance(item, (x509.DNSName, x509.IPAddress))]


def _extension(one: Any, kind: Any, field: str = "") -> Any:
    value = next((item.value for item in one.extensions if isinstance(item.value, kind)), None)
    return getattr(value, field, None) if field else value


def trusts(authorities: Iterable[Parsed], chain: Iterable[Parsed]) -> bool:
    """Return whether one of the authorities is in a chain of certificates, or has signed one of it."""
    given = list(chain)
    return any(one.inner == ca.inner or _signed(ca.inner, one.inner) for ca in authorities for one in given)


def _signed(authority: Any, one: Any) -> bool:
    try:
        one.verify_directly_issued_by(authority)
    except Exception:  # a wrong issuer, a wrong signature and a key of another kind have no base class in common
        return False
    return True
