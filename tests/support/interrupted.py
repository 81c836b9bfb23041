"""A run that is killed in its middle: `python -m tests.support.interrupted OPERATION COMMAND...`.

It goes on until AWS has answered that operation of EKS or IAM, and is then killed with all that it has started. What it
has printed is shown; a run that ends by itself is a failure.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from tests.support.aws import Aws

SECONDS = 120


def main(operation: str, command: list[str]) -> int:
    """Run the command until then."""
    end = time.monotonic() + SECONDS
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True) as run:
        while run.poll() is None and time.monotonic() < end:
            if Aws("us-east-1").received(operation=operation, refused=""):
                os.killpg(run.pid, signal.SIGKILL)
                break
            time.sleep(0.1)
        else:
            os.killpg(run.pid, signal.SIGKILL) if run.poll() is None else None
            print(f"{operation} was not seen before the end")
        print((run.stdout.read() if run.stdout else b"").decode())
    return 0 if run.returncode == -signal.SIGKILL and Aws("us-east-1").received(operation=operation) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
