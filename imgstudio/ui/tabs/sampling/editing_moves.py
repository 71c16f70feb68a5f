"""What the controls of "Steer" do: each handler leads to a picture, and tells the controls that have to follow."""

from __future__ import annotations

import time
from typing import Any

import gradio as gr

from imgstudio.errors import StudioError
from imgstudio.studio import pictures
from imgstudio.studio.sampling.latents import Latent

from ...kit import layout
from . import editing_inversion, editing_mix, editing_point, editing_walk
from .editing_mix import Grid
from .editing_point import MIDDLE, Base, Point
from .editing_walk import SavedPoints

QUIET = 0.3  # seconds without a new picture, after which what follows from it is drawn too
VISITORS = 500  # whose newest picture is remembered

_newest: dict[str, str] = {}  # visitor -> key of the newest picture


def show(point: Point, request: gr.Request) -> tuple:
    """Values for `Outputs.result`."""
    shown, key = editing_point.show(point), point.key()
    _newest.pop(request.session_hash or "", None)
    _newest[request.session_hash or ""] = key
    if len(_newest) > VISITORS:
        _newest.pop(next(iter(_newest)))
    return *shown, key


def settle(key: str, request: gr.Request) -> Any:
    """The key, unless something moves still: then the next one is awaited."""
    time.sleep(QUIET)
    return key if _newest.get(request.session_hash or "", key) == key else gr.skip()


def go_to(point: Point, request: gr.Request) -> tuple:
    """To another place, with all controls set accordingly: values for `Outputs.all`."""
    return *editing_point.control_updates(point), layout.model_line(point.model), *show(point, request)


def drag(*values: Any) -> tuple:
    """The handle of the pad is moved: values for (picture, caption, fact line)."""
    return editing_point.show(Point.of(*values))


def redraw(request: gr.Request, *values: Any) -> tuple:
    """The same place under other settings."""
    return show(Point.of(*values), request)


def choose_layers(request: gr.Request, *values: Any) -> tuple:
    """A range of layers, instead of those that the directions were named for."""
    return False, *show(Point.of(*values)._replace(named=False), request)


def change_seed(request: gr.Request, *values: Any) -> tuple:
    """The picture of the seed that was typed, in the middle of the pad."""
    point = Point.of(*values)._replace(base=Base(), pad=MIDDLE)
    return point.base, list(point.pad), *show(point, request)


def random_seed(request: gr.Request, *values: Any) -> tuple:
    """The picture of a random seed."""
    return go_to(Point.of(*values)._replace(seed=layout.random_seed(), base=Base(), pad=MIDDLE), request)


def reset(request: gr.Request, *values: Any) -> tuple:
    """Back to the middle of the pad, with all directions at zero."""
    return go_to(editing_point.reset(Point.of(*values))._replace(named=True), request)


def change_model(request: gr.Request, *values: Any) -> tuple:
    """The same seed from another model, whose directions are others."""
    point = editing_point.reset(Point.of(*values))
    return go_to(point._replace(base=Base(), named=True, first=1, last=editing_point.depth(point.model)), request)


def pick_mixture(request: gr.Request, event: gr.SelectData, grid: Grid, *values: Any) -> Any:
    """A click on the mixing grid."""
    base = editing_mix.chosen(event, grid)
    return gr.skip() if base is None else go_to(editing_point.reset(Point.of(*values))._replace(base=base), request)


def pick_saved(request: gr.Request, event: gr.SelectData, saved_points: SavedPoints, look: str) -> Any:
    """A click on a saved point: values for (saved points, `Outputs.all`)."""
    point, saved_points = editing_walk.choose(event, saved_points)
    return gr.skip() if point is None else (saved_points, *go_to(point._replace(look=look), request))


def pick_completion(request: gr.Request, event: gr.SelectData, bases: tuple[Base, ...], *values: Any) -> Any:
    """A click on a completion."""
    base = editing_inversion.chosen(event, bases)
    return gr.skip() if base is None else go_to(_found(base, *values), request)


def edit_found(request: gr.Request, base: Base | None, rows: str, *values: Any) -> tuple:
    """From the own picture that was found: values for (part, its name, rows of the mixing grid, `Outputs.all`)."""
    if base is None:
        raise StudioError('Nothing is found yet: press "Find it" first.')
    here = rows if editing_mix.HERE in rows else ", ".join(filter(None, [editing_mix.HERE, rows]))
    return gr.Tabs(selected="pad"), "pad", here, *go_to(_found(base, *values), request)


def _found(base: Base, *values: Any) -> Point:
    """What was found, exactly: its place was found with this noise."""
    return editing_point.reset(Point.of(*values))._replace(base=base, noisy=True, noise_seed=0)


def restore(request: gr.Request, path: str, *values: Any) -> tuple:
    """Controls and picture as they were when a downloaded picture was made; of any other that holds a place, that place."""
    saved = pictures.read_settings(path)
    try:
        return go_to((_edited_point if saved["task"] == "steer" else _latent_point)(saved, Point.of(*values)), request)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StudioError("This picture was not made here: choose one that you saved in this part.") from error


def _edited_point(saved: dict[str, Any], now: Point) -> Point:
    model, base = layout.find(saved["model"]).name, Base()
    if "base" in saved:
        base = Base(str(saved["told"]), Latent.from_text(model, saved["base"]))
    first, last = saved.get("layers") or (0, editing_point.depth(model) - 1)
    amounts = tuple(float(saved["amounts"].get(name, 0)) for name in editing_point.directions(model))
    x, y = saved["pad"]
    noise, truncation = saved["noise"], float(saved["truncation"])
    shared = (truncation, noise is not None, noise or 0, now.look, base, (x, y))
    seed, label = saved.get("seed", now.seed), saved.get("label")
    return Point(model, label, seed, *shared, "layers" not in saved, first + 1, last + 1, amounts)


def _latent_point(saved: dict[str, Any], now: Point) -> Point:
    model = layout.find(saved["model"]).name
    base = Base("Opened picture", Latent.from_text(model, saved["latent"]))
    fresh = now._replace(model=model, base=base, noisy=True, noise_seed=0, named=True, first=1)
    return editing_point.reset(fresh._replace(last=editing_point.depth(model)))
