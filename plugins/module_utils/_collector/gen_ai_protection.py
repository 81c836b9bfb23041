# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements of OTTL that hide content of calls of models. Private.

Content is what a user asks a model and what it answers: prompts and messages in attributes, in events of spans and in
log records. Recipe templates call this file by the filter `gen_ai_protection`. It hides content

- in attributes whose names have content by some convention: `CONTENT` and `CONTENT_FAMILIES`;
- in errors of calls, whose texts often repeat the prompt: the status of spans, and the exceptions in events and logs;
- in events of calls, which have content in attributes of their own, or as the body of a log record.

Example: `delete_matching_keys(log.attributes, "^exception\\\\.(message|stacktrace)$") where IsMatch(Keys(…), …)`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .gen_ai_attributes import CALL_KEYS, CONTENT, CONTENT_FAMILIES, ERROR_TEXT, EVENT_CONTENT, EVENT_NAMES
from .ottl_builders import attribute_path, delete_keys_where, ottl_text, set_where

# Before 1.36, the name of an event was an attribute.
_LOG_EVENT_NAMES = ("log.event_name", attribute_path("log", "event.name"))


class Protection(NamedTuple):
    """OTTL statements that hide content of calls of models.

    Those of spans and of their events are apart: in one group, all would run once for each event, and so not for a span
    without events.
    """

    span_statements: list[str]
    event_statements: list[str]
    log_statements: list[str]


def build_protection(hashed: bool) -> Protection:
    """Return the statements that remove content of calls of models, or hash it where its name is known.

    Errors come first. An error is one of a call if certain attributes are there (`CALL_KEYS`), and the statements
    behind it may remove these.
    """
    return Protection(
        span_statements=[_hide_status(hashed), *_hide_content("span", hashed)],
        event_statements=[_hide_error_of_event(), *_hide_content("spanevent", hashed), _hide_old_content_of_event()],
        log_statements=[_hide_error_of_log(), *_hide_content("log", hashed), *_hide_event_logs(hashed)],
    )


def _hide_status(hashed: bool) -> str:
    """Return the statement that hides the message of the status of a span, which says why the call failed."""
    message = "span.status.message"
    return set_where(message, _hide_text(message, hashed), f'{message} != ""', _call_condition("span"))


def _hide_error_of_event() -> str:
    """Return the statement that hides an error in an event of a span, if the span says that it is one of a call."""
    return delete_keys_where("spanevent", ERROR_TEXT, _call_condition("span"))


def _hide_error_of_log() -> str:
    """Return the statement that hides an error in a log record that is one of a call."""
    return delete_keys_where("log", ERROR_TEXT, _call_condition("log"))


def _hide_old_content_of_event() -> str:
    """Return the statement that hides the content of an event of a call, which older conventions have in attributes."""
    return delete_keys_where("spanevent", EVENT_CONTENT, _event_condition("spanevent.name"))


def _hide_event_logs(hashed: bool) -> list[str]:
    """Return the statements that hide the attributes and the body of log records that are events of calls."""
    statements = []
    for name in _LOG_EVENT_NAMES:
        event_condition = _event_condition(name)
        statements.append(delete_keys_where("log", EVENT_CONTENT, event_condition))
        hidden_body = _hide_text("String(log.body)", hashed)
        statements.append(set_where("log.body", hidden_body, "log.body != nil", event_condition))
    return statements


def _hide_content(holder: str, hashed: bool) -> list[str]:
    """Return the statements that remove content at a place. With `hashed`, known names get a hash of it instead."""
    families = "|".join(CONTENT_FAMILIES)
    if hashed:
        return [*_hash_content(holder), delete_keys_where(holder, families)]
    whole_names = "|".join(re.escape(name) for name in CONTENT)
    return [delete_keys_where(holder, f"^({whole_names})$|{families}")]


def _hash_content(holder: str) -> list[str]:
    """Return a statement for each known name. The names in a family are not known, so nothing can be set there."""
    statements = []
    for name in CONTENT:
        content = attribute_path(holder, name)
        statements.append(set_where(content, f"SHA256(String({content}))", f"{content} != nil"))
    return statements


def _hide_text(text: str, hashed: bool) -> str:
    """Return the expression that stands in place of another one, which is a text."""
    return f"SHA256({text})" if hashed else ottl_text("****")


def _call_condition(holder: str) -> str:
    """Return the condition of OTTL that a span or a log record is of a call of a model."""
    return f"IsMatch(Keys({holder}.attributes), {ottl_text(CALL_KEYS)})"


def _event_condition(name: str) -> str:
    """Return the condition of OTTL that a path has the name of an event of a call."""
    return f"IsMatch({name}, {ottl_text(EVENT_NAMES)})"
