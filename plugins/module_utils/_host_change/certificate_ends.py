# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run says of a certificate that ends soon. Runs on the host: Python 3.8, standard library. Private."""

from __future__ import annotations

import calendar
import re

from .certificate_dates import validity

WARN_DAYS = 14
_DAY = 86_400


def told(name: str, pem: bytes, now: float) -> str:
    """Return the warning about a credential whose certificate ends soon or has ended; empty for all others.

    `now` is in seconds since 1970.
    """
    found = validity(pem.decode("ascii", "replace"))
    if found is None:
        return ""
    year, month, day, hour, minute, second = map(int, re.findall(r"\d+", found.not_after))
    last = calendar.timegm((year, month, day, hour, minute, second))
    if last - now > WARN_DAYS * _DAY:
        return ""
    when = "is not valid any more since" if last <= now else "is valid only until"
    return f"the certificate in credential {name} {when} {found.not_after}. Renew it, and run again."
