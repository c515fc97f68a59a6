# ruff: noqa: RUF001 - Chinese has signs of its own
"""Why the user is warned, in plain words."""

from __future__ import annotations

from everlisten.engine.sounds.rhythm import TEMPORAL_3, TEMPORAL_4, Rhythm

_RHYTHMS = {
    "en": {
        TEMPORAL_3: "three pulses and a pause",
        TEMPORAL_4: "four quick pulses and a pause",
    },
    "zh": {TEMPORAL_3: "三声一停", TEMPORAL_4: "四声急促一停"},
}
TEST = {"en": "Test. ", "zh": "测试。"}
TEST_LABEL = {"en": "Test: ", "zh": "测试："}
"""Before the name of a sound that is only tried: nobody in the next room shall run."""


def why(
    language: str,
    *,
    heard: int,
    chunks: int,
    confidence: float,
    rival: tuple[str, float] | None,
    rhythm: Rhythm | None,
) -> str:
    """Plain sentences.

    Args:
        language: "en" or "zh".
        heard: Chunks in which the sound was clear enough.
        chunks: Out of so many.
        confidence: Highest probability, 0..1.
        rival: What else it could have been and with what probability, if anything.
        rhythm: The alarm's rhythm, if it was seen.
    """
    sure = f"{min(confidence, 0.99):.0%}"
    if language == "zh":
        found = [f"在{chunks}个0.4秒片段中听到{heard}个，把握{sure}。"]
        if rhythm is not None:
            found.append(f"听到其节奏：{_RHYTHMS['zh'][rhythm.kind]}，{rhythm.cycles}次。")
        if rival is not None:
            found.append(f"其次可能是{rival[0]}，{rival[1]:.0%}。")
        return "".join(found)
    steps = "one step" if chunks == 1 else f"{heard} of {chunks} steps"
    found = [f"Heard in {steps} of 0.4 s, {sure} sure."]
    if rhythm is not None:
        times = "once" if rhythm.cycles == 1 else f"{rhythm.cycles} times"
        found.append(f"Its rhythm, {_RHYTHMS['en'][rhythm.kind]}, came {times}.")
    if rival is not None:
        found.append(f"Next likely: {rival[0]}, {rival[1]:.0%}.")
    return " ".join(found)


def why_urgent(language: str) -> str:
    """Why a reply became an alert."""
    if language == "zh":
        return "大模型将其回复标记为紧急。"
    return "The big model marked its reply as urgent."
