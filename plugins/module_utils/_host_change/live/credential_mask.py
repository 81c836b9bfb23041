# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hide the credentials of a collector in texts that people read, such as lines of the journal. Private.

`host_task.py`, `rollback_task.py` and `diagnose_task.py` build the mask of a collector out of its credentials. For
example, with the credential `token` of the text `s3cret-token`, it makes `login ********` of `login s3cret-token`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..._otelcol.errors import MASK

# The shortest secret that is masked, in characters: a shorter text would mask parts of ordinary words.
_SHORTEST_SECRET = 4
# The shortest line of a longer secret, such as a key, that is masked by itself.
_SHORTEST_LINE = 8


def build_mask(secrets: Mapping[str, bytes]) -> Callable[[str], str]:
    """Return a function that hides credentials in a text, and each line of a credential that has several.

    `secrets` has the credentials by name.
    """
    hidden_texts: set[str] = set()
    for data in secrets.values():
        secret = data.decode("utf-8", "replace").strip()
        if len(secret) >= _SHORTEST_SECRET:
            hidden_texts.add(secret)
        for line in secret.splitlines():
            if len(line.strip()) >= _SHORTEST_LINE:
                hidden_texts.add(line.strip())
    # One secret may contain another. If the shorter one were hidden first, the rest of the longer one could be read.
    longest_first = sorted(hidden_texts, key=len, reverse=True)

    def hide_secrets(text: str) -> str:
        for hidden_text in longest_first:
            text = text.replace(hidden_text, MASK)
        return text

    return hide_secrets
