"""Benchmarks with reports of their own; they are not tests and are not timed by them."""
