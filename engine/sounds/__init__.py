"""Sounds: what the small sound model hears every 0.4 s, also beside the big model."""
