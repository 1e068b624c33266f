"""`python -m unravel.lint.page`: write the rules' page of the documentation anew."""

from __future__ import annotations

from pathlib import Path

from unravel.lint.explaining import page

PAGE = Path(__file__).parents[2] / "docs" / "lint.md"
MARK = "<!-- rules -->\n"

if __name__ == "__main__":
    head, _, _ = PAGE.read_text("utf-8").partition(MARK)
    PAGE.write_text(head + MARK + page(), "utf-8")
