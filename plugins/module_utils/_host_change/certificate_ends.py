# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run says of a certificate that ends soon. Private.

`live/host_task.py` warns of each credential of a collector that it deploys, for example:

    the certificate in credential tls-certificate is valid only until 2026-02-07T12:00:00Z. Renew it, and run again.

Runs on the host: Python 3.8, standard library.
"""

from __future__ import annotations

import calendar
import re

from .certificate_dates import read_validity

# So many days before its end, a certificate is warned of.
WARN_DAYS = 14
_DAY_SECONDS = 86_400


def warn_of_end(name: str, pem: bytes, now: float) -> str:
    """Return the warning about a credential whose certificate ends soon or has ended; empty for all others.

    `now` is in seconds since 1970.
    """
    validity_period = read_validity(pem.decode("ascii", "replace"))
    if validity_period is None:
        return ""
    year, month, day, hour, minute, second = map(int, re.findall(r"\d+", validity_period.not_after))
    last_second = calendar.timegm((year, month, day, hour, minute, second))
    if last_second - now > WARN_DAYS * _DAY_SECONDS:
        return ""
    end_text = "is not valid any more since" if last_second <= now else "is valid only until"
    return f"the certificate in credential {name} {end_text} {validity_period.not_after}. Renew it, and run again."
