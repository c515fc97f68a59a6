"""Live captions and translation into English on a CPU: Silero voice activity, then Whisper base.

Imports neither torch nor Qt. `model.EmbeddedModel` is the entry; the other modules are its parts.
"""
