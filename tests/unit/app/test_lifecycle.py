"""The life-cycle takes only its own steps, and tells of each once."""

import pytest

from everlisten.app.lifecycle import Lifecycle
from everlisten.engine.events import EngineState as S


@pytest.fixture
def changes():
    return []


@pytest.fixture
def lifecycle(changes):
    return Lifecycle(lambda state, reason: changes.append((state, reason)))


def test_a_whole_day(lifecycle, changes):
    day = [S.LOADING, S.READY, S.LISTENING, S.PAUSED, S.LISTENING, S.STOPPING, S.STOPPED]
    for state in day:
        lifecycle.to(state)
    assert [state for state, _ in changes] == day


def test_staying_is_no_step(lifecycle, changes):
    lifecycle.to(S.LOADING)
    lifecycle.to(S.LOADING)
    assert len(changes) == 1


@pytest.mark.parametrize("state", [S.READY, S.LISTENING, S.PAUSED, S.STOPPING])
def test_no_step_that_is_not_in_the_life_cycle(lifecycle, state):
    with pytest.raises(ValueError, match="no step from stopped"):
        lifecycle.to(state)
    assert lifecycle.state is S.STOPPED


def test_failure_is_reached_from_everywhere_and_left_by_loading(lifecycle, changes):
    lifecycle.to(S.LOADING)
    lifecycle.to(S.FAILED, "The model is damaged.")
    assert changes[-1] == (S.FAILED, "The model is damaged.")
    lifecycle.to(S.LOADING)
    lifecycle.to(S.READY)
