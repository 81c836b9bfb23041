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
COMMON_ERRORS = {
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
PYTHON_TYPES: dict[str, Any] = {
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
def load_service_model(name: str) -> Any:
    """Return botocore's model of a service. Raises botocore's UnknownServiceError if there is none of that name."""
    return botocore.session.get_session().get_service_model(name)


@cache
def _list_routes(name: str) -> list[Route]:
    """Return the routes of all operations, the longest path first: it is the most specific one."""
    routes = []
    for operation in load_service_model(name).operation_names:
        http = load_service_model(name).operation_model(operation).http
        path = re.sub(r"\{(\w+)\+?\}", r"(?P<\1>[^/]+)", http["requestUri"].split("?")[0])
        # An ARN has slashes of its own.
        path = path.replace("(?P<resourceArn>[^/]+)", "(?P<resourceArn>.+)")
        routes.append(Route(http["method"], re.compile(f"{path}/?\\Z"), operation))
    return sorted(routes, key=_path_length, reverse=True)


def _path_length(route: Route) -> int:
    return len(route.path.pattern)


def find_operation(service_name: str, method: str, path: str) -> tuple[str, dict[str, str]] | None:
    """Return the operation that a REST request calls, and the parameters in its path; None for an unknown path."""
    for candidate in _list_routes(service_name):
        match = candidate.path.match(path)
        if match and candidate.method == method:
            return candidate.operation, {key: unquote(value) for key, value in match.groupdict().items()}
    return None


def read_parameters(
    service_name: str, operation: str, path_parameters: Mapping[str, str], query_text: str, body: bytes
) -> dict[str, Any]:
    """Return the parameters of a REST request, by their names in the model.

    `path_parameters` has the parameters of the path, as `route` returns them. Raises ValueError if the body is no JSON.
    """
    query_parameters = parse_qs(query_text)
    body_parameters = json.loads(body or b"{}")
    parameters: dict[str, Any] = {}
    for parameter_name, shape in (
        load_service_model(service_name).operation_model(operation).input_shape.members.items()
    ):
        location, wire_name = shape.serialization.get("location"), shape.serialization.get("name", parameter_name)
        if location == "uri":
            parameters[parameter_name] = path_parameters[wire_name]
        elif location == "querystring" and wire_name in query_parameters:
            parameters[parameter_name] = _convert_query_value(shape.type_name, query_parameters[wire_name])
        elif location is None and wire_name in body_parameters:
            parameters[parameter_name] = body_parameters[wire_name]
    return parameters


def _convert_query_value(type_name: str, values: list[str]) -> Any:
    """Return a parameter of the query as a value of the model's type; a number that is none is 0."""
    if type_name == "list":
        return values
    value = values[0]
    if type_name == "boolean":
        return value == "true"
    if type_name == "integer":
        return int(value) if value.isdigit() else 0
    return value


def check_answer(name: str, operation: str, answer: Answer) -> Answer:
    """Return the answer. Raises DriftError if the model of the operation does not allow it."""
    shape = load_service_model(name).operation_model(operation).output_shape
    faults = list(_find_faults(shape, answer, operation)) if shape else _find_empty_answer_faults(operation, answer)
    if faults:
        raise DriftError("; ".join(faults))
    return answer


def _find_empty_answer_faults(operation: str, answer: Answer) -> list[str]:
    """Return the faults in the answer of an operation whose model has no answer."""
    return [f"{operation} answers nothing"] if answer else []


def _find_faults(shape: Any, value: Any, value_path: str) -> Iterator[str]:
    """Yield what is wrong with a value; `value_path` is its path, which begins with the operation."""
    if not _has_type(shape.type_name, value):
        yield f"{value_path} is {type(value).__name__}, not {shape.type_name}"
    elif shape.type_name == "structure":
        yield from _find_structure_faults(shape, value, value_path)
    elif shape.type_name == "list":
        for index, member_value in enumerate(value):
            yield from _find_faults(shape.member, member_value, f"{value_path}[{index}]")
    elif shape.type_name == "map":
        for key, member_value in value.items():
            yield from _find_faults(shape.value, member_value, f"{value_path}.{key}")
    elif shape.type_name == "string":
        yield from _find_word_faults(shape, value, value_path)


def _has_type(type_name: str, value: Any) -> bool:
    """Whether a value has a type of the model. In Python, a boolean is an integer too."""
    if not isinstance(value, PYTHON_TYPES[type_name]):
        return False
    return type_name == "boolean" or not isinstance(value, bool)


def _find_word_faults(shape: Any, value: str, value_path: str) -> Iterator[str]:
    """Yield the fault of a word that is none of those that the model lists."""
    words = getattr(shape, "enum", None)
    if words and value not in words:
        yield f"{value_path} is '{value}', none of {', '.join(words)}"


def _find_structure_faults(shape: Any, value: Answer, value_path: str) -> Iterator[str]:
    """Yield what is wrong with an object: members that the model lacks or requires, and faults in its members."""
    yield from (f"{value_path}.{key} is unknown" for key in value if key not in shape.members)
    yield from (f"{value_path}.{key} is missing" for key in shape.required_members if key not in value)
    for key, member_shape in shape.members.items():
        if key in value:
            yield from _find_faults(member_shape, value[key], f"{value_path}.{key}")


def find_error_status(name: str, operation: str, code: str, test_status: int = 0) -> int:
    """Return the HTTP status of an error: `test_status` if a test has set one, else that of the model.

    Raises DriftError if the operation cannot answer this error.
    """
    errors = load_service_model(name).operation_model(operation).error_shapes
    shapes_by_code = {shape.error_code or shape.name: shape for shape in errors}
    shapes_by_code |= {shape.name: shape for shape in errors}
    if code not in shapes_by_code and code not in COMMON_ERRORS:
        raise DriftError(f"{operation} has no error {code}")
    if test_status:
        return test_status
    if code not in shapes_by_code:
        return DEFAULT_STATUS
    return int(shapes_by_code[code].metadata.get("error", {}).get("httpStatusCode", DEFAULT_STATUS))
