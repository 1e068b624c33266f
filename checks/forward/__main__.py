"""`python -m checks.forward [MODEL ...]`, for machines that have torch and not unravel."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from checks.forward import terminal
from checks.forward.conditions import DEVICES, conditions
from checks.forward.running import check_all_of, check_forward
from checks.forward.verdicts import ModelReport, exit_code

FAILED = 2


def main(arguments: Sequence[str]) -> int:
    chosen = _parser().parse_args(arguments)
    root = Path.cwd()
    seen: list[ModelReport] = []

    def show(report: ModelReport, total: int) -> None:
        seen.append(report)
        print("\n".join(terminal.table_lines(report, first=len(seen) == 1)), flush=True)

    try:
        asked = conditions(chosen.device, require_cuda=chosen.require_cuda, dtypes=chosen.dtype)
        check = check_all_of if chosen.all_of else check_forward
        named = {"package": chosen.all_of} if chosen.all_of else {}
        reports = check(
            **named,
            root=root,
            models=chosen.models,
            conditions=asked,
            jobs=chosen.jobs,
            on_report=show,
        )
    except LookupError as error:
        print(error.args[0], file=sys.stderr)
        return FAILED
    for report in reports:
        for line in terminal.details(report, root=root, verbose=chosen.verbose):
            print(line)
    print(terminal.summary(reports))
    return exit_code(reports)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m checks.forward", description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL", help="All, if none is named.")
    parser.add_argument("--all-of", metavar="PACKAGE", help="All model types of `transformers`.")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="Default: auto.")
    parser.add_argument("--require-cuda", action="store_true", help="Fail where there is no GPU.")
    parser.add_argument("--dtype", metavar="NAMES", help="bfloat16,float16: of every class.")
    parser.add_argument("--jobs", type=int, default=1, help="Processes of their own.")
    parser.add_argument("-v", "--verbose", action="store_true", help="Say of every check.")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
