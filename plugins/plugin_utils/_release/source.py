# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release manifest from a file, a folder or an address, and what a Helm chart says. Controller only. Private."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError

from ansible.module_utils.urls import ConnectionError as UrlConnectionError
from ansible.module_utils.urls import SSLValidationError, open_url

from ...module_utils._install.releases.products import Product
from ...module_utils._install.releases.version_numbers import Version
from ...module_utils._install.releases.version_numbers import parse_version as read_version
from ...module_utils._otelcol.bounded.live.bounded_reads import (
    BROKEN_ERRORS,
    add_to_sum,
    compute_file_sum,
    read_archive_member,
    read_file_bytes,
    read_stream,
)
from ...module_utils._otelcol.bounded.read_limits import CHART_FILE_LIMIT, CHART_LIMIT, TEXT_LIMIT
from ...module_utils._otelcol.errors import Problem, strip_credentials
from .._otelcol import _documents, _files, _yaml

RETRY_PAUSES = (1.0, 3.0)
TIMEOUT_SECONDS = 20
# Temporary HTTP errors of servers and proxies.
TEMPORARY_STATUSES = (408, 425, 429, 500, 502, 503, 504)
_SAFE_SCHEMES = ("https://", "file://")
_Content = TypeVar("_Content")
_MIRROR_FIX = "Fill a release mirror and name it, or give the file itself (source)."


def list_origins(product: Product, version: Version, source: str, mirror: str) -> list[str]:
    """Return the candidate locations of the manifest, in order of precedence."""
    if source:
        return [source]
    if not mirror:
        return [f"{product.download_url}/{version.tag}/{product.manifest}"]
    root = mirror.rstrip("/")
    return [f"{root}/{product.name}/{name}/{product.manifest}" for name in (version.tag, str(version))]


def fetch(
    origins: list[str], sha256: str, activity: str, sleep: Callable[[float], None] = time.sleep, *, plain: bool = False
) -> tuple[str, bytes]:
    """Return the first location with the published manifest, checked by SHA-256. Raises Problem if there is none.

    `plain` allows connections that do not protect the content, because the caller compares the content with a sum.
    """
    refuse_unprotected(origins, activity, plain=plain or bool(sha256))
    content, origin = _fetch_first(origins, activity, sleep)
    if sha256 and hashlib.sha256(content).hexdigest() != sha256.lower().removeprefix("sha256:"):
        actual_sum = hashlib.sha256(content).hexdigest()
        wrong = f"its SHA-256 is {actual_sum}, not {sha256}"
        raise Problem(
            wrong, asked=activity, where=strip_credentials(origin), fix="Download it again, or correct sha256."
        )
    return origin, content


def refuse_unprotected(origins: list[str], activity: str, *, plain: bool) -> None:
    """Reject addresses at which anybody on the way can change the content, unless a sum is expected of it."""
    unprotected_address = find_unprotected(origins)
    if unprotected_address and not plain:
        wrong = "the connection does not protect the manifest, and no SHA-256 is expected of it"
        fix = "Use https, give the SHA-256 of the published manifest (sha256), or lock the inventory."
        raise Problem(wrong, asked=activity, where=strip_credentials(unprotected_address), fix=fix)


def find_unprotected(origins: list[str]) -> str:
    """Return the first address at which anybody on the way can change the content; empty without one."""
    return next((origin for origin in origins if "://" in origin and not origin.lower().startswith(_SAFE_SCHEMES)), "")


def parse_documents(content: bytes, activity: str, place: str) -> list[Any]:
    """Return the documents of a manifest. Raises Problem if the content is not a manifest."""
    place = strip_credentials(place)
    return [document.data for document in _yaml.load_all(_decode_manifest(content, activity, place), place)]


def _decode_manifest(content: bytes, activity: str, place: str) -> str:
    _files.check_unencrypted(content, place)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem(
            "it is not text", asked=activity, where=place, fix="Give the manifest, not an archive."
        ) from error
    if text.lstrip()[:1] == "<":
        fix = "A proxy or a login page answers instead. Download the file and give its path."
        raise Problem("it is a web page, not YAML", asked=activity, where=place, fix=fix)
    return text


def _fetch_first(origins: list[str], activity: str, sleep: Callable[[float], None]) -> tuple[bytes, str]:
    for origin in origins:
        content = (
            fetch_with_retries(origin, activity, _download, sleep) if "://" in origin else _read_file(origin, activity)
        )
        if content is not None:
            return content, origin
    raise Problem(
        f"the manifest was not found; searched {', '.join(map(strip_credentials, origins))}",
        asked=activity,
        fix=_MIRROR_FIX,
    )


def _read_file(origin: str, activity: str) -> bytes | None:
    path = Path(origin).expanduser()
    try:
        return read_file_bytes(path) if path.exists() else None
    except OSError as error:
        fix = "Give the path of a readable file."
        raise Problem(f"cannot read it: {error.strerror}", asked=activity, where=origin, fix=fix) from error


def fetch_with_retries(
    url: str, activity: str, download: Callable[[str], _Content], sleep: Callable[[float], None] = time.sleep
) -> _Content | None:
    """Return what is at an address, as `download` reads it, or None if it does not exist. Retries temporary errors."""
    for pause in (*RETRY_PAUSES, None):
        may_retry, reason, fix = True, "", "Check the proxy and the network of this machine, or use a release mirror."
        try:
            return download(url)
        except HTTPError as error:
            if error.code in (404, 410):
                return None
            may_retry, reason = error.code in TEMPORARY_STATUSES, f"the server answers {error.code} {error.reason}"
        except SSLValidationError as error:
            may_retry, reason, fix = False, str(error), "Add the CA of the server or proxy to this machine's."
        except (URLError, UrlConnectionError, OSError) as error:
            reason = f"no answer: {getattr(error, 'reason', None) or error}"
        if not may_retry or pause is None:
            raise Problem(
                reason.replace(url, strip_credentials(url)), asked=activity, where=strip_credentials(url), fix=fix
            )
        sleep(pause)
    return None


@contextmanager
def open_answer(url: str) -> Iterator[Any]:
    """Yield the open answer of an address. Raises Problem for a redirection to one that protects nothing."""
    with open_url(url, timeout=TIMEOUT_SECONDS, http_agent="o11y.opentelemetry", follow_redirects="safe") as answer:
        if url.lower().startswith(_SAFE_SCHEMES):
            refuse_unprotected([answer.geturl()], "Follow the redirection", plain=False)
        yield answer


def _download(url: str) -> bytes:
    with open_answer(url) as answer:
        return read_stream(answer.read, TEXT_LIMIT, strip_credentials(url))


_CHART_FILE = "Chart.yaml"


def read_chart(chart: str) -> dict[str, Any] | None:
    """Return the metadata of a chart on disk, or None for a reference to a remote chart."""
    path = Path(chart).expanduser()
    if not chart or "://" in chart or not path.exists():
        return None
    _check_links(path)
    metadata = (
        _documents.read_yaml(path / _CHART_FILE)
        if path.is_dir()
        else _yaml.load(_read_archived_metadata(path), f"{path}/{_CHART_FILE}").data
    )
    if not isinstance(metadata, dict) or "name" not in metadata:
        fix = "Give the folder with its Chart.yaml, or its archive."
        raise Problem("this is not a Helm chart", where=str(path), fix=fix)
    return {**metadata, "path": str(path), "sum": _compute_chart_sum(path)}


def _check_links(folder: Path) -> None:
    """Raise Problem for a link in the folder of a chart to a file outside of it, or to nothing."""
    real_folder = folder.resolve()
    for entry in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if entry.is_symlink() and not (entry.exists() and entry.resolve().is_relative_to(real_folder)):
            wrong = f"its file {entry.relative_to(folder)} is a link to {entry.readlink()}"
            fix = "Put the file itself there, or remove the link."
            raise Problem(wrong, asked="Read a chart", where=str(folder), fix=fix)


def _compute_chart_sum(path: Path) -> str:
    """Return the SHA-256 of an archive, or of the names and contents of all files of a folder."""
    files = sorted(entry for entry in path.rglob("*") if entry.is_file()) if path.is_dir() else []
    if not files:
        return compute_file_sum(path, CHART_LIMIT)
    digest = hashlib.sha256()
    for file in files:
        add_to_sum(digest, file, CHART_LIMIT, file.relative_to(path).as_posix())
    return f"sha256:{digest.hexdigest()}"


def check_chart_version(product: Product, chart: dict[str, Any], wanted_version: str) -> str:
    """Return the version of the product in a chart. Raises Problem if it differs from the requested one."""
    if chart["name"] != product.name:
        fix = f"Give the chart of {product.title}."
        raise Problem(f"this is the chart of {chart['name']}", where=chart["path"], fix=fix)
    chart_version = str(chart.get("appVersion") or chart.get("version"))
    if wanted_version and read_version(wanted_version) != read_version(chart_version):
        wrong = f"the chart has version {chart_version} of {product.title}, not {wanted_version}"
        raise Problem(wrong, where=chart["path"], fix="Omit the version, or give the chart of that version.")
    return chart_version


def refuse_eks_cluster(product: Product, arguments: Mapping[str, Any]) -> None:
    """Reject connections that the helm program does not support: it needs a kubeconfig.

    `installed` has the cluster of eks_cluster in module_defaults and in the environment too.
    """
    installed = arguments["installed"] or {}
    name = arguments["eks_cluster"].get("name") or installed.get("eks_cluster")
    if name and arguments["provider"] == "helm":
        wrong = f"helm connects with a kubeconfig, but the cluster is given as eks_cluster ({name})"
        fix = (
            f"Use provider manifest, or give a kubeconfig (aws eks update-kubeconfig --name {name}) and no eks_cluster"
        )
        fix += ", neither in module_defaults nor in O11Y_EKS_CLUSTER."
        raise Problem(wrong, asked=f"Use helm for {product.title}", where=installed.get("server", ""), fix=fix)


def _is_chart_file(name: str) -> bool:
    """Return whether a file of an archive is the Chart.yaml of the chart, not of one that it brings."""
    return name.removeprefix("./").count("/") == 1 and name.endswith(f"/{_CHART_FILE}")


def _read_archived_metadata(path: Path) -> str:
    try:
        return read_archive_member(path, _is_chart_file, (CHART_FILE_LIMIT, CHART_LIMIT)).decode()
    except (*BROKEN_ERRORS, UnicodeDecodeError) as error:
        fix = "Download or pack it again; a chart is a folder or a .tgz."
        raise Problem(f"cannot read this chart: {error}", where=str(path), fix=fix) from error
