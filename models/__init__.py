"""Single-file models for the `transformers` ecosystem.

Base models are written by hand, all others are generated from `modular/`.
"""
