"""Which device networks run on: words, devices that are not there, workers that share GPUs, what features say of it."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from augrgb.annotations.dataset_file import save_dataset
from augrgb.core.errors import EnvironmentFault, InputRefused, UsageFault
from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, VideoRecord
from augrgb.encoders import ENCODERS
from augrgb.encoders.files import EncoderSettings, load_encoder, save_encoder
from augrgb.features.encode import extraction_recipe
from augrgb.features.store import read_feature_file, write_features
from augrgb.parallel.child import ChildJob, run_children
from augrgb.parallel.devices import chosen_devices, recipe_of, same_kernels
from augrgb.parallel.engine import LocalEngine
from augrgb.parallel.ray import RayEngine
from augrgb.workflows.extract import extract_together
from support.tiny_project import run_cli
from support.video_samples import square_frames, write_video

no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> Any:
    def pretend(count: Any) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)

    return pretend


@pytest.mark.parametrize(
    ("count", "text", "expected"),
    [
        (0, "auto", ("cpu",)),
        (0, "cpu", ("cpu",)),
        (2, "cpu", ("cpu",)),
        (2, "auto", ("cuda:0", "cuda:1")),
        (2, "cuda", ("cuda:0", "cuda:1")),
        (2, "cuda:1", ("cuda:1",)),
    ],
)
def test_words_name_devices(gpus: Any, count: Any, text: Any, expected: Any) -> None:
    gpus(count)
    assert chosen_devices(text) == expected


@pytest.mark.parametrize(
    ("count", "text", "told"),
    [(0, "cuda", "no GPU"), (0, "cuda:0", "no GPU"), (2, "cuda:2", "2 GPUs"), (1, "cuda:7", "1 GPUs")],
)
def test_a_device_that_is_not_there_is_told(gpus: Any, count: Any, text: Any, told: Any) -> None:
    gpus(count)
    with pytest.raises(EnvironmentFault, match=f"E-ENV-002 {text}.*{told}"):
        chosen_devices(text)


@pytest.mark.parametrize("text", ["gpu", "cuda:", "cuda:-1", "cuda:x", "CPU", ""])
def test_other_words_are_refused(text: Any) -> None:
    with pytest.raises(UsageFault, match=r"E-CFG-012 device.*cuda:0"):
        chosen_devices(text)


def test_several_gpus_are_the_workers_own_and_one_is_named() -> None:
    assert LocalEngine(4).device == "cpu"
    assert LocalEngine(4, devices=("cuda:1",)).device == "cuda:1"
    assert LocalEngine(4, devices=("cuda:0", "cuda:1")).device == "cuda"


def note_number(number: Any) -> None:
    os.environ["NUMBER_OF_THIS_WORKER"] = str(number)


def told_number(wait_for: Any) -> Any:
    return os.environ["NUMBER_OF_THIS_WORKER"]


def test_every_worker_warms_up_with_its_number() -> None:
    jobs = [ChildJob(str(number), number, 600.0) for number in range(2)]
    found = dict(run_children(told_number, jobs, 2, warm_up=note_number))
    assert set(found.values()) <= {"0", "1"} and len(found) == 2


def encoder_in(folder: Any) -> Any:
    torch.manual_seed(0)
    save_encoder(folder, ENCODERS["small_rgb"](dim=16, width=8), EncoderSettings(Clock(15, 8, 8), (32, 24)))
    return folder


def one_video(folder: Any) -> Any:
    return Dataset("d", ("walk",), {"v": VideoRecord("v", 2.0, write_video(folder / "v.mp4", square_frames(20)))}, {})


def test_the_cpu_is_the_reference_and_a_gpu_is_recorded(tmp_path: Path) -> None:
    loaded = load_encoder(encoder_in(tmp_path / "e"))
    assert recipe_of("cpu") == {} and extraction_recipe(loaded) == extraction_recipe(loaded, device="cpu")
    on_gpu = extraction_recipe(loaded, device="cuda:1")
    assert on_gpu["device"] == {"type": "cuda", "precision": "float32"}
    assert on_gpu == extraction_recipe(loaded, device="cuda")


def test_features_of_a_gpu_are_not_mixed_with_those_of_the_cpu(tmp_path: Path) -> None:
    dataset, encoder = one_video(tmp_path), encoder_in(tmp_path / "e")
    recipe = extraction_recipe(load_encoder(encoder), device="cuda")
    write_features(tmp_path / "f", "w", np.ones((3, 16), np.float32), Clock(15, 8, 8), {"recipe": recipe})
    with pytest.raises(InputRefused, match=r"E-FEA-010.*device\.precision: None here, float32 there"):
        extract_together(dataset, [(encoder, tmp_path / "f")], engine=LocalEngine(0))


def test_features_of_the_cpu_say_nothing_of_a_device(tmp_path: Path) -> None:
    dataset, encoder = one_video(tmp_path), encoder_in(tmp_path / "e")
    extract_together(dataset, [(encoder, tmp_path / "f")], engine=LocalEngine(0, devices=("cpu",)))
    described = read_feature_file(tmp_path / "f" / "v.safetensors")[1]
    assert "device" not in described and "device" not in described["recipe"]


@no_gpu
def test_the_command_names_a_gpu_that_is_not_there(tmp_path: Path) -> None:
    save_dataset(one_video(tmp_path), tmp_path)
    words = ("extract", tmp_path, encoder_in(tmp_path / "e"), "--out", tmp_path / "f", "--device")
    outcome = run_cli(*words, "cuda:0")
    assert outcome.code == 5 and "E-ENV-002 cuda:0" in outcome.err and not (tmp_path / "f").exists()
    assert run_cli(*words, "tpu").code == 2


@no_gpu
def test_detect_names_a_gpu_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "v.mp4").write_bytes(b"")
    words = ("detect", tmp_path / "v.mp4", "--model", tmp_path, "--out", tmp_path / "out", "--device", "cuda")
    outcome = run_cli(*words)
    assert outcome.code == 5 and "E-ENV-002 cuda" in outcome.err


def test_a_cluster_decides_which_gpu(tmp_path: Path) -> None:
    save_dataset(one_video(tmp_path), tmp_path)
    words = ("extract", tmp_path, encoder_in(tmp_path / "e"), "--out", tmp_path / "f", "--engine", "ray")
    outcome = run_cli(*words, "--device", "cuda:1")
    assert outcome.code == 2 and "the Ray cluster decides" in outcome.err
    assert RayEngine().device == "cpu" and RayEngine(device="cuda").device == "cuda"


def test_a_full_gpu_stops_the_command() -> None:
    with pytest.raises(EnvironmentFault, match=r"E-ENV-004 cuda.*fewer --workers"), same_kernels("cuda"):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_kernel_settings_are_put_back(device: Any) -> None:
    before = torch.get_num_threads(), torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic
    with same_kernels(device):
        assert torch.get_num_threads() == 1
        assert device == "cpu" or (torch.backends.cudnn.deterministic and not torch.backends.cudnn.allow_tf32)
    assert before == (torch.get_num_threads(), torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic)


@pytest.mark.gpu
def test_a_gpu_agrees_with_the_cpu(tmp_path: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no GPU here")
    dataset, encoder = one_video(tmp_path), encoder_in(tmp_path / "e")
    for name, engine in (
        ("cpu", LocalEngine(1)),
        ("gpu", LocalEngine(2, devices=chosen_devices("cuda"))),
        ("again", LocalEngine(1, devices=("cuda:0",))),
    ):
        extract_together(dataset, [(encoder, tmp_path / name)], engine=engine)
    values = {name: read_feature_file(tmp_path / name / "v.safetensors")[0] for name in ("cpu", "gpu", "again")}
    np.testing.assert_allclose(values["gpu"], values["cpu"], atol=1e-4)
    np.testing.assert_array_equal(values["gpu"], values["again"])
