"""What the window's health line is given."""

import pytest

from everlisten.app.readings import health_reading


@pytest.mark.parametrize(
    ("model", "shown"), [("whisper-base", "Whisper base"), ("", ""), ("unheard-of", "unheard-of")]
)
def test_the_model_is_named_as_in_the_catalogue(model, shown):
    assert health_reading(None, model=model, saved_s_ago=None).model == shown
