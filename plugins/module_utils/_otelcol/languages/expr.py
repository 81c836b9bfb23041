# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions of log operators, such as `body matches "^[A-Z]"`: what keeps them from being compiled. Private.

The rules on operators of receivers ask here: for `body = "x"`, `find_expression_fault` answers `ExpressionFault(5, "`=`
compares nothing; `==` does")`. Mistakes that show in the tokens come first; expr_syntax.py reads the rest.
Source: the lexer of github.com/expr-lang/expr.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .expr_syntax import BOOL, UNKNOWN, ExpressionParser, ExpressionToken, InvalidExpression, NotJudged
from .regex import find_regex_refusal

# The tokens of an expression, each with its kind as the name of the group; a gap is blanks or a comment.
_TOKEN = re.compile(
    r"(?P<gap>\s+|//[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)"
    r"|(?P<text>[bB]?(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")|`[^`]*`)"
    r"|(?P<word>[\w$]+)"
    r"|(?P<bracket>[()\[\]{}])"
    r"|(?P<sign>[&!=*<>][&=*]?|\|\|?|::?|\?[.?]?|\.\.?|[,;%+^#/-])",
    re.DOTALL,
)
# An escape in a text. Group: the character behind the backslash.
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
# The characters that may stand behind a backslash.
_ESCAPES = frozenset("abfnrtv\\'\"`?xXuU0123456789")
# Those of them that stand for themselves there.
_ESCAPED_SIGNS = "\\'\""
_OPENING_BRACKETS = {")": "(", "]": "[", "}": "{"}
_WORD_OPERATORS = ("in", "or", "and", "matches", "contains", "startsWith", "endsWith")
_KEYWORDS = (*_WORD_OPERATORS, "not", "let", "if", "else")
_BINARY_SIGNS = ("&&", "||", "==", "!=", "<=", ">=", "<", ">")
# Tokens behind which something has to follow.
_UNFINISHED = frozenset((*_BINARY_SIGNS, *"+-/%^*!,?:", "**", "??", *_WORD_OPERATORS, "not"))
# What may follow a text that is a regular expression by itself, and not a part of one.
_AFTER_REGEX = ("", "&&", "||", "and", "or", ")")
# What stands before the name of a member.
_MEMBER_SIGNS = (".", "?.")


class ExpressionFault(NamedTuple):
    """Why an expression is not compiled."""

    start: int
    """The number of the character where it is wrong, from 0."""
    reason: str
    is_regex_fault: bool = False
    """Whether a regular expression in it is refused."""


_NO_TOKEN = ExpressionToken("", "", 0)


def find_expression_fault(text: str, must_be_truth_value: bool = False) -> ExpressionFault | None:
    """Return what is wrong with an expression, which may have to be a truth value; None if nothing is found."""
    tokens: list[ExpressionToken] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            return _find_unread_character(text[position], position)
        if match.lastgroup != "gap":
            tokens.append(ExpressionToken(str(match.lastgroup), match[0], position))
        position = match.end()
    if not tokens:
        return None
    return _find_token_fault(tokens) or _find_type_fault(tokens, len(text), must_be_truth_value)


def _find_unread_character(character: str, start: int) -> ExpressionFault | None:
    """Return what is wrong where no token begins; None for characters that are not judged."""
    if character in "'\"`":
        return ExpressionFault(start, "the text that begins here does not end")
    return ExpressionFault(start, f"`{character}` has no meaning here") if character in "@~\\" else None


def _find_type_fault(
    tokens: list[ExpressionToken], expression_length: int, must_be_truth_value: bool
) -> ExpressionFault | None:
    """Return what is wrong with the types of values; with `must_be_truth_value`, that the whole is no truth value."""
    try:
        whole_type = ExpressionParser(tokens, expression_length).read_whole_type()
    except InvalidExpression as invalid:
        return ExpressionFault(invalid.start, invalid.why)
    except NotJudged:
        return None
    if must_be_truth_value and whole_type not in (UNKNOWN, BOOL):
        return ExpressionFault(0, "this is no truth value; compare it with something")
    return None


def _find_token_fault(tokens: list[ExpressionToken]) -> ExpressionFault | None:
    """Return the first mistake that shows in a token and its neighbours, or in brackets."""
    has_assignment = any(token.text == "let" for token in tokens)
    second_last = previous = _NO_TOKEN
    for token, following in zip(tokens, (*tokens[1:], _NO_TOKEN), strict=False):
        if token.text == "=" and not has_assignment:
            return ExpressionFault(token.start, "`=` compares nothing; `==` does")
        if _is_operand(token, previous) and _is_operand(previous, second_last):
            return ExpressionFault(previous.start, f"an operator is missing after `{previous.text}`")
        text_fault = _find_text_fault(token, previous, following.text)
        if text_fault:
            return text_fault
        second_last, previous = previous, token
    return _find_unfinished_end(previous, second_last) or _find_bracket_fault(tokens)


def _find_bracket_fault(tokens: list[ExpressionToken]) -> ExpressionFault | None:
    """Return a bracket that closes nothing, or the last one that is never closed."""
    open_brackets: list[ExpressionToken] = []
    for token in tokens:
        if token.kind != "bracket":
            continue
        if token.text not in _OPENING_BRACKETS:
            open_brackets.append(token)
        elif not open_brackets or open_brackets.pop().text != _OPENING_BRACKETS[token.text]:
            return ExpressionFault(token.start, f"`{token.text}` closes nothing")
    if open_brackets:
        return ExpressionFault(open_brackets[-1].start, f"`{open_brackets[-1].text}` is never closed")
    return None


def _find_unfinished_end(last_token: ExpressionToken, previous: ExpressionToken) -> ExpressionFault | None:
    """Return what is wrong if the last token needs another one behind it."""
    if last_token.text in _UNFINISHED and previous.text not in _MEMBER_SIGNS:
        return ExpressionFault(last_token.start, f"nothing follows `{last_token.text}`")
    return None


def _is_operand(token: ExpressionToken, previous: ExpressionToken) -> bool:
    """Whether a token is a value; a keyword is one behind a dot, where it is the name of a member."""
    if token.kind == "text":
        return True
    return token.kind == "word" and (token.text not in _KEYWORDS or previous.text in _MEMBER_SIGNS)


def _find_text_fault(token: ExpressionToken, previous: ExpressionToken, following_text: str) -> ExpressionFault | None:
    """Return what is wrong in a text: its escapes, or the regular expression that it is."""
    if token.kind != "text" or token.text.startswith(("b", "B")):
        return None
    escape_fault = _find_escape_fault(token)
    if escape_fault:
        return escape_fault
    is_regex = previous.text.endswith("matches") and following_text in _AFTER_REGEX
    return _find_regex_fault(token) if is_regex else None


def _find_escape_fault(text_token: ExpressionToken) -> ExpressionFault | None:
    """Return the first backslash of a text before a character that makes no escape, such as `\\d`."""
    for escape in _list_escapes(text_token):
        if escape[1] not in _ESCAPES:
            fix = "write the backslash twice, or the text between backticks"
            return ExpressionFault(text_token.start + 1 + escape.start(), f"`{escape[0]}` is no escape; {fix}")
    return None


def _find_regex_fault(text_token: ExpressionToken) -> ExpressionFault | None:
    """Return why Go refuses the regular expression in a text; None if other characters than signs are escaped in it."""
    regex = text_token.text[1:-1]
    escapes = _list_escapes(text_token)
    if any(escape[1] not in _ESCAPED_SIGNS for escape in escapes):
        return None
    if escapes:
        regex = _ESCAPE.sub(r"\1", regex)
    refusal = find_regex_refusal(regex)
    if refusal is None:
        return None
    reason = f"Go refuses this regular expression: {refusal.reason}"
    return ExpressionFault(text_token.start, reason, is_regex_fault=True)


def _list_escapes(text_token: ExpressionToken) -> list[re.Match[str]]:
    """Return the escapes of a text; one between backticks has none."""
    if text_token.text.startswith("`"):
        return []
    return list(_ESCAPE.finditer(text_token.text[1:-1]))
