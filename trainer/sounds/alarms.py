"""Every synthesis, by the sound that it makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from everlisten.trainer.sounds import beeps, bells, distractors, impacts, sirens, throats, tunes
from everlisten.trainer.sounds.waves import Synthetic

Synthesis = Callable[[np.random.Generator], Synthetic]

_WEIGHTED: Mapping[str, tuple[tuple[Synthesis, int], ...]] = {
    "smoke_alarm": ((beeps.temporal_three, 4), (beeps.fast_smoke, 1)),
    "co_alarm": ((beeps.carbon_monoxide, 1),),
    "siren": ((sirens.siren, 1),),
    "glass_breaking": ((impacts.glass_breaking, 1),),
    "scream": ((throats.scream, 1),),
    "door_knock": ((impacts.door_knock, 1),),
    "doorbell": (
        (bells.ding_dong, 4),
        (bells.melody_doorbell, 2),
        (bells.door_buzzer, 2),
        (bells.mechanical_doorbell, 2),
    ),
    "phone_ringing": (
        (bells.bell_phone, 3),
        (bells.warbling_phone, 3),
        (bells.marimba_phone, 3),
        (bells.vibrating_phone, 1),
    ),
    "alarm_clock": ((beeps.clock_beeps, 4), (beeps.clock_buzzer, 2), (beeps.clock_bell, 2)),
    "car_horn": ((sirens.car_horn, 1),),
    "vehicle_alarm": (
        (sirens.car_alarm, 2),
        (sirens.reverse_beeper, 3),
        (sirens.horn_alarm, 1),
    ),
    "gunshot": ((impacts.gunshot, 2), (impacts.explosion, 1)),
    "fire_crackling": ((impacts.fire, 1),),
    "coughing": ((throats.coughing, 1),),
    "sneezing": ((throats.sneezing, 1),),
    "snoring": ((throats.snoring, 1),),
    "appliance_beep": (
        (beeps.microwave, 4),
        (beeps.washing_machine, 2),
        (beeps.smoke_pitched_beep, 2),
        (beeps.battery_chirp, 1),
    ),
    "thunder": ((impacts.thunder, 1),),
    "chime": ((distractors.ui_chime, 3), (distractors.blip, 1)),
    "music": (
        (tunes.tune, 2),
        (tunes.held_chord, 1),
        (tunes.plain_melody, 2),
    ),
    "background": (
        (distractors.random_beeps, 3),
        (distractors.sustained_tone, 2),
        (distractors.whistling, 2),
        (distractors.chirping, 1),
        (distractors.clicks, 2),
        (distractors.hum, 1),
        (distractors.line_tone, 2),
        (distractors.coloured_noise, 2),
    ),
}
"""(synthesis, how often) of each sound; what has no entry has real clips enough, or no body."""

SYNTHESES: Mapping[str, tuple[Synthesis, ...]] = {
    sound: tuple(each for each, _ in weighted) for sound, weighted in _WEIGHTED.items()
}


def synthesise(sound: str, rng: np.random.Generator) -> Synthetic:
    """One synthetic sound, always another one, the same for the same state of `rng`.

    Raises:
        KeyError: The sound has no synthesis.
    """
    weighted = _WEIGHTED[sound]
    shares = np.array([share for _, share in weighted], np.float64)
    made = weighted[int(rng.choice(len(weighted), p=shares / shares.sum()))][0](rng)
    assert made.sound == sound
    return made
