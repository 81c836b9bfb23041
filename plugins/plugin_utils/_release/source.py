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
from ...module_utils._install.releases.version_numbers import read as read_version
from ...module_utils._otelcol.bounded.live.bounded_reads import (
    BROKEN,
    add_to_sum,
    archive_member,
    file_bytes,
    stream_bytes,
    sum_of,
)
from ...module_utils._otelcol.bounded.read_limits import CHART, CHART_FILE, TEXT
from ...module_utils._otelcol.errors import Problem, shown
from .._otelcol import _documents, _files, _yaml

PAUSES = (1.0, 3.0)
SECONDS = 20
# Temporary HTTP errors of servers and proxies.
PASSING = (408, 425, 429, 500, 502, 503, 504)
_SAFE = ("https://", "file://")
_Content = TypeVar("_Content")
_MIRROR = "Fill a release mirror and name it, or give the file itself (source)."


def origins(product: Product, version: Version, source: str, mirror: str) -> list[str]:
    """Return the candidate locations of the manifest, in order of precedence."""
    if source:
        return [source]
    if not mirror:
        return [f"{product.downloads}/{version.tag}/{product.manifest}"]
    root = mirror.rstrip("/")
    return [f"{root}/{product.name}/{name}/{product.manifest}" for name in (version.tag, str(version))]


def fetch(
    tried: list[str], sha256: str, asked: str, sleep: Callable[[float], None] = time.sleep, *, plain: bool = False
) -> tuple[str, bytes]:
    """Return the first location with the published manifest, checked by SHA-256. Raises Problem if there is none.

    `plain` allows connections that do not protect the content, because the caller compares the content with a sum.
    """
    refuse_plain(tried, asked, plain=plain or bool(sha256))
    content, where = _first(tried, asked, sleep)
    if sha256 and hashlib.sha256(content).hexdigest() != sha256.lower().removeprefix("sha256:"):
        found = hashlib.sha256(content).hexdigest()
        wrong = f"its SHA-256 is {found}, not {sha256}"
        raise Problem(wrong, asked=asked, where=shown(where), fix="Download it again, or correct sha256.")
    return where, content


def refuse_plain(tried: list[str], asked: str, *, plain: bool) -> None:
    """Reject addresses at which anybody on the way can change the content, unless a sum is expected of it."""
    open_to_all = unprotected(tried)
    if open_to_all and not plain:
        wrong = "the connection does not protect the manifest, and no SHA-256 is expected of it"
        fix = "Use https, give the SHA-256 of the published manifest (sha256), or lock the inventory."
        raise Problem(wrong, asked=asked, where=shown(open_to_all), fix=fix)


def unprotected(tried: list[str]) -> str:
    """Return the first address at which anybody on the way can change the content; empty without one."""
    return next((one for one in tried if "://" in one and not one.lower().startswith(_SAFE)), "")


def documents(content: bytes, asked: str, where: str) -> list[Any]:
    """Return the documents of a manifest. Raises Problem if the content is not a manifest."""
    where = shown(where)
    return [document.data for document in _yaml.load_all(_text(content, asked, where), where)]


def _text(content: bytes, asked: str, where: str) -> str:
    _files.check_encrypted(content, where)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem("it is not text", asked=asked, where=where, fix="Give the manifest, not an archive.") from error
    if text.lstrip()[:1] == "<":
        fix = "A proxy or a login page answers instead. Download the file and give its path."
        raise Problem("it is a web page, not YAML", asked=asked, where=where, fix=fix)
    return text


def _first(tried: list[str], asked: str, sleep: Callable[[float], None]) -> tuple[bytes, str]:
    for origin in tried:
        content = fetched(origin, asked, _download, sleep) if "://" in origin else _read(origin, asked)
        if content is not None:
            return content, origin
    raise Problem(f"the manifest was not found; searched {', '.join(map(shown, tried))}", asked=asked, fix=_MIRROR)


def _read(origin: str, asked: str) -> bytes | None:
    path = Path(origin).expanduser()
    try:
        return file_bytes(path) if path.exists() else None
    except OSError as error:
        fix = "Give the path of a readable file."
        raise Problem(f"cannot read it: {error.strerror}", asked=asked, where=origin, fix=fix) from error


def fetched(
    url: str, asked: str, download: Callable[[str], _Content], sleep: Callable[[float], None] = time.sleep
) -> _Content | None:
    """Return what is at an address, as `download` reads it, or None if it does not exist. Retries temporary errors."""
    for pause in (*PAUSES, None):
        again, reason, fix = True, "", "Check the proxy and the network of this machine, or use a release mirror."
        try:
            return download(url)
        except HTTPError as error:
            if error.code in (404, 410):
                return None
            again, reason = error.code in PASSING, f"the server answers {error.code} {error.reason}"
        except SSLValidationError as error:
            again, reason, fix = False, str(error), "Add the CA of the server or proxy to this machine's."
        except (URLError, UrlConnectionError, OSError) as error:
            reason = f"no answer: {getattr(error, 'reason', None) or error}"
        if not again or pause is None:
            raise Problem(reason.replace(url, shown(url)), asked=asked, where=shown(url), fix=fix)
        sleep(pause)
    return None


@contextmanager
def answer_of(url: str) -> Iterator[Any]:
    """Yield the open answer of an address. Raises Problem for a redirection to one that protects nothing."""
    with open_url(url, timeout=SECONDS, http_agent="o11y.opentelemetry", follow_redirects="safe") as answer:
        if url.lower().startswith(_SAFE):
            refuse_plain([answer.geturl()], "Follow the redirection", plain=False)
        yield answer


def _download(url: str) -> bytes:
    with answer_of(url) as answer:
        return stream_bytes(answer.read, TEXT, shown(url))


_FILE = "Chart.yaml"


def read_chart(chart: str) -> dict[str, Any] | None:
    """Return the metadata of a chart on disk, or None for a reference to a remote chart."""
    path = Path(chart).expanduser()
    if not chart or "://" in chart or not path.exists():
        return None
    _check_links(path)
    said = _documents.read_yaml(path / _FILE) if path.is_dir() else _yaml.load(_archived(path), f"{path}/{_FILE}").data
    if not isinstance(said, dict) or "name" not in said:
        fix = "Give the folder with its Chart.yaml, or its archive."
        raise Problem("this is not a Helm chart", where=str(path), fix=fix)
    return {**said, "path": str(path), "sum": _chart_sum(path)}


def _check_links(folder: Path) -> None:
    """Raise Problem for a link in the folder of a chart to a file outside of it, or to nothing."""
    inside = folder.resolve()
    for item in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if item.is_symlink() and not (item.exists() and item.resolve().is_relative_to(inside)):
            wrong = f"its file {item.relative_to(folder)} is a link to {item.readlink()}"
            fix = "Put the file itself there, or remove the link."
            raise Problem(wrong, asked="Read a chart", where=str(folder), fix=fix)


def _chart_sum(path: Path) -> str:
    """Return the SHA-256 of an archive, or of the names and contents of all files of a folder."""
    files = sorted(item for item in path.rglob("*") if item.is_file()) if path.is_dir() else []
    if not files:
        return sum_of(path, CHART)
    digest = hashlib.sha256()
    for file in files:
        add_to_sum(digest, file, CHART, file.relative_to(path).as_posix())
    return f"sha256:{digest.hexdigest()}"


def checked_chart(product: Product, chart: dict[str, Any], asked: str) -> str:
    """Return the version of the product in a chart. Raises Problem if it differs from the requested one."""
    if chart["name"] != product.name:
        fix = f"Give the chart of {product.title}."
        raise Problem(f"this is the chart of {chart['name']}", where=chart["path"], fix=fix)
    found = str(chart.get("appVersion") or chart.get("version"))
    if asked and read_version(asked) != read_version(found):
        wrong = f"the chart has version {found} of {product.title}, not {asked}"
        raise Problem(wrong, where=chart["path"], fix="Omit the version, or give the chart of that version.")
    return found


def refuse_eks_cluster(wanted: Product, arguments: Mapping[str, Any]) -> None:
    """Reject connections that the helm program does not support: it needs a kubeconfig.

    `installed` has the cluster of eks_cluster in module_defaults and in the environment too.
    """
    found = arguments["installed"] or {}
    name = arguments["eks_cluster"].get("name") or found.get("eks_cluster")
    if name and arguments["provider"] == "helm":
        wrong = f"helm connects with a kubeconfig, but the cluster is given as eks_cluster ({name})"
        fix = (
            f"Use provider manifest, or give a kubeconfig (aws eks update-kubeconfig --name {name}) and no eks_cluster"
        )
        fix += ", neither in module_defaults nor in O11Y_EKS_CLUSTER."
        raise Problem(wrong, asked=f"Use helm for {wanted.title}", where=found.get("server", ""), fix=fix)


def _is_chart_file(name: str) -> bool:
    """Return whether a file of an archive is the Chart.yaml of the chart, not of one that it brings."""
    return name.removeprefix("./").count("/") == 1 and name.endswith(f"/{_FILE}")


def _archived(path: Path) -> str:
    try:
        return archive_member(path, _is_chart_file, (CHART_FILE, CHART)).decode()
    except (*BROKEN, UnicodeDecodeError) as error:
        fix = "Download or pack it again; a chart is a folder or a .tgz."
        raise Problem(f"cannot read this chart: {error}", where=str(path), fix=fix) from error
