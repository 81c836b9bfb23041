# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a release manifest from a file, a mirror or the network, and parse it. Controller only. Private.

For example, `fetch_manifest` reads https://github.com/…/v1.18.0/cert-manager.yaml, or the same file below a mirror.
`release_origins.py` lists where a manifest may be, and `published.py` judges what was read.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ...module_utils._otelcol.bounded.live.bounded_reads import read_file_bytes, read_stream
from ...module_utils._otelcol.bounded.read_limits import TEXT_LIMIT
from ...module_utils._otelcol.errors import Problem, strip_credentials
from .._otelcol import _files, _yaml
from .release_origins import check_protection, is_address
from .retried_download import fetch_with_retries, open_answer


class FetchedManifest(NamedTuple):
    """The bytes of a manifest, and the path or the address that they were read from."""

    origin: str
    content: bytes


def fetch_manifest(
    origins: Sequence[str],
    sha256: str,
    activity: str,
    sleep: Callable[[float], None] = time.sleep,
    *,
    may_be_unprotected: bool = False,
) -> FetchedManifest:
    """Return the manifest of the first origin that has it, checked by SHA-256. Raises Problem if none has it.

    `may_be_unprotected` allows connections that do not protect the content, because the caller compares the content
    with a sum. With `sha256` they are allowed too.
    """
    if not sha256 and not may_be_unprotected:
        check_protection(origins, activity)
    fetched = _fetch_first(origins, activity, sleep)
    actual_sum = hashlib.sha256(fetched.content).hexdigest()
    if sha256 and actual_sum != sha256.lower().removeprefix("sha256:"):
        wrong = f"its SHA-256 is {actual_sum}, not {sha256}"
        fix = "Download it again, or correct sha256."
        raise Problem(wrong, asked=activity, where=strip_credentials(fetched.origin), fix=fix)
    return fetched


def _fetch_first(origins: Sequence[str], activity: str, sleep: Callable[[float], None]) -> FetchedManifest:
    """Return the manifest of the first origin that has it. Raises Problem if none has it."""
    for origin in origins:
        if is_address(origin):
            content = fetch_with_retries(origin, activity, _download_manifest, sleep)
        else:
            content = _read_file(origin, activity)
        if content is not None:
            return FetchedManifest(origin, content)
    wrong = f"the manifest was not found; searched {', '.join(map(strip_credentials, origins))}"
    raise Problem(wrong, asked=activity, fix="Fill a release mirror and name it, or give the file itself (source).")


def _download_manifest(url: str) -> bytes:
    """Return what is at an address, by one attempt."""
    with open_answer(url) as answer:
        return read_stream(answer.read, TEXT_LIMIT, strip_credentials(url))


def _read_file(origin: str, activity: str) -> bytes | None:
    """Return the content of a file; None if it does not exist. Raises Problem if it cannot be read."""
    path = _files.expand_path(origin)
    try:
        return read_file_bytes(path) if path.exists() else None
    except OSError as error:
        fix = "Give the path of a readable file."
        raise Problem(f"cannot read it: {error.strerror}", asked=activity, where=origin, fix=fix) from error


def parse_documents(content: bytes, activity: str, place: str) -> list[Any]:
    """Return the documents of a manifest. Raises Problem if the content is not a manifest."""
    place = strip_credentials(place)
    return [document.data for document in _yaml.load_all(_decode_manifest(content, activity, place), place)]


def _decode_manifest(content: bytes, activity: str, place: str) -> str:
    """Return the text of a manifest. Raises Problem for what is encrypted, no text, or a web page."""
    _files.check_unencrypted(content, place)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        fix = "Give the manifest, not an archive."
        raise Problem("it is not text", asked=activity, where=place, fix=fix) from error
    if text.lstrip()[:1] == "<":
        fix = "A proxy or a login page answers instead. Download the file and give its path."
        raise Problem("it is a web page, not YAML", asked=activity, where=place, fix=fix)
    return text
