"""The sounds of alerts, from memory or from disk."""

from __future__ import annotations

from pathlib import Path

from everlisten.app.alert_board import AlertBoard
from everlisten.app.alert_clips import AlertClips, read_sound
from everlisten.app.listener import Listener, watch_of
from everlisten.app.sound_player import SoundPlayer
from everlisten.audio_io.chunk import SAMPLE_RATE_HZ, Samples
from everlisten.engine.errors import EngineError

GONE = "The sound of this alert is not in memory any more."


class ClipPlayback:
    """Implements `ui.alert_protocols.ClipPlayback`.

    Args:
        clips: Keeps clips on disk.
        board: Knows the alerts.
        listener: Has the session, which has the last sounds in memory.
        player: Plays them.
    """

    def __init__(
        self, clips: AlertClips, board: AlertBoard, listener: Listener, player: SoundPlayer
    ) -> None:
        self._clips = clips
        self._board = board
        self._listener = listener
        self._player = player

    def has(self, alert_id: str) -> bool:
        """Whether the alert's sound can still be played."""
        return self._clips.path(alert_id) is not None or self._in_memory(alert_id) is not None

    def path(self, alert_id: str) -> Path | None:
        """The kept file."""
        return self._clips.path(alert_id)

    def keep(self, alert_id: str) -> str:
        """Keep the alert's sound on disk."""
        if self._clips.path(alert_id) is not None:
            return ""
        samples, alert = self._in_memory(alert_id), self._board.alert(alert_id)
        if samples is None or alert is None:
            return GONE
        try:
            self._clips.keep(alert, samples)
        except EngineError as error:
            return str(error)
        return ""

    def play(self, alert_id: str) -> str:
        """Play the alert's sound."""
        path, samples = self._clips.path(alert_id), self._in_memory(alert_id)
        if path is None and samples is None:
            return GONE
        self._player.cut()
        if path is not None:
            self._player.play(lambda: (read_sound(path), SAMPLE_RATE_HZ))
        elif samples is not None:
            self._player.play(lambda: (samples, SAMPLE_RATE_HZ))
        return self._player.problem

    def _in_memory(self, alert_id: str) -> Samples | None:
        watch = watch_of(self._listener)
        return watch.clip(alert_id) if watch is not None else None
