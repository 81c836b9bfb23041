# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of the OpenTelemetry operator on an API server, so that it judges what we render; no operator is needed."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .cluster import PROJECT, until

VERSION = "0.158.0"
# The CustomResourceDefinitions of the operator's release, one file each, or all in its manifest in the release mirror;
# they are nobody's copy here.
FOLDER = Path(os.environ.get("O11Y_OPERATOR_CRDS", PROJECT.parent / "shared" / "data" / f"operator-{VERSION}-crds"))
MIRROR = Path(os.environ.get("O11Y_RELEASE_MIRROR") or Path.home() / ".cache" / "o11y-testbed" / "mirror")
MANIFEST = MIRROR / "opentelemetry-operator" / f"v{VERSION}" / "opentelemetry-operator.yaml"


def lacks(plural: str) -> str:
    """Return why an API server cannot be asked about a kind, or nothing."""
    if not _definition(plural):
        return f"neither {_file(plural)} (O11Y_OPERATOR_CRDS) nor {MANIFEST} (O11Y_RELEASE_MIRROR) has the kind"
    asked = _kubectl("get", "--raw", "/readyz")
    if asked.returncode != 0:
        return f"no cluster answers: {asked.stderr.strip()}"
    if os.environ.get("O11Y_TESTBED_KIND") not in ("embedded", "kind") and not _served(plural):
        return f"{plural} is not served, and tests install no CustomResourceDefinition in a cluster of a user"
    return ""


@contextmanager
def served(plural: str) -> Iterator[None]:
    """Have the server know a kind; one that is there already stays."""
    name, there = _crd(plural), _served(plural)
    try:
        if not there:
            _done(_kubectl("create", "-f", "-", stdin=_definition(plural)))
            until(f"{name} is served", lambda: _kubectl("get", f"{plural}.opentelemetry.io").returncode == 0)
        yield
    finally:
        if not there:
            _done(_kubectl("delete", name, "--timeout=60s"))


def refused(manifest: dict[str, Any]) -> str:
    """Return what the server has against an object, or nothing; nothing is kept, and unknown fields are errors.

    A running operator may warn of accounts that a dry run does not make.
    """
    options = ("--server-side", "--dry-run=server", "--validate=strict", "--force-conflicts")
    told = _kubectl("apply", *options, "-f", "-", stdin=json.dumps(manifest)).stderr.splitlines()
    return "\n".join(line for line in told if not line.startswith("Warning: "))


def _crd(plural: str) -> str:
    return f"crd/{plural}.opentelemetry.io"


def _served(plural: str) -> bool:
    return _kubectl("get", _crd(plural)).returncode == 0


def _definition(plural: str) -> str:
    """Return the definition of a kind as text, or nothing."""
    if _file(plural).is_file():
        return _file(plural).read_text(encoding="utf-8")
    parts = MANIFEST.read_text(encoding="utf-8").split("\n---\n") if MANIFEST.is_file() else []
    return next((part for part in parts if f"\n  name: {plural}.opentelemetry.io\n" in part), "")


def _file(plural: str) -> Path:
    return FOLDER / f"opentelemetry.io_{plural}.yaml"


def _kubectl(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    command = ("kubectl", *arguments)
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=90)


def _done(ended: subprocess.CompletedProcess[str]) -> None:
    assert ended.returncode == 0, ended.stderr
