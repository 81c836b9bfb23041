# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values without their content: a masked value has the length of the value, and equal values stay equal. Private.

The other files of masks call this one for each value that must not stay. For example, the text `alice` becomes `Xk3_p`,
the integer 1017 becomes 5824, and the id of a trace becomes other hexadecimal digits.

A mask is made by BLAKE2b with a key of the run, which nobody keeps, so no table of known values leads back. With a key,
BLAKE2b is a MAC by itself (RFC 7693), as HMAC-SHA256 is, and takes a tenth of its time.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

_URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# Without 0, which a number loses at its start and at the end of its fraction.
_DIGITS = "123456789"
# Among a million values, two share a mask of so many characters with a chance below 1 in 10,000: 64 letters to the
# 10th power are 2^60 masks, 9 digits to the 19th power as many. Shorter masks are compared.
_LENGTH_WITHOUT_DOUBLES = {_URL_SAFE: 10, _DIGITS: 19}
# After so many draws of masks that other values have, a mask gets longer than its value: too few are of its length.
_DRAWS_OF_OWN_LENGTH = 64
# So many short values are compared. Later ones get masks that are long enough to have no doubles.
_MOST_COMPARED = 500_000
# The first integer that is too large for the 64 bits of OTLP.
_TOO_LARGE = 1 << 63
# What is below this number has 18 digits at most, and fits into 64 bits.
_OF_18_DIGITS = 10**18


class ValueMasks:
    """The masks of one run. `key` are 32 random bytes that the caller does not keep.

    A value of a type becomes letters or digits in four steps, each of which uses the next one:

    - `_make_mask` makes a mask that no other value has. A short one is compared with the others.
    - `_draw_free_mask` draws masks of a short value until one is free: `no` becomes `xQ`, or `b7` if `xQ` is taken.
    - `_draw_mask` makes letters of bytes. `turn` counts the draws of a value, each of which makes another mask.
    - `_draw_bytes` makes the bytes, which only this key and this value make.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        # The masks of short values by letters and value, and all of these masks.
        self._known_masks: dict[tuple[str, str], str] = {}
        self._taken_masks: set[str] = set()

    def mask_text(self, value: str) -> str:
        """Return the mask of a text: letters that need no escape, as many as the text has bytes of UTF-8."""
        return self._make_mask(value, _URL_SAFE, len(value.encode("utf-8", "surrogatepass")))

    def mask_integer(self, value: int) -> int:
        """Return an integer of as many digits, with the same sign. 0 stays 0.

        One of 19 digits has fewer if its mask would be too large for OTLP.
        """
        if value == 0:
            return 0
        digits = str(abs(value))
        masked = int(self._make_mask(digits, _DIGITS, len(digits)))
        if masked >= _TOO_LARGE:
            masked %= _OF_18_DIGITS
        return masked if value > 0 else -masked

    def mask_number(self, value: float) -> float:
        """Return a number of as many digits before and after the point, without its exponent. 0 stays 0."""
        text = repr(abs(value))
        whole_digits, _point, fraction = text.partition("e")[0].partition(".")
        if value == 0 or not (whole_digits + fraction).isdigit():  # such as `nan`, which says nothing
            return value
        digits = self._make_mask(text, _DIGITS, len(whole_digits + fraction))
        masked = float(f"{digits[: len(whole_digits)]}.{digits[len(whole_digits) :]}")
        return masked if value > 0 else -masked

    def mask_identifier(self, value: str) -> str:
        """Return hexadecimal digits for the id of a trace or span; an id without content stays so."""
        if not value.strip("0"):
            return value
        return self._draw_bytes(value.lower(), len(value)).hex()[: len(value)]

    def mask_binary(self, value: str) -> str:
        """Return the mask of bytes that are written as Base64."""
        try:
            size = len(base64.b64decode(value, validate=True))
        except (ValueError, binascii.Error):
            return self.mask_text(value)
        return base64.b64encode(self._draw_bytes(value, size)).decode("ascii")

    def _make_mask(self, value: str, letters: str, size: int) -> str:
        """Return the mask of a value, which no other value has."""
        sure_length = _LENGTH_WITHOUT_DOUBLES[letters]
        if size >= sure_length or size == 0:
            return self._draw_mask(value, letters, size, 0)
        value_key = (letters, value)
        known_mask = self._known_masks.get(value_key)
        if known_mask is not None:
            return known_mask
        if len(self._known_masks) >= _MOST_COMPARED:
            return self._draw_mask(value, letters, sure_length, 0)
        free_mask = self._draw_free_mask(value, letters, size)
        self._known_masks[value_key] = free_mask
        self._taken_masks.add(free_mask)
        return free_mask

    def _draw_free_mask(self, value: str, letters: str, size: int) -> str:
        """Return the first mask that is drawn and that no other value has."""
        turn = 0
        mask = self._draw_mask(value, letters, size, turn)
        while mask in self._taken_masks:
            turn += 1
            more_letters = max(0, turn - _DRAWS_OF_OWN_LENGTH)
            mask = self._draw_mask(value, letters, size + more_letters, turn)
        return mask

    def _draw_mask(self, value: str, letters: str, size: int, turn: int) -> str:
        """Return so many letters for a value. Each turn draws others."""
        drawn_bytes = self._draw_bytes(f"{turn}:{value}" if turn else value, size)
        if letters == _URL_SAFE:
            return base64.urlsafe_b64encode(drawn_bytes)[:size].decode("ascii")
        return "".join(letters[byte % len(letters)] for byte in drawn_bytes)

    def _draw_bytes(self, value: str, size: int) -> bytes:
        """Return so many bytes that only this key and this value make."""
        data = value.encode("utf-8", "surrogatepass")
        drawn_bytes = part = hashlib.blake2b(data, key=self._key).digest()
        while len(drawn_bytes) < size:
            part = hashlib.blake2b(part + data, key=self._key).digest()
            drawn_bytes += part
        return drawn_bytes[:size]
