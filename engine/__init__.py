"""The models and the perceive-decide-respond loop; events, timeline store, model catalogue.

Knows no Qt. Shape letters used in this room: B batch, T time, C channels, D width, H heads,
V vocabulary.
"""
