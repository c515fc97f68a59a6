"""Capture, loopback, mixing, resampling, file sources, the chunk clock and its health.

Knows no model and no window. Everything leaves this room as `AudioChunk`s of 0.4 s.
"""
