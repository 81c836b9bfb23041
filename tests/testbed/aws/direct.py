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
from tests.testbed.aws.clusters import cluster
from tests.testbed.aws.model import checked, service, status_of_error
from tests.testbed.aws.world import NO_FAULT, AwsError, Fault, World

REGION = "eu-west-1"
NAMES = {xform_name(name): name for name in service("eks").operation_names}


def describe_cluster(_world: World, region: str, **given: Any) -> dict[str, Any]:
    """DescribeCluster, which moto answers elsewhere; as much of it as the add-ons need."""
    found = cluster(region, given["name"])
    return {"cluster": {"name": found.name, "version": found.version, "status": "ACTIVE"}}


WORK: dict[str, Callable[..., Any]] = {**OPERATIONS, "DescribeCluster": describe_cluster}


class DirectClient:
    """Looks like boto3's client. `key` is the access key that it was made with."""

    def __init__(self, world: World, key: str = "AKIDTESTBED") -> None:
        self.world, self.key = world, key
        self.meta = SimpleNamespace(service_model=service("eks"))

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        """Return a method for an operation."""
        if name not in NAMES:
            raise AttributeError(name)
        return lambda **given: self._call(NAMES[name], given)

    def _call(self, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        """Do what an operation asks. Raises AssertionError for what its model refuses, and botocore's exceptions."""
        model = service("eks").operation_model(operation)
        report = ParamValidator().validate(given, model.input_shape)
        if report.has_errors():
            raise AssertionError(report.generate_report())
        self.world.calls.append(operation)
        fault = self.world.fault(operation) or NO_FAULT
        lost = ReadTimeoutError(endpoint_url="https://eks.testbed", error=None)
        if fault.drop == "before":
            raise lost
        try:
            answer = self._answer(operation, given, fault)
        except AwsError as error:
            raise _refused(operation, error, fault.status) from error
        if fault.drop == "after":
            raise lost
        return answer

    def _answer(self, operation: str, given: dict[str, Any], fault: Fault) -> dict[str, Any]:
        """Return the answer of an operation. Raises AwsError for expired credentials, and if a test wants an error."""
        if self.key in self.world.expired_keys:
            raise AwsError("ExpiredTokenException", "The security token included in the request is expired")
        if fault.code:
            raise AwsError(fault.code, fault.message)
        return checked("eks", operation, WORK[operation](self.world, REGION, **given) or {})


def _refused(operation: str, error: AwsError, status: int) -> ClientError:
    """Return the exception of botocore for an error; `status` is the HTTP status that a test has set, or 0."""
    found = status_of_error("eks", operation, error.code, status)
    said = {"Error": {"Code": error.code, "Message": error.message}, "ResponseMetadata": {"HTTPStatusCode": found}}
    return ClientError(said, operation)
