# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of a file, an answer, an archive or a program's output is read at most, in bytes. Private.

Whatever a user, a server or a program gives may have no end. A text is in memory once as bytes, once as text, and as
nodes of YAML that take some thirty times its size, so the limit of texts is small.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import Problem

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
# What is read at a time.
CHUNK = 64 * KIB
# A config, a manifest, a test or a table. etcd takes objects of 1.5 MiB; releases of operators have some 4 MiB.
TEXT_LIMIT = 16 * MIB
# The start of a file, which shows whether it looks like a config.
HEAD_LIMIT = MIB
# Chart.yaml. Helm reads at most 5 MiB of a file of a chart, and 100 MiB of all (MaxDecompressedFileSize and
# MaxDecompressedChartSize of helm's pkg/chart/loader/archive).
CHART_FILE_LIMIT, CHART_LIMIT = MIB, 100 * MIB
# Certificates, keys and tokens.
CREDENTIAL_LIMIT = MIB
# An answer of an API server: a list of 500 large objects has some 50 MiB, a packed Collector some 150 MiB.
ANSWER_LIMIT = 512 * MIB
# An answer of a backend or an application.
SMALL_ANSWER_LIMIT = 16 * MIB
# The program of a Collector, packed and unpacked: 0.158.0's largest has some 400 MiB.
PROGRAM_LIMIT = 2 * GIB
# What a program prints: errors, tokens.
OUTPUT_LIMIT = 4 * MIB
# The log of a Collector that runs for a test.
LOG_LIMIT = 64 * MIB
# An archive of an image, of which only the sum is computed.
ARCHIVE_LIMIT = 64 * GIB


class TooLargeError(Problem):
    """A file, answer, archive or output is larger than its limit."""


def format_byte_count(byte_count: int) -> str:
    """Return a number of bytes in the largest unit that it has."""
    unit, name = next(
        pair for pair in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB"), (1, "bytes")) if byte_count >= pair[0]
    )
    return f"{byte_count // unit} {name}"


def too_large_error(subject: str, max_bytes: int) -> TooLargeError:
    """Return the Problem of something that is larger than the limit of what is read."""
    fix = f"At most {format_byte_count(max_bytes)} are read. Give a smaller one."
    return TooLargeError(f"{subject} is larger than {format_byte_count(max_bytes)}", fix=fix)


def join_chunks(chunks: Iterable[bytes], max_bytes: int, subject: str) -> bytes:
    """Return all chunks as one. Raises Problem as soon as they are larger than the limit."""
    kept_chunks, size = [], 0
    for chunk in chunks:
        size += len(chunk)
        if size > max_bytes:
            raise too_large_error(subject, max_bytes)
        kept_chunks.append(chunk)
    return b"".join(kept_chunks)
