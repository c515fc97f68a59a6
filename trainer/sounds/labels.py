"""Which of the model's sounds each label of the corpus is.

Three kinds of knowledge, from the general to the particular: a label's sound, a file's sound where
its name says more than its label, and sounds that a clip may hold as well, which are neither right
nor wrong for it (a recording of thunder has rain in it).
"""

from __future__ import annotations

from collections.abc import Mapping

ALERT_SOUNDS = (
    "smoke_alarm",
    "co_alarm",
    "siren",
    "glass_breaking",
    "baby_crying",
    "scream",
    "dog_barking",
    "door_knock",
    "doorbell",
    "phone_ringing",
    "alarm_clock",
    "car_horn",
    "vehicle_alarm",
    "gunshot",
    "fire_crackling",
    "coughing",
    "sneezing",
    "snoring",
    "appliance_beep",
    "thunder",
)
OTHER_SOUNDS = (
    "speech",
    "music",
    "laughter",
    "door",
    "footsteps",
    "water",
    "rain",
    "wind",
    "birds",
    "cat",
    "farm_animal",
    "insects",
    "engine",
    "household_machine",
    "tools",
    "typing",
    "applause",
    "clock_tick",
    "church_bells",
    "chime",
    "fireworks",
    "sea_waves",
    "background",
)
SOUNDS = ALERT_SOUNDS + OTHER_SOUNDS
"""Every sound id, alerts first; the order of the model's outputs."""

CONTINUOUS = frozenset(
    "rain wind sea_waves engine household_machine fire_crackling insects music water background"
    " applause birds clock_tick typing snoring".split()
)
"""Sounds that a clip holds from its first sound to its last: pauses in them belong to them."""

_SOUND_OF_LABEL: Mapping[str, str] = {
    "airplane": "engine",
    "alarm_clock": "alarm_clock",
    "baby_cry": "baby_crying",
    "background": "background",
    "balloon_pop": "fireworks",
    "bell": "chime",  # a bicycle's
    "bicycle_horn": "background",
    "breathing": "background",
    "brushing_teeth": "background",
    "can_opening": "background",
    "car_alarm": "vehicle_alarm",
    "car_horn": "car_horn",
    "cat": "cat",
    "chainsaw": "tools",
    "chirping_birds": "birds",
    "church_bells": "church_bells",
    "clapping": "applause",
    "clock_tick": "clock_tick",
    "coin": "background",
    "coughing": "coughing",
    "cow": "farm_animal",
    "crow": "birds",
    "crowd": "applause",
    "dog_bark": "dog_barking",
    "door_knock": "door_knock",
    "door_open": "door",
    "door_slam": "door",
    "door_wood_creaks": "door",
    "doorbell": "doorbell",
    "drinking_sipping": "background",
    "engine": "engine",
    "explosion": "gunshot",
    "fire_crackling": "fire_crackling",
    "fireworks": "fireworks",
    "footsteps": "footsteps",
    "frog": "background",
    "glass_breaking": "glass_breaking",
    "gunshot": "gunshot",
    "hand_saw": "tools",
    "helicopter": "engine",
    "hen": "farm_animal",
    "human_hurt": "scream",
    "insects": "insects",
    "keyboard_typing": "typing",
    "laughing": "laughter",
    "leaves": "background",
    "match_ignite": "background",
    "mouse_click": "typing",
    "music": "music",
    "notification_chime": "chime",
    "phone_ring": "phone_ringing",
    "pig": "farm_animal",
    "pouring_water": "water",
    "rain": "rain",
    "reverse_beeper": "vehicle_alarm",
    "rooster": "farm_animal",
    "sea_waves": "sea_waves",
    "sheep": "farm_animal",
    "siren": "siren",
    "sneeze": "sneezing",
    "snoring": "snoring",
    "speech": "speech",
    "thunderstorm": "thunder",
    "toilet_flush": "water",
    "train": "engine",
    "vacuum_cleaner": "household_machine",
    "vomiting": "background",
    "washing_machine": "household_machine",
    "water_drops": "water",
    "weather_ambience": "background",
    "whistle": "background",
    "wind": "wind",
    "zipper": "background",
}

_SOUND_OF_FILE: tuple[tuple[str, str], ...] = (
    ("cdda/close_door__window__close_curtain", "background"),
    ("cdda/open_door__window__open_curtain", "background"),
    ("cdda/plmove__fatigue", "background"),  # a heart beat, under the label footsteps
    ("cdda/plmove__clear_obstacle", "background"),
    # Glass that is hit and holds: thuds without a shard, 40-90 % of their energy below 200 Hz.
    ("cdda/smash_fail__", "background"),
    # Boards and frames: the two first are one recording of wood, though labelled as glass.
    ("cdda/smash_success__window__window_boarded", "background"),
    ("cdda/smash_success__window__wood_smash", "background"),
    ("cdda/smash_success__window__window_frame", "background"),
    ("cdda/environment__ambient__church_bells", "church_bells"),
    ("cdda/environment__weather__WEATHER_RAINSTORM", "rain"),
    ("cdda/environment__weather__WEATHER_SNOWSTORM", "wind"),
    ("cdda/environment__weather__flurries", "wind"),
    ("cdda/environment__weather__snowing", "wind"),
    ("cdda/environment__weather__drizzle", "rain"),
    ("cdda/environment__weather__heavyrain", "rain"),
    ("cdda/environment__weather__indoors_rain", "rain"),
    ("cdda/environment__weather__night__night_rain", "rain"),
    ("cdda/environment__weather__thunder", "thunder"),  # near, far, storm
    ("mod-sounds/pigeon", "birds"),  # labelled pig
)
"""The longest beginning of a path that fits decides, before the label."""

_UNSURE_OF_LABEL: Mapping[str, tuple[str, ...]] = {
    "airplane": ("wind",),
    "bicycle_horn": ("car_horn",),
    "breathing": ("snoring",),
    "brushing_teeth": ("water",),
    "car_horn": ("engine",),
    "crowd": ("speech", "laughter"),
    "clapping": ("speech",),
    "drinking_sipping": ("water",),
    "explosion": ("thunder", "fireworks"),
    "frog": ("birds", "insects", "farm_animal"),
    "helicopter": ("wind",),
    "leaves": ("wind", "footsteps"),
    "laughing": ("speech",),
    "match_ignite": ("fire_crackling",),
    "phone_ring": ("music", "chime"),
    "notification_chime": ("music",),
    "church_bells": ("chime",),
    "bell": ("doorbell", "phone_ringing"),
    "doorbell": ("chime",),
    "rain": ("water", "thunder", "wind"),
    "reverse_beeper": ("engine",),
    "rooster": ("birds",),
    "hen": ("birds",),
    "sea_waves": ("wind", "water", "birds"),
    "siren": ("engine", "vehicle_alarm"),
    "car_alarm": ("siren",),
    "thunderstorm": ("rain", "wind", "water"),
    "vomiting": ("coughing",),
    "washing_machine": ("water",),
    "weather_ambience": ("wind", "rain", "birds", "insects", "water", "thunder"),
    "wind": ("rain",),
    "alarm_clock": ("chime", "music"),
    "footsteps": ("water",),
    "background": ("speech", "typing", "footsteps", "door", "music", "laughter", "water"),
}

_UNSURE_OF_FILE: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("cdda/smash_fail__", ("glass_breaking", "door_knock")),
    ("cdda/smash_success__window__", ("glass_breaking",)),
    ("cyanogen/NuclearLaunch", ("siren", "vehicle_alarm", "chime", "music")),
)


class UnknownLabelError(ValueError):
    """The corpus holds a label that no sound is named for."""


def sound_of(path: str, label: str) -> str:
    """The sound id of a clip.

    Args:
        path: As in the corpus, with forward slashes.
        label: As in the corpus.

    Raises:
        UnknownLabelError: The label belongs to no sound.
    """
    for beginning, sound in sorted(_SOUND_OF_FILE, key=lambda each: -len(each[0])):
        if path.startswith(beginning):
            return sound
    if label not in _SOUND_OF_LABEL:
        raise UnknownLabelError(
            f"the label {label!r} of {path} belongs to no sound: add it to _SOUND_OF_LABEL"
        )
    return _SOUND_OF_LABEL[label]


def unsure_of(path: str, label: str) -> tuple[str, ...]:
    """Sounds that the clip may hold beside its own; the loss leaves them out."""
    unsure = next(
        (sounds for beginning, sounds in _UNSURE_OF_FILE if path.startswith(beginning)),
        _UNSURE_OF_LABEL.get(label, ()),
    )
    return tuple(each for each in unsure if each != sound_of(path, label))
