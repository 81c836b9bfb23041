# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How texts may spell a secret: `a"b` is `a\\"b` in JSON, and `a%22b` in a URL. Private."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import quote

# A character as JSON writes it, such as `\u001b`; the group is its last two digits.
_CODE_OF_JSON = re.compile(r"\\u00(..)")


def list_spellings(secret: str) -> Iterator[str]:
    """Yield the spellings of a secret: in clear, in a URL, and between the quotes of YAML and JSON."""
    yield secret
    yield quote(encode_text(secret), safe="")
    yield encode_text(secret).decode(errors="replace")  # as the output of a program is read
    yield secret.replace("'", "''")
    for is_ascii in (False, True):
        json_text = json.dumps(secret, ensure_ascii=is_ascii)[1:-1]
        yield json_text
        yield _CODE_OF_JSON.sub(lambda match: rf"\x{match[1].upper()}", json_text)  # as YAML writes it


def encode_text(text: str) -> bytes:
    """Return a text in UTF-8. A variable of the environment may have other bytes, which surrogates stand for."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
