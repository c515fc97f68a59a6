"""Every setting is checked, and the message names it and its limits."""

from __future__ import annotations

import pytest

from everlisten.audio_io.capture import CaptureSelection
from everlisten.audio_io.config import CaptureConfig


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mic_gain_db", 31.0),
        ("system_gain_db", -20.5),
        ("silent_after_s", 0.0),
        ("latency_s", 1.0),
        ("poll_s", 0.0),
        ("late_after_s", float("nan")),
        ("retry_first_s", 0.0),
        ("retry_max_s", 0.1),
        ("watch_s", True),
    ],
)
def test_bad_values_are_named(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} = {value!r}: give a number from"):
        CaptureConfig(**{name: value})


def test_selection_refuses_an_unknown_mode() -> None:
    with pytest.raises(ValueError, match="choose mic, system or both"):
        CaptureSelection(mode="all")  # type: ignore[arg-type]
