# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service model of botocore as the judge: which operation a request is, and whether an answer is one of AWS."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote

import botocore.session

Answer = dict[str, Any]
COMMON = {
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InternalFailure",
    "InvalidClientTokenId",
    "RequestExpired",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "Throttling",
    "ThrottlingException",
    "UnrecognizedClientException",
    "ValidationError",
}
"""Errors that every operation may answer, beside those of its model.

Source: docs.aws.amazon.com/eks/latest/APIReference/CommonErrors.html.
"""
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
"""The types in Python that a value of a model's type may have."""


DEFAULT_STATUS = 400
"""The HTTP status of an error whose model names none."""


class DriftError(AssertionError):
    """The testbed answers what AWS could not."""


@dataclass(frozen=True)
class Route:
    """How a REST request calls an operation."""

    method: str
    path: re.Pattern[str]
    """The parameters in the path are named groups."""
    operation: str


@cache
def service(name: str) -> Any:
    """Return botocore's model of a service. Raises botocore's UnknownServiceError if there is none of that name."""
    return botocore.session.get_session().get_service_model(name)


@cache
def _routes(name: str) -> list[Route]:
    """Return the routes of all operations, the longest path first: it is the most specific one."""
    routes = []
    for operation in service(name).operation_names:
        http = service(name).operation_model(operation).http
        path = re.sub(r"\{(\w+)\+?\}", r"(?P<\1>[^/]+)", http["requestUri"].split("?")[0])
        # An ARN has slashes of its own.
        path = path.replace("(?P<resourceArn>[^/]+)", "(?P<resourceArn>.+)")
        routes.append(Route(http["method"], re.compile(f"{path}/?\\Z"), operation))
    return sorted(routes, key=_length, reverse=True)


def _length(route: Route) -> int:
    return len(route.path.pattern)


def route(name: str, method: str, path: str) -> tuple[str, dict[str, str]] | None:
    """Return the operation that a REST request calls, and the parameters in its path; None for an unknown path."""
    for candidate in _routes(name):
        match = candidate.path.match(path)
        if match and candidate.method == method:
            return candidate.operation, {key: unquote(value) for key, value in match.groupdict().items()}
    return None


def arguments(name: str, operation: str, path: Mapping[str, str], query: str, body: bytes) -> dict[str, Any]:
    """Return the parameters of a REST request, by their names in the model.

    `path` has the parameters of the path, as `route` returns them. Raises ValueError if the body is no JSON.
    """
    in_query = parse_qs(query)
    in_body = json.loads(body or b"{}")
    parameters: dict[str, Any] = {}
    for member, shape in service(name).operation_model(operation).input_shape.members.items():
        location, wire_name = shape.serialization.get("location"), shape.serialization.get("name", member)
        if location == "uri":
            parameters[member] = path[wire_name]
        elif location == "querystring" and wire_name in in_query:
            parameters[member] = _typed(shape.type_name, in_query[wire_name])
        elif location is None and wire_name in in_body:
            parameters[member] = in_body[wire_name]
    return parameters


def _typed(kind: str, values: list[str]) -> Any:
    """Return a parameter of the query as a value of the model's type; a number that is none is 0."""
    if kind == "list":
        return values
    value = values[0]
    if kind == "boolean":
        return value == "true"
    if kind == "integer":
        return int(value) if value.isdigit() else 0
    return value


def checked(name: str, operation: str, answer: Answer) -> Answer:
    """Return the answer. Raises DriftError if the model of the operation does not allow it."""
    shape = service(name).operation_model(operation).output_shape
    faults = list(_faults(shape, answer, operation)) if shape else _faults_of_nothing(operation, answer)
    if faults:
        raise DriftError("; ".join(faults))
    return answer


def _faults_of_nothing(operation: str, answer: Answer) -> list[str]:
    """Return the faults in the answer of an operation whose model has no answer."""
    return [f"{operation} answers nothing"] if answer else []


def _faults(shape: Any, value: Any, where: str) -> Iterator[str]:
    """Yield what is wrong with a value; `where` is its path, which begins with the operation."""
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
    """Yield what is wrong with an object: members that the model lacks or requires, and faults in its members."""
    yield from (f"{where}.{key} is unknown" for key in value if key not in shape.members)
    yield from (f"{where}.{key} is missing" for key in shape.required_members if key not in value)
    for key, member in shape.members.items():
        if key in value:
            yield from _faults(member, value[key], f"{where}.{key}")


def status_of_error(name: str, operation: str, code: str, status: int = 0) -> int:
    """Return the HTTP status of an error: `status` if a test has set one, else that of the model.

    Raises DriftError if the operation cannot answer this error.
    """
    errors = service(name).operation_model(operation).error_shapes
    known = {shape.error_code or shape.name: shape for shape in errors}
    known |= {shape.name: shape for shape in errors}
    if code not in known and code not in COMMON:
        raise DriftError(f"{operation} has no error {code}")
    if status:
        return status
    if code not in known:
        return DEFAULT_STATUS
    return int(known[code].metadata.get("error", {}).get("httpStatusCode", DEFAULT_STATUS))
