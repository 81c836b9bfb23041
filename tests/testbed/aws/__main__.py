# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.testbed.aws serve|start|stop`: the AWS of the testbed as a process. See README.md."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.testbed.aws.server import AwsServer, start_process, stop_process
from tests.testbed.aws.world import World


def main() -> int:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(prog="python -m tests.testbed.aws", description=__doc__)
    parser.add_argument("command", choices=["serve", "start", "stop"])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--certificate", help="a PEM file, for https")
    parser.add_argument("--key", help="its key")
    parser.add_argument("--record", type=Path, help="the file that notes the URL, for start and stop")
    options = parser.parse_args()
    if options.command == "serve":
        certificate_files = (options.certificate, options.key) if options.certificate else None
        server = AwsServer(World(), options.host, options.port, certificate_files)
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        server.serve()
        return 0
    if options.record is None:
        parser.error("start and stop need --record")
    if options.command == "start":
        sys.stdout.write(f"{start_process(options.record, options.host, options.port)}\n")
    else:
        stop_process(options.record)
    return 0


if __name__ == "__main__":
    sys.exit(main())
