"""Teach a sound from a few examples, in less than a minute on a CPU and without torch."""
