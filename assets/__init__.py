"""Data that ships with the program: defaults, icons, sounds and the demo scene. No code."""
