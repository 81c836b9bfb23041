# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls over HTTP from a host: to its own collectors, without a proxy, and downloads. Private.

machine.py imports this file only when it is needed (see late_imports.py).
"""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# How many seconds a collector of this host may take to answer.
_HTTP_SECONDS = 3.0
# How many seconds the server of a download may take until it sends the next bytes.
_DOWNLOAD_SECONDS = 60.0
# How many bytes of an answer are read.
_MOST_READ = 32 * 1024 * 1024


def get_text(url: str) -> str:
    """Return what a URL of this host answers. Raises OSError or ValueError if it does not."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with http_errors(), opener.open(url, timeout=_HTTP_SECONDS) as answer:
        return str(answer.read(_MOST_READ).decode("utf-8", "replace"))


def post_json(url: str, body: bytes, seconds: float) -> None:
    """Send JSON to a URL of this host. Raises OSError or ValueError if it is not taken.

    The certificate is not verified: it is for the name that clients use, and test data has no secret.
    """
    context = ssl._create_unverified_context() if url.startswith("https:") else None
    handlers = [urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)]
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    with http_errors(), urllib.request.build_opener(*handlers).open(request, timeout=seconds):
        pass


def open_download(url: str) -> Any:
    """Return the open answer of a URL, through the proxies of the environment. Raises OSError or ValueError."""
    with http_errors():
        return urllib.request.build_opener().open(url, timeout=_DOWNLOAD_SECONDS)


@contextmanager
def http_errors() -> Iterator[None]:
    """Raise OSError in place of HTTPException, which means no answer of HTTP or only a part of one.

    The text of the exception is left out, because it may have the whole URL with a password.
    """
    try:
        yield
    except http.client.HTTPException as error:
        raise OSError(f"no whole answer of HTTP ({type(error).__name__})") from None
