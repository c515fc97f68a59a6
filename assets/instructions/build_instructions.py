"""Makes the clips of this folder with espeak-ng, from the words in `instructions.yaml`.

    python assets/instructions/build_instructions.py

Run by hand when the words change; the result is committed.
"""

from __future__ import annotations

from pathlib import Path

import soundfile
import yaml

from everlisten.audio_io.chunk import SAMPLE_RATE_HZ
from everlisten.engine.laim.spoken import say

FOLDER = Path(__file__).parent


def main() -> None:
    """Write every clip of the catalogue."""
    entries = yaml.safe_load((FOLDER / "instructions.yaml").read_text("utf-8"))["instructions"]
    for entry in entries:
        soundfile.write(FOLDER / entry["file"], say(entry["text"]), SAMPLE_RATE_HZ)


if __name__ == "__main__":
    main()
