"""Hugging Face backbones: tiny models with random weights, made here; nothing is fetched."""

import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from augrgb.core.catalog import check_options
from augrgb.core.errors import EnvironmentFault, InputRefused, UsageFault
from augrgb.core.timeline import Clock
from augrgb.encoders import ENCODERS
from augrgb.encoders.augment import augment
from augrgb.encoders.files import load_encoder
from augrgb.encoders.hf_backbone import HfBackbone, build_model, without_code
from augrgb.encoders.import_hf import import_hf
from augrgb.encoders.parts.frame_choice import spaced
from augrgb.encoders.parts.hf_images import prepare_images
from augrgb.encoders.snippet_encoder import encode_windows
from augrgb.encoders.weight_card import read_card, self_test

transformers = pytest.importorskip("transformers", reason="the extra `hf` is not installed")

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
PICTURES = {
    "size": {"shortest_edge": 40},
    "do_center_crop": True,
    "crop_size": {"height": 32, "width": 32},
    "image_mean": [0.4, 0.5, 0.6],
    "image_std": [0.2, 0.25, 0.3],
    "resample": 3,
}
STRETCHED = {**PICTURES, "size": {"height": 32, "width": 32}, "do_center_crop": False}


def tiny(kind: Any) -> Any:
    """(model, picture settings) of a tiny network."""
    torch.manual_seed(3)
    match kind:
        case "videomae":
            config = transformers.VideoMAEConfig(image_size=32, patch_size=16, num_frames=4, **SMALL)
            return transformers.VideoMAEModel(config), STRETCHED
        case "dinov2":
            config = transformers.Dinov2Config(image_size=56, patch_size=8, mlp_ratio=2, **SMALL)
            return transformers.Dinov2Model(config), PICTURES
        case "siglip":
            vision = {"image_size": 32, "patch_size": 16, **SMALL}
            text = {"vocab_size": 40, "num_hidden_layers": 1, "hidden_size": 32, "num_attention_heads": 2}
            config = transformers.SiglipConfig(vision_config=vision, text_config={**text, "intermediate_size": 32})
            return transformers.SiglipModel(config), STRETCHED
        case "vit":
            config = transformers.ViTConfig(image_size=32, patch_size=16, num_labels=5, **SMALL)
            return transformers.ViTForImageClassification(config), PICTURES
    raise AssertionError(kind)


KINDS = ["videomae", "dinov2", "siglip", "vit"]


def write_model(folder: Any, model: Any, pictures: Any) -> Any:
    folder.mkdir()
    config = {**model.config.to_dict(), "architectures": [type(model).__name__]}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "preprocessor_config.json").write_text(json.dumps(pictures))
    save_file({n: t.clone().contiguous() for n, t in model.state_dict().items()}, folder / "model.safetensors")
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("hf")
    return {kind: write_model(root / kind, *tiny(kind)) for kind in KINDS}


@pytest.fixture(scope="module")
def imported(folders: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("encoders")
    for kind, folder in folders.items():
        import_hf(folder, root / kind)
    return root


def windows(count: Any = 3, frames: Any = 8, seed: Any = 0) -> Any:
    return np.random.default_rng(seed).integers(0, 256, (count, frames, 48, 64, 3), dtype=np.uint8)


def published_features(kind: Any, model: Any, x: Any) -> Any:
    """From the published class and the prepared frames (N, F, H, W, 3)."""
    x = x.permute(0, 1, 4, 2, 3)
    with torch.no_grad():
        if kind == "videomae":
            return model(pixel_values=x).last_hidden_state.mean(1)
        pooled = []
        for picture in range(x.shape[1]):
            if kind == "siglip":
                pooled.append(model.get_image_features(pixel_values=x[:, picture]))
            elif kind == "dinov2":
                pooled.append(model(pixel_values=x[:, picture]).last_hidden_state[:, 0])
            else:
                pooled.append(model.vit(pixel_values=x[:, picture]).last_hidden_state[:, 1:].mean(1))
        return torch.stack(pooled).mean(0)


@pytest.mark.parametrize("kind", KINDS)
def test_features_are_those_of_the_published_class(kind: Any, imported: Any) -> None:
    model, _ = tiny(kind)
    encoder = load_encoder(imported / kind).encoder
    assert encoder.kind == ("video" if kind == "videomae" else "image") and encoder.frames == 4 and encoder.dim == 32
    frames = windows()
    x = prepare_images(frames[:, spaced(8, 4)], encoder.images)
    expected = published_features(kind, model.eval(), x).numpy()
    assert expected.std(axis=0).mean() > 1e-4
    np.testing.assert_allclose(encode_windows(encoder, frames), expected, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_contract_of_encoders(kind: Any, imported: Any) -> None:
    encoder = load_encoder(imported / kind).encoder
    frames = windows(7)
    together = encode_windows(encoder, frames)
    np.testing.assert_array_equal(encode_windows(encoder, frames[5:]), together[5:])
    np.testing.assert_allclose(encode_windows(encoder, frames, batch=2), together, atol=1e-4)
    assert encode_windows(encoder, frames[:0]).shape == (0, 32)
    again = HfBackbone(**check_options(ENCODERS, "hf", json.loads(json.dumps(encoder.options)), "encoder", "encoder"))
    again.load_state_dict(encoder.state_dict())
    np.testing.assert_array_equal(encode_windows(again, frames), together)
    x = encoder.prepare(frames)
    assert augment("rgb", x, torch.Generator().manual_seed(0)).shape == x.shape
    again.train()(x[:2]).square().mean().backward()
    learned = [name for name, p in again.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0]
    assert len(learned) > 0.8 * len(list(again.parameters()))
    with pytest.raises(InputRefused, match="E-ENC-015"):
        encoder.prepare(frames.astype(np.float32))


@pytest.mark.parametrize(("key", "value"), [("hidden_size", 2**21), ("num_hidden_layers", 10**8)])
def test_a_configuration_that_asks_for_terabytes_takes_no_memory(
    folders: Any, tmp_path: Path, key: str, value: int
) -> None:
    shutil.copytree(folders["vit"], tmp_path / "vit")
    config = json.loads((tmp_path / "vit" / "config.json").read_text())
    (tmp_path / "vit" / "config.json").write_text(json.dumps({**config, key: value}))
    with pytest.raises(InputRefused, match="E-MOD-002"):
        import_hf(tmp_path / "vit", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_the_folder_stands_alone_and_tests_itself(kind: Any, imported: Any, folders: Any) -> None:
    loaded = load_encoder(imported / kind)
    card = read_card(imported / kind / "card.json")
    checksum = hashlib.sha256((folders[kind] / "model.safetensors").read_bytes()).hexdigest()
    assert card.encoder == "hf" and card.sha256 == checksum and card.name == kind
    assert self_test(loaded.encoder, card).difference < 1e-5
    assert loaded.settings.clock == (Clock(7.5, 4, 1) if kind == "videomae" else Clock(25.0, 16, 16))
    assert "id2label" not in loaded.encoder.options["config"] and str(folders[kind]) not in json.dumps(
        json.loads((imported / kind / "model.json").read_text())["options"]
    )


def more(kind: Any) -> Any:
    """(model, what it says of prepared frames (N, F, 3, H, W)) of other families, tiny."""
    torch.manual_seed(1)
    sides = {"image_size": 32, "patch_size": 16}
    stages = {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1]}
    text = {"vocab_size": 40, **SMALL}
    match kind:
        case "dinov3":
            model = transformers.DINOv3ViTModel(transformers.DINOv3ViTConfig(num_register_tokens=4, **sides, **SMALL))
            return model, lambda x: each(x, lambda y: model(pixel_values=y).pooler_output)
        case "clip":
            vision = {**sides, **SMALL, "projection_dim": 16}
            model = transformers.CLIPModel(transformers.CLIPConfig(vision_config=vision, text_config=text))
            return model, lambda x: each(x, lambda y: model.vision_model(pixel_values=y).pooler_output)
        case "convnext":
            model = transformers.ConvNextModel(transformers.ConvNextConfig(**stages))
            return model, lambda x: each(x, lambda y: model(pixel_values=y).pooler_output)
        case "resnet":
            config = transformers.ResNetConfig(embedding_size=8, layer_type="basic", **stages)
            model = transformers.ResNetModel(config)
            return model, lambda x: each(x, lambda y: model(pixel_values=y).last_hidden_state.mean(dim=(2, 3)))
        case "videomae_pretraining":
            decoder = {"decoder_hidden_size": 32, "decoder_num_hidden_layers": 1, "decoder_num_attention_heads": 2}
            config = transformers.VideoMAEConfig(num_frames=4, **sides, **SMALL, **decoder)
            model = transformers.VideoMAEForPreTraining(config)
            return model, lambda x: model.videomae(pixel_values=x).last_hidden_state.mean(1)
        case "timesformer":
            config = transformers.TimesformerConfig(num_frames=4, **sides, **SMALL)
            model = transformers.TimesformerForVideoClassification(config)
            return model, lambda x: model.timesformer(pixel_values=x).last_hidden_state.mean(1)
        case "vivit":
            config = transformers.VivitConfig(image_size=32, tubelet_size=[2, 16, 16], num_frames=4, **SMALL)
            model = transformers.VivitModel(config)
            return model, lambda x: model(pixel_values=x).last_hidden_state.mean(1)
    raise AssertionError(kind)


def each(x: Any, function: Any) -> Any:
    return torch.stack([function(x[:, number]) for number in range(x.shape[1])]).mean(0)


@pytest.mark.parametrize(
    "kind", ["dinov3", "clip", "convnext", "resnet", "videomae_pretraining", "timesformer", "vivit"]
)
def test_other_families(tmp_path: Path, kind: Any) -> None:
    model, expected = more(kind)
    import_hf(write_model(tmp_path / kind, model, STRETCHED), tmp_path / "e")
    encoder = load_encoder(tmp_path / "e").encoder
    frames = windows(3)
    with torch.no_grad():
        wanted = (model.eval(), expected(encoder.prepare(frames).permute(0, 1, 4, 2, 3)))[1]
    assert wanted.std(dim=0).mean() > 1e-4
    np.testing.assert_allclose(encode_windows(encoder, frames), wanted, atol=1e-4)


def test_batch_normalisation_keeps_its_statistics_in_training(tmp_path: Path) -> None:
    import_hf(write_model(tmp_path / "m", more("resnet")[0], STRETCHED), tmp_path / "e")
    encoder = load_encoder(tmp_path / "e").encoder.train()
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    x = encoder.prepare(windows(4))
    torch.testing.assert_close(encoder(x)[:2], encoder(x[:2]), atol=1e-5, rtol=1e-4)
    assert encoder.training and all(torch.equal(before[name], t) for name, t in encoder.state_dict().items())


def test_a_model_that_wants_more_than_pictures_is_refused(tmp_path: Path) -> None:
    vision = {"num_patches": 4, "patch_size": 16, **SMALL}
    config = transformers.Siglip2Config(vision_config=vision, text_config={"vocab_size": 40, **SMALL})
    with pytest.raises(InputRefused, match="needs more inputs than images") as caught:
        import_hf(write_model(tmp_path / "m", transformers.Siglip2Model(config), STRETCHED), tmp_path / "e")
    assert caught.value.code == "E-ENC-012" and not (tmp_path / "e").exists()


def test_video_backbones_see_the_order_of_frames_and_image_backbones_do_not(imported: Any) -> None:
    frames = windows(2, 4)
    for kind, sees in (("videomae", True), ("dinov2", False)):
        encoder = load_encoder(imported / kind).encoder
        change = np.abs(encode_windows(encoder, frames[:, ::-1].copy()) - encode_windows(encoder, frames)).max()
        assert (change > 1e-3) == sees, kind


@pytest.mark.parametrize("window", [1, 2, 5, 16])
def test_windows_of_any_length(imported: Any, window: Any) -> None:
    for kind in ("videomae", "siglip"):
        features = encode_windows(load_encoder(imported / kind).encoder, windows(2, window))
        assert features.shape == (2, 32) and np.isfinite(features).all()
    chosen = spaced(window, 4)
    assert (np.diff(chosen) >= 0).all() and chosen[0] >= 0 and chosen[-1] < window


def test_many_pictures_go_through_in_pieces(imported: Any) -> None:
    encoder = load_encoder(imported / "dinov2").encoder
    seen = []
    encoder.net.register_forward_pre_hook(
        lambda _, __, given: seen.append(len(given["pixel_values"])), with_kwargs=True
    )
    encode_windows(encoder, windows(16))
    assert seen == [32, 32] and encoder.batch == 16
    assert load_encoder(imported / "videomae").encoder.batch == 4


@pytest.mark.parametrize("pool", ["mean", "class", "pooler"])
def test_pooling_is_chosen(folders: Any, tmp_path: Path, pool: Any) -> None:
    import_hf(folders["dinov2"], tmp_path / pool, options={"pool": pool, "frames": 1})
    encoder = load_encoder(tmp_path / pool).encoder
    frames = windows(2)
    model = tiny("dinov2")[0].eval()
    with torch.no_grad():
        out = model(pixel_values=encoder.prepare(frames)[:, 0].permute(0, 3, 1, 2))
    tokens = out.last_hidden_state
    expected = {"mean": tokens[:, 1:].mean(1), "class": tokens[:, 0], "pooler": out.pooler_output}[pool]
    np.testing.assert_allclose(encode_windows(encoder, frames), expected, atol=1e-4)


def test_a_model_without_pooler_says_so(folders: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="no pooler"):
        import_hf(folders["videomae"], tmp_path / "e", options={"pool": "pooler"})
    assert not (tmp_path / "e").exists()


# --- what must be refused


def test_without_the_extra_the_error_says_what_to_install(imported: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(EnvironmentFault, match=r"pip install 'augrgb\[hf\]'") as caught:
        load_encoder(imported / "dinov2")
    assert caught.value.code == "E-ENV-003" and caught.value.exit_code == 5


@pytest.mark.parametrize("lost", ["config.json", "preprocessor_config.json", "model.safetensors"])
def test_missing_files_are_named(tmp_path: Path, lost: Any) -> None:
    folder = write_model(tmp_path / "m", *tiny("dinov2"))
    (folder / lost).unlink()
    with pytest.raises(InputRefused, match=f"lacks {lost}") as caught:
        import_hf(folder, tmp_path / "e")
    assert caught.value.code == "E-ENC-013" and not (tmp_path / "e").exists()


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="E-ENC-013"):
        import_hf(tmp_path / "nowhere", tmp_path / "e")


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "os.system"},
        {"hidden_size": 3},
        {"model_type": "timm_wrapper"},
        {"model_type": "dinov2", "use_timm_backbone": True, "backbone": "resnet50"},
        {"model_type": "dinov2", **SMALL, "num_attention_heads": 5},
        {"model_type": "bart_that_is_not"},
    ],
)
def test_configurations_that_are_no_plain_backbone(config: Any) -> None:
    with pytest.raises(InputRefused, match="E-ENC-012"):
        build_model(config)


def test_code_named_by_a_configuration_is_never_run(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", *tiny("dinov2"))
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'pwned')!r}, 'w')\n")
    import_hf(folder, tmp_path / "e")
    assert "auto_map" not in load_encoder(tmp_path / "e").encoder.options["config"]
    assert without_code({"a": {"auto_map": 1, "b": 2}}) == {"a": {"b": 2}}
    assert not (tmp_path / "pwned").exists()


def test_wrong_weights_and_checksums(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", *tiny("dinov2"))
    with pytest.raises(InputRefused, match="E-MOD-003"):
        import_hf(folder, tmp_path / "e", sha256="0" * 64)
    state = load_file(folder / "model.safetensors")
    state["layernorm.weight"] = torch.zeros(3)
    del state["layernorm.bias"]
    save_file(state, folder / "model.safetensors")
    with pytest.raises(InputRefused, match=r"net.layernorm.bias is missing; net.layernorm.weight is") as caught:
        import_hf(folder, tmp_path / "e")
    assert caught.value.code == "E-MOD-002" and not (tmp_path / "e").exists()


def test_half_precision_weights_become_float32(tmp_path: Path) -> None:
    model, pictures = tiny("dinov2")
    folder = write_model(tmp_path / "m", model.half(), pictures)
    import_hf(folder, tmp_path / "e")
    assert {p.dtype for p in load_encoder(tmp_path / "e").encoder.parameters()} == {torch.float32}


def test_pickled_weights_need_a_yes_and_a_checksum(tmp_path: Path, folders: Any) -> None:
    folder = write_model(tmp_path / "m", *tiny("dinov2"))
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    checksum = hashlib.sha256((folder / "pytorch_model.bin").read_bytes()).hexdigest()
    for options in ({}, {"trust": True}, {"sha256": checksum}):
        with pytest.raises(UsageFault, match="E-MOD-015"):
            import_hf(folder, tmp_path / "e", **options)
    import_hf(folder, tmp_path / "e", trust=True, sha256=checksum)
    import_hf(folders["dinov2"], tmp_path / "f")
    frames = windows(2)
    both = [encode_windows(load_encoder(tmp_path / name).encoder, frames) for name in "ef"]
    np.testing.assert_array_equal(*both)
