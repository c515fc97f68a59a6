"""The sound model: real clips, synthetic alarms, rooms, and what is trained and measured on them.

Shape letters: T samples at 16 kHz.
"""
