"""`python -m tests.fuzz`: a long run; the seed is printed, and can be given."""

from __future__ import annotations

import argparse
import random
import sys

from tests.fuzz.campaign import Miscompiled, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    try:
        summary = run(arguments.examples, seed=arguments.seed)
    except Miscompiled as wrong:
        print(wrong)
        return 1
    print(summary.text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
