"""Which sounds the user is warned about, and how readily: shipped ones and taught ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path

from everlisten.app.alert_clips import read_sound
from everlisten.app.alert_config import (
    read_ids,
    read_sensitivities,
    write_ids,
    write_sensitivities,
)
from everlisten.app.alert_kit import AlertKit
from everlisten.app.listener import NOT_LISTENING, Listener, watch_of
from everlisten.app.taught_sounds import TaughtSounds, severity_of
from everlisten.audio_io.chunk import Samples
from everlisten.engine.alerts.catalogue import URGENT_REPLY, words
from everlisten.engine.errors import EngineError
from everlisten.ui.alert_protocols import SoundRow


class SoundSwitches:
    """Implements `ui.alert_protocols.SoundSwitches`.

    Args:
        kit: Has the catalogue and the user's choices.
        taught: The sounds that the user taught.
        listener: Has the session that hears a test.
        change: Keeps one setting; returns "" or why not.
        problem: Why alerts do not work; "" while they do.
    """

    def __init__(
        self,
        kit: AlertKit,
        taught: TaughtSounds,
        listener: Listener,
        *,
        change: Callable[[str, str | float | bool], str],
        problem: Callable[[], str],
    ) -> None:
        self._kit = kit
        self._taught = taught
        self._listener = listener
        self._change = change
        self._problem = problem

    def rows(self) -> Sequence[SoundRow]:
        """The catalogue, then the taught sounds."""
        config, language = self._kit.config, self._kit.language
        off = read_ids(config.switched_off)
        sensitivity = read_sensitivities(config.sensitivities)
        ago = self._last_heard()
        rows = [
            SoundRow(
                id=entry.id,
                label=words(entry.label, language),
                severity=severity_of(entry.severity),
                advice=words(entry.advice, language),
                enabled=entry.id not in off,
                sensitivity=sensitivity.get(entry.id, entry.sensitivity),
                last_heard_s_ago=ago.get(entry.id),
            )
            for entry in self._kit.entries().values()
            if entry.id != URGENT_REPLY
        ]
        rows += [
            SoundRow(
                id=sound.id,
                label=sound.name,
                severity=severity_of(sound.severity),
                advice=sound.advice,
                enabled=sound.enabled,
                sensitivity=sensitivity.get(sound.id, 0.5),
                taught=True,
                last_heard_s_ago=ago.get(sound.id),
            )
            for sound in self._taught.sounds()
        ]
        return rows

    def set_enabled(self, id: str, on: bool) -> str:
        """Switch alerts about one sound."""
        if self._taught.knows(id):
            return self._taught.enable(id, on)
        off = read_ids(self._kit.config.switched_off)
        return self._change("alerts.switched_off", write_ids(off - {id} if on else off | {id}))

    def set_sensitivity(self, id: str, value: float) -> str:
        """0 to 1."""
        values = read_sensitivities(self._kit.config.sensitivities)
        values[id] = min(1.0, max(0.0, value))
        return self._change("alerts.sensitivities", write_sensitivities(values))

    def test(self, id: str) -> str:
        """Send an example through the real path."""
        watch = watch_of(self._listener)
        if watch is None or watch.hearing is None:
            return self._problem() or NOT_LISTENING
        try:
            samples = self._example(id)
        except EngineError as error:
            return str(error)
        watch.play(samples, id)
        return ""

    def _last_heard(self) -> dict[str, float]:
        """Seconds since each sound was last heard."""
        now_s = time.time()
        return {id: max(0.0, now_s - at_s) for id, at_s in self._kit.last_heard().items()}

    def _example(self, id: str) -> Samples:
        if self._taught.knows(id):
            return self._taught.example(id)
        source = resources.files("everlisten.assets").joinpath("sounds", "examples", f"{id}.flac")
        path = Path(str(source))
        if not path.is_file():
            raise EngineError("There is no example of this sound.")
        return read_sound(path)
