# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of single texts: ids of extensions, patterns of files, certificates, encodings, and names of a list. Private.

Each is a key of a row of constraints.json, see constraints.py. The keys, and a row with what it finds:

| key | example of a row | finding |
|---|---|---|
| `ids` | `"ids": ["auth.authenticator"]` | 'a/' is not a component id: the name after the slash is empty … |
| `globs` | `"globs": ["include.*"]` | '/var/[a' is not a pattern of files: a `[` has no characters or no `]` |
| `pem` | `"pem": ["ca_pem"]` | this is no text in the format PEM. Write the text …, or `ca_file: FILE`. |
| `text_encoding` | `"text_encoding": ["encoding"]` | 'utf-9' is not an encoding of text, for `text_utf-9` |

field_walk.py calls `find_repeated_names` for lists of names with values, such as headers.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from typing import Any

from ..catalogue.rows import Row
from ..config.component_ids import trim_id
from ..config.paths import Path
from ..errors import suggest_word
from ..languages.formats import find_glob_fault
from ..languages.go_encodings import ENCODINGS, is_encoding
from .constraints import UNKNOWN_VALUE, ConstraintCheck, RuleFault, RuleFaults
from .given_values import find_texts
from .rule_definitions import Fault
from .structure import explain_id_problem

_ASN1_SEQUENCE = b"\x30"  # how each certificate and key begins


def _find_wrong_extension_ids(keys: list[str], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield texts that are no id of an extension."""
    for value_path, text in find_texts(keys, settings, path):
        id_fault = explain_id_problem(trim_id(text))
        if id_fault:
            message = f"'{text}' is not a component id: {id_fault}" if text else "this is empty"
            yield RuleFault(
                UNKNOWN_VALUE,
                Fault(value_path, message, "Write `type` or `type/name` of an extension, or remove the key."),
            )


def _find_wrong_globs(keys: list[str], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield texts that are no pattern of files."""
    for value_path, text in find_texts(keys, settings, path):
        glob_fault = find_glob_fault(text)
        if glob_fault:
            yield RuleFault(
                UNKNOWN_VALUE,
                Fault(value_path, f"'{text}' is not a pattern of files: {glob_fault}", r"Write `\\[` for a bracket."),
            )


def _find_wrong_pem(keys: list[str], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield certificates and keys that have no block of PEM; a path of a file is the usual one."""
    for key in keys:
        for value_path, text in find_texts([key], settings, path):
            if text and not _is_pem(text):
                file_key = key.removesuffix("_pem") + "_file"
                fix = f"Write the text with `-----BEGIN …-----`, or `{file_key}: FILE`."
                yield RuleFault(UNKNOWN_VALUE, Fault(value_path, "this is no text in the format PEM", fix))


def _is_pem(text: str) -> bool:
    """Whether a text has blocks of PEM whose content begins as ASN.1 does: a sequence."""
    return any(_decode_pem_block(block).startswith(_ASN1_SEQUENCE) for block in _split_pem_blocks(text))


def _split_pem_blocks(text: str) -> Iterator[str]:
    """Yield what stands between the lines that begin and end a block of PEM."""
    for block_part in text.split("-----BEGIN ")[1:]:
        _label, _dashes, after_label = block_part.partition("-----")
        content, end_marker, _after = after_label.partition("-----END ")
        if end_marker:
            yield content


def _decode_pem_block(block: str) -> bytes:
    """Return the bytes of a block of PEM; nothing if it is not in base64. Its headers, such as DEK-Info, are left."""
    lines = [line for line in block.split() if ":" not in line]
    try:
        return b64decode("".join(lines), validate=True)
    except ValueError:
        return b""


def _find_wrong_text_encodings(keys: list[str], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield encodings such as `text_utf-8` whose second part is no encoding of text."""
    for value_path, text in find_texts(keys, settings, path):
        if not text.startswith("text_"):
            continue
        encoding = text.removeprefix("text_")
        if encoding and not is_encoding(encoding):
            fix = "Write a name such as `text_utf-8`."
            yield RuleFault(
                UNKNOWN_VALUE,
                Fault(value_path, f"'{encoding}' is not an encoding of text{suggest_word(encoding, ENCODINGS)}", fix),
            )


def find_repeated_names(name_pairs: Any, list_path: Path) -> RuleFaults:
    """Yield names that a list of names with values has twice, such as `[{name: a, value: 1}, {name: a, value: 2}]`.

    `a` and `A` are two names here, though they are the same header.
    """
    if not isinstance(name_pairs, list):
        return
    earlier_names: set[str] = set()
    for index, name_pair in enumerate(name_pairs):
        name = (name_pair.get("name") or "") if isinstance(name_pair, dict) else None
        if not isinstance(name, str):
            continue
        if name in earlier_names:
            value_path = (*list_path, index, "name") if "name" in name_pair else (*list_path, index)
            yield RuleFault(
                UNKNOWN_VALUE, Fault(value_path, f"'{name}' is the name of another item too", "Remove one of the two.")
            )
        earlier_names.add(name)


# These find nothing where none of their keys is given.
OF_GIVEN: dict[str, ConstraintCheck] = {
    "ids": _find_wrong_extension_ids,
    "globs": _find_wrong_globs,
    "pem": _find_wrong_pem,
    "text_encoding": _find_wrong_text_encodings,
}
