"""Lists of files that are played as one session: sequence.json, as the released samples have it."""

from __future__ import annotations

from pathlib import Path

from everlisten.audio_io.file_source import AudioFile


def sequence_files(path: Path) -> tuple[list[Path], float]:
    """The files to play and the silence after each, seconds: one file alone has none.

    Raises:
        EngineError: The list cannot be read, or is none.
    """
    # Only now: a listener to devices needs none of the big model's modules.
    from everlisten.engine.laim.sequence import PAUSE_S, is_sequence, read_sequence

    return (read_sequence(path), PAUSE_S) if is_sequence(path) else ([path], 0.0)


def check_files(path: Path) -> None:
    """Open what `path` stands for and close it again.

    Raises:
        AudioFileError: A file cannot be played.
        EngineError: The list cannot be read, or is none.
    """
    for one in sequence_files(path)[0]:
        AudioFile(one).close()
