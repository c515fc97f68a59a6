"""What ships is whole; what the user's file says wrongly is named."""

import re

import pytest

from everlisten.engine.alerts.catalogue import (
    LANGUAGES,
    URGENT_REPLY,
    CatalogueError,
    load_alerts,
    shipped_alerts,
    words,
)
from everlisten.engine.sounds.vocabulary import shipped_sounds

ALERTS = set(
    "smoke_alarm co_alarm siren glass_breaking baby_crying scream dog_barking door_knock doorbell"
    " phone_ringing alarm_clock car_horn vehicle_alarm gunshot fire_crackling coughing sneezing"
    " snoring appliance_beep thunder".split()
)
OTHERS = set(
    "speech music laughter door footsteps water rain wind birds cat farm_animal insects engine"
    " household_machine tools typing applause clock_tick church_bells chime fireworks sea_waves"
    " background".split()
)


@pytest.fixture
def load(tmp_path):
    def write_and_load(text):
        path = tmp_path / "alerts.yaml"
        path.write_text(text, encoding="utf-8")
        return load_alerts(path)

    return write_and_load


def test_every_alert_ships_in_both_languages():
    assert set(shipped_alerts()) == ALERTS | {URGENT_REPLY}
    for entry in shipped_alerts().values():
        assert set(entry.label) == set(entry.advice) == set(LANGUAGES), entry.id
        assert re.search("[\u4e00-\u9fff]", entry.advice["zh"]), entry.id
        assert entry.advice["en"].endswith("."), entry.id
        assert len(entry.advice["en"]) <= 90, entry.id


def test_what_is_an_emergency_repeats_and_is_urgent():
    emergencies = {one.id for one in shipped_alerts().values() if one.emergency}
    assert emergencies == {"smoke_alarm", "co_alarm", "scream", "gunshot", URGENT_REPLY}
    for entry in shipped_alerts().values():
        assert (entry.escalate_s > 0) == (entry.emergency and entry.id != URGENT_REPLY)
        assert entry.emotion == "urgent" or not entry.emergency
        # After a pause an emergency is told again at once.
        assert not entry.pattern or entry.cooldown_s == entry.merge_s


def test_alarms_know_their_rhythm():
    patterns = {one.id: one.pattern for one in shipped_alerts().values() if one.pattern}
    assert patterns == {"smoke_alarm": "temporal-3", "co_alarm": "temporal-4"}
    # The pauses of the rhythm do not end the event.
    assert shipped_alerts()["smoke_alarm"].merge_s > 2 * 1.5
    assert shipped_alerts()["co_alarm"].merge_s > 2 * 5.0


def test_every_sound_has_its_words():
    sounds = shipped_sounds()
    assert set(sounds) == ALERTS | OTHERS
    assert {one.id for one in sounds.values() if one.alert} == ALERTS
    assert {one.id for one in sounds.values() if not one.narrate} == {"speech", "background"}
    for one in sounds.values():
        assert set(one.label) == set(LANGUAGES), one.id
        assert one.label["en"] == one.label["en"].lower()
        assert 1 <= one.hits <= 5


def test_groups_have_more_than_one_member():
    groups = [one.group for one in shipped_alerts().values() if one.group]
    groups += [one.group for one in shipped_sounds().values() if one.group]
    assert all(groups.count(group) > 1 for group in groups)


def test_no_file_changes_nothing(tmp_path, load):
    assert load_alerts(None) == shipped_alerts()
    assert load_alerts(tmp_path / "nothing.yaml") == shipped_alerts()
    assert load("") == load("alerts:\n") == shipped_alerts()


def test_the_users_file_is_laid_over(load):
    found = load(
        "alerts:\n"
        "  - {id: dog_barking, severity: warning, cooldown_s: 5, merge_s: 2}\n"
        "  - {id: doorbell, label: Front door, advice: {zh: 请开门}}\n"
    )
    dog, bell = found["dog_barking"], found["doorbell"]
    assert (dog.severity, dog.cooldown_s, dog.label["en"]) == ("warning", 5, "Dog barking")
    assert bell.label == {"en": "Front door", "zh": "Front door"}
    assert bell.advice == {"en": "Someone is at the door.", "zh": "请开门"}
    assert set(found) == set(shipped_alerts())
    assert shipped_alerts()["dog_barking"].severity == "notice"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("alerts:\n  - {id: dragon}", "unknown entry 'dragon'; known are smoke_alarm, co_alarm"),
        ("alerts:\n  - {id: siren, volume: 3}", "siren has an unknown key 'volume'; known are id"),
        (
            "alerts:\n  - {id: siren, severity: loud}",
            "siren: severity = 'loud': give one of emergency, warning, notice",
        ),
        ("alerts:\n  - {id: siren, emotion: bored}", "emotion = 'bored': give one of happy"),
        ("alerts:\n  - {id: siren, sensitivity: 1.5}", "sensitivity = 1.5: give a number from 0"),
        ("alerts:\n  - {id: siren, sensitivity: true}", "sensitivity = True: give a number"),
        ("alerts:\n  - {id: siren, hits: 9}", "hits = 9: give a whole number from 1 to 4"),
        ("alerts:\n  - {id: siren, hits: 1.5}", "hits = 1.5: give a whole number"),
        ("alerts:\n  - {id: siren, window: 100}", "window = 100: give a whole number from 1 to 25"),
        ("alerts:\n  - {id: siren, merge_s: 99}", "merge_s = 99: give a number from 0 to 30"),
        ("alerts:\n  - {id: siren, cooldown_s: .nan}", "cooldown_s = nan: give a number"),
        ("alerts:\n  - {id: siren, escalate_s: -1}", "escalate_s = -1: give a number from 0"),
        ("alerts:\n  - {id: siren, pattern: polka}", "pattern = 'polka': give one of \"\", temp"),
        ("alerts:\n  - {id: siren, advice: ''}", "advice.en = '': give a text"),
        ("alerts:\n  - {id: siren, advice: {fr: Oh}}", "advice has a text for 'fr'"),
        ("alerts:\n  - {id: siren, label: 7}", "label = 7: give a text"),
        ("alerts:\n  - {id: siren, group: [a]}", "group = ['a']: give a word"),
        ("alerts:\n  - {id: siren}\n  - {id: siren}", "siren is there twice"),
        ("alerts:\n  - {severity: notice}", "has no id"),
        ("alerts:\n  - siren", "'siren' has no id"),
        ("alerts: 3", "give 'alerts:' and below it a list"),
        ("- siren", "give 'alerts:' and below it a list"),
        ("sounds: []", "unknown key 'sounds'"),
        ("alerts: [", "cannot be read"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_entry(load, text, named):
    with pytest.raises(CatalogueError, match=re.escape(named)) as caught:
        load(text)
    assert "alerts.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text_is_named(tmp_path):
    path = tmp_path / "alerts.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CatalogueError, match="cannot be read"):
        load_alerts(path)


def test_words_fall_back_to_english():
    assert words({"en": "Dog"}, "zh") == "Dog"
    assert words({"en": "Dog", "zh": "狗"}, "zh") == "狗"
