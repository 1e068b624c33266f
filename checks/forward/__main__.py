"""`python -m checks.forward [MODEL ...]`, for machines that have torch and not unravel."""

from __future__ import annotations

import sys
from pathlib import Path

from checks.forward import terminal
from checks.forward.running import check_forward
from checks.forward.verdicts import exit_code


def main(models: list[str]) -> int:
    root = Path.cwd()
    reports = check_forward(root=root, models=models)
    for number, report in enumerate(reports):
        print("\n".join(terminal.table_lines(report, first=not number)))
    for report in reports:
        for line in terminal.details(report, root=root):
            print(line)
    print(terminal.summary(reports))
    return exit_code(reports)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
