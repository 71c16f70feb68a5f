"""Nets as others build them, layer by layer from PyTorch's own modules, whose files the tests bring."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import nn


class Holder(nn.Module):
    """A net in an attribute of any name, as tutorials wrap theirs."""

    def __init__(self, name: str, net: nn.Module):
        super().__init__()
        self.held = name
        self.add_module(name, net)

    def forward(self, *inputs):
        return getattr(self, self.held)(*inputs)


def dcgan(channels, kernels, strides, paddings, *, bias=False, norm=True, activation=nn.ReLU, blocks=False) -> nn.Sequential:
    """channels: from z to the picture. blocks: each layer with its norm in a Sequential of its own."""
    layers = []
    for i, (narrow, wide) in enumerate(itertools.pairwise(channels)):
        layer = [nn.ConvTranspose2d(narrow, wide, kernels[i], strides[i], paddings[i], bias=bias)]
        last = i == len(kernels) - 1
        layer += [nn.Tanh()] if last else [*([nn.BatchNorm2d(wide)] if norm else []), activation()]
        layers += [nn.Sequential(*layer)] if blocks else layer
    return nn.Sequential(*layers)


def dense_gan(widths, *, norms=(), activation=None, output=None, eps=1e-5) -> nn.Sequential:
    layers = []
    for i, (narrow, wide) in enumerate(itertools.pairwise(widths)):
        layers.append(nn.Linear(narrow, wide))
        layers += [nn.BatchNorm1d(wide, eps)] if i in norms else []
        layers.append((output or nn.Tanh()) if i == len(widths) - 2 else activation or nn.LeakyReLU(0.2))
    return nn.Sequential(*layers)


class TutorialVAE(nn.Module):
    """fc1, fc21, fc22, fc3, fc4."""

    def __init__(self, pixels=784, hidden=40, latent=6):
        super().__init__()
        self.fc1, self.fc3 = nn.Linear(pixels, hidden), nn.Linear(latent, hidden)
        self.fc21, self.fc22 = nn.Linear(hidden, latent), nn.Linear(hidden, latent)
        self.fc4 = nn.Linear(hidden, pixels)

    def encode(self, x):
        h = F.relu(self.fc1(x.flatten(1)))
        return self.fc21(h), self.fc22(h)

    def decode(self, z):
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))


class Padded(nn.Module):
    """A reflected convolution of pytorch/examples (`conv2d`) or of its relatives (`conv` and `norm` in one module)."""

    def __init__(self, narrow, wide, side, stride=1, upsample=None, name="conv2d", norm=False):
        super().__init__()
        self.upsample, self.named, self.normed = upsample, name, norm
        self.pad = nn.ReflectionPad2d(side // 2)
        self.add_module(name, nn.Conv2d(narrow, wide, side, stride))
        if norm:
            self.norm = nn.InstanceNorm2d(wide, affine=True)

    def forward(self, x):
        x = F.interpolate(x, scale_factor=self.upsample, mode="nearest") if self.upsample else x
        h = getattr(self, self.named)(self.pad(x))
        return self.norm(h) if self.normed else h


class ExamplesTransformer(nn.Module):
    """TransformerNet of pytorch/examples, values from 0 to 255."""

    def __init__(self, width=4, blocks=5):
        super().__init__()
        a, b, c = width, 2 * width, 4 * width
        self.blocks = blocks
        self.conv1, self.conv2, self.conv3 = Padded(3, a, 9), Padded(a, b, 3, 2), Padded(b, c, 3, 2)
        for i, channels in enumerate((a, b, c, b, a), 1):
            self.add_module(f"in{i}", nn.InstanceNorm2d(channels, affine=True))
        for n in range(1, blocks + 1):
            self.add_module(f"res{n}", ExamplesResidual(c))
        self.deconv1, self.deconv2 = Padded(c, b, 3, upsample=2), Padded(b, a, 3, upsample=2)
        self.deconv3 = Padded(a, 3, 9)

    def forward(self, x):
        h = x
        for i in (1, 2, 3):
            h = F.relu(getattr(self, f"in{i}")(getattr(self, f"conv{i}")(h)))
        for n in range(1, self.blocks + 1):
            h = getattr(self, f"res{n}")(h)
        h = F.relu(self.in4(self.deconv1(h)))
        return self.deconv3(F.relu(self.in5(self.deconv2(h))))


class ExamplesResidual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.conv2 = Padded(channels, channels, 3), Padded(channels, channels, 3)
        self.in1, self.in2 = (nn.InstanceNorm2d(channels, affine=True) for _ in range(2))

    def forward(self, x):
        return x + self.in2(self.conv2(F.relu(self.in1(self.conv1(x)))))


class BlockResidual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.conv2 = (Padded(channels, channels, 3, name="conv", norm=True) for _ in range(2))

    def forward(self, x):
        return x + self.conv2(F.relu(self.conv1(x)))


class BlockDeconvolution(nn.Module):
    def __init__(self, wide, narrow):
        super().__init__()
        self.conv_transpose = nn.ConvTranspose2d(wide, narrow, 3, 2, 1, output_padding=1)
        self.norm = nn.InstanceNorm2d(narrow, affine=True)

    def forward(self, x):
        return self.norm(self.conv_transpose(x))


class BlockTransformer(nn.Module):
    """ConvBlock, ResidualBlock and DeconvBlock, values from 0 to 255."""

    def __init__(self, width=4):
        super().__init__()
        a, b, c = width, 2 * width, 4 * width

        def conv(*arguments, norm=True):
            return Padded(*arguments, name="conv", norm=norm)

        self.ConvBlock = nn.Sequential(conv(3, a, 9), nn.ReLU(), conv(a, b, 3, 2), nn.ReLU(), conv(b, c, 3, 2), nn.ReLU())
        self.ResidualBlock = nn.Sequential(*(BlockResidual(c) for _ in range(5)))
        self.DeconvBlock = nn.Sequential(
            BlockDeconvolution(c, b), nn.ReLU(), BlockDeconvolution(b, a), nn.ReLU(), conv(a, 3, 9, norm=False)
        )

    def forward(self, x):
        return self.DeconvBlock(self.ResidualBlock(self.ConvBlock(x)))


# --- TAESD, as a function of its state dict ---


def _block(state, name, h):
    def conv(i, h):
        return F.conv2d(h, state[f"{name}.conv.{i}.weight"], state[f"{name}.conv.{i}.bias"], padding=1)

    return F.relu(h + conv(4, F.relu(conv(2, F.relu(conv(0, h))))))


def taesd_encode(state, x):
    """x in [0, 1]; names of the original, 0.weight, 1.conv.0.weight, ..."""
    h = _block(state, "1", F.conv2d(x, state["0.weight"], state["0.bias"], padding=1))
    for down in (2, 6, 10):
        h = F.conv2d(h, state[f"{down}.weight"], stride=2, padding=1)
        for i in (1, 2, 3):
            h = _block(state, f"{down + i}", h)
    return F.conv2d(h, state["14.weight"], state["14.bias"], padding=1)


def taesd_decode(state, z):
    """-> about [0, 1]; names of the original, 1.weight, 3.conv.0.weight, ..."""
    h = F.relu(F.conv2d(3 * torch.tanh(z / 3), state["1.weight"], state["1.bias"], padding=1))
    for first in (3, 8, 13):
        for i in range(3):
            h = _block(state, f"{first + i}", h)
        h = F.conv2d(F.interpolate(h, scale_factor=2), state[f"{first + 4}.weight"], padding=1)
    return F.conv2d(_block(state, "18", h), state["19.weight"], state["19.bias"], padding=1)


def taesd_state(latent=4) -> tuple[dict, dict]:
    """Random encoder and decoder, under the names of the original."""

    def conv(state, name, narrow, wide, bias=True):
        state[f"{name}.weight"] = torch.randn(wide, narrow, 3, 3) * (1 / (9 * narrow)) ** 0.5
        if bias:
            state[f"{name}.bias"] = 0.1 * torch.randn(wide)

    def block(state, name):
        for i in (0, 2, 4):
            conv(state, f"{name}.conv.{i}", 64, 64)

    encoder, decoder = {}, {}
    conv(encoder, "0", 3, 64)
    conv(encoder, "14", 64, latent)
    conv(decoder, "1", latent, 64)
    conv(decoder, "19", 64, 3)
    for number in (1, 3, 4, 5, 7, 8, 9, 11, 12, 13):
        block(encoder, f"{number}")
    for number in (3, 4, 5, 8, 9, 10, 13, 14, 15, 18):
        block(decoder, f"{number}")
    for down, up in ((2, 7), (6, 12), (10, 17)):
        conv(encoder, f"{down}", 64, 64, bias=False)
        conv(decoder, f"{up}", 64, 64, bias=False)
    return encoder, decoder


def diffusers_names(encoder: dict, decoder: dict) -> dict:
    """Both halves under the names of the diffusers library, whose decoder has no layer for the clamp."""
    named = {f"encoder.layers.{key}": value for key, value in encoder.items()}
    for key, value in decoder.items():
        number, _, rest = key.partition(".")
        named[f"decoder.layers.{int(number) - 1}.{rest}"] = value
    return named


def randomise_norms(net: nn.Module) -> nn.Module:
    """Norms with statistics and gains of their own, as after a training."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.InstanceNorm2d) and module.affine:
            nn.init.normal_(module.weight, 1, 0.2)
            nn.init.normal_(module.bias, 0, 0.2)
    return net.eval()
