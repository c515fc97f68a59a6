"""One source of the capture: its device's keeper, its resampler, its watchdog and its line."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from everlisten.audio_io.chunk import Samples, SourceName
from everlisten.audio_io.config import CaptureConfig
from everlisten.audio_io.health import SILENCE_DB, Condition, SourceHealth
from everlisten.audio_io.keeper import DeviceKeeper, silent_sentence
from everlisten.audio_io.level import ZeroRunWatch, to_amplitude
from everlisten.audio_io.mixer import SourceLine
from everlisten.audio_io.native import DeviceBackend, NativeStream
from everlisten.audio_io.resampler import Resampler, ResamplerState


class SourceCapture:
    """Reads one device into 16 kHz blocks; everything here but `health` is the audio thread's."""

    def __init__(
        self,
        source: SourceName,
        device_id: str,
        backend: DeviceBackend,
        config: CaptureConfig,
        gain_db: float,
    ) -> None:
        """Prepare; `keeper.start` opens the device."""
        self.source = source
        self.keeper = DeviceKeeper(source, device_id, backend, config)
        self.line = SourceLine(source, gain_db)
        self._silent_after_s = config.silent_after_s
        self._watch = ZeroRunWatch()
        self._stream: NativeStream | None = None
        self._resampler: tuple[Resampler, ResamplerState] | None = None
        self._opened_s = 0.0
        self._overflows_before = 0

    def read(self, clock: Callable[[], float]) -> tuple[Samples, float] | None:
        """All that the device has delivered, float32 [n] at 16 kHz, and when it was fetched."""
        with self.keeper.lock:
            stream = self.keeper.borrow()
            if stream is not self._stream:
                self._changed(stream, clock())
            if stream is None:
                return None
            block = stream.read()
            now_s = clock()
        if not len(block):
            return None
        self._watch.step(block, now_s)
        return self._resample(block), now_s

    def health(self, now_s: float) -> SourceHealth:
        """A snapshot at monotonic `now_s`."""
        stream, device = self._stream, self.keeper.device
        condition, sentence = self._judge(now_s)
        level_db, peak_db = SILENCE_DB, SILENCE_DB
        if self.line.live(now_s):
            level_db, peak_db = self.line.meter.read(to_amplitude(self.line.gain_db))
        return SourceHealth(
            source=self.source,
            device=self.keeper.name,
            device_id=device.id if device is not None else "",
            rate_hz=stream.rate_hz if stream is not None else 0,
            channels=stream.channels if stream is not None else 0,
            level_db=level_db,
            peak_db=peak_db,
            gain_db=self.line.gain_db,
            seconds_since_callback=_since(now_s, self._watch.callback_s),
            seconds_since_nonzero=_since(now_s, self._watch.nonzero_s),
            overflows=self._overflows_before + (stream.overflows() if stream is not None else 0),
            gap_samples=self.line.track.gap_samples,
            condition=condition,
            sentence=sentence,
        )

    def _changed(self, stream: NativeStream | None, now_s: float) -> None:
        """The keeper has closed, or opened anew: the rate and the clock may be others."""
        if self._stream is not None:
            self._overflows_before += self._stream.overflows()
        self._stream = stream
        self._watch.reset()
        self._opened_s = now_s
        self.line.restart()
        self._resampler = None
        if stream is not None:
            resampler = Resampler(stream.rate_hz, stream.channels)
            self._resampler = resampler, resampler.new_state()

    def _resample(self, block: NDArray[np.float32]) -> Samples:
        assert self._resampler is not None
        resampler, state = self._resampler
        return resampler.step(np.nan_to_num(block, copy=False), state)

    def _judge(self, now_s: float) -> tuple[Condition, str]:
        condition, sentence = self.keeper.status
        if condition is not Condition.OK or self.source is not SourceName.MIC:
            return condition, sentence
        last_s = self._watch.callback_s if self._watch.callback_s is not None else self._opened_s
        if self._stream is not None and now_s - last_s > self._silent_after_s:
            return Condition.SILENT, f"{self.keeper.name} delivers nothing: unplug it and back in."
        if self._watch.zero_for_s(now_s) > self._silent_after_s:
            return Condition.SILENT, silent_sentence()
        return condition, sentence


def _since(now_s: float, then_s: float | None) -> float | None:
    return None if then_s is None else max(0.0, now_s - then_s)
