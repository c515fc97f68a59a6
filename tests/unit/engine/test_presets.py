"""The shipped presets load, and any other text is the user's own instruction."""

from everlisten.engine.presets import DEFAULT_PRESET, preset_of, shipped_presets


def test_the_presets_that_are_promised() -> None:
    presets = shipped_presets()
    assert list(presets) == ["warn", "narrate", "count", "answer", "translate"]
    assert next(iter(presets)) == DEFAULT_PRESET
    for key, preset in presets.items():
        assert preset.id == key
        assert preset.title
        assert preset.help.endswith(".")
    assert not presets[DEFAULT_PRESET].text


def test_another_text_is_the_users_own() -> None:
    assert preset_of("narrate").text == "Tell me what you hear, as it happens."
    own = preset_of("Tell me when the dog barks.")
    assert (own.id, own.text) == ("own", "Tell me when the dog barks.")
