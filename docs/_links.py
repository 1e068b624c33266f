"""A hook of mkdocs: links to what is not among the pages lead to the repository."""

import re
from typing import Any

_REPOSITORY = "https://github.com/unravel-models/unravel/blob/main/"
_OUTSIDE = re.compile(r"\]\(\.\./")


def on_page_markdown(markdown: str, **_: Any) -> str:
    return _OUTSIDE.sub(f"]({_REPOSITORY}", markdown)
