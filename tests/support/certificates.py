"""Certificates for tests: a CA with a server and a client, and a client of another CA.

Usage: python -m tests.support.certificates FOLDER SERVER_NAME [SERVER_ADDRESS ...]
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DAYS = "2"


def main(folder: Path, names: list[str]) -> None:
    """Write ca, other-ca, server, client and intruder, each as .crt and .key."""
    folder.mkdir(parents=True, exist_ok=True)
    for authority in ("ca", "other-ca"):
        _run_openssl(folder, *_request_arguments(authority), "-x509", "-days", DAYS, "-out", f"{authority}.crt")
    alternatives = ",".join(f"IP:{name}" if name[0].isdigit() else f"DNS:{name}" for name in names)
    for name, authority in (("server", "ca"), ("client", "ca"), ("intruder", "other-ca")):
        _run_openssl(folder, *_request_arguments(name), "-out", f"{name}.csr")
        (folder / "extensions").write_text(f"subjectAltName={alternatives}\nextendedKeyUsage=serverAuth,clientAuth\n")
        signing_arguments = ("-CA", f"{authority}.crt", "-CAkey", f"{authority}.key", "-CAcreateserial", "-days", DAYS)
        _run_openssl(
            folder,
            "x509",
            "-req",
            "-in",
            f"{name}.csr",
            *signing_arguments,
            "-extfile",
            "extensions",
            "-out",
            f"{name}.crt",
        )


def _request_arguments(name: str) -> tuple[str, ...]:
    key_arguments = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key")
    return ("req", "-new", *key_arguments, "-subj", f"/CN={name}")


def _run_openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
