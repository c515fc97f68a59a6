"""The command's start."""

import multiprocessing

import pytest

from everlisten.app.main import main


def test_a_child_process_of_a_frozen_program_never_reads_the_command_line(monkeypatch):
    def becomes_the_child():
        raise SystemExit(7)

    monkeypatch.setattr(multiprocessing, "freeze_support", becomes_the_child)
    with pytest.raises(SystemExit) as ended:
        main(["--multiprocessing-fork", "pipe_handle=9"])
    assert ended.value.code == 7
