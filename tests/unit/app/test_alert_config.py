"""The section for alerts: what it takes, and the lists that it keeps as text."""

import pytest

from everlisten.app.alert_config import (
    AlertConfig,
    read_ids,
    read_sensitivities,
    write_ids,
    write_sensitivities,
)


def test_lists_survive_as_text():
    assert read_ids(write_ids({"siren", "dog_barking"})) == {"siren", "dog_barking"}
    assert read_ids(" siren ,, dog_barking") == {"siren", "dog_barking"}
    assert read_ids("") == frozenset()
    values = {"siren": 0.4, "taught-1a2b": 1.0, "thunder": 0.0}
    assert read_sensitivities(write_sensitivities(values)) == values


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"source": "film"}, "source = 'film': give one of mic, system, both"),
        ({"quiet_from": "25:00"}, "quiet_from = '25:00'"),
        ({"quiet_to": "7"}, "quiet_to = '7': give a time such as 22:00"),
        ({"tone_volume": 1.5}, "tone_volume = 1.5"),
        ({"sensitivities": "siren"}, "siren"),
        ({"sensitivities": "siren=2"}, "numbers from 0 to 1"),
        ({"sensitivities": "=0.5"}, "numbers from 0 to 1"),
        ({"sensitivities": "siren=nan"}, "numbers from 0 to 1"),
        ({"language": "fr"}, "auto, en, zh"),
    ],
)
def test_what_is_not_allowed_is_named(values, part):
    with pytest.raises(ValueError, match=part):
        AlertConfig(**values)
