"""Nets that turn a picture into another: fast style transfer, and generators of CycleGAN."""

from __future__ import annotations

import re

from ...catalog import credits
from ...catalog.records import Task
from ...models import fast_style, resnet_generator
from ..checkpoint import State
from ..recognition import Mismatch, Recognised


def fast(state: State, task: Task | None) -> Recognised | None:
    """TransformerNet of pytorch/examples, and the layout of ConvBlock, ResidualBlock and DeconvBlock."""
    if not any(re.match(r"res\d\.conv1\.conv2d\.|ResidualBlock\.\d\.", key) for key in state):
        return None
    try:
        kwargs, _ = fast_style.recognise(state)
    except ValueError as error:
        raise Mismatch(f"it looks like a net of fast style transfer, but {error}") from error
    layout = "pytorch/examples" if kwargs["upsample"] == "resize" else "fast-neural-style-pytorch"
    return Recognised(
        task="stylize",
        build="imgstudio.models.fast_style:FastStyle",
        kwargs=kwargs,
        convert=fast_style.own_keys,
        title="Fast style",
        said=f"A net of fast style transfer, as in {layout}: {', '.join(map(str, kwargs['widths']))} channels and "
        f"{kwargs['blocks']} residual blocks.",
        paper=credits.JOHNSON,
    )


def residual(state: State, task: Task | None) -> Recognised | None:
    """The generator of CycleGAN in its two public layouts."""
    if not any(re.fullmatch(r"model\.\d+\.(conv_)?block\.\d+\.weight", key) for key in state):
        return None
    try:
        kwargs, _ = resnet_generator.recognise(state)
    except ValueError as error:
        raise Mismatch(f"it looks like a generator of CycleGAN, but {error}") from error
    layout = "junyanz/pytorch-CycleGAN-and-pix2pix" if kwargs["upsample"] == "transposed" else "PyTorch-GAN"
    return Recognised(
        task="translate",
        build="imgstudio.models.resnet_generator:ResnetGenerator",
        kwargs=kwargs,
        convert=resnet_generator.own_keys,
        title="CycleGAN",
        said=f"A generator of CycleGAN, as in {layout}: {kwargs['channels']} channels and {kwargs['blocks']} residual blocks. "
        "The way back is another file.",
        paper=credits.CYCLEGAN,
    )


FAMILIES = [fast, residual]
