# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Go's module proxy has, asked through `go`, so that the user's GOPROXY holds."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

OTELCOL_MODULE = "go.opentelemetry.io/collector/otelcol"
_COMPONENT = "go.opentelemetry.io/collector/component"
GO_ENVIRONMENT = {**os.environ, "GOFLAGS": "-mod=mod", "GOWORK": "off", "CGO_ENABLED": "0"}
# A release, such as `v0.165.0`, and not `v0.165.0-rc.1`.
_RELEASE = re.compile(r"v\d+\.\d+\.\d+$")
# The line of go.mod that tells the version of the stable modules.
_STABLE = re.compile(r"^\s*go\.opentelemetry\.io/collector/confmap (v\S+)", re.MULTILINE)


class RefusedModule(Exception):  # noqa: N818 - what a maintainer reads
    """The proxy does not have what is asked for."""


def run_go(*arguments: str, folder: Path = Path("/"), check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run `go` in a folder. Raises RefusedModule with what it printed, if it fails and `check` is set."""
    command = ["nice", "go", *arguments]
    completed = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder, env=GO_ENVIRONMENT)
    if check and completed.returncode:
        raise RefusedModule(f"go {arguments[0]} {arguments[-1]}: {completed.stderr.strip()}")
    return completed


def list_releases(module: str) -> list[str]:
    """Return the releases of a module that the proxy lists, the newest last. It may have others."""
    output = run_go("list", "-m", "-versions", "-json", module, check=False).stdout
    listed_versions = json.loads(output or "{}").get("Versions", ())
    return [version for version in listed_versions if _RELEASE.match(version)]


@cache
def find_stable_version(version: str) -> str:
    """Return the version that the stable modules of a release have: v1.71.0 for v0.165.0. Raises RefusedModule."""
    [download] = download_modules([f"{OTELCOL_MODULE}@{version}"])
    if "Error" in download:
        raise RefusedModule(download["Error"])
    match = _STABLE.search(Path(download["GoMod"]).read_text(encoding="utf-8"))
    if match is None:
        raise RefusedModule(f"{OTELCOL_MODULE}@{version} does not require a stable module")
    return match[1]


def find_own_stable_version(module: str, version: str) -> str:
    """Return the version that a stable module of contrib has in a release: v1.4.0 for v0.165.0; empty if it has none.

    Such a module requires the Collector's stable modules of the same release.
    """
    required_line = f"{_COMPONENT} {find_stable_version(version)}\n"
    candidates = [f"{module}@{release}" for release in list_releases(module) if not release.startswith("v0.")]
    if not candidates:
        return ""
    for download in download_modules(candidates):
        if "Error" not in download and required_line in Path(download["GoMod"]).read_text(encoding="utf-8"):
            return download["Version"]
    return ""


def download_modules(modules: Iterable[str]) -> Iterator[dict[str, str]]:
    """Yield what `go` says of each `MODULE@VERSION`; a refused one has `Error`. Source: `go help mod download`."""
    yield from parse_json_documents(run_go("mod", "download", "-json", *modules, check=False).stdout)


def parse_json_documents(text: str) -> Iterator[dict[str, Any]]:
    """Yield the objects that `go … -json` prints one after the other. Raises ValueError for a text that is no JSON."""
    decoder = json.JSONDecoder()
    while text := text.lstrip():
        document, document_end = decoder.raw_decode(text)
        yield document
        text = text[document_end:]
