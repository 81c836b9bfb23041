# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoint by which Datadog takes OTLP: for tests where its own exporter cannot run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from tests.testbed.eks.front import Environ, Start, read, text
from tests.testbed.eks.requests import content

HOSTS = ("otlp.datadoghq.com",)
KEY_HEADER = "dd-api-key"


class Intake:
    """A WSGI application that takes what comes with the key. Without a key it takes nothing."""

    def __init__(self, note: Callable[[dict[str, Any]], None]) -> None:
        self.key, self.note = "", note

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """Take it, or refuse it."""
        sent = read(environ)
        good = bool(self.key) and sent.headers.get(KEY_HEADER) == self.key
        url = urlsplit(sent.url)
        told = {"host": url.hostname, "service": "datadog", "operation": url.path, "agent": sent.headers["user-agent"]}
        self.note(told | {"refused": "" if good else "Forbidden", "body": content(sent)})
        return text(start, 200 if good else 403, sent.headers.get("content-type", ""), b"")
