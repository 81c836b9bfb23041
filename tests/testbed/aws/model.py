# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service model of botocore as the judge: which operation a request is, and whether an answer is one of AWS."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote

import botocore.session

Answer = dict[str, Any]
# What every operation of AWS may answer, beside what its model names
# (docs.aws.amazon.com/eks/latest/APIReference/CommonErrors.html).
COMMON = {
    *("AccessDeniedException", "ExpiredTokenException", "ExpiredToken", "IncompleteSignature", "InternalFailure"),
    *("ThrottlingException", "Throttling", "ServiceUnavailable", "UnrecognizedClientException", "RequestExpired"),
    *("InvalidClientTokenId", "AccessDenied", "ValidationError", "RequestTimeoutException"),
}
PYTHON: dict[str, Any] = {
    "string": str,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "boolean": bool,
    "timestamp": (int, float),
    "structure": dict,
    "map": dict,
    "list": list,
}


class DriftError(AssertionError):
    """The testbed answers what AWS could not."""


@cache
def service(name: str) -> Any:
    """Return the model of a service."""
    return botocore.session.get_session().get_service_model(name)


@cache
def _routes(name: str) -> list[tuple[str, re.Pattern[str], str]]:
    """Return method, path and name of every operation, the longest path first."""
    found = []
    for operation in service(name).operation_names:
        http = service(name).operation_model(operation).http
        path = re.sub(r"\{(\w+)\+?\}", r"(?P<\1>[^/]+)", http["requestUri"].split("?")[0])
        if "{resourceArn}" in http["requestUri"]:
            path = path.replace("(?P<resourceArn>[^/]+)", "(?P<resourceArn>.+)")
        found.append((http["method"], re.compile(f"{path}/?\\Z"), operation))
    return sorted(found, key=lambda route: -len(route[1].pattern))


def route(name: str, method: str, path: str) -> tuple[str, dict[str, str]] | None:
    """Return the operation of a request, and what its path says."""
    for verb, pattern, operation in _routes(name):
        match = pattern.match(path)
        if match and verb == method:
            return operation, {key: unquote(value) for key, value in match.groupdict().items()}
    return None


def arguments(name: str, operation: str, path: Mapping[str, str], query: str, body: bytes) -> dict[str, Any]:
    """Return the parameters of a REST request under their names in the model."""
    given = parse_qs(query)
    sent = json.loads(body or b"{}")
    found: dict[str, Any] = {}
    for member, shape in service(name).operation_model(operation).input_shape.members.items():
        parameter, wire = shape.serialization.get("location"), shape.serialization.get("name", member)
        if parameter == "uri":
            found[member] = path[wire]
        elif parameter == "querystring" and wire in given:
            found[member] = _typed(shape.type_name, given[wire])
        elif parameter is None and wire in sent:
            found[member] = sent[wire]
    return found


def _typed(kind: str, values: list[str]) -> Any:
    if kind == "list":
        return values
    return {"boolean": values[0] == "true", "integer": int(values[0]) if values[0].isdigit() else 0}.get(
        kind, values[0]
    )


def checked(name: str, operation: str, answer: Answer) -> Answer:
    """Return the answer if the model of the operation allows it."""
    shape = service(name).operation_model(operation).output_shape
    faults = list(_faults(shape, answer, operation)) if shape else [f"{operation} answers nothing"] * bool(answer)
    if faults:
        raise DriftError("; ".join(faults))
    return answer


def _faults(shape: Any, value: Any, where: str) -> Iterator[str]:
    kind = shape.type_name
    if not isinstance(value, PYTHON[kind]) or (kind != "boolean" and isinstance(value, bool)):
        yield f"{where} is {type(value).__name__}, not {kind}"
    elif kind == "structure":
        yield from _structure_faults(shape, value, where)
    elif kind == "list":
        for index, item in enumerate(value):
            yield from _faults(shape.member, item, f"{where}[{index}]")
    elif kind == "map":
        for key, item in value.items():
            yield from _faults(shape.value, item, f"{where}.{key}")
    elif kind == "string" and getattr(shape, "enum", None) and value not in shape.enum:
        yield f"{where} is '{value}', none of {', '.join(shape.enum)}"


def _structure_faults(shape: Any, value: Answer, where: str) -> Iterator[str]:
    yield from (f"{where}.{key} is unknown" for key in value if key not in shape.members)
    yield from (f"{where}.{key} is missing" for key in shape.required_members if key not in value)
    for key, member in shape.members.items():
        if key in value:
            yield from _faults(member, value[key], f"{where}.{key}")


def status_of_error(name: str, operation: str, code: str, status: int = 0) -> int:
    """Return the HTTP status of an error; one that the operation does not know is drift."""
    known = {shape.error_code or shape.name: shape for shape in service(name).operation_model(operation).error_shapes}
    known |= {shape.name: shape for shape in service(name).operation_model(operation).error_shapes}
    if code not in known and code not in COMMON:
        raise DriftError(f"{operation} has no error {code}")
    modelled = known[code].metadata.get("error", {}).get("httpStatusCode", 400) if code in known else 400
    return status or int(modelled)
