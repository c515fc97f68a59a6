"""Alerts: which sounds and replies become a warning, and how often."""
