"""The corpus: all modular files of a transformers release, and the files generated from them.

`python -m tests.corpus` converts and compares; `.determinism` and `.kill` beside it try how the
conversion behaves under other hash seeds, job counts and orders, and under `kill -9`.
"""
