"""How capture behaves; built once and validated once."""

from __future__ import annotations

from dataclasses import dataclass

GAIN_LIMITS_DB = (-20.0, 30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureConfig:
    """Settings of `AudioCapture`."""

    mic_gain_db: float = 0.0
    """Amplification of the microphone, -20 to 30."""
    system_gain_db: float = 0.0
    """Amplification of the computer's own sound, -20 to 30."""
    echo_control: bool = True
    """With both sources on, remove from the microphone what the loudspeakers brought into it."""
    silent_after_s: float = 5.0
    """Exact zeros from a microphone for this long are reported as muted or dead."""
    latency_s: float = 0.03
    """Block length asked of the sound system; smaller costs more wake-ups."""
    poll_s: float = 0.047
    """How often the audio thread empties the devices' rings.

    No simple fraction of `latency_s`: the least late block, which tells the device's clock, then
    shows within a few polls instead of hiding in a slow beat.
    """
    late_after_s: float = 1.0
    """Wait this long for a device that is late before its part of a chunk becomes silence.

    A device stalls when the computer is overloaded; captions that lag are better than lost words.
    """
    retry_first_s: float = 0.25
    """First pause before a lost device is tried again; doubles up to `retry_max_s`."""
    retry_max_s: float = 2.0
    """Longest pause between two tries."""
    watch_s: float = 0.5
    """How often open devices are compared with the system's list and default."""

    def __post_init__(self) -> None:
        for name in ("mic_gain_db", "system_gain_db"):
            _check(name, getattr(self, name), *GAIN_LIMITS_DB)
        _check("silent_after_s", self.silent_after_s, 0.5, 3600.0)
        _check("latency_s", self.latency_s, 0.005, 0.1)
        _check("poll_s", self.poll_s, 0.005, 0.1)
        _check("late_after_s", self.late_after_s, 0.02, 2.0)
        _check("retry_first_s", self.retry_first_s, 0.05, 10.0)
        _check("retry_max_s", self.retry_max_s, self.retry_first_s, 60.0)
        _check("watch_s", self.watch_s, 0.1, 10.0)


def _check(name: str, value: float, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{name} = {value!r}: give a number from {low:g} to {high:g}")
