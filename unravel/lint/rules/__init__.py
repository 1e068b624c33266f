"""The rules, one a file; see `unravel.lint.rule`."""
