"""Training of CycleGAN on tiny pictures: it learns both ways, goes on where it stopped, and ships both files."""

from __future__ import annotations

import csv
import io
import tarfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from imgstudio import weights
from imgstudio.importing.families.cyclegan import layout
from imgstudio.models.patchgan import PatchGAN
from imgstudio.models.resnet_generator import ResnetGenerator
from imgstudio.models.vgg import VGG
from imgstudio.train import cyclegan, run, ship
from imgstudio.train.cyclegan import direction, domains
from imgstudio.train.cyclegan.renderer import StrokeRenderer
from imgstudio.train.data import Pictures, to_unit
from imgstudio.train.features import scenes
from imgstudio.train.losses import edge_aware_smoothness
from imgstudio.train.spectra import checkerboard_penalty, power_spectrum

NARROW = (4, 4, 8, 8, 8)
RED, BLUE = (210, 30, 30), (30, 30, 210)


def square(seed, colour, size=24):
    """A square of about this colour somewhere on a light ground, uint8 [size, size, 3], and where it is."""
    rng = np.random.default_rng(seed)
    picture = np.full((size, size, 3), rng.integers(215, 245), np.uint8)
    side = rng.integers(8, 14)
    top, left = rng.integers(0, size - side, 2)
    picture[top : top + side, left : left + side] = np.clip(np.array(colour) + rng.integers(-20, 20, 3), 0, 255)
    return picture


@pytest.fixture
def data(tmp_path):
    """A folder with one set of two classes, 120 pictures each."""
    with tarfile.open(tmp_path / "squares.tar", "w") as tar:
        for name, colour in (("red", RED), ("blue", BLUE)):
            for i in range(120):
                buffer = io.BytesIO()
                Image.fromarray(square(i + 1000 * (name == "blue"), colour)).save(buffer, "PNG")
                member = tarfile.TarInfo(f"{name}/{i:04d}.png")
                member.size = buffer.tell()
                buffer.seek(0)
                tar.addfile(member, buffer)
    return tmp_path


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """Red squares to blue ones, judged by a narrow feature net with random weights."""
    torch.manual_seed(0)
    monkeypatch.setenv("IMGSTUDIO_WEIGHTS_DIR", str(tmp_path))
    weights.write(tmp_path / "features-vgg-small.safetensors", VGG(widths=NARROW).state_dict())
    made = cyclegan.Recipe(
        a=(domains.Source(file="squares.tar", prefix="red/"),),
        b=(domains.Source(file="squares.tar", prefix="blue/"),),
        inverse="cyclegan/back",
        net={"channels": 8, "blocks": 2, "skip": True},
        discriminator={"channels": 16, "layers": 2},
        pixels=24,
        view=20,
        batch=8,
        rate=1e-3,
        ema_horizon=50,
        ramp=600,
        widths=NARROW,
    )
    monkeypatch.setitem(cyclegan.RECIPES, "cyclegan/there", made)
    monkeypatch.setitem(ship.RECIPE_MODULES, "cyclegan/there", cyclegan)
    return made


@pytest.mark.short_training
def test_squares_change_colour_both_ways_and_both_nets_ship(data, recipe, tmp_path):
    run = tmp_path / "run"
    ship.train("cyclegan/there", data=data, folder=run, images=80)
    ship.train("cyclegan/there", data=data, folder=run, images=800)  # resumed
    result = ship.ship("cyclegan/there", data=data, folder=run, out=tmp_path)
    assert result["images"] == 800
    assert (result["file"], result["inverse"]["file"]) == ("cyclegan-there.safetensors", "cyclegan-back.safetensors")
    nets = []
    for part in (result, result["inverse"]):
        net = ResnetGenerator(**recipe.net)
        net.load_state_dict(weights.read(tmp_path / part["file"]))
        nets.append(net.eval().requires_grad_(False))
        assert layout(net.state_dict())[0] == {"channels": 8, "blocks": 2, "upsample": "resize"}
        scores = part["scores"]
        assert scores["translated"]["cycle"] < scores["translated"]["change"]
        assert scores["translated"]["frechet"] < scores["as they are"]["frechet"]
    pictures = np.stack([square(i, RED) for i in range(5000, 5016)])
    x = to_unit(torch.from_numpy(pictures).permute(0, 3, 1, 2))
    inside = x[:, 0] > x[:, 2] + 0.6
    made, again = nets[0](x), nets[1](nets[0](x))
    red, green, blue = made.permute(0, 2, 3, 1)[inside].mean(dim=0).tolist()
    assert blue > red + 0.5 and blue > green + 0.5  # the square is blue now
    assert (made - x).abs().permute(0, 2, 3, 1)[~inside].mean() < 0.2  # the ground is what it was
    red, green, blue = again.permute(0, 2, 3, 1)[inside].mean(dim=0).tolist()
    assert red > blue + 0.5 and red > green + 0.5  # and red again on the way back


def test_the_log_shows_held_out_figures_and_a_preview_of_both_ways(data, recipe, tmp_path):
    run = tmp_path / "run"
    ship.train("cyclegan/there", data=data, folder=run, images=16)
    with (run / "log.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert {"adversarial", "cycle", "discriminator", "there frechet", "there cycle", "there change", "back frechet"} <= set(row)
    sheet = Image.open(run / "preview-00000016.png")
    assert sheet.size == (cyclegan.PREVIEWS * 24, 6 * 24)


def noise(side) -> domains.Batch:
    a, b = torch.rand(2, 2, 3, side, side) * 2 - 1
    return domains.Batch(a, b)


def test_a_resumed_training_is_the_one_that_was_saved(recipe):
    first, second = (cyclegan.Training(recipe, torch.device("cpu")) for _ in range(2))
    batch = noise(16)
    first.step(batch, 1e-3)
    state = first.state()
    second.restore(state)
    assert second.images == 2 and second.steps == 1
    for ours, theirs in zip(second.forth.generator.parameters(), first.forth.generator.parameters()):
        assert torch.equal(ours, theirs)
    moment = second.generators.state_dict()["state"][0]["exp_avg"]
    assert torch.equal(moment, first.generators.state_dict()["state"][0]["exp_avg"])


def test_critics_and_generators_learn_only_from_their_own_losses(recipe):
    training = cyclegan.Training(replace(recipe, cycle=0.0, identity=0.0), torch.device("cpu"))
    before = [p.clone() for p in training.forth.discriminator.parameters()]
    batch = noise(16)
    training._generator_step(batch)
    assert all(torch.equal(p, q) for p, q in zip(training.forth.discriminator.parameters(), before))
    assert all(p.requires_grad and p.grad is None for p in training.forth.discriminator.parameters())


def test_a_history_mixes_new_pictures_with_earlier_ones():
    torch.manual_seed(0)
    history = direction.ImagePool(8)
    pictures = torch.arange(200.0).view(100, 2, 1, 1, 1)
    shown = [history.query(part).flatten() for part in pictures]
    assert torch.equal(shown[0], pictures[0].flatten())  # while it fills up
    late = torch.cat(shown[4:])
    fresh = torch.arange(8.0, 200.0)
    assert 0.3 < (late != fresh).float().mean() < 0.6 and len(history.kept) == 8
    assert (late <= fresh).all()  # nothing is shown before it was made


def test_a_critic_can_be_shown_more_than_a_batch(recipe):
    history = direction.ImagePool(8)
    assert history.sample(4) == []  # there are none yet
    history.query(torch.arange(8.0).view(8, 1, 1, 1))
    assert len({picture.item() for picture in history.sample(4)}) == 4 and history.sample(-1) == []
    counts = []
    for judged in (0, 6):
        training = cyclegan.Training(replace(recipe, discriminator_batch=judged), torch.device("cpu"))
        training.forth.discriminator.register_forward_pre_hook(lambda _, given: counts.append(len(given[0])))
        for _ in range(4):
            training.step(noise(16), 1e-3)
    assert counts[1::2] == [4, 4, 4, 4, 4, 8, 12, 12]  # of real and made ones; a batch is two of each


def test_squares_of_a_picture_cover_a_long_one_with_two():
    assert len(domains.squares(Image.new("RGB", (50, 40)), 16)) == 2
    assert len(domains.squares(Image.new("RGB", (49, 40)), 16)) == 1
    ramp = Image.fromarray(np.tile(np.arange(0, 200, 2, dtype=np.uint8)[:, None, None], (1, 20, 3)))  # 20 x 100
    top, bottom = domains.squares(ramp, 10)
    assert top.shape == (10, 10, 3) and top.max() < 45 and bottom.min() > 155


def test_crops_are_as_large_as_asked():
    ramp = np.tile(np.arange(200, dtype=np.uint8)[None, :, None], (150, 1, 3))  # a level a pixel
    widths = {}
    for sides in ((0.0, 1.0), (0.5, 1.0), (0.5, 0.7)):
        options = {"pixels_each": 1, "most": 60, "generator": torch.Generator().manual_seed(0), "sides": sides}
        widths[sides] = [int(np.ptp(part)) for part in scenes.crops(Image.fromarray(ramp), 20, **options)]
    assert min(widths[0.0, 1.0]) < 25 and min(widths[0.5, 1.0]) > 65 and min(widths[0.5, 0.7]) > 65
    assert len(widths[0.5, 1.0]) == 60 and 110 < max(widths[0.5, 1.0]) < 150 and 90 < max(widths[0.5, 0.7]) < 105


@pytest.mark.parametrize("ramp", [4000, 0])
def test_ties_to_the_original_tighten_slowly(recipe, ramp):
    """The change of the very first step must not depend on cycle and identity: a net that begins at the identity stays there."""
    batch = noise(16)
    nets = []
    for weight in (0.0, 0.0, 100.0):
        training = cyclegan.Training(replace(recipe, cycle=weight, identity=weight, ramp=ramp), torch.device("cpu"))
        if nets:
            training.step(batch, 1e-3)
        nets.append(torch.cat([p.detach().reshape(-1) for p in training.forth.generator.parameters()]))
    fresh, free, tied = nets
    # A mean against the step: where a slope is nothing but rounding, Adam makes a whole step of it.
    difference = (tied - free).abs().mean() / (free - fresh).abs().mean()
    assert difference < 0.05 if ramp else difference > 0.3


def test_views_are_cut_out_not_resized():
    torch.manual_seed(0)
    images = torch.randint(0, 256, (3, 3, 12, 12), dtype=torch.uint8)
    seen = domains.views(images, torch.tensor([0, 1, 2, 2, 1, 0]), 8, torch.device("cpu"))
    patches = to_unit(images).unfold(2, 8, 1).unfold(3, 8, 1).permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
    for view in seen:
        assert any(torch.equal(view, other) or torch.equal(view.flip(2), other) for other in patches)


def test_views_are_turned_by_right_angles_alone(recipe):
    torch.manual_seed(0)
    corner = torch.zeros(3, 8, 8, dtype=torch.uint8)
    corner[:, :4, :4] = 200
    pairs = domains.Pairs(*[heap(corner)] * 4)
    seen = {}
    for turns in (False, True):
        chosen = replace(recipe, view=8, batch=64, rotate=turns)
        batch = next(domains.draw(pairs, chosen, 0, torch.device("cpu")))
        assert batch.a.gt(0).float().mean() == 0.25
        seen[turns] = {tuple(x[0, ::7, ::7].gt(0).flatten().tolist()) for x in batch.a}  # the four corners
    assert len(seen[False]) == 2 and len(seen[True]) == 4  # mirrored, or at any corner


def test_what_is_cut_off_is_held_out_and_as_large_as_the_rest(tmp_path):
    wide = np.zeros((60, 100, 3), np.uint8)
    wide[:, :, 0] = np.arange(100) * 2  # tells where a crop is from
    wide[:, 75:, 1] = 200
    with tarfile.open(tmp_path / "wide.tar", "w") as tar:
        buffer = io.BytesIO()
        Image.fromarray(wide).save(buffer, "PNG")
        member = tarfile.TarInfo("picture.png")
        member.size = buffer.tell()
        buffer.seek(0)
        tar.addfile(member, buffer)
    source = domains.Source(file="wide.tar", way="crops", most=40, pixels_each=50, sides=(0.3, 0.4), aside=0.25)
    pairs = domains.load_pairs(cyclegan.Recipe(a=(source,), b=(source,), inverse="", pixels=12), tmp_path)
    assert len(pairs.a) == 40 and len(pairs.held_a) == 30
    assert pairs.a.images[:, 1].max() < 100 < 180 < pairs.held_a.images[:, 1].min()
    for part in (pairs.a, pairs.held_a):
        slope = part.images[:, 0].double().diff(dim=2).mean(dim=(1, 2))  # two levels a pixel of the picture
        assert slope.min() > 2 * 0.3 * 60 / 12 - 0.6 and slope.max() < 2 * 0.4 * 60 / 12 + 0.6


@pytest.mark.short_training
def test_both_nets_learn_from_a_painter_before_and_beside_critics(recipe):
    home = recipe.net | {"norm": "none", "unet_skips": True}
    net = home | {"noise_std": 0.1, "per_channel_noise": True, "lic_length": 8.0}
    wanted = replace(recipe, net=net, inverse_net=home, renderer=StrokeRenderer(tone=0.5), pretrain_images=400, rate=2e-3)
    training = cyclegan.Training(wanted, torch.device("cpu"))
    discriminator = [p.clone() for p in training.back.discriminator.parameters()]
    x = torch.nn.functional.interpolate(torch.rand(8, 3, 6, 6), size=24, mode="bicubic").clamp(0, 1) * 2 - 1
    batch = domains.Batch(x, x.flip(0))
    terms = [training.step(batch, 2e-3) for _ in range(50)]
    for name in ("render", "inverse"):
        assert sum(term[name] for term in terms[-5:]) < 0.8 * sum(term[name] for term in terms[:5])
    assert all(torch.equal(p, q) for p, q in zip(training.back.discriminator.parameters(), discriminator))
    later = training.step(batch, 2e-3)
    assert later["discriminator"] > 0 and {"render", "inverse"} <= set(later)
    assert list(later)[:2] == list(terms[0])[:2] and set(later) == set(terms[0])  # a log has the same columns all the way
    assert not all(torch.equal(p, q) for p, q in zip(training.back.discriminator.parameters(), discriminator))


def test_at_last_only_the_way_back_learns(data, recipe, tmp_path):
    wanted = replace(
        recipe, net=recipe.net | {"norm": "none"}, renderer=StrokeRenderer(), pretrain_images=16, inverse_only_images=16
    )
    cyclegan.train(wanted, data, tmp_path / "run", images=32)
    first = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    cyclegan.train(wanted, data, tmp_path / "run", images=48)
    last = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert first["images"] == 32 and last["images"] == 48
    for way, net, same in (
        ("forth", "generator", True),
        ("forth", "discriminator", True),
        ("back", "generator", False),
        ("back", "discriminator", False),
    ):
        equal = [torch.equal(value, last[way][net][name]) for name, value in first[way][net].items()]
        assert all(equal) if same else not any(equal), (way, net)
    for name, value in first["forth"]["ema"]["net"].items():
        assert torch.equal(value, last["forth"]["ema"]["net"][name])


def test_pictures_of_the_split_stay_apart(data, recipe):
    pairs = domains.load_pairs(recipe, data)
    assert pairs.held_a.names and pairs.held_b.names
    assert not set(pairs.a.names) & set(pairs.held_a.names)
    assert {name.split("/")[0] for name in pairs.b.names + pairs.held_b.names} == {"blue"}


def test_every_recipe_trains_files_below_ten_megabytes():
    assert len(cyclegan.RECIPES) >= 3
    for name, recipe in cyclegan.RECIPES.items():
        size = sum(p.numel() for p in ResnetGenerator(**recipe.net).parameters()) * 2
        assert size < 9.9e6 and recipe.inverse != name and recipe.view <= recipe.pixels
        discriminator = PatchGAN(**recipe.discriminator)
        whole = name == "cyclegan/daisy2sunflower"  # whose critics are to see a flower and not some petals
        assert (discriminator.patch > recipe.view) == whole
        assert min(discriminator(torch.zeros(1, 3, recipe.view, recipe.view)).shape[2:]) >= 4  # verdicts a side


def heap(*pictures) -> Pictures:
    images = torch.stack(pictures)
    return Pictures(images, torch.zeros(len(images), dtype=torch.long), ("",), tuple(map(str, range(len(images)))))


def test_skies_are_drawn_as_often_as_wanted():
    grass = torch.tensor([60, 120, 30], dtype=torch.uint8)[:, None, None].expand(3, 8, 8)
    blue = grass.clone()
    blue[:, :4] = torch.tensor([90, 140, 230], dtype=torch.uint8)[:, None, None]
    upside_down = blue.flip(1)  # a lake is no sky
    some = torch.stack([grass, upside_down, blue, blue, grass])
    assert domains.sky(some).tolist() == [0, 0, 1, 1, 0]
    assert domains.sky_odds(some, 0.25).tolist() == pytest.approx([0.25, 0.25, 0.125, 0.125, 0.25])
    assert domains.sky_odds(torch.stack([grass, grass]), 0.25).unique().numel() == 1  # no skies to draw
    two = heap(blue, grass)
    batches = domains.draw(
        domains.Pairs(two, two, two, two), cyclegan.Recipe(a=(), b=(), inverse="", view=8, sky_share=0.0), 0, "cpu"
    )
    batch = next(batches)
    for seen in (batch.a, batch.b):
        assert (seen[:, 1] > seen[:, 2]).all()  # grass each time


def test_critics_can_learn_at_a_pace_of_their_own(recipe):
    training = cyclegan.Training(replace(recipe, ttur_ratio=2.0), torch.device("cpu"))
    training.step(noise(16), 1e-3)
    assert training.generators.param_groups[0]["lr"] == 1e-3 and training.discriminators.param_groups[0]["lr"] == 2e-3


def test_critics_can_be_shown_what_is_still_untranslated(recipe):
    """Once no generator makes such pictures any more, they otherwise have no opinion on them."""

    class BlueIsReal(torch.nn.Module):
        def forward(self, x):
            return (x[:, 2] > x[:, 0]).float().mean(dim=(1, 2))

    red, blue = (torch.full((8, 3, 20, 20), -0.5) for _ in range(2))
    red[:, 0], blue[:, 2] = 0.8, 0.8
    losses = []
    for originals in (False, True):
        training = cyclegan.Training(replace(recipe, identity_negatives=originals), torch.device("cpu"))
        training.forth.discriminator = BlueIsReal()
        losses.append(training._discriminator_loss(training.forth, real=blue, made=blue, given=red).item())
    # Half a mean square of the scores of what is not real: all are 1, and with the red ones, which it tells, half of them.
    assert losses == pytest.approx([0.5, 0.25])


def test_a_change_may_have_the_edges_of_the_picture_and_no_others():
    x = torch.zeros(1, 3, 8, 8)
    x[..., 4:] = 1
    along, across = x.clone(), x.clone()
    along[:, 2, :, 4:] -= 1  # one side of the edge loses its blue
    across[:, 2, 4:] -= 1  # what is below does, and there is no edge
    assert edge_aware_smoothness(x, x + 0.5).item() == 0
    assert edge_aware_smoothness(x, along).item() < 0.01 * edge_aware_smoothness(x, across).item()


@pytest.mark.parametrize("period", [3, 4, 6])
def test_a_mesh_of_any_period_is_told_from_grain(period):
    torch.manual_seed(0)
    grain = 0.1 * torch.randn(4, 3, 98, 101)
    repeats = [-(-side // period) for side in grain.shape[2:]]
    pattern = 0.1 * torch.randn(1, 3, period, period).repeat(1, 1, *repeats)[..., :98, :101]
    slopes = torch.linspace(-1, 1, 101).expand_as(grain)
    even, woven, weave = (checkerboard_penalty(power_spectrum(grain + share * pattern)) for share in (0.0, 0.5, 1.0))
    assert even < 0.005 and checkerboard_penalty(power_spectrum(grain + slopes)) < 0.005
    assert 0.02 < woven < weave


@pytest.mark.short_training
def test_a_mesh_is_talked_out_of_a_generator(recipe):
    """Where the picture is plain the change becomes plain too."""
    x = torch.linspace(-0.5, 0.5, 16).expand(4, 3, 16, 16).contiguous()
    batch, changes = domains.Batch(x, -x), []
    for weight in (0.0, 5.0):
        training = cyclegan.Training(
            replace(recipe, smoothness=weight, cycle=0.0, identity=0.0, adversarial=0.0), torch.device("cpu")
        )
        torch.nn.init.normal_(training.forth.generator.model[-1].weight, 0.0, 0.1)
        terms = [training.step(batch, 1e-3) for _ in range(20)][-1]
        changes.append(edge_aware_smoothness(x, cyclegan._translated(training.forth.generator, x)).item())
    assert changes[1] < 0.5 * changes[0] and terms["smoothness"] > 0


def test_a_log_takes_figures_that_are_new(tmp_path):
    log = run.Run(tmp_path)
    log.record(4, {"critic": 0.5})
    run.Run(tmp_path).record(8, {"mesh": 0.25, "critic": 0.125})
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["images"], row["critic"], row["mesh"]) for row in rows] == [("4", "0.5", ""), ("8", "0.125", "0.25")]
    log.plot()
