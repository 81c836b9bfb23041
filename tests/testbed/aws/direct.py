# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of EKS without HTTP, for thousands of runs: the same world, the same checks, botocore's own exceptions."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.validate import ParamValidator

from tests.testbed.aws.app import OPERATIONS
from tests.testbed.aws.clusters import find_cluster
from tests.testbed.aws.model import check_answer, find_error_status, load_service_model
from tests.testbed.aws.world import NO_FAULT, AwsError, Fault, World

REGION = "eu-west-1"
OPERATION_NAMES = {xform_name(name): name for name in load_service_model("eks").operation_names}


def describe_cluster(_world: World, region: str, **parameters: Any) -> dict[str, Any]:
    """DescribeCluster, which moto answers elsewhere; as much of it as the add-ons need."""
    moto_cluster = find_cluster(region, parameters["name"])
    return {"cluster": {"name": moto_cluster.name, "version": moto_cluster.version, "status": "ACTIVE"}}


OPERATION_FUNCTIONS: dict[str, Callable[..., Any]] = {**OPERATIONS, "DescribeCluster": describe_cluster}


class DirectClient:
    """Looks like boto3's client. `key` is the access key that it was made with."""

    def __init__(self, world: World, key: str = "AKIDTESTBED") -> None:
        self.world, self.key = world, key
        self.meta = SimpleNamespace(service_model=load_service_model("eks"))

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        """Return a method for an operation."""
        if name not in OPERATION_NAMES:
            raise AttributeError(name)
        return lambda **parameters: self._call(OPERATION_NAMES[name], parameters)

    def _call(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Do what an operation asks. Raises AssertionError for what its model refuses, and botocore's exceptions."""
        model = load_service_model("eks").operation_model(operation)
        report = ParamValidator().validate(parameters, model.input_shape)
        if report.has_errors():
            raise AssertionError(report.generate_report())
        self.world.calls.append(operation)
        fault = self.world.take_fault(operation) or NO_FAULT
        timeout_error = ReadTimeoutError(endpoint_url="https://eks.testbed", error=None)
        if fault.drop == "before":
            raise timeout_error
        try:
            answer = self._answer(operation, parameters, fault)
        except AwsError as error:
            raise _build_client_error(operation, error, fault.status) from error
        if fault.drop == "after":
            raise timeout_error
        return answer

    def _answer(self, operation: str, parameters: dict[str, Any], fault: Fault) -> dict[str, Any]:
        """Return the answer of an operation. Raises AwsError for expired credentials, and if a test wants an error."""
        if self.key in self.world.expired_keys:
            raise AwsError("ExpiredTokenException", "The security token included in the request is expired")
        if fault.code:
            raise AwsError(fault.code, fault.message)
        return check_answer("eks", operation, OPERATION_FUNCTIONS[operation](self.world, REGION, **parameters) or {})


def _build_client_error(operation: str, error: AwsError, test_status: int) -> ClientError:
    """Return the exception of botocore for an error; `test_status` is the HTTP status that a test has set, or 0."""
    http_status = find_error_status("eks", operation, error.code, test_status)
    error_response = {
        "Error": {"Code": error.code, "Message": error.message},
        "ResponseMetadata": {"HTTPStatusCode": http_status},
    }
    return ClientError(error_response, operation)
