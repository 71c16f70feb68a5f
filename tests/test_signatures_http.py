"""Every parameter of every endpoint, with values that people and programs send by mistake or on purpose. See test_signatures."""

from __future__ import annotations

import inspect
from dataclasses import replace

import bounds
from bounds import (
    CURVE,
    FLAG,
    GAN,
    PATH,
    PLACE,
    SEED,
    TRUNCATION,
    VAE,
    Kind,
    amounts,
    choice,
    count,
    model,
    number,
    one_of,
    plain,
)
from table import each_row

from imgstudio.ui import api

TEXT_LABEL = one_of("", "apple", "APPLE", may=lambda value: value is None, bad=("pear",))
TEXT_SEED = one_of(
    "0",
    "7",
    PLACE.text(),
    may=lambda value: value is None,
    bad=("-1", "1.5", str(2**32), "9" * 5000, PLACE.text()[:-4]),
    net=True,
)
TEXT_SEEDS = one_of("1, 2", "3 5-8", may=lambda value: value is None, bad=("-3", "1-", "0-99999", "0-64", "9" * 999))


def left_out(kind: Kind) -> Kind:
    """A value that is left out means the default."""
    return replace(kind, may=lambda value: value is None or kind.may(value))


def each(**kinds: Kind) -> dict[str, Kind]:
    return {name: left_out(kind) for name, kind in kinds.items()}


HTTP_NOISE = one_of(
    0, -1, 2**32 - 1, may=lambda value: value is None or (plain(value) is not None and plain(value) in (0, -1, 1.0))
)
HTTP_DRAWN = {"truncation": left_out(TRUNCATION), "label": TEXT_LABEL, "noise": HTTP_NOISE}
HTTP_SEARCH = each(steps=count(1, 1000), seed=SEED)
HTTP: dict[str, dict[str, Kind]] = {
    "models": {"task": left_out(choice("sample", "features", ""))},
    "sample": {"model": GAN, "seeds": TEXT_SEEDS, "truncation": left_out(TRUNCATION), "label": TEXT_LABEL},
    "walk": {
        "model": GAN,
        "seeds": TEXT_SEEDS,
        **each(frames=count(1, 120), truncation=TRUNCATION, loop=FLAG, fps=number(1, 50)),
        "label": TEXT_LABEL,
        "format": left_out(choice("gif", "webp", "mp4")),
    },
    "directions": {"model": GAN},
    "mix": {"model": GAN, "coarse": TEXT_SEED, "fine": TEXT_SEED, "crossover": left_out(count(0, 8, net=True)), **HTTP_DRAWN},
    "edit": {
        "model": GAN,
        "seed": TEXT_SEED,
        "amounts": left_out(amounts("redder")),
        "layers": one_of("", "0-3", "7", may=lambda v: v is None, bad=("3-1", "0-8", "x-y", "9" * 999), net=True),
        **HTTP_DRAWN,
    },
    "pad": {"model": GAN, "seed": TEXT_SEED, **each(x=number(-1, 1), y=number(-1, 1)), **HTTP_DRAWN},
    "feature_maps": {"model": GAN, "seed": TEXT_SEED, **each(layer=count(0, 7, net=True), count=count(1, 64)), **HTTP_DRAWN},
    "invert": {"model": GAN, "image": PATH, **HTTP_SEARCH},
    "complete": {"model": GAN, "image": PATH, "mask": PATH, **HTTP_SEARCH},
    "reconstruct": {"model": VAE, "image": PATH},
    "interpolate": {"model": VAE, "a": PATH, "b": PATH, **each(steps=count(2, 64), curve=CURVE)},
    "blend": {"model": VAE, "a": PATH, "b": PATH, **each(t=number(0, 1), curve=CURVE)},
    "manifold": {"model": VAE, "a": PATH, "b": PATH, "c": PATH, "d": PATH, **each(size=count(2, 12))},
    "traverse": {"model": VAE, "image": PATH, **each(dimension=count(0, 95, net=True), span=number(0, 10), steps=count(2, 64))},
    "prior": {"model": VAE, "seeds": TEXT_SEEDS},
    "attribute": {"model": VAE, "image": PATH, "amounts": left_out(amounts("apple to tomato"))},
    "denoise": {"model": VAE, "image": PATH, **each(noise=number(0, 1), seed=SEED)},
    "translate": {
        "model": model("cyclegan/apple2tomato"),
        "image": PATH,
        **each(strength=number(0, 1), size=count(0, 2048), cycle=FLAG),
    },
    "stylize": {
        "model": model("gatys/vgg-small"),
        "content": PATH,
        "style": PATH,
        **each(
            strength=number(0, 1),
            content_weight=number(0, 2**32 - 1),
            style_weight=number(0, 2**32 - 1),
            size=count(64, 1024),
            steps=count(1, 1000),
            keep_colors=choice("none", "luminance", "match"),
        ),
        "mask": replace(PATH, may=lambda value: value is None),
        "seed": left_out(SEED),
    },
    "segment": {"model": model("gabor/texture"), "image": PATH, **each(regions=count(0, 32), opacity=number(0, 1))},
    "decompose": {"image": PATH, **each(strength=number(0, 1), method=choice("rof", "rtv"), size=count(0, 2048))},
    "synthesize": {
        "image": PATH,
        **each(
            size=count(32, 1024),
            steps=count(1, 1000),
            seed=SEED,
            method=choice("gatys", "quilting"),
            model=model("gatys/vgg-small", bad="adain/vgg-small"),
            seamless=FLAG,
            scale=number(0.1, 4),
            start=choice("noise", "quilting"),
        ),
    },
    "retexture": {
        "model": model("gabor/texture"),
        "image": PATH,
        "texture": PATH,
        **each(region=count(1, 32, net=True), regions=count(0, 32), shading=number(0, 2), scale=number(0.1, 4), seed=SEED),
    },
}


@each_row("endpoint", api.ENDPOINTS)
def test_an_endpoint_takes_or_refuses_every_value(endpoint):
    name, table = endpoint.__name__, HTTP[endpoint.__name__]
    assert set(table) == set(inspect.signature(endpoint).parameters)
    wrong = bounds.walk(api.bounds.bounded(endpoint), table, f"/{name}", http=True)
    assert not wrong, "\n".join(wrong)
