"""Kills a run in its middle: `python -m tests.support.interrupted OPERATION COMMAND...`.

The command runs until the simulated AWS has answered that operation of EKS or IAM. Then it is killed with all processes
that it has started. What it printed is printed in the end. The exit code is 0 only if the operation was seen and the
command was still running.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time

from tests.support.aws import Aws

REGION = "us-east-1"
TIMEOUT_SECONDS = 300
"""How long the operation may take to come."""
POLL_SECONDS = 0.1


def main(operation: str, command: list[str]) -> int:
    """Run the command, kill it after the operation, and return the exit code."""
    # A file takes all output; a pipe that nobody reads would stop the command when it is full.
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        is_seen = _wait_for_operation(operation, process)
        is_over = process.poll() is not None
        if not is_over:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        print(output.read())
    print(f"{operation} was {'seen' if is_seen else 'not seen'}; the run was {'over' if is_over else 'killed'}")
    return 0 if is_seen and not is_over else 1


def _wait_for_operation(operation: str, process: subprocess.Popen[bytes]) -> bool:
    """Wait until AWS has answered the operation, the run is over, or the time is up. Return whether AWS has."""
    aws, deadline = Aws(REGION), time.monotonic() + TIMEOUT_SECONDS
    while True:
        if aws.list_received(operation=operation, refused=""):
            return True
        if time.monotonic() >= deadline or process.poll() is not None:
            return False
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
