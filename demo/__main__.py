"""`python -m demo erp|sftp|run`: the pretend ERP, the SFTP server, or all of the demo at once."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    erp = commands.add_parser("erp", help="the pretend ERP alone; prints its address")
    erp.add_argument("--port", type=int, default=0, help="0 takes a free one")
    erp.add_argument("--ledger", type=Path, help="file that keeps every request; read again at the next start")
    erp.add_argument("--token-life", type=float, default=3600, help="seconds until a token is refused")
    erp.add_argument("--token-says", type=float, help="the expires_in told, where it is not the truth")
    erp.add_argument("--slow", type=float, default=3, help="seconds that the slow answer takes")
    erp.add_argument("--latency", type=float, default=0, help="seconds added to every answer")
    erp.add_argument("--no-faults", action="store_true", help="book everything that is JSON")
    erp.add_argument("--open", action="store_true", help="ask for no token")

    sftp = commands.add_parser("sftp", help="the SFTP server alone; prints its address and host key")
    sftp.add_argument("--port", type=int, default=0, help="0 takes a free one")
    sftp.add_argument("--root", type=Path, required=True, help="folder that it serves")
    sftp.add_argument("--user", help="waybill unless given")
    sftp.add_argument("--password", help="pretend-password unless given")
    sftp.add_argument("--authorized-keys", type=Path, help="public keys that may log in")
    sftp.add_argument("--host-key", type=Path, help="private key file, made when it is not there")

    run = commands.add_parser("run", help="everything, with documents on their way")
    run.add_argument("--real", type=Path, help="a folder of real documents with an index.json")
    run.add_argument("--check", action="store_true", help="do not stay up; print one line of JSON")
    run.add_argument("--port", type=int, default=8000, help="of the web server; another one where it is taken")

    prepare = commands.add_parser("prepare", help="set Waybill up for receivers that run, and put documents in")
    prepare.add_argument("--erp", required=True, help="the ERP's address")
    prepare.add_argument("--sftp", type=int, required=True, help="the SFTP server's port")
    prepare.add_argument("--host-key", required=True, help="the SFTP server's, type and base64")
    prepare.add_argument("--documents", type=Path, required=True, help="a folder with an index.json")
    prepare.add_argument("--queue", action="append", dest="queues", help="only these of the demo's queues")

    given = parser.parse_args()
    if given.command in {"run", "prepare"}:
        from demo import run as whole

        return whole.run(given) if given.command == "run" else whole.prepare(given)
    if given.command == "erp":
        from demo import erp_process

        return erp_process.run(given)
    from demo import sftp as sftp_server

    return sftp_server.run(given)


if __name__ == "__main__":
    sys.exit(main())
