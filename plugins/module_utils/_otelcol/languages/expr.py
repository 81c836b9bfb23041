# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions of log operators: what keeps them from being compiled.

Source: the lexer of github.com/expr-lang/expr. Mistakes that tokens show come first; expr_syntax reads the rest.
Private.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .expr_syntax import BOOL, UNKNOWN, Invalid, NotJudged, Parser, Token
from .regex import refusal

_TOKEN = re.compile(
    r"(?P<gap>\s+|//[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)"
    r"|(?P<text>[bB]?(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")|`[^`]*`)"
    r"|(?P<word>[\w$]+)"
    r"|(?P<bracket>[()\[\]{}])"
    r"|(?P<sign>[&!=*<>][&=*]?|\|\|?|::?|\?[.?]?|\.\.?|[,;%+^#/-])",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = frozenset("abfnrtv\\'\"`?xXuU0123456789")
_PAIRS = {")": "(", "]": "[", "}": "{"}
_BETWEEN = ("in", "or", "and", "matches", "contains", "startsWith", "endsWith")
_KEYWORDS = (*_BETWEEN, "not", "let", "if", "else")
_COMPARES = ("&&", "||", "==", "!=", "<=", ">=", "<", ">")
_UNFINISHED = frozenset((*_COMPARES, *"+-/%^*!,?:", "**", "??", *_BETWEEN, "not"))
_AFTER_REGEX = ("", "&&", "||", "and", "or", ")")
_DOTS = (".", "?.")


class Broken(NamedTuple):
    """Why an expression is not compiled, and at which character; `regex` if a regular expression in it is refused."""

    start: int
    why: str
    regex: bool = False


_NOTHING = Token("", "", 0)


def broken_expression(text: str, truth: bool = False) -> Broken | None:
    """Return what is wrong with an expression, which may have to be a truth value; None if nothing is found."""
    tokens: list[Token] = []
    end = 0
    while end < len(text):
        match = _TOKEN.match(text, end)
        if match is None:
            return _unread(text[end], end)
        if match.lastgroup != "gap":
            tokens.append(Token(str(match.lastgroup), match[0], end))
        end = match.end()
    if not tokens:
        return None
    return _broken_tokens(tokens) or _broken_types(tokens, len(text), truth)


def _unread(sign: str, at: int) -> Broken | None:
    """Return what is wrong where no token begins; None for signs that are not judged."""
    if sign in "'\"`":
        return Broken(at, "the text that begins here does not end")
    return Broken(at, f"`{sign}` has no meaning here") if sign in "@~\\" else None


def _broken_types(tokens: list[Token], end: int, truth: bool) -> Broken | None:
    """Return what is wrong with the types of values; with `truth`, that the whole is no truth value."""
    try:
        whole_type = Parser(tokens, end).whole_type()
    except Invalid as invalid:
        return Broken(invalid.start, invalid.why)
    except NotJudged:
        return None
    if truth and whole_type not in (UNKNOWN, BOOL):
        return Broken(0, "this is no truth value; compare it with something")
    return None


def _broken_tokens(tokens: list[Token]) -> Broken | None:
    """Return the first mistake that shows in a token and its neighbours, or in brackets."""
    assigns = any(token.text == "let" for token in tokens)
    earlier = before = _NOTHING
    for token, after in zip(tokens, (*tokens[1:], _NOTHING), strict=False):
        if token.text == "=" and not assigns:
            return Broken(token.start, "`=` compares nothing; `==` does")
        if _is_operand(token, before) and _is_operand(before, earlier):
            return Broken(before.start, f"an operator is missing after `{before.text}`")
        wrong = _broken_text(token, before, after.text)
        if wrong:
            return wrong
        earlier, before = before, token
    return _without_end(before, earlier) or _broken_brackets(tokens)


def _broken_brackets(tokens: list[Token]) -> Broken | None:
    """Return a bracket that closes nothing, or the last one that is never closed."""
    opened: list[Token] = []
    for token in tokens:
        if token.kind != "bracket":
            continue
        if token.text not in _PAIRS:
            opened.append(token)
        elif not opened or opened.pop().text != _PAIRS[token.text]:
            return Broken(token.start, f"`{token.text}` closes nothing")
    if opened:
        return Broken(opened[-1].start, f"`{opened[-1].text}` is never closed")
    return None


def _without_end(last: Token, before: Token) -> Broken | None:
    """Return what is wrong if the last token needs another one behind it."""
    if last.text in _UNFINISHED and before.text not in _DOTS:
        return Broken(last.start, f"nothing follows `{last.text}`")
    return None


def _is_operand(token: Token, before: Token) -> bool:
    """Whether a token is a value; a keyword is one behind a dot, where it is the name of a member."""
    if token.kind == "text":
        return True
    return token.kind == "word" and (token.text not in _KEYWORDS or before.text in _DOTS)


def _broken_text(token: Token, before: Token, after: str) -> Broken | None:
    """Return what is wrong in a text: its escapes, or the regular expression that it is."""
    if token.kind != "text" or token.text.startswith(("b", "B")):
        return None
    inside = token.text[1:-1]
    is_raw = token.text.startswith("`")
    escapes = [] if is_raw else list(_ESCAPE.finditer(inside))
    for escape in escapes:
        if escape[1] not in _ESCAPES:
            fix = "write the backslash twice, or the text between backticks"
            return Broken(token.start + 1 + escape.start(), f"`{escape[0]}` is no escape; {fix}")
    is_regex = before.text.endswith("matches") and after in _AFTER_REGEX
    if not is_regex or any(escape[1] not in "\\'\"" for escape in escapes):
        return None
    refused = refusal(inside if is_raw else _ESCAPE.sub(r"\1", inside))
    if refused is None:
        return None
    return Broken(token.start, f"Go refuses this regular expression: {refused.why}", regex=True)
