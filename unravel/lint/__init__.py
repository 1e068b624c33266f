"""Mistakes in modular files, in single-file models and in copies: found, and fixed where safe.

    files -> units -> (each in a worker) rules -> findings -> less what is ignored -> report

A rule is one file in `rules`: what, why, and examples, which are its tests and its documentation.
Files are read, never imported.
"""
