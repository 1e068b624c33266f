"""Differential testing: random small projects, converted and executed live, must behave the same.

python -m tests.fuzz --examples 10000 --seed 1
"""
