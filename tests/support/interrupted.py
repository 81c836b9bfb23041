"""A run that is killed in its middle: `python -m tests.support.interrupted OPERATION COMMAND...`.

It goes on until AWS has answered that operation of EKS or IAM, and is then killed with all that it has started. What it
has printed is shown; a run that ends by itself is a failure.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time

from tests.support.aws import Aws

SECONDS = 300


def main(operation: str, command: list[str]) -> int:
    """Run the command until then."""
    aws, end = Aws("us-east-1"), time.monotonic() + SECONDS
    with tempfile.TemporaryFile("w+") as output:  # a pipe that nobody reads would hold it up
        run = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        while not (seen := aws.received(operation=operation, refused="")) and time.monotonic() < end:
            if run.poll() is not None:
                break
            time.sleep(0.1)
        ended = run.poll() is not None
        if not ended:
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()
        output.seek(0)
        print(output.read())
    print(f"{operation} was {'seen' if seen else 'not seen'}; the run was {'over' if ended else 'killed'}")
    return 0 if seen and not ended else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
