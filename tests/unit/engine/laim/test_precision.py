"""Choosing device and precision, and the counts that the choice rests on."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from everlisten.app.bench.random_checkpoint import write_random_checkpoint
from everlisten.engine.errors import ModelLoadError
from everlisten.engine.laim.checkpoint import load_checkpoint
from everlisten.engine.laim.precision import (
    PRECISIONS,
    Device,
    ParameterCounts,
    choose_precision,
    find_device,
    needed_bytes,
    weight_bytes,
)
from everlisten.engine.laim.sizes import RELEASED_LANGUAGE_MODEL, RELEASED_TOWER, TowerSize
from everlisten.engine.laim.weights import Int4Matrix, Int8Matrix, LanguageModelSize
from everlisten.engine.models.entries import shipped_entries

RELEASED = ParameterCounts.of(RELEASED_LANGUAGE_MODEL, RELEASED_TOWER)
SMALL = ParameterCounts(
    matrices=20_000_000, head=5_000_000, kept=5_000_000, tower=1_000_000, cache_per_position=1000
)


def gpu(free_gb: float) -> Device:
    return Device(name="cuda", title="NVIDIA Test", free_bytes=int(free_gb * 1e9))


def test_the_released_model_has_the_published_number_of_parameters() -> None:
    assert RELEASED.matrices + RELEASED.head + RELEASED.kept == 3_397_103_616
    assert RELEASED.tower == pytest.approx(637.7e6, rel=1e-4)
    assert RELEASED.cache_per_position * 2 == 36 * 1024  # bytes in bf16


def test_the_catalogue_carries_the_same_counts() -> None:
    assert shipped_entries()["audio-interaction"].parameters == RELEASED


def test_counts_are_those_of_loaded_weights(tmp_path: Path) -> None:
    size = LanguageModelSize(
        layers=3,
        width=128,
        query_heads=8,
        kv_heads=2,
        head_width=16,
        feed_forward=384,
        vocabulary=151936,
        norm_eps=1e-6,
        rope_base=1e6,
    )
    tower = TowerSize(
        width=64,
        layers=2,
        heads=2,
        feed_forward=96,
        mel_bins=128,
        n_window=100,
        positions=1500,
        output_width=128,
    )
    write_random_checkpoint(tmp_path, size, tower)
    counts = ParameterCounts.of(size, tower)
    for precision in PRECISIONS:
        checkpoint = load_checkpoint(tmp_path, device="cpu", precision=precision)
        weights = checkpoint.weights
        held: list[object] = [weights.embedding, weights.norm, weights.head]
        held += [getattr(layer, name) for layer in weights.layers for name in type(layer).__slots__]
        flat: list[torch.Tensor] = list(checkpoint.tower_state.values())
        for matrix in held:
            if isinstance(matrix, Int8Matrix | Int4Matrix):
                flat += [getattr(matrix, name) for name in type(matrix).__slots__]
            else:
                assert isinstance(matrix, torch.Tensor)
                flat.append(matrix)
        used = sum(tensor.numel() * tensor.itemsize for tensor in flat)
        # int8's scales, one for each row, are not counted.
        assert weight_bytes(counts, precision, "cpu") == pytest.approx(used, rel=0.02)
    shutil.rmtree(tmp_path)


@pytest.mark.parametrize(
    ("free_gb", "precision"), [(12, "bf16"), (8, "int8"), (6, "int4"), (80, "bf16")]
)
def test_the_highest_precision_that_fits_is_chosen(free_gb: float, precision: str) -> None:
    choice = choose_precision(RELEASED, gpu(free_gb))
    assert choice.precision == precision
    assert f"{free_gb:.1f} GB are free on NVIDIA Test" in choice.reason
    refused = {"int8": "bf16 needs 9.4 GB, but ", "int4": "bf16 needs 9.4 GB, int8 needs 6.4 GB, "}
    assert choice.reason.startswith(refused.get(precision, "bf16 needs 9.4 GB and "))


def test_int4_fits_into_six_gibibytes() -> None:
    assert needed_bytes(RELEASED, "int4") < 6 * 2**30


def test_smaller_windows_need_less() -> None:
    less = needed_bytes(RELEASED, "bf16", slots=2, positions=1024)
    assert needed_bytes(RELEASED, "bf16") - less == (7 * 2048 - 2 * 1024) * 36 * 1024


def test_nothing_fits() -> None:
    with pytest.raises(ModelLoadError, match=r"int4 needs 5\.\d GB, but only 4\.0 GB are free"):
        choose_precision(RELEASED, gpu(4))


def test_what_was_asked_for_is_taken_or_refused() -> None:
    assert choose_precision(RELEASED, gpu(20), asked="int8").precision == "int8"
    with pytest.raises(ModelLoadError, match=r"bf16 needs .* choose the precision auto"):
        choose_precision(RELEASED, gpu(8), asked="bf16")
    with pytest.raises(ModelLoadError, match="Unknown precision 'fp8'"):
        choose_precision(RELEASED, gpu(8), asked="fp8")


def test_stored_quantized_weights_leave_no_choice() -> None:
    assert choose_precision(RELEASED, gpu(80), stored="int8").precision == "int8"
    assert choose_precision(RELEASED, gpu(80), stored="bf16").precision == "bf16"
    with pytest.raises(ModelLoadError, match="stored as int8 and cannot be run in bf16"):
        choose_precision(RELEASED, gpu(80), stored="int8", asked="bf16")
    with pytest.raises(ModelLoadError, match="convert the original checkpoint to int4"):
        choose_precision(RELEASED, gpu(5.9), stored="int8")


def test_a_cpu_runs_small_models_in_float32() -> None:
    cpu = Device(name="cpu", title="the CPU", free_bytes=64_000_000_000)
    assert choose_precision(SMALL, cpu).precision == "float32"
    assert choose_precision(RELEASED, cpu).precision == "bf16"


def test_the_cpu_is_always_there() -> None:
    device = find_device("cpu")
    assert device.free_bytes > 0
    assert find_device("auto").name in ("cuda", "mps", "cpu")


@pytest.mark.parametrize("name", ["tpu", "cuda:99", "cpu:1", "cuda:x", ""])
def test_an_absent_device_is_named(name: str) -> None:
    with pytest.raises(ModelLoadError, match=f"The device '{name}' is not there"):
        find_device(name)


def test_listing_models_needs_no_torch(tmp_path: Path) -> None:
    program = (
        "import sys; from everlisten.app.main import main; main(['models', 'list']);"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": "", "EVERLISTEN_DATA_DIR": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "needs in GPU memory: bf16 9.4 GB, int8 6.4 GB, int4 5.2 GB" in done.stdout
