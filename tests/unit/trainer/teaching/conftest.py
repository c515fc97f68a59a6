import numpy as np
import pytest
from teaching_fixture import LogMelStatistics, chime, everyday

from everlisten.trainer.teaching import lesson
from everlisten.trainer.teaching.background import build_background


@pytest.fixture(scope="session")
def model():
    return LogMelStatistics()


@pytest.fixture(scope="session")
def background(model):
    """Seven and a half minutes."""
    return build_background(model, everyday(np.random.default_rng(1)))


@pytest.fixture(scope="session")
def chimes():
    rng = np.random.default_rng(2)
    return [chime(rng) for _ in range(5)]


@pytest.fixture(scope="session")
def taught(model, background, chimes):
    return lesson.teach(chimes, "Front door", model, background)


@pytest.fixture
def few_copies(monkeypatch):
    """For tests in which it does not matter how well a sound is learnt."""
    monkeypatch.setattr(lesson, "_MOST_COPIES", 4)
