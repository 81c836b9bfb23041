# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests of OTLP as JSON, and the same without their content: what a capture takes over of each record. Private.

`capture_task.py` makes one `RecordMasks` for a run, and the sample masks each request by it. For example, the attribute
`{"key": "user.email", "value": {"stringValue": "a@b.org"}}` becomes
`{"key": "user.email", "value": {"stringValue": "Xk3_pQa"}}`.

The masks use each other from left to right: request_masks.py has the table of fields, attribute_masks.py and
text_masks.py decide what stays of their content, and value_masks.py makes what stands in place of the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._otelcol.forecast.capture_facts import HASH_MODE
from .attribute_masks import AttributeMasks
from .request_masks import RequestMasks
from .text_masks import TextMasks
from .value_masks import ValueMasks

# The mode of a capture in which all values stay but headers and secrets.
KEEP_MODE = "keep"


class RecordMasks:
    """What becomes of the requests of one run.

    `key` are 32 random bytes that the caller does not keep. `kept_names` are attributes whose values stay. `mode` is
    `hash`, or `keep` for all values but headers and secrets.
    """

    def __init__(self, key: bytes, kept_names: Iterable[str] = (), mode: str = HASH_MODE) -> None:
        hides_values = mode == HASH_MODE
        values = ValueMasks(key)
        texts = TextMasks(values, hides_values=hides_values)
        self._attribute_masks = AttributeMasks(values, texts, kept_names, hides_values=hides_values)
        self._masks_by_field = RequestMasks(values, texts, self._attribute_masks).build_masks()

    def mask_request(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return a request of one signal without its content.

        Raises TypeError, AttributeError, KeyError or ValueError for what has not the form of OTLP.
        """
        masked_fields = {}
        for name, value in request.items():
            if name in self._masks_by_field:
                masked_fields[name] = self._masks_by_field[name](value)
        return masked_fields

    @property
    def unseen_names(self) -> list[str]:
        """The attributes whose values were to stay and that nothing has had so far, in their order."""
        return self._attribute_masks.unseen_names
