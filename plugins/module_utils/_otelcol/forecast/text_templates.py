# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates of texts, such as bodies of logs: common words stay, and every other part becomes `<*>`. Private.

    user 4711 not found: timeout after 30s    →    user <*> not found: timeout after <*>

A template has no word but those of `WORDS`, so a report of telemetry with readable values shows no content. A body and
its masked form in a capture have the same template, since a mask is one part.
"""

from __future__ import annotations

import re
from functools import lru_cache

PLACEHOLDER = "<*>"
"""What stands in a template for a part that is no common word."""
_CACHE_SIZE = 20_000
# A mask of a capture, or what has no space, bracket, quote, comma or `=` in it.
_PART = re.compile(r"<[^<>]*>|[^\s\[\](){}<>\"'`,;=|]+")
# What may follow a word.
_PUNCTUATION = ".:!?"

_WORDS = """
a about above abort aborted accept accepted access account active add added address after again against agent all
allocated allowed already an and another any api app application are argument as at attempt attempts auth available
await back backend bad batch be because become been before begin below between block blocked body bound broker bucket
buffer but by bytes cache cached call called can cancel canceled cancelled cannot capacity change changed channel
check checked checking chunk class clean cleanup client clients close closed closing cluster code collection column
command commit committed complete completed config configuration connect connected connecting connection connections
consumer container content context continue could count cpu create created creating current cursor data database
deadline debug default delay delete deleted delivery denied deprecated did disabled disconnected disk dns do does done
down drop dropped due duplicate duration during empty enabled end ended endpoint entries entry error errors event
events every exceeded exception execute executed execution exist exists exit exited expected expired exporter fail
failed failure fatal fetch fetched field file files filter find finish finished flush flushed for forbidden format
found from full get give given go group had handle handler handling has have header health healthy healthz heartbeat
host http https id idle if ignored in index info initialize initialized input insert instance internal interrupted
into invalid is it item items job key kubelet last latency length level limit line list listen listener listening live
livez load loaded loading local lock log login logs long lost main match max memory message messages metadata method
metric metrics min missing mode module ms msg name namespace network new next no node none not null number object of
off offset ok on one only open opened operation option or other out output over packet page parameter parse parsed
parsing partition password path peer pending permission pid ping pod pool port process processed processing producer
progress protocol provider proxy publish published put query queue queued rate read ready readyz reason receive
received receiving record records refused register registered reject rejected release remote remove removed replica
reply report request requests required reset resource response restart restarted result results retries retry retrying
return returned role rollback root route rows run running save saved schedule scheduled schema seconds send sending
sent server service session set shutdown shutting signal size skip skipped skipping slow socket span spans start
started starting startup state status step stop stopped stopping storage store stored stream string subscribed success
successful successfully summary sync table target task tcp terminated test than that the thread threads time timed
timeout timestamp tls to token too topic total trace transaction true false try trying type udp unable unauthorized
unavailable unexpected unhandled unknown until up update updated updating url use used user using valid validation
value version wait waiting warn warning was watch when while will with within without worker workers write written
wrong yes zero connect delete get head options patch post put trace
"""
WORDS = frozenset(_WORDS.split())
"""What programs write of their work, in any service. No word here says whose it is."""


def make_template(text: str) -> str:
    """Return the template of a text."""
    return _PART.sub(_replace_match, text)


def _replace_match(match: re.Match[str]) -> str:
    return _replace_part(match[0])


@lru_cache(_CACHE_SIZE)
def _replace_part(part: str) -> str:
    """Return a part as it is, if it is a common word or punctuation, else `<*>`. Texts repeat their parts."""
    if part.startswith("<"):
        return PLACEHOLDER
    if is_common_part(part):
        return part
    return PLACEHOLDER + part[len(strip_punctuation(part)) :]


def is_common_part(part: str) -> bool:
    """Whether a part of a text says nothing of its content: it is a common word, or punctuation."""
    is_punctuation = part.isascii() and not any(map(str.isalnum, part))
    return is_punctuation or strip_punctuation(part).lower() in WORDS


def strip_punctuation(part: str) -> str:
    """Return a part of a text without the punctuation that follows the word."""
    return part.rstrip(_PUNCTUATION)
