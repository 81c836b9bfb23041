# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an exception of botocore says. Private."""

from __future__ import annotations

from typing import Any

from ..._core.aws.answers import FailedCall


def answer_of(error: BaseException) -> FailedCall:
    """Return what an exception of botocore says."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    said = response.get("Error") or {}
    status = (response.get("ResponseMetadata") or {}).get("HTTPStatusCode") or 0
    return FailedCall(
        str(said.get("Code") or type(error).__name__),
        str(said.get("Message") or error),
        int(status),
        *getattr(error, "o11y_called", ("", "")),
    )
