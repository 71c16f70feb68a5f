"""From a run's checkpoint to a file in `weights/`: finish the net, score it on held-out pictures, write it.

python -m imgstudio ship dcgan/avatars --data DATA_FOLDER
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from .. import weights
from ..errors import StudioError
from . import cyclegan, features, style, texture, vae
from .cyclegan.domains import load_pairs
from .data import Pictures, datasets
from .gan import dcgan, stylegan2
from .losses import ADVERSARIAL
from .run import Run, settle_batch_norm
from .score import score_generator, score_restyler, score_vae
from .score.texture import score_segmenter
from .score.translation import score_directions
from .style import adain
from .texture import mosaics

_ALL = (dcgan, stylegan2, vae, features, adain, style, texture, cyclegan)
RECIPE_MODULES = {name: module for module in _ALL for name in module.RECIPES}
PERCEPTUAL = (vae, features)  # modules whose recipes need a perceptual network: another project's classifier


def default_folder(name: str) -> Path:
    """Where a run lives unless told otherwise."""
    return Path("runs") / name.replace("/", "-")


def find(name: str) -> ModuleType:
    """The recipe module of a model: the module whose RECIPES hold it."""
    if name not in RECIPE_MODULES:
        raise StudioError(f"There is no recipe for {name!r}: choose one of {', '.join(RECIPE_MODULES)}.")
    return RECIPE_MODULES[name]


def files(name: str) -> tuple[str, ...]:
    """The training sets that a recipe reads from the data folder."""
    module = find(name)
    recipe = module.RECIPES[name]
    if hasattr(recipe, "files"):
        return recipe.files
    return (recipe.data,) if hasattr(recipe, "data") else module.FILES


def needs_perceptual(name: str) -> bool:
    """Whether a recipe trains with the help of the perceptual network."""
    return find(name) in PERCEPTUAL


def train(
    name: str,
    *,
    data: Path,
    folder: Path | None = None,
    images: int,
    perceptual: Path | None = None,
    judge: Path | None = None,
    loss: str | None = None,
) -> None:
    """Runs or resumes the recipe of that name until `images` pictures were seen.

    perceptual: the weights of Tiny Darknet, where the recipe needs them; by default those in the folder `data`. `judge` is its
    earlier name. loss: another adversarial loss than the recipe's, a name in losses.ADVERSARIAL; for recipes of a DCGAN.
    """
    module, folder = find(name), folder or default_folder(name)
    recipe = _with_loss(name, module.RECIPES[name], loss)
    if not needs_perceptual(name):
        module.train(recipe, data, folder, images=images)
        return
    network = perceptual or judge or data / datasets.PERCEPTUAL
    if not network.is_file():
        raise StudioError(
            f"{name} is trained with a perceptual network, and there is no file {network}: run `python -m imgstudio data "
            f"tiny-darknet --out {data}`, or name the file with --perceptual."
        )
    module.train(recipe, data, network, folder, images=images)


def _with_loss(name: str, recipe: Any, loss: str | None) -> Any:
    if loss is None:
        return recipe
    if not hasattr(recipe, "loss"):
        raise StudioError(f"{name} is trained with the loss of its recipe: leave --loss out.")
    if loss not in ADVERSARIAL:
        raise StudioError(f"There is no adversarial loss {loss!r}: choose one of {', '.join(ADVERSARIAL)}.")
    return replace(recipe, loss=loss)


def ship(name: str, *, data: Path, folder: Path | None = None, out: Path = Path("weights")) -> dict:
    """Writes `out`/NAME.safetensors from the run's checkpoint. Returns its sha256, size, the arguments of the
    net, minutes, pictures seen and scores.

    A run that makes two models at once, there and back, writes both files; the second is described under "inverse".
    """
    module = find(name)
    run = Run(folder or default_folder(name))
    state = run.load()
    if state is None:
        raise StudioError(f"There is no checkpoint in {run.folder}: train {name} first.")
    minutes = round(run.minutes)  # before the clock counts what follows
    recipe, seen = module.RECIPES[name], {"minutes": minutes, "images": state["images"]}
    if module is cyclegan:
        there, back = _translation(recipe, state, data)
        return {**_write(name, there, out), **seen, "inverse": _write(recipe.inverse, back, out)}
    return {**_write(name, FINISH[module](recipe, state, data), out), **seen}


Finished = tuple[nn.Module, dict[str, Any], dict[str, dict[str, float]]]  # net, arguments of its constructor, its scores


def _write(name: str, finished: Finished, out: Path) -> dict:
    net, config, scores = finished
    path = out / f"{name.replace('/', '-')}.safetensors"
    digest = weights.write(path, net.state_dict(), config)
    return {"file": path.name, "sha256": digest, "size": path.stat().st_size, "arguments": config, "scores": scores}


def _generator(recipe: dcgan.Recipe, state: dict, data: Path) -> Finished:
    train_set, held = dcgan.load_data(recipe, data)
    net = finished_generator(recipe, state)
    return net, dict(recipe.generator), score_generator(net, train_set, held, _perceptual_network())


def _perceptual_network() -> nn.Module:
    """The feature net that Frechet distances are taken on."""
    return features.shipped("features-vgg-small.safetensors", features.RECIPES["features/vgg-small"].net)


def _stylegan(recipe: stylegan2.Recipe, state: dict, data: Path) -> Finished:
    train_set, held = stylegan2.load_data(recipe, data)
    training = stylegan2.Training(recipe, torch.device("cpu"))
    training.restore(state)
    net = training.finished()
    return net, dict(recipe.generator), score_generator(net, train_set, held, _perceptual_network())


def _vae(recipe: vae.Recipe, state: dict, data: Path) -> Finished:
    train_set, held = vae.load_data(recipe, data)
    net = finished_vae(recipe, state, train_set)
    return net, dict(recipe.net), score_vae(net, train_set, held, recipe.held_out_groups)


def _features(recipe: features.Recipe, state: dict, data: Path) -> Finished:
    sets = features.load_data(recipe, data)
    student, net = features.finish(recipe, state, sets)
    return net, dict(recipe.net), features.score(student, sets, recipe)


def _arbitrary(recipe: adain.Recipe, state: dict, data: Path) -> Finished:
    training = adain.Training(recipe, torch.device("cpu"))
    training.restore(state)
    net = training.ema.net.eval()
    _, held = adain.load_data(recipe, data)
    contents, styles = held["photographs"].images[::12], held["paintings"].images[::20]
    return net, dict(recipe.net), score_restyler(net, contents, styles, features.shipped(recipe.features, recipe.net))


def _style(recipe: style.Recipe, state: dict, data: Path) -> Finished:
    net = style.TransformerNet(**recipe.net)
    net.load_state_dict(state["ema"]["net"])
    _, held = style.load_data(recipe, data)
    painting = style.load_painting(recipe, data)
    network = features.shipped(recipe.features, {"widths": recipe.widths})
    return net, dict(recipe.net), score_restyler(lambda x, _: net(x), held.images[::12], painting, network)


def _texture(recipe: texture.Recipe, state: dict, data: Path) -> Finished:
    bank, held = mosaics.read_textures(data / texture.FILES[0])
    net = texture.build(recipe).to(memory_format=torch.channels_last)
    net.load_state_dict(state["ema"]["net"])
    settle_batch_norm(net, lambda: net(texture.batch(bank, recipe, torch.device("cpu"))[0]))
    exams = {
        kind: texture.exam(held, *texture.FINAL, equalised=equalised, seed=1)
        for kind, equalised in (("colour", False), ("grey", True))
    }
    return net, dict(recipe.net), score_segmenter(net, recipe.build.partition(":")[0], exams)


def _translation(recipe: cyclegan.Recipe, state: dict, data: Path) -> tuple[Finished, Finished]:
    """There and back."""
    nets, pairs = cyclegan.finished(recipe, state), load_pairs(recipe, data)
    network = features.shipped(recipe.features, {"widths": recipe.widths})
    scores = score_directions(*nets, pairs.held_a, pairs.held_b, network)
    there, back = ((net, dict(layout), score) for net, layout, score in zip(nets, recipe.nets, scores))
    return there, back


FINISH = {
    dcgan: _generator,
    stylegan2: _stylegan,
    vae: _vae,
    features: _features,
    adain: _arbitrary,
    style: _style,
    texture: _texture,
}


def finished_generator(recipe: dcgan.Recipe, state: dict) -> nn.Module:
    """The averaged generator of a checkpoint, batch statistics measured anew and centres found."""
    training = dcgan.Training(recipe, torch.device("cpu"))
    training.restore(state)
    net = training.finished()
    dcgan.find_centres(net)
    return net


def finished_vae(recipe: vae.Recipe, state: dict, pictures: Pictures) -> nn.Module:
    """The averaged net of a checkpoint with what is measured on the training pictures."""
    net = vae.VAE(**recipe.net).eval().requires_grad_(False)
    net.load_state_dict(state["ema"]["net"])
    return vae.finish(net, recipe, pictures)
