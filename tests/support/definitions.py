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

from .cluster import PROJECT, wait_until

VERSION = "0.158.0"
# The CustomResourceDefinitions of the operator's release, one file each, or all in its manifest in the release mirror;
# they are nobody's copy here.
FOLDER = Path(os.environ.get("O11Y_OPERATOR_CRDS", PROJECT.parent / "shared" / "data" / f"operator-{VERSION}-crds"))
MIRROR = Path(os.environ.get("O11Y_RELEASE_MIRROR") or Path.home() / ".cache" / "o11y-testbed" / "mirror")
MANIFEST = MIRROR / "opentelemetry-operator" / f"v{VERSION}" / "opentelemetry-operator.yaml"


def explain_missing_kind(plural: str) -> str:
    """Return why an API server cannot be asked about a kind, or nothing."""
    if not _read_definition(plural):
        return (
            f"neither {_definition_file(plural)} (O11Y_OPERATOR_CRDS) nor {MANIFEST} (O11Y_RELEASE_MIRROR) has the kind"
        )
    readiness = _run_kubectl("get", "--raw", "/readyz")
    if readiness.returncode != 0:
        return f"no cluster answers: {readiness.stderr.strip()}"
    if os.environ.get("O11Y_TESTBED_KIND") not in ("embedded", "kind") and not _is_served(plural):
        return f"{plural} is not served, and tests install no CustomResourceDefinition in a cluster of a user"
    return ""


@contextmanager
def serve_kind(plural: str) -> Iterator[None]:
    """Have the server know a kind; one that is there already stays."""
    name, was_served = _crd_name(plural), _is_served(plural)
    try:
        if not was_served:
            _check_succeeded(_run_kubectl("create", "-f", "-", stdin=_read_definition(plural)))
            wait_until(f"{name} is served", lambda: _run_kubectl("get", f"{plural}.opentelemetry.io").returncode == 0)
        yield
    finally:
        if not was_served:
            _check_succeeded(_run_kubectl("delete", name, "--timeout=60s"))


def find_refusal(manifest: dict[str, Any]) -> str:
    """Return what the server has against an object, or nothing; nothing is kept, and unknown fields are errors.

    A running operator may warn of accounts that a dry run does not make.
    """
    options = ("--server-side", "--dry-run=server", "--validate=strict", "--force-conflicts")
    error_lines = _run_kubectl("apply", *options, "-f", "-", stdin=json.dumps(manifest)).stderr.splitlines()
    return "\n".join(line for line in error_lines if not line.startswith("Warning: "))


def _crd_name(plural: str) -> str:
    return f"crd/{plural}.opentelemetry.io"


def _is_served(plural: str) -> bool:
    return _run_kubectl("get", _crd_name(plural)).returncode == 0


def _read_definition(plural: str) -> str:
    """Return the definition of a kind as text, or nothing."""
    if _definition_file(plural).is_file():
        return _definition_file(plural).read_text(encoding="utf-8")
    parts = MANIFEST.read_text(encoding="utf-8").split("\n---\n") if MANIFEST.is_file() else []
    return next((part for part in parts if f"\n  name: {plural}.opentelemetry.io\n" in part), "")


def _definition_file(plural: str) -> Path:
    return FOLDER / f"opentelemetry.io_{plural}.yaml"


def _run_kubectl(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    command = ("kubectl", *arguments)
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=90)


def _check_succeeded(process: subprocess.CompletedProcess[str]) -> None:
    assert process.returncode == 0, process.stderr
