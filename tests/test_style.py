"""The style room, on every model that restyles, and on small nets of each kind with random weights."""

from __future__ import annotations

import math
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from table import each_row

import imgstudio
from imgstudio import StudioError, catalog, weights
from imgstudio.catalog.records import Embedded
from imgstudio.ops import filters, optimise
from imgstudio.ops import style as ops
from imgstudio.ops.style import colors
from imgstudio.studio.style import cost, expected_seconds, kind, largest_size, memory_needed, stylize

WIDTHS = (8, 8, 16, 16, 16)
STAND_INS = {
    "optimise": ("imgstudio.models.vgg:VGG", {"widths": WIDTHS}),
    "one pass": ("imgstudio.models.transformer_net:TransformerNet", {"width": 4, "blocks": 2}),
    "any style": ("imgstudio.models.adain:AdaIN", {"widths": WIDTHS}),
}
EMBEDDED = [spec.name for spec in catalog.models("stylize") if spec.embedded]
ONE_EACH = [next(name for name in EMBEDDED if name.startswith(family)) for family in ("gatys", "magenta", "wct", "adain", "fast")]
FEW = {"size": 64, "steps": 4}


@pytest.fixture
def stand_in(small_model):
    """Registers a small net of a kind with random weights, and returns its name."""

    def make(way: str) -> str:
        build, kwargs = STAND_INS[way]
        model = small_model(f"test/{way.replace(' ', '-')}", task="stylize", build=build, kwargs=kwargs)
        torch.manual_seed(0)
        net = cost.NETS[build.rpartition(":")[2]][1](**kwargs)
        for parameter in net.parameters():
            if parameter.ndim == 4:
                torch.nn.init.kaiming_normal_(parameter)
        digest = weights.write(model.path, net.state_dict())
        catalog.register(replace(model.spec, source=Embedded(filename=model.path.name, sha256=digest)))
        return model.spec.name

    return make


@pytest.fixture
def named(request):
    """A model by its name, or a stand-in by its kind, for which alone the weights' folder is another one."""
    return lambda name: request.getfixturevalue("stand_in")(name) if name in STAND_INS else name


@pytest.fixture(params=ONE_EACH)
def model(request):
    """One shipped model of each net; that all the others make pictures is for the golden outputs to say."""
    return request.param


@pytest.fixture(params=STAND_INS)
def small(request, stand_in):
    """A small net of each kind."""
    return stand_in(request.param)


@pytest.fixture
def gatys(stand_in):
    return stand_in("optimise")


CONTENT = Image.fromarray(data.astronaut()).crop((80, 0, 330, 200)).resize((80, 64))
STYLE = Image.fromarray(data.coffee()).crop((100, 100, 300, 300)).resize((64, 64))
OTHER = Image.fromarray(data.chelsea()).crop((100, 50, 300, 250)).resize((64, 64))


def pixels(image):
    return np.asarray(image, dtype=np.int16)


def distance(a, b):
    return abs(pixels(a) - pixels(b)).mean()


def made(model, content=CONTENT, style=STYLE, **options):
    return imgstudio.last(stylize(model, content, style, **{**FEW, **options})).image


def content_at(size):
    return CONTENT.resize((size, round(size * 0.8)), Image.Resampling.LANCZOS)


# --- what holds for every model ---


def test_a_result_has_the_shape_of_the_content(model):
    steps = list(stylize(model, CONTENT, STYLE, size=96, steps=4))
    assert steps[-1].done == steps[-1].total >= 1
    assert {step.image.size for step in steps} == {(96, 77)}
    assert distance(steps[-1].image, CONTENT.resize((96, 77))) > 2
    assert [step.done for step in steps] == sorted({step.done for step in steps})


def test_strength_leads_from_the_content_to_the_style(model):
    plain = content_at(64)
    none, half, whole = (made(model, strength=strength) for strength in (0, 0.5, 1))
    assert none.tobytes() == plain.tobytes()
    assert 0 < distance(half, plain) < distance(whole, plain)


def test_any_shape_is_taken(small):
    for size in ((300, 60), (61, 301), (97, 96), (64, 64)):
        content, longer = Image.fromarray(data.astronaut()).resize(size), max(size) // 4 * 3 + 40
        assert made(small, content, size=longer).size == tuple(round(side * longer / max(size)) for side in size)


def test_the_same_seed_gives_the_same_picture(small):
    first, again = (made(small, start="noise", seed=3) for _ in range(2))
    assert first.tobytes() == again.tobytes()


def test_luminance_keeps_the_colours(model):
    def chroma(image):
        ycc = np.asarray(image.convert("YCbCr"), dtype=np.float32)
        return ycc[:, :, 1:] - 128

    kept, free = (made(model, keep_colors=keep) for keep in ("luminance", False))
    wanted = chroma(content_at(64))
    assert abs(chroma(kept) - wanted).mean() < 0.5 * abs(chroma(free) - wanted).mean()
    assert made(model, keep_colors=True).tobytes() == kept.tobytes()


@pytest.mark.parametrize("way", ["optimise", "one pass", *ONE_EACH])  # random features of a decoder have no colours
def test_a_matched_style_has_the_colours_of_the_content(named, way):
    model = named(way)

    def mean(image):
        return pixels(image).mean(axis=(0, 1))

    style = Image.new("RGB", (64, 64), "red")
    style.paste("orange", (0, 0, 32, 64))
    matched, free = (made(model, style=style, keep_colors=keep) for keep in ("match", False))
    wanted = mean(content_at(64))
    assert abs(mean(matched) - wanted).sum() <= abs(mean(free) - wanted).sum() + 3


def test_a_mask_limits_the_style_to_a_region(model):
    region = np.zeros((40, 50), np.uint8)
    region[:, 25:] = 255
    masked, plain = pixels(made(model, mask=region)), pixels(content_at(64))
    assert abs(masked - plain)[:, :24].max() <= 1
    assert abs(masked - plain)[:, 40:].mean() > 2
    step = abs(masked - plain).mean(axis=(0, 2))
    assert step[28] <= step[40:].max()


def test_two_visitors_at_once_get_what_each_would_get_alone(small):
    jobs = [{"style": STYLE}, {"style": OTHER, "start": "noise"}]
    alone = [made(small, **job).tobytes() for job in jobs]
    together = {}

    def visit(i):
        together[i] = made(small, **jobs[i]).tobytes()

    threads = [threading.Thread(target=visit, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[0], together[1]] == alone


def test_gradients_are_nobodys_business_but_the_optimisers(small):
    """A step may run on any thread and within any setting, and leaves none behind; the shared net stays as it was."""
    net = imgstudio.load(small)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    with torch.no_grad():
        steps = stylize(small, CONTENT, STYLE, **FEW)
        for _ in steps:
            assert not torch.is_grad_enabled()
    for _ in stylize(small, CONTENT, STYLE, **FEW):
        assert torch.is_grad_enabled()
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert not net.training and not any(p.requires_grad or p.grad is not None for p in net.parameters())


def test_a_stopped_run_has_a_picture(small):
    steps = stylize(small, CONTENT, STYLE, **FEW)
    assert next(steps).image.size == (64, 51)
    if hasattr(steps, "close"):
        steps.close()


def test_costs_are_said_beforehand(model):
    assert kind(model) in STAND_INS
    assert 0 < memory_needed(model, 256) < memory_needed(model, 1024) < 20e9
    assert 0 < expected_seconds(model, 128, 10) < expected_seconds(model, 512, 10)
    assert 128 <= largest_size(model) <= max(cost.LARGEST[kind(model)])


BAD_FOR_ALL = [
    ({"strength": 1.5}, "strength"),
    ({"strength": math.nan}, "strength"),
    ({"size": 10}, "size"),
    ({"size": 10**6}, "size"),
    ({"content": None}, "no picture"),
    ({"content": "nowhere.png"}, "nowhere.png"),
    ({"content": Image.new("RGB", (10_000, 5_001))}, "50 megapixels"),
    ({"content": Image.new("RGB", (2000, 20))}, "too narrow"),
    ({"keep_colors": "sepia"}, "luminance"),
    ({"mask": Image.new("L", (9, 9))}, "region is empty"),
    ({"mask": "nowhere.png"}, "nowhere.png"),
]
BAD_STYLES = [
    ({"style": None}, "no style picture"),
    ({"style": []}, "no style picture"),
    ({"style": Image.new("RGB", (1, 1))}, "1 x 1 pixels"),
    ({"style": Image.new("RGB", (20, 3000))}, "narrow strip"),
    ({"weights": [0.5, 0.5]}, "1 styles and 2 shares"),
    ({"style": [STYLE, OTHER], "weights": [0, 0]}, "all 0"),
    ({"style": [STYLE, OTHER], "weights": [1, -1]}, "share"),
    ({"weights": [math.nan]}, "share"),
    ({"weights": [math.inf]}, "share"),
]
BAD_FOR_OPTIMISATION = [
    ({"content_weight": 0, "style_weight": 0}, "both 0"),
    ({"style_weight": -1}, "style weight"),
    ({"style_weight": math.inf}, "style weight"),
    ({"tv_weight": math.nan}, "tv weight"),
    ({"steps": 0}, "Steps"),
    ({"every": 0}, "every so many"),
    ({"seed": -1}, "seed"),
    ({"optimizer": "sgd"}, "adam, lbfgs"),
    ({"layers": {"relu9_9": 1}}, "relu9_9.*relu1_1"),
    ({"layers": {"relu1_1": 0}}, "all 0"),
    ({"layers": {}}, "all 0"),
    ({"start": "middle"}, "'middle'.*noise"),
    ({"start": "nowhere.png"}, "nowhere.png"),
]


@each_row(
    ("way", "mistakes"),
    [
        ("one pass", BAD_FOR_ALL),
        ("any style", BAD_FOR_ALL + BAD_STYLES),
        ("optimise", BAD_FOR_ALL + BAD_STYLES + BAD_FOR_OPTIMISATION),
    ],
)
def test_mistakes_are_answered_at_once_in_a_sentence(stand_in, way, mistakes):
    model = stand_in(way)
    for options, words in mistakes:
        settings = {"content": CONTENT, "style": STYLE, **FEW, **options}
        assert_refused(lambda settings=settings: stylize(model, **settings), words)


def assert_refused(call, words):
    with pytest.raises(StudioError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def test_a_model_for_something_else_is_refused(small_model):
    name = small_model("test/gan").spec.name
    for call in (lambda: stylize(name, CONTENT, STYLE), lambda: kind(name)):
        assert_refused(call, "can't do this")


def test_what_does_not_fit_into_memory_is_refused_beforehand(small, monkeypatch):
    monkeypatch.setattr(cost, "memory_free", lambda: 400_000_000)
    assert largest_size(small) < 1024
    assert_refused(lambda: stylize(small, Image.new("RGB", (90, 90)), STYLE, size=1024), r"GB are free: choose a size of at most")


# --- optimisation ---


def test_losses_are_those_of_the_picture_and_fall(gatys):
    steps = list(stylize(gatys, CONTENT, STYLE, size=64, steps=30, every=1))
    assert [step.done for step in steps] == list(range(31))
    assert set(steps[0].losses) == {"content", "style", "tv", "total"}
    assert steps[0].losses["content"] == pytest.approx(0, abs=1e-6)
    assert steps[-1].losses["total"] < 0.3 * steps[0].losses["total"]
    assert steps[0].image.tobytes() == content_at(64).tobytes()
    seconds = [step.seconds for step in steps]
    assert seconds == sorted(seconds)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["optimise", "gatys/vgg-small"])
def test_weights_mean_something(named, name):
    model = named(name)

    def losses(**weights):
        return imgstudio.last(stylize(model, CONTENT, STYLE, size=96, steps=80, **weights)).losses

    plain, more_style, more_content = losses(), losses(style_weight=10), losses(content_weight=10)
    assert more_style["style"] < plain["style"] < more_content["style"]
    assert more_style["content"] > plain["content"] > more_content["content"]
    assert losses(tv_weight=10)["tv"] < plain["tv"]


def test_one_weight_may_be_zero(gatys):
    options = {"size": 64, "steps": 40}
    only_content = imgstudio.last(stylize(gatys, CONTENT, None, style_weight=0, tv_weight=0, start="noise", **options))
    assert only_content.losses["content"] < 0.5 and only_content.losses["style"] == 0
    only_style = imgstudio.last(stylize(gatys, CONTENT, STYLE, content_weight=0, **options))
    assert only_style.losses["content"] == 0 and only_style.losses["style"] < 0.5


def test_huge_weights_do_no_harm(gatys):
    assert distance(made(gatys, style_weight=1e300, layers={"relu1_1": 1e300, "relu2_1": 1}), content_at(64)) > 1


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.parametrize("breaks", [0, 3])
def test_when_numbers_leave_their_range_the_last_good_picture_is_kept(gatys, monkeypatch, optimizer, breaks):
    evaluated, losses = [], ops.losses

    def overflow(found, x, goal):
        evaluated.append(x)
        grown = math.inf if len(evaluated) > breaks else 1.0
        return {name: term * grown for name, term in losses(found, x, goal).items()}

    monkeypatch.setattr(ops, "losses", overflow)
    steps, kept = stylize(gatys, CONTENT, STYLE, **{**FEW, "steps": 10}, optimizer=optimizer, every=1), []
    with pytest.raises(StudioError, match="out of range.*smaller weights") as caught:
        kept.extend(steps)  # extend would lose nothing that came before the error
    assert "\n" not in str(caught.value)
    tried = optimise.MOST_REJECTED - 1 if breaks else 0  # shorter steps from the same picture
    assert kept[-1].done == max(0, breaks - 1) + tried
    assert len({step.image.tobytes() for step in kept[-1 - tried :]}) == 1
    assert np.isfinite(list(kept[-1].losses.values())).all()


def rosenbrock(v):
    """A curved valley between steep sides."""
    return (100 * (v[1:] - v[:-1].square()).square() + (1 - v[:-1]).square()).sum()


def cone(v):
    """L-BFGS takes the minimum to be far where the slope hardly changes, and runs away."""
    return (1 + (10 * v).square()).sqrt().sum()


@each_row(("optimizer", "function"), [("adam", rosenbrock), ("lbfgs", rosenbrock), ("lbfgs", cone)])
def test_a_step_that_raises_the_loss_is_taken_back(optimizer, function):
    def evaluate(x):
        with torch.enable_grad():
            x = x.detach().requires_grad_(True)
            loss = function(x.flatten())
            (gradient,) = torch.autograd.grad(loss, x)
        return loss.detach(), gradient, {"total": loss.item()}

    optimised, losses = optimise.OPTIMIZERS[optimizer](), []
    optimised.reset(torch.linspace(-1, 1, 16, dtype=torch.float64).view(1, 1, 4, 4), evaluate)
    for _ in range(40):
        optimised.evaluate()
        losses.append(optimised.losses["total"])
        assert losses[-1] == evaluate(optimised.x)[0].item(), "losses are those of the picture"
        optimised.step()
    assert all(now <= 1.01 * min(losses[: i + 1]) for i, now in enumerate(losses))
    assert losses[-1] < losses[0] / 5


@each_row("optimizer", ["adam", "lbfgs"])
def test_both_optimisers_arrive(gatys, optimizer):
    first, *_, last = stylize(gatys, CONTENT, STYLE, size=64, steps=40, optimizer=optimizer)
    assert last.losses["total"] < 0.3 * first.losses["total"]


@each_row("start", ["content", "noise", "style", OTHER])
def test_starts(gatys, start):
    first = next(stylize(gatys, CONTENT, STYLE, size=64, steps=4, start=start)).image
    assert first.size == (64, 51)
    if start == "content":
        assert first.tobytes() == content_at(64).tobytes()
    if start in ("noise", "style"):
        wanted = pixels(STYLE).mean(axis=(0, 1))
        assert abs(pixels(first).mean(axis=(0, 1)) - wanted).max() < 25
        assert distance(first, content_at(64)) > 5
    if start is OTHER:
        assert distance(first, OTHER.resize(first.size)) < 2


def test_seeds_differ(gatys):
    one, two = (next(stylize(gatys, CONTENT, STYLE, **FEW, start="noise", seed=seed)).image for seed in (1, 2))
    assert distance(one, two) > 5


def test_going_on_begins_where_the_picture_is(gatys):
    first = made(gatys, size=200, steps=12)
    again = list(stylize(gatys, CONTENT, STYLE, size=200, steps=12, start=first, every=1))
    assert again[0].image.tobytes() == first.tobytes()
    assert again[-1].total == optimise.scales(160, 200, 32, 12)[-1].steps


def test_styles_are_mixed(gatys):
    one, two = made(gatys, style=[STYLE, OTHER], weights=[1, 0]), made(gatys, style=[STYLE, OTHER], weights=[0, 3])
    assert one.tobytes() == made(gatys, style=STYLE).tobytes()
    assert two.tobytes() == made(gatys, style=(OTHER,)).tobytes()
    even = made(gatys, style=[STYLE, OTHER])
    assert even.tobytes() == made(gatys, style=[STYLE, OTHER], weights=[2, 2]).tobytes()
    assert distance(even, one) > 0 and distance(even, two) > 0


def test_layers_are_chosen(gatys):
    everything, fine, coarse = (made(gatys, steps=10, layers=layers) for layers in (None, {"relu1_1": 1}, {"relu4_1": 2}))
    assert len({picture.tobytes() for picture in (everything, fine, coarse)}) == 3
    assert made(gatys, layers={"relu1_1": 1, "relu2_1": 0}).tobytes() == made(gatys, layers={"relu1_1": 7}).tobytes()


@each_row(
    ("height", "width", "steps", "sizes"),
    [
        (512, 512, 300, [128, 256, 512]),
        (384, 512, 300, [128, 256, 512]),
        (1024, 1024, 300, [128, 256, 512, 1024]),
        (64, 64, 300, [64]),
        (512, 40, 300, [512]),
        (512, 512, 2, [256, 512]),
        (512, 512, 1, [512]),
    ],
)
def test_scales(height, width, steps, sizes):
    plan = optimise.scales(height, width, 32, steps)
    assert [max(scale.height, scale.width) for scale in plan] == sizes
    assert sum(scale.steps for scale in plan) == steps
    assert all(min(scale.height, scale.width) >= 32 for scale in plan)
    counts = [scale.steps for scale in plan]
    assert counts == sorted(counts, reverse=True) and counts[-1] >= 1


# --- several styles in one pass ---


def test_any_style_mixes(stand_in):
    model = stand_in("any style")
    one, two = made(model, style=STYLE), made(model, style=OTHER)
    mixed = made(model, style=[STYLE, OTHER], weights=[0.5, 0.5])
    assert made(model, style=[STYLE, OTHER], weights=[1, 0]).tobytes() == one.tobytes()
    assert distance(mixed, one) > 0 and distance(mixed, two) > 0


def test_large_pictures_come_in_tiles(stand_in):
    content = Image.fromarray(data.astronaut())
    for way in ("one pass", "any style"):
        steps = list(stylize(stand_in(way), content, STYLE, size=1100))
        assert [step.done for step in steps] == [1, 2, 3, 4] and steps[-1].total == 4
        assert {step.image.size for step in steps} == {(1100, 1100)}
        first = pixels(steps[0].image)[900:, 900:]
        assert abs(first - pixels(content.resize((1100, 1100), Image.Resampling.LANCZOS))[900:, 900:]).max() <= 1


# --- the mathematics ---


def test_losses_are_relative():
    f, goal = torch.rand(1, 4, 9, 7), torch.rand(1, 4, 5, 6)
    moments, scaled = ops.moments([goal], [1.0]), ops.moments([10 * goal], [1.0])
    assert ops.style_loss(goal, moments).item() == pytest.approx(0, abs=1e-9)
    assert ops.style_loss(10 * f, scaled).item() == pytest.approx(ops.style_loss(f, moments).item(), rel=1e-2)
    assert ops.content_loss(f, f).item() == 0
    assert ops.content_loss(torch.zeros_like(f), f).item() == pytest.approx(1)


@each_row("masked", [False, True])
def test_the_style_loss_has_the_gradient_of_its_formula(masked):
    """Its Gram matrix is differentiated by one of its factors only, and doubled."""
    torch.manual_seed(0)
    f = torch.randn(1, 6, 9, 7, requires_grad=True)
    mean, covariance = ops.moments([torch.randn(1, 6, 5, 5)], [1.0])
    mask = torch.rand(1, 1, 9, 7) if masked else torch.ones(1, 1, 9, 7)
    loss = ops.style_loss(f, (mean, covariance), mask if masked else None)
    (gradient,) = torch.autograd.grad(loss, f)
    shares = (mask / mask.sum()).flatten()[:, None]
    rows = f[0].flatten(1).T - mean
    floor = ops.COVARIANCE_FLOOR * mean.square().sum() + 1e-6
    plain = (rows * shares).sum(dim=0).square().sum() / (covariance.trace() + floor)
    second = (rows * shares).T @ rows - covariance
    plain = plain + second.square().sum() / (covariance.square().sum() + floor**2)
    assert loss.item() == pytest.approx(plain.item(), rel=1e-4)
    torch.testing.assert_close(gradient, torch.autograd.grad(plain, f)[0], atol=1e-6, rtol=1e-3)


def test_moments_of_a_mix_are_those_of_the_pictures_side_by_side():
    a, b = torch.randn(1, 5, 8, 6), torch.randn(1, 5, 8, 6) + 3
    mean, covariance = ops.moments([a, b], [0.5, 0.5])
    side_by_side = torch.cat([a, b], dim=3)[0].flatten(1)
    torch.testing.assert_close(mean, side_by_side.mean(dim=1))
    torch.testing.assert_close(covariance, torch.cov(side_by_side, correction=0), atol=1e-4, rtol=1e-4)


def test_a_mask_selects_its_moments():
    f, mask = torch.randn(1, 5, 8, 6), torch.zeros(1, 1, 8, 6)
    mask[:, :, :, :3] = 1
    for part, whole in zip(ops.raw_moments(f, mask), ops.raw_moments(f[:, :, :, :3])):
        torch.testing.assert_close(part, whole)


def test_luminance_and_colours_come_apart_and_together():
    x, y = torch.rand(1, 3, 9, 8) * 2 - 1, torch.rand(1, 1, 9, 8) * 2 - 1
    torch.testing.assert_close(colors.with_luminance(x, filters.luma(x)), x)
    mixed = colors.with_luminance(x, y)
    assert mixed.abs().max() <= 1 + 1e-6
    torch.testing.assert_close(filters.luma(mixed), y, atol=1e-5, rtol=0)


def test_matched_colours_have_the_goals_moments():
    torch.manual_seed(0)
    x, goal = 0.2 * torch.randn(1, 3, 40, 40), 0.1 * torch.randn(1, 3, 30, 30) * torch.tensor([1, 2, 0.5])[:, None, None] + 0.1
    mean, covariance = colors.statistics(colors.match(x, *colors.statistics(goal)))
    torch.testing.assert_close(mean, colors.statistics(goal)[0], atol=1e-2, rtol=0)
    torch.testing.assert_close(covariance, colors.statistics(goal)[1], atol=3e-3, rtol=0)
    assert colors.match(torch.zeros(1, 3, 4, 4), *colors.statistics(goal)).isfinite().all()


def test_last_takes_the_last_step():
    steps = [imgstudio.Step(i, 3, CONTENT) for i in range(4)]
    assert imgstudio.last(steps) is steps[-1]
