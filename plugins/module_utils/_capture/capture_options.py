# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of module telemetry_capture as typed values, and their checks. Private.

`capture_task` reads them once, before the first request and the first file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._otelcol.errors import Problem
from .attribute_masks import names_secret
from .capture_sample import Bounds
from .record_masks import KEEP_MODE

# The consent to keep values.
VALUES_CONSENT = "values"
# What the module does, as its problems name it.
CAPTURE_TASK = "Capture telemetry"
# The least and the largest value of each option that is a number.
_OPTION_LIMITS = {
    "seconds": (1, 3600),
    "records": (1, 10**9),
    "bytes": (1 << 16, 1 << 30),
    "timeout_seconds": (1, 3600),
}
# The most parts of the name of a collector: a namespace and a name.
_MOST_NAME_PARTS = 2


@dataclass(frozen=True)
class CaptureOptions:
    """The options of a task that captures either collectors or files."""

    collectors: list[dict[str, Any]]
    """The collectors to capture, each with `namespace`, `name` and perhaps `kind`."""
    only: list[str]
    """The names of collectors that the user has chosen; if it is empty, all are captured that can be."""
    files: list[str]
    """The paths of files to capture; then no collector is captured."""
    files_of: str
    """The collector that wrote the files, as NAME or NAMESPACE/NAME; empty if nobody says so."""
    path: str
    """The folder of all captures."""
    host_folder: str
    """The name of the folder for this host in it, which has a folder for each collector; empty for `path` itself."""
    bounds: Bounds
    value_mode: str
    """`hash` for masks in place of values, `keep` for the values themselves."""
    kept_names: list[str]
    """The attributes whose values stay with `hash`, too."""
    consents: list[str]
    """What the user allows: VALUES_CONSENT, and STATE_CONSENT of `capture_tap`."""
    reader_image: str
    """The image of the container that hands out what the pod of a capture gets."""
    run_as_user: int
    """The user of that container if the pod names none; 0 for the user of the image."""
    node_name: str
    """The node for the pod of a capture; empty for any."""
    timeout_seconds: float
    """How long the pod of a capture may take until it is ready."""


def read_options(params: Mapping[str, Any]) -> CaptureOptions:
    """Return the options of a task by its parameters. Raises Problem for those that are not allowed."""
    _check_limits(params)
    _check_kept_values(params)
    _check_names(params)
    return CaptureOptions(
        collectors=params["collectors"],
        only=params["only"],
        files=params["files"],
        files_of=params["files_of"],
        path=params["path"],
        host_folder=params["folder"],
        bounds=Bounds(params["seconds"], params["records"], params["bytes"]),
        value_mode=params["values"],
        kept_names=params["keep"],
        consents=params["allow"],
        reader_image=params["reader_image"],
        run_as_user=params["run_as_user"],
        node_name=params["node"],
        timeout_seconds=params["timeout_seconds"],
    )


def _check_limits(params: Mapping[str, Any]) -> None:
    """Raise Problem for a number out of its limits."""
    for name, (lowest, highest) in _OPTION_LIMITS.items():
        if not lowest <= params[name] <= highest:
            fix = f"Give a number from {lowest} to {highest}."
            raise Problem(f"{name} is {params[name]:g}", asked=CAPTURE_TASK, fix=fix)


def _check_kept_values(params: Mapping[str, Any]) -> None:
    """Raise Problem if all values would be kept without consent."""
    if params["values"] == KEEP_MODE and VALUES_CONSENT not in params["allow"]:
        wrong = "the capture would have the values of all attributes, and the bodies of logs"
        fix = "Consent with `capture_allow: [values]`, or name single attributes with `capture_keep`."
        raise Problem(wrong, asked=f"{CAPTURE_TASK} with `capture_values: keep`", fix=fix)


def _check_names(params: Mapping[str, Any]) -> None:
    """Raise Problem for a name of a folder, of collectors or of an attribute that is not allowed."""
    if not _is_folder_name(params["folder"]):
        raise Problem(f"'{params['folder']}' is no name of a folder", asked=CAPTURE_TASK, fix="Rename the host.")
    _check_collector_name(params["files_of"])
    if params["files"] and params["only"]:
        wrong = f"`capture_only` names {', '.join(params['only'])}, and files are captured, not collectors"
        fix = "Leave out `capture_only`, or name the collector by `capture_files_of`."
        raise Problem(wrong, asked=CAPTURE_TASK, fix=fix)
    for attribute in params["keep"]:
        if names_secret(attribute):
            wrong = f"{attribute} is a header or the name of a secret, and no capture has these"
            raise Problem(wrong, asked=CAPTURE_TASK, fix="Take it out of `capture_keep`.")


def _check_collector_name(files_of: str) -> None:
    """Raise Problem for a name of a collector that is neither NAME nor NAMESPACE/NAME."""
    parts = files_of.split("/") if files_of else []
    if len(parts) > _MOST_NAME_PARTS or not all(part and _is_folder_name(part) for part in parts):
        fix = "Give `capture_files_of` as NAME for a Linux host, or as NAMESPACE/NAME."
        raise Problem(f"'{files_of}' is no name of a collector", asked=CAPTURE_TASK, fix=fix)


def _is_folder_name(name: str) -> bool:
    """Return whether a name leads to no other folder."""
    return name not in (".", "..") and "/" not in name
