# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts without their content: what looks like a name, a unit or a version stays, others become masks. Private.

A mask is letters that stand for a text (see value_masks.py). `request_masks.py` says which field is masked by which
method. For example, `mask_name` returns `http.server.duration` as it is, and letters for `order 4711 of alice`. If
values are not hidden, `hides_values` is false, and only secrets become masks.
"""

from __future__ import annotations

import re

from .._otelcol.config.masking import conceal_secrets
from . import kept_values
from .body_templates import BodyTemplates
from .value_masks import ValueMasks

# What a name of an attribute, a metric or an event looks like, such as `http.server.duration`. A name with six digits
# in a row, or with an address, is content.
NAME_PATTERN = re.compile(r"(?!.*\d{6})[A-Za-z_][A-Za-z0-9_.\-/:]{0,199}")
# Units of UCUM that telemetry has, and annotations such as `{request}`.
_UNIT_PATTERN = re.compile(
    r"(1|%|[num]?s|min|h|d|[kKMGT]?i?By?|bit|[mk]?[WJVA]|Hz|Cel|K|\{[A-Za-z_. ]{1,40}\})?(/(s|min|h))?"
)
# A version, such as `1.27.0` or `v2.1-beta.3`.
_VERSION_PATTERN = re.compile(r"v?\d{1,5}(\.\d{1,6}){0,2}([-+][A-Za-z0-9.]{1,20})?")
_SCHEMA_PATTERN = re.compile(r"https://opentelemetry\.io/schemas/[0-9.]{1,20}")
# What a client logs in with, which is a secret wherever it stands.
_LOGIN_PATTERN = re.compile(r"\b(Bearer|Basic|Token) +\S", re.IGNORECASE)
# How many names are made once and remembered.
_MOST_REMEMBERED = 20_000


class TextMasks:
    """What becomes of the texts of one run. If it hides no values, texts stay but for their secrets."""

    def __init__(self, masks: ValueMasks, *, hides_values: bool) -> None:
        self._masks = masks
        self._hides_values = hides_values
        self._templates = BodyTemplates(masks)
        self._known_names: dict[str, str] = {}

    def make_template(self, text: str) -> str:
        """Return a text without what differs from record to record; all of it but secrets if values stay."""
        return self._templates.make_template(text) if self._hides_values else self.hide_secrets(text)

    def hide_secrets(self, text: str) -> str:
        """Return a text that stays, with a mask in place of what looks like a secret."""
        return self._masks.mask_text(text) if _LOGIN_PATTERN.search(text) else conceal_secrets(text)

    def mask_name(self, name: str) -> str:
        """Return a name as it is, or its mask if it looks like content."""
        known_name = self._known_names.get(name)
        if known_name is None:
            known_name = self._mask_unless(NAME_PATTERN, name)
            if len(self._known_names) >= _MOST_REMEMBERED:
                self._known_names.clear()
            self._known_names[name] = known_name
        return known_name

    def mask_opaque(self, text: str) -> str:
        """Return the mask of a text that may be anything, whatever it looks like."""
        return self._masks.mask_text(text)

    def mask_version(self, text: str) -> str:
        """Return a version as it is, and the mask of any other text."""
        return self._mask_unless(_VERSION_PATTERN, text)

    def mask_schema(self, text: str) -> str:
        """Return the address of a schema of OpenTelemetry as it is, and the mask of any other text."""
        return self._mask_unless(_SCHEMA_PATTERN, text)

    def mask_unit(self, text: str) -> str:
        """Return a unit as it is, and the mask of any other text."""
        return self._mask_unless(_UNIT_PATTERN, text)

    def mask_level(self, text: str) -> str:
        """Return the name of a severity as it is, and the mask of any other text."""
        return text if kept_values.is_severity_name(text) else self._masks.mask_text(text)

    def _mask_unless(self, pattern: re.Pattern[str], text: str) -> str:
        """Return a text that a pattern allows, and the mask of any other."""
        return text if pattern.fullmatch(text) else self._masks.mask_text(text)
