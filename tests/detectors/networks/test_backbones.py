"""The pretrained networks give another implementation's features, and refuse other weights."""

import hashlib
import json
import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from detectors import make
from detectors.contract import Unavailable, Unsupported
from detectors.networks import backbones
from detectors.networks.backbones import UNUSED, network, pretrained

needs_lite0 = pytest.mark.skipif(
    backbones.importlib.util.find_spec(backbones.LITE0_PACKAGE) is None,
    reason="the extra vision is not installed",
)


def image(side):
    return torch.sin(torch.arange(3 * side * side) * 0.37).reshape(1, 3, side, side)


SIDE = 45  # odd at every depth, so that the padding differs between the ends
IMAGE = image(SIDE)
# Mean and standard deviation of the maps and the pooled features of this image, of 42 pixels for
# dinov2-vits14: for lite0 as timm 1.0.31 gives them with the published weights, for the others,
# with `waves` as weights, as torchvision 0.28.0 does or the code of DINOv2's authors.
KEPT = {
    "lite0": [(-1.907336, 13.847523), (-2.26537, 12.781163), (0.437258, 7.991363),
              (0.568817, 1.250889)],
    "resnet18": [(19.025742, 30.962948), (1685.691843, 2626.230039), (61059.556568, 79267.440854),
                 (448796.392509, 248979.933255)],
    "wide-resnet50": [(0.118328, 0.145894), (0.13953, 0.166792), (0.197322, 0.237575),
                      (0.111975, 0.133074)],
    "vgg16": [(678.145748, 1177.837402), (5594.443895, 8129.437703), (37493.434137, 45503.411446),
              (502.061195, 605.162224)],
    "dinov2-vits14": [(1.114224, 1.140051), (1.129941, 1.149237), (1.134223, 1.151605),
                      (1.133973, 1.153304)],
}  # fmt: skip


def waves(net):
    """Return weights that are the same everywhere: sines of the position."""
    found = {}
    for name, old in net.state_dict().items():
        if not name.endswith(UNUSED):
            positions = torch.arange(old.numel()).double()
            if old.ndim > 1:
                new = torch.sin(positions * 0.7) * (2 / old[0].numel()) ** 0.5
            else:
                new = 1 + 0.2 * torch.sin(positions)
            found[name] = new.float().reshape(old.shape)
    return found


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("lite0", marks=needs_lite0),
        "resnet18",
        pytest.param("wide-resnet50", marks=pytest.mark.slow),
        pytest.param("vgg16", marks=pytest.mark.slow),  # a file of 0.5 GB
        pytest.param("dinov2-vits14", marks=pytest.mark.slow),
    ],
)
def test_features_are_those_of_another_implementation(name, tmp_path):
    path = ""
    if name != "lite0":
        path = tmp_path / "weights.pth"
        torch.save(waves(network(name)), path)
    with torch.no_grad():
        features = pretrained(name, str(path))(image(42) if name == "dinov2-vits14" else IMAGE)
    found = [(float(each.double().mean()), float(each.double().std())) for each in features]
    assert_allclose(found, KEPT[name], rtol=1e-4)


# The number of tensors and the sha256 of their names and shapes, as torchvision 0.28.0 and timm
# 1.0.31 have them.
LAYOUTS = {
    "resnet18": (122, "13213cce01e017ed"),
    "wide-resnet50": (320, "37c2ec7ff0adf0cc"),
    "vgg16": (32, "f46f1d5e8d693ee9"),
    "dinov2-vits14": (174, "861b2e90500f3eed"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_weights_have_the_names_and_shapes_of_published_files(name):
    with torch.device("meta"):
        state = network(name).state_dict()
    shapes = {key: list(value.shape) for key, value in sorted(state.items())}
    digest = hashlib.sha256(json.dumps(shapes).encode()).hexdigest()
    assert (len(shapes), digest[:16]) == LAYOUTS[name]


@pytest.mark.parametrize(
    ("name", "shape", "accepted"),
    [("dinov2-vits14", (42, 48), "multiples of 14"), ("vgg16", (40, 31), "at least 32")],
)
def test_images_that_do_not_fit_a_network_are_refused_in_a_sentence(name, shape, accepted):
    message = rf"{name} needs images whose sides are {accepted} pixels, these are {shape[0]} x"
    with pytest.raises(Unsupported, match=message):
        make(f"backbone:{name}", pretrained=False).fit(np.zeros((4, 3, *shape)))


@pytest.mark.parametrize("method", ["padim", "patchcore", "spade", "dfm", "dfkde"])
def test_every_method_runs_on_maps_of_one_resolution(method):
    x = np.random.default_rng(0).integers(0, 256, (6, 1, 28, 42)).astype(np.float32)
    detector = make(method, backbone="dinov2-vits14", pretrained=False)
    assert np.isfinite(detector.fit(x[:4]).score(x)).all()


def test_a_file_of_safetensors_gives_the_same_network(tmp_path):
    save_file = pytest.importorskip("safetensors.torch").save_file
    weights = waves(network("lite0"))
    save_file(weights, tmp_path / "weights.safetensors")
    torch.save(weights, tmp_path / "weights.pth")
    nets = [pretrained("lite0", str(tmp_path / f"weights.{end}")) for end in ("safetensors", "pth")]
    first, second = (net(IMAGE)[-1] for net in nets)
    assert torch.equal(first, second)


class Code:
    def __reduce__(self):
        return (print, ("code in a file of weights was run",))


def _without(tensors):
    return {name: tensor for name, tensor in tensors.items() if name != "_conv_stem.weight"}


def _misshaped(tensors):
    return {**tensors, "_fc.bias": torch.zeros(10)}


def _broken_number(tensors):
    return {**tensors, "_fc.bias": torch.full((1000,), torch.nan)}


BAD = {
    "of another architecture": (
        lambda t: waves(network("resnet18")), r"does not hold lite0: it lacks _conv_stem.weight and"
    ),
    "without a tensor": (_without, r"does not hold lite0: it lacks _conv_stem.weight$"),
    "with a tensor besides": (lambda t: {**t, "more": t["_fc.bias"]}, "it has besides more$"),
    "with a tensor of another shape": (
        _misshaped, r"it has _fc.bias \(10,\) instead of \(1000,\)$"
    ),
    "with a number that is not finite": (_broken_number, "a weight is NaN or infinite$"),
    "of a list": (lambda t: [*t.values()], "is not a table of tensors by name; save the"),
}  # fmt: skip


def weight_fault(kind):
    return pytest.mark.fault(
        area="detectors and their processes",
        kind=f"a file of weights {kind}",
        how="a detector on pretrained features is given it",
        promise="one sentence; no code of the file runs, and no row is stored",
    )


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=weight_fault(kind)) for kind in BAD])
def test_weights_that_are_not_the_network_s_are_refused(tmp_path, kind):
    change, message = BAD[kind]
    path = tmp_path / "weights.pth"
    torch.save(change(waves(network("lite0"))), path)
    with pytest.raises(Unavailable, match=message):
        pretrained("lite0", str(path))


@pytest.mark.parametrize(
    ("kind", "ending"),
    [pytest.param(kind, end, marks=weight_fault(f"{kind} ({end})"))
     for kind in ("that is truncated", "of noise", "without content")
     for end in (".pth", ".safetensors")],
)  # fmt: skip
def test_broken_files_of_weights_are_refused(tmp_path, kind, ending):
    if ending == ".safetensors":
        pytest.importorskip("safetensors")
    torch.save({"a": torch.zeros(100_000)}, tmp_path / "whole")
    whole = (tmp_path / "whole").read_bytes()
    content = {"that is truncated": whole[:200_000], "without content": b""}.get(
        kind, np.random.default_rng(0).bytes(3000)
    )
    path = tmp_path / f"weights{ending}"
    path.write_bytes(content)
    one_sentence = (
        r"cannot be read as weights: [^.]+; fetch it again$|holds more than tensors, or is broken;"
    )
    with pytest.raises(Unavailable, match=one_sentence):
        pretrained("lite0", str(path))


@weight_fault("that is a pickle with code")
@pytest.mark.parametrize("save", [torch.save, lambda x, path: path.write_bytes(pickle.dumps(x))])
def test_code_in_a_file_of_weights_is_not_run(tmp_path, capfd, save):
    path = tmp_path / "weights.pth"
    save({"_fc.bias": Code()}, path)
    with pytest.raises(Unavailable, match="holds more than tensors, or is broken"):
        pretrained("lite0", str(path))
    assert capfd.readouterr().out == ""


@weight_fault("that was changed after planning")
def test_weights_with_another_digest_are_refused(tmp_path):
    path = tmp_path / "weights.pth"
    torch.save(waves(network("lite0")), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    pretrained("lite0", f"{path}#sha256={digest}")
    with pytest.raises(Unavailable, match=r"its sha256 is .*, expected 0000"):
        pretrained("lite0", f"{path}#sha256={'0' * 64}")


def test_what_is_missing_is_said():
    with pytest.raises(Unavailable, match=r"there is no file of weights nowhere\.pth$"):
        make("padim", weights="nowhere.pth").fit(np.zeros((4, 3, 8, 8)))
    with pytest.raises(Unavailable, match='not installed; give their file, weights = "PATH"'):
        make("backbone:resnet18").fit(np.zeros((4, 3, 8, 8)))
