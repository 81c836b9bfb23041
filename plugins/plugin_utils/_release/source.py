# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read release manifests from files, mirrors and the network, and Helm charts from disk. Controller only. Private.

For example, `fetch` reads https://github.com/…/v1.18.0/cert-manager.yaml, or the same file below a mirror. It tries
again after temporary errors, and refuses an address with `http://` unless a SHA-256 is expected. `published.py` reads
manifests with it, and `archive_reader.py` programs; `own_release.py` and `release_mirror.py` read charts.
"""

from __future__ import annotations

import hashlib
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, IncompleteRead, InvalidURL
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.error import HTTPError, URLError

from ansible.module_utils.urls import ConnectionError as UrlConnectionError
from ansible.module_utils.urls import SSLValidationError, open_url

from ...module_utils._install.releases.products import Product
from ...module_utils._install.releases.version_numbers import Version, parse_release_version
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
from .release_arguments import ReleaseArguments

# How long to wait before the second and the third attempt, in seconds.
RETRY_PAUSES = (1.0, 3.0)
TIMEOUT_SECONDS = 20
# Temporary HTTP errors of servers and proxies, after which another attempt may succeed.
TEMPORARY_STATUSES = (408, 425, 429, 500, 502, 503, 504)
# What a server answers if there is nothing at an address.
_MISSING_STATUSES = (404, 410)
# Addresses whose content nobody on the way can change.
_SAFE_SCHEMES = ("https://", "file://")
# What reading an answer raises if a server or proxy sends no answer of HTTP, or only a part of one.
_CUT_OFF_ERRORS = (HTTPException, EOFError, zlib.error)
_Content = TypeVar("_Content")
_MIRROR_FIX = "Fill a release mirror and name it, or give the file itself (source)."
_NETWORK_FIX = "Check the proxy and the network of this machine, or use a release mirror."
_ADDRESS_FIX = "Correct it: write a number as its port, and %20 and the like for other characters than those of ASCII."
_CHART_FILE = "Chart.yaml"


class FetchedManifest(NamedTuple):
    """The bytes of a manifest, and the path or the address that they were read from."""

    origin: str
    content: bytes


@dataclass(frozen=True)
class ChartOnDisk:
    """A Helm chart in a folder or an archive of the controller.

    `name` and `version` are those of the chart, `product_version` is its `appVersion`, or its version without one.
    """

    name: str
    version: str
    product_version: str
    path: str
    checksum: str

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any], path: Path) -> ChartOnDisk:
        """Return the chart at a path by the content of its Chart.yaml."""
        version = metadata.get("version")
        return cls(
            name=metadata["name"],
            version=str(version),
            product_version=str(metadata.get("appVersion") or version),
            path=str(path),
            checksum=_compute_chart_sum(path),
        )


# ── Manifests ──


def list_origins(product: Product, version: Version, source: str, mirror: str) -> list[str]:
    """Return the locations at which the manifest may be, the first one that has it counts.

    For example, a mirror `/srv/mirror` may have `/srv/mirror/cert-manager/v1.18.0/cert-manager.yaml`, or the same below
    `1.18.0`.
    """
    if source:
        return [source]
    if not mirror:
        return [f"{product.download_url}/{version.tag}/{product.manifest}"]
    root = mirror.rstrip("/")
    return [f"{root}/{product.name}/{name}/{product.manifest}" for name in (version.tag, str(version))]


def fetch(
    origins: list[str], sha256: str, activity: str, sleep: Callable[[float], None] = time.sleep, *, plain: bool = False
) -> FetchedManifest:
    """Return the manifest of the first location that has it, checked by SHA-256. Raises Problem if none has it.

    `plain` allows connections that do not protect the content, because the caller compares the content with a sum.
    """
    refuse_unprotected(origins, activity, plain=plain or bool(sha256))
    fetched = _fetch_first(origins, activity, sleep)
    actual_sum = hashlib.sha256(fetched.content).hexdigest()
    if sha256 and actual_sum != sha256.lower().removeprefix("sha256:"):
        wrong = f"its SHA-256 is {actual_sum}, not {sha256}"
        fix = "Download it again, or correct sha256."
        raise Problem(wrong, asked=activity, where=strip_credentials(fetched.origin), fix=fix)
    return fetched


def refuse_unprotected(origins: list[str], activity: str, *, plain: bool) -> None:
    """Reject addresses at which anybody on the way can change the content, unless a sum is expected of it."""
    unprotected_address = find_unprotected(origins)
    if unprotected_address and not plain:
        wrong = "the connection does not protect the manifest, and no SHA-256 is expected of it"
        fix = "Use https, give the SHA-256 of the published manifest (sha256), or lock the inventory."
        raise Problem(wrong, asked=activity, where=strip_credentials(unprotected_address), fix=fix)


def find_unprotected(origins: list[str]) -> str:
    """Return the first address at which anybody on the way can change the content; empty without one."""
    for origin in origins:
        if _is_address(origin) and not origin.lower().startswith(_SAFE_SCHEMES):
            return origin
    return ""


def _is_address(origin: str) -> bool:
    """Whether an origin is an address such as `https://…`, and not the path of a file."""
    return "://" in origin


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
        raise Problem(
            "it is not text", asked=activity, where=place, fix="Give the manifest, not an archive."
        ) from error
    if text.lstrip()[:1] == "<":
        fix = "A proxy or a login page answers instead. Download the file and give its path."
        raise Problem("it is a web page, not YAML", asked=activity, where=place, fix=fix)
    return text


def _fetch_first(origins: list[str], activity: str, sleep: Callable[[float], None]) -> FetchedManifest:
    """Return the manifest of the first location that has it. Raises Problem if none has it."""
    for origin in origins:
        if _is_address(origin):
            content = fetch_with_retries(origin, activity, _download, sleep)
        else:
            content = _read_file(origin, activity)
        if content is not None:
            return FetchedManifest(origin, content)
    wrong = f"the manifest was not found; searched {', '.join(map(strip_credentials, origins))}"
    raise Problem(wrong, asked=activity, fix=_MIRROR_FIX)


def _read_file(origin: str, activity: str) -> bytes | None:
    """Return the content of a file; None if it does not exist. Raises Problem if it cannot be read."""
    path = _files.expand_path(origin)
    try:
        return read_file_bytes(path) if path.exists() else None
    except OSError as error:
        fix = "Give the path of a readable file."
        raise Problem(f"cannot read it: {error.strerror}", asked=activity, where=origin, fix=fix) from error


# ── The network ──


def fetch_with_retries(
    url: str, activity: str, download: Callable[[str], _Content], sleep: Callable[[float], None] = time.sleep
) -> _Content | None:
    """Return what is at an address, as `download` reads it; None if there is nothing. Retries temporary errors.

    A part of an answer is no answer. Raises Problem after the last attempt, and at once for an error that another
    attempt does not mend.
    """
    for pause_after_failure in (*RETRY_PAUSES, None):
        try:
            return download(url)
        except HTTPError as error:
            if error.code in _MISSING_STATUSES:
                return None
            reason = f"the server answers {error.code} {error.reason}"
            failure = _FetchFailure(reason, _NETWORK_FIX, may_retry=error.code in TEMPORARY_STATUSES)
        except SSLValidationError as error:
            failure = _FetchFailure(str(error), "Add the CA of the server or proxy to this machine's.", may_retry=False)
        # The texts of the next exceptions are left out: they may have a part of the address, such as a password.
        except (InvalidURL, ValueError):
            failure = _FetchFailure("no server has such an address", _ADDRESS_FIX, may_retry=False)
        except _CUT_OFF_ERRORS as error:
            reason = f"the whole answer did not come ({type(error).__name__})"
            failure = _FetchFailure(reason, _NETWORK_FIX, may_retry=True)
        except (URLError, UrlConnectionError, OSError) as error:
            reason = f"no answer: {getattr(error, 'reason', None) or error}"
            failure = _FetchFailure(reason, _NETWORK_FIX, may_retry=True)
        if not failure.may_retry or pause_after_failure is None:
            shown_url = strip_credentials(url)
            raise Problem(failure.reason.replace(url, shown_url), asked=activity, where=shown_url, fix=failure.fix)
        sleep(pause_after_failure)
    return None  # not reached: the last attempt returns or raises


class _FetchFailure(NamedTuple):
    """Why one attempt failed, what to do about it, and whether another attempt may succeed."""

    reason: str
    fix: str
    may_retry: bool


@contextmanager
def open_answer(url: str) -> Iterator[Any]:
    """Yield the open answer of an address, of which the caller reads all.

    Raises Problem for a redirection to an address that protects nothing, and IncompleteRead for a part of an answer.
    """
    with open_url(url, timeout=TIMEOUT_SECONDS, http_agent="o11y.opentelemetry", follow_redirects="safe") as answer:
        if url.lower().startswith(_SAFE_SCHEMES):
            refuse_unprotected([answer.geturl()], "Follow the redirection", plain=False)
        yield answer
        # A read with a limit only returns less if the connection ends too soon.
        missing_bytes = getattr(answer, "length", None)
        if missing_bytes:
            raise IncompleteRead(b"", missing_bytes)


def _download(url: str) -> bytes:
    """Return what is at an address."""
    with open_answer(url) as answer:
        return read_stream(answer.read, TEXT_LIMIT, strip_credentials(url))


# ── Helm charts ──


def read_chart(chart: str) -> ChartOnDisk | None:
    """Return a chart on disk, or None for a reference to a remote chart. Raises Problem for what is no chart."""
    if not chart or _is_address(chart):
        return None
    path = _files.expand_path(chart)
    if not _files.is_path_of_kind(path, Path.exists):
        return None
    _check_links(path)
    if path.is_dir():
        metadata = _documents.read_yaml(path / _CHART_FILE)
    else:
        metadata = _yaml.load(_read_archived_metadata(path), f"{path}/{_CHART_FILE}").data
    if not isinstance(metadata, dict) or "name" not in metadata:
        fix = "Give the folder with its Chart.yaml, or its archive."
        raise Problem("this is not a Helm chart", where=str(path), fix=fix)
    if not metadata.get("version"):
        wrong = f"this is not a Helm chart: its {_CHART_FILE} has no version"
        raise Problem(wrong, where=str(path), fix="Give the chart as its project publishes it.")
    return ChartOnDisk.from_metadata(metadata, path)


def _check_links(folder: Path) -> None:
    """Raise Problem for a link in the folder of a chart to a file outside of it, or to nothing."""
    if not folder.is_dir():
        return
    real_folder = folder.resolve()
    for entry in sorted(folder.rglob("*")):
        leads_inside = entry.exists() and entry.resolve().is_relative_to(real_folder)
        if entry.is_symlink() and not leads_inside:
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


def check_chart_version(product: Product, chart: ChartOnDisk, wanted_version: str) -> str:
    """Return the version of the product in a chart. Raises Problem if it differs from the requested one."""
    if chart.name != product.name:
        fix = f"Give the chart of {product.title}."
        raise Problem(f"this is the chart of {chart.name}", where=chart.path, fix=fix)
    if wanted_version and parse_release_version(wanted_version) != parse_release_version(chart.product_version):
        wrong = f"the chart has version {chart.product_version} of {product.title}, not {wanted_version}"
        raise Problem(wrong, where=chart.path, fix="Omit the version, or give the chart of that version.")
    return chart.product_version


def _is_chart_file(name: str) -> bool:
    """Whether a file of an archive is the Chart.yaml of the chart, such as `cert-manager/Chart.yaml`.

    The charts that it brings have theirs in folders below.
    """
    return name.removeprefix("./").count("/") == 1 and name.endswith(f"/{_CHART_FILE}")


def _read_archived_metadata(path: Path) -> str:
    """Return the text of Chart.yaml in an archive. Raises Problem for what is no archive, or has no such file."""
    try:
        return read_archive_member(path, _is_chart_file, (CHART_FILE_LIMIT, CHART_LIMIT)).decode()
    except (*BROKEN_ERRORS, UnicodeDecodeError) as error:
        fix = "Download or pack it again; a chart is a folder or a .tgz."
        raise Problem(f"cannot read this chart: {error}", where=str(path), fix=fix) from error


def refuse_eks_cluster(product: Product, arguments: ReleaseArguments) -> None:
    """Raise Problem for provider helm if the connection is an EKS cluster: the helm program needs a kubeconfig.

    The result of release_info also names a cluster that module_defaults or the environment give.
    """
    # Module release_info adds the cluster that it read to its facts.
    installed: Mapping[str, Any] = arguments["installed"] or {}
    name = arguments["eks_cluster"].get("name") or installed.get("eks_cluster")
    if name and arguments["provider"] == "helm":
        wrong = f"helm connects with a kubeconfig, but the cluster is given as eks_cluster ({name})"
        fix = (
            f"Use provider manifest, or give a kubeconfig (aws eks update-kubeconfig --name {name}) and no eks_cluster"
        )
        fix += ", neither in module_defaults nor in O11Y_EKS_CLUSTER."
        raise Problem(wrong, asked=f"Use helm for {product.title}", where=installed.get("server", ""), fix=fix)
