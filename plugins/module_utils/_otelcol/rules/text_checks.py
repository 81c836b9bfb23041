# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of single texts: ids of extensions, patterns of files, certificates, encodings, and names of a list.

Each is a key of a row of constraints.json, see constraints.py. Private.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from typing import Any

from ..catalogue.rows import Row
from ..config.paths import Path
from ..errors import near
from ..languages.formats import broken_glob
from ..languages.go_names import ENCODINGS, is_encoding
from .constraints import WORD, Check, Found, texts_at
from .structure import id_problem, trimmed_id
from .subject import Fault

_ASN1_SEQUENCE = b"\x30"  # how each certificate and key begins


def _wrong_extension_ids(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield texts that are no id of an extension."""
    for place, text in texts_at(keys, settings, path):
        why = id_problem(trimmed_id(text))
        if why:
            what = f"'{text}' is not a component id: {why}" if text else "this is empty"
            yield WORD, Fault(place, what, "Write `type` or `type/name` of an extension, or remove the key.")


def _wrong_globs(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield texts that are no pattern of files."""
    for place, text in texts_at(keys, settings, path):
        why = broken_glob(text)
        if why:
            yield WORD, Fault(place, f"'{text}' is not a pattern of files: {why}", r"Write `\\[` for a bracket.")


def _wrong_pem(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield certificates and keys that have no block of PEM; a path of a file is the usual one."""
    for key in keys:
        for place, text in texts_at([key], settings, path):
            if text and not _is_pem(text):
                file_key = key.removesuffix("_pem") + "_file"
                fix = f"Write the text with `-----BEGIN …-----`, or `{file_key}: FILE`."
                yield WORD, Fault(place, "this is no text in the format PEM", fix)


def _is_pem(text: str) -> bool:
    """Whether a text has blocks of PEM whose content begins as ASN.1 does: a sequence."""
    return any(_decoded(block).startswith(_ASN1_SEQUENCE) for block in _pem_blocks(text))


def _pem_blocks(text: str) -> Iterator[str]:
    """Yield what stands between the lines that begin and end a block of PEM."""
    for part in text.split("-----BEGIN ")[1:]:
        _label, _dashes, rest = part.partition("-----")
        content, end, _after = rest.partition("-----END ")
        if end:
            yield content


def _decoded(block: str) -> bytes:
    """Return the bytes of a block of PEM; nothing if it is not in base64. Its headers, such as DEK-Info, are left."""
    lines = [line for line in block.split() if ":" not in line]
    try:
        return b64decode("".join(lines), validate=True)
    except ValueError:
        return b""


def _wrong_text_encodings(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield encodings such as `text_utf-8` whose second part is no encoding of text."""
    for place, text in texts_at(keys, settings, path):
        if not text.startswith("text_"):
            continue
        name = text.removeprefix("text_")
        if name and not is_encoding(name):
            fix = "Write a name such as `text_utf-8`."
            yield WORD, Fault(place, f"'{name}' is not an encoding of text{near(name, ENCODINGS)}", fix)


def repeated_names(value: Any, here: Path) -> Found:
    """Yield names that a list of names with values has twice; the names of headers have their case in it."""
    if not isinstance(value, list):
        return
    seen: set[str] = set()
    for index, pair in enumerate(value):
        name = (pair.get("name") or "") if isinstance(pair, dict) else None
        if not isinstance(name, str):
            continue
        if name in seen:
            place = (*here, index, "name") if "name" in pair else (*here, index)
            yield WORD, Fault(place, f"'{name}' is the name of another item too", "Remove one of the two.")
        seen.add(name)


# These find nothing where none of their keys is given.
OF_GIVEN: dict[str, Check] = {
    "ids": _wrong_extension_ids,
    "globs": _wrong_globs,
    "pem": _wrong_pem,
    "text_encoding": _wrong_text_encodings,
}
