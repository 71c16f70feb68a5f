"""The generator in its public layouts, the critic's patches, and the Fréchet distance."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import linalg
from table import each_row
from torch import nn

from imgstudio.importing.families import cyclegan
from imgstudio.metrics.frechet import activations, frechet
from imgstudio.models.patchgan import PatchGAN
from imgstudio.models.resnet_generator import Residual, ResnetGenerator, instance_norm
from imgstudio.models.vgg import VGG
from imgstudio.ops.translation import with_input_noise


class Block(nn.Module):
    """The residual block of both layouts, which differ in its name alone."""

    def __init__(self, name, width, dropout=False):
        super().__init__()
        half = [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), nn.InstanceNorm2d(width)]
        rest = [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), nn.InstanceNorm2d(width)]
        self.name = name
        self.add_module(name, nn.Sequential(*half, nn.ReLU(), *([nn.Dropout(0.5)] if dropout else []), *rest))

    def forward(self, x):
        return x + getattr(self, self.name)(x)


class Published(nn.Module):
    """The generator as it is built elsewhere, layer by layer from PyTorch's own modules."""

    def __init__(self, layout, width, blocks, dropout=False):
        super().__init__()
        layers = [nn.ReflectionPad2d(3), nn.Conv2d(3, width, 7), nn.InstanceNorm2d(width), nn.ReLU()]
        for w in (width, 2 * width):
            layers += [nn.Conv2d(w, 2 * w, 3, stride=2, padding=1), nn.InstanceNorm2d(2 * w), nn.ReLU()]
        layers += [Block("block" if layout == "huggan" else "conv_block", 4 * width, dropout) for _ in range(blocks)]
        for w in (4 * width, 2 * width):
            if layout == "huggan":
                layers += [nn.Upsample(scale_factor=2), nn.Conv2d(w, w // 2, 3, stride=1, padding=1)]
            else:
                layers += [nn.ConvTranspose2d(w, w // 2, 3, stride=2, padding=1, output_padding=1)]
            layers += [nn.InstanceNorm2d(w // 2), nn.ReLU()]
        self.model = nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7), nn.Tanh())

    def forward(self, x):
        return self.model(x)


@each_row(("layout", "width", "blocks"), [("huggan", 8, 9), ("junyanz", 4, 6), ("junyanz", 8, 9), ("huggan", 4, 2)])
def test_a_public_checkpoint_gives_the_output_of_the_net_it_came_from(layout, width, blocks):
    torch.manual_seed(0)
    theirs = Published(layout, width, blocks).eval()
    kwargs, state = cyclegan.layout(theirs.state_dict())
    assert kwargs == {"channels": width, "blocks": blocks, "upsample": "resize" if layout == "huggan" else "transposed"}
    ours = ResnetGenerator(**kwargs).eval()
    ours.load_state_dict(state, strict=True)
    x = torch.rand(2, 3, 40, 56) * 2 - 1
    with torch.no_grad():
        assert torch.allclose(ours(x), theirs(x), atol=1e-5)


def test_wrapping_dropout_and_old_statistics_change_nothing():
    plain = Published("junyanz", 4, 6)
    dropout = Published("junyanz", 4, 6, dropout=True)
    assert "model.10.conv_block.6.weight" in dropout.state_dict()
    old = {f"module.{key}": value for key, value in dropout.state_dict().items()}
    old["module.model.2.running_mean"], old["module.model.2.num_batches_tracked"] = torch.zeros(4), torch.tensor(7)
    assert set(cyclegan.own_keys(old)) == set(plain.state_dict())
    assert cyclegan.layout(old)[0] == {"channels": 4, "blocks": 6, "upsample": "transposed"}


def missing(state):
    del state["model.12.conv_block.5.bias"]


def misshapen(state):
    state["model.7.weight"] = torch.zeros(16, 8, 5, 5)


def batch_normed(state):
    state["model.2.weight"] = torch.ones(4)


def foreign(state):
    for key in list(state):
        state[key.replace("conv_block", "layers")] = state.pop(key)


def headless(state):
    del state["model.1.weight"]


@each_row(
    ("spoil", "words"),
    [
        (missing, r"model\.12\.conv_block\.5\.bias is missing"),
        (misshapen, r"model\.7\.weight has the shape \[16, 8, 5, 5\], not \[16, 8, 3, 3\]"),
        (batch_normed, r"model\.2\.weight is unknown"),
        (foreign, r"no residual blocks named"),
        (headless, r"model\.1\.weight is missing"),
    ],
)
def test_a_wrong_checkpoint_says_what_is_wrong(spoil, words):
    state = Published("junyanz", 4, 6).state_dict()
    spoil(state)
    with pytest.raises(ValueError, match=words):
        cyclegan.layout(state)


@each_row("size", [(8, 8), (9, 30), (31, 17), (40, 43)])
@each_row("kind", [{}, {"upsample": "transposed"}, {"antialias": True}, {"norm": "none", "skip": True}])
def test_any_size_comes_back_as_it_was(size, kind):
    net = ResnetGenerator(channels=4, blocks=1, **kind).eval()
    with torch.no_grad():
        made = net(torch.rand(2, 3, *size) * 2 - 1)
    assert made.shape == (2, 3, *size) and made.dtype == torch.float32 and made.abs().max() <= 1


def test_with_skip_a_new_net_leaves_pictures_nearly_as_they_are():
    torch.manual_seed(0)
    x = torch.rand(1, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        assert (ResnetGenerator(8, 2, skip=True)(x) - x).abs().mean() < 0.15
        assert (ResnetGenerator(8, 2, skip=True, norm="none")(x) - x).abs().mean() < 0.15
        assert (ResnetGenerator(8, 2)(x) - x).abs().mean() > 0.3


def test_given_moments_replace_measured_ones():
    torch.manual_seed(0)
    net = ResnetGenerator(channels=4, blocks=2).eval().requires_grad_(False)
    x = torch.rand(1, 3, 48, 64) * 2 - 1
    moments = net.measure(x)
    assert torch.allclose(net(x, moments), net(x), atol=1e-4)
    part = net(x[:, :, :24], moments)
    assert not torch.allclose(part, net(x[:, :, :24]), atol=1e-3)


@each_row("kind", [{}, {"skip": True}, {"norm": "none"}, {"norm": "none", "unet_skips": True}])
def test_nothing_beyond_the_reach_matters(kind):
    torch.manual_seed(0)
    net = ResnetGenerator(channels=4, blocks=2, **kind).eval().requires_grad_(False)
    x = torch.rand(1, 3, 8, 160) * 2 - 1
    moments = net.measure(x)
    other = x.clone()
    other[:, :, :, 100:] = -other[:, :, :, 100:]
    untouched = (net(x, moments) - net(other, moments)).abs().amax(dim=(0, 1, 2)) < 1e-6
    assert untouched[: 100 - net.receptive_radius].all() and net.receptive_radius < 70
    assert not untouched[95:].any()


def test_what_is_drawn_is_evened_out_and_borders_are_kept_clean():
    torch.manual_seed(0)
    plain, even = (
        ResnetGenerator(channels=4, blocks=1, skip=True),
        ResnetGenerator(channels=4, blocks=1, skip=True, antialias=True),
    )
    even.load_state_dict(plain.state_dict())
    x = torch.rand(1, 3, 48, 48) * 0.1
    drawn = [(torch.atanh(net(x)) - torch.atanh(0.98 * x)).detach() for net in (plain, even)]  # in training, without margin
    rough, smooth = (d[..., 8:-8, 8:-8].diff().abs().mean() for d in drawn)
    assert smooth < 0.6 * rough
    assert torch.allclose(drawn[1].mean(), drawn[0].mean(), atol=1e-3)
    plain.eval(), even.eval()
    flat = torch.full((1, 3, 48, 48), 0.25)
    with torch.no_grad():
        margins = [(net(flat)[0, :, 0] - net(flat)[0, :, 24]).abs().max() for net in (plain, even)]
    assert margins[1] < 0.1 * margins[0]  # the same at the border as in the middle


def test_instance_norm_lifts_a_faint_ripple_and_a_net_without_does_not():
    """Specks in skies come from there."""
    torch.manual_seed(0)
    ripple, drawn = torch.randn(1, 3, 48, 48), {}
    for norm in ("instance", "none"):
        net = ResnetGenerator(channels=4, blocks=1, skip=True, norm=norm)
        with torch.no_grad():
            made = [net(0.3 + strength * ripple) - 0.3 for strength in (0.01, 0.1)]
        drawn[norm] = (made[0].std() / made[1].std()).item()
    assert drawn["none"] < 0.3 and drawn["instance"] > 2 * drawn["none"]
    for wrong in ({"norm": "batch"}, {"norm": ""}):
        with pytest.raises(ValueError, match="norm is one of instance, none"):
            ResnetGenerator(channels=4, blocks=1, **wrong)


def test_instance_norm_is_pytorchs_own():
    h = torch.randn(3, 5, 7, 9) * 4 + 2
    assert torch.allclose(instance_norm(h), nn.functional.instance_norm(h), atol=1e-5)
    half = instance_norm(h.bfloat16().contiguous(memory_format=torch.channels_last))
    assert half.dtype == torch.bfloat16 and (half.float() - nn.functional.instance_norm(h)).abs().max() < 0.1


def test_noise_is_the_same_each_time_or_never():
    x = torch.zeros(4, 3, 30, 40)
    plain, net = (ResnetGenerator(channels=4, blocks=1, skip=True, noise_std=std) for std in (0.0, 0.2))
    assert torch.equal(with_input_noise(plain, x), x)
    noise = with_input_noise(net, x)
    assert torch.equal(noise, with_input_noise(net, x)) and torch.equal(noise, noise[:1, :1].expand(4, 3, -1, -1))
    assert abs(noise.std() - 0.2) < 0.02
    fresh = with_input_noise(net, x, seed=None)
    assert not torch.equal(fresh[0], fresh[1]) and not torch.equal(fresh, with_input_noise(net, x, seed=None))
    net = ResnetGenerator(channels=4, blocks=1, skip=True, noise_std=0.2, per_channel_noise=True)
    colourful = with_input_noise(net, x)
    assert torch.equal(colourful, with_input_noise(net, x)) and torch.equal(colourful, colourful[:1].expand(4, -1, -1, -1))
    assert torch.corrcoef(colourful[0].flatten(1)).triu(1).abs().max() < 0.1  # another one in each colour


def test_skip_connections_carry_what_is_fine_past_the_lowest_resolution():
    torch.manual_seed(0)
    x = torch.rand(1, 3, 24, 32) * 2 - 1
    changes = []
    for skips in (False, True):
        net = ResnetGenerator(channels=4, blocks=1, norm="none", unet_skips=skips)
        lowest = next(i for i, layer in enumerate(net.model) if isinstance(layer, Residual))
        torch.nn.init.zeros_(net.model[lowest - 3].weight)  # of the way to the lowest resolution
        made = net(x)
        changes.append((made - made.mean(dim=(2, 3), keepdim=True))[..., 8:-8, 8:-8].abs().max().item())
        assert made.shape == x.shape
    assert changes[0] < 1e-5 < 0.01 < changes[1]


@each_row(("layers", "patch"), [(1, 16), (2, 34), (3, 70), (4, 142)])
def test_a_score_sees_its_patch_and_no_more(layers, patch):
    critic = PatchGAN(channels=2, layers=layers).eval()
    assert critic.patch == patch
    critic.requires_grad_(False)
    x = torch.rand(1, 3, 160, 160, requires_grad=True)
    scores = critic.score(plain_features(critic, x))  # instance norm sees everything, so it is left out here
    scores[0, 0, scores.shape[2] // 2, scores.shape[3] // 2].backward()
    rows = x.grad.abs().sum(dim=(0, 1, 3)).nonzero()
    assert rows.max() - rows.min() + 1 == patch
    assert critic(x.detach()).shape == scores.shape


def plain_features(critic, x):
    for layer in critic.main:
        x = nn.functional.leaky_relu(layer(x), 0.2)
    return x


def by_root(a, b):
    """The distance by its definition, with the root of a matrix."""
    mean = np.square(a.mean(axis=0) - b.mean(axis=0)).sum()
    one, other = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    return mean + np.trace(one + other - 2 * linalg.sqrtm(one @ other).real)


@each_row("counts", [(50, 60), (9, 40), (5, 6)])  # pictures; there are 8 dimensions
def test_the_frechet_distance_is_the_one_by_definition(counts):
    rng = np.random.default_rng(0)
    a = rng.normal(size=(counts[0], 8)) @ rng.normal(size=(8, 8))
    b = rng.normal(size=(counts[1], 8)) * 2 + 1
    expected = by_root(a, b)
    assert frechet(torch.from_numpy(a), torch.from_numpy(b)) == pytest.approx(expected, rel=1e-3 if min(counts) < 8 else 1e-8)


def test_equal_sets_are_at_distance_zero_and_shifts_count_squared():
    a = torch.randn(6, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert frechet(a, a) == pytest.approx(0, abs=1e-9)
    assert frechet(a, a + 0.5) == pytest.approx(40 * 0.25)
    with pytest.raises(ValueError, match="at least two"):
        frechet(a[:1], a)


def test_activations_do_not_depend_on_the_batch():
    torch.manual_seed(0)
    net = VGG(widths=(4, 4, 8, 8, 8)).eval().requires_grad_(False)
    pictures = torch.rand(5, 3, 32, 32) * 2 - 1
    rows = activations(net, pictures, batch=2)
    assert rows.shape == (5, 20) and rows.dtype == torch.float64
    assert torch.allclose(rows, activations(net, pictures, batch=5), atol=1e-6)


def test_grain_that_reaches_beyond_white_is_drawn_all_the_same():
    net = ResnetGenerator(channels=4, blocks=1, skip=True, noise_std=0.1)
    assert torch.isfinite(net(torch.full((1, 3, 16, 16), 1.4))).all()


def test_a_critic_without_norm_sees_the_mean_colour_that_an_instance_norm_takes_away():
    torch.manual_seed(0)
    x = torch.rand(2, 3, 64, 64) * 0.1
    far = []
    for norm in ("instance", "none"):
        critic = PatchGAN(channels=8, layers=2, norm=norm)
        with torch.no_grad():
            scores = [critic(x + level)[:, :, 6:-6, 6:-6] for level in (-0.6, 0.6)]
        far.append(((scores[0].mean() - scores[1].mean()).abs() / scores[0].std()).item())
    assert far[1] > 3 * far[0]
    with pytest.raises(ValueError, match="norm is instance or none"):
        PatchGAN(norm="batch")
