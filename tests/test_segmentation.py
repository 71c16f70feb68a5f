"""Regions of a picture: found where the textures are, shown and exported without loss, and wrong requests answered."""

from __future__ import annotations

import csv
import io
import json
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import adjusted_rand_score
from table import each_row
from torch.nn import functional as F

import imgstudio
from imgstudio import StudioError, catalog, image
from imgstudio.bench import texture as bench
from imgstudio.cli.main import main
from imgstudio.metrics.segmentation import adjusted_rand, mean_iou
from imgstudio.ops.texture import clustering, labels, segmentation
from imgstudio.studio import texture
from imgstudio.studio.texture import export
from imgstudio.studio.texture.mosaic import mosaic

GABOR = "gabor/texture"


@pytest.fixture(scope="module")
def quarters():
    """Four very different textures, the truth, and what one look at them found."""
    made = mosaic(1, regions=4, size=128)
    return made, texture.embed(GABOR, made.image)


@pytest.fixture(scope="module")
def found(quarters):
    return texture.regions_of(quarters[1], 4)


def blobs(counts: list[int], spread: float = 0.05, dimensions: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    """Unit vectors around random directions, and which one each belongs to."""
    generator = torch.Generator().manual_seed(1)
    centres = F.normalize(torch.randn(len(counts), dimensions, generator=generator), dim=1)
    owner = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    noise = spread * torch.randn(len(owner), dimensions, generator=generator)
    return F.normalize(centres[owner] + noise, dim=1), owner


def groups(points: torch.Tensor) -> clustering.Hierarchy:
    """Their hierarchy, as if they stood in a row."""
    return clustering.hierarchy(points, points.T[:, None])


# --- clustering ---


@each_row("counts", [[400], [300, 300], [500, 60, 200], [200, 150, 100, 80, 60, 150]])
def test_the_number_of_groups_is_found_and_so_are_they(counts):
    points, owner = blobs(counts)
    tree = groups(points)
    assert tree.distinct() == len(counts)
    group = tree.levels[len(counts)][(points @ tree.leaves.T).argmax(dim=1)]
    assert adjusted_rand(group.numpy()[None], owner.numpy()[None]) > 0.99


def test_fewer_groups_are_unions_of_more():
    tree = groups(blobs([100, 200, 50, 80])[0])
    for count in range(2, len(tree.leaves) + 1):
        assert sorted(set(tree.levels[count].tolist())) == list(range(count))
        inner, outer = tree.levels[count], tree.levels[count - 1]
        assert len(set(zip(inner.tolist(), outer.tolist()))) == count, "no group may be divided on the way to fewer"


def test_points_that_are_alike_are_one_group():
    tree = groups(F.normalize(torch.ones(50, 6) + 1e-5 * torch.randn(50, 6), dim=1))
    assert len(tree.leaves) == 1
    assert tree.distinct() == 1


def test_groups_in_the_same_places_are_one_texture():
    """Stripes of two kinds of pixels beside a third kind are two textures; each kind in a place of its own, three."""
    generator = torch.Generator().manual_seed(2)
    kinds = F.normalize(torch.randn(3, 8, generator=generator), dim=1)
    row = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1] * 12 + [2] * 96)
    for owner, count in ((row, 2), (row.sort().values, 3)):
        clean = kinds[owner.expand(64, -1)].permute(2, 0, 1)
        features = F.normalize(clean + 0.15 * torch.randn(8, 64, 192, generator=generator), dim=0)
        tree = clustering.hierarchy(features.flatten(1).T[::7].contiguous(), features)
        assert tree.distinct() == count
        found = tree.levels[count][torch.einsum("dhw,ld->lhw", features, tree.leaves).argmax(dim=0)]
        truth = owner if count == 3 else (owner == 2).long()
        assert adjusted_rand(found.numpy(), truth.expand(64, -1).numpy()) > 0.95


def test_borders_move_to_the_edge_of_the_picture():
    """The features' border is 4 px off and blurred; the picture shows where it really is."""
    x = torch.arange(64.0)
    share = torch.sigmoid((x - 35.5) / 2).expand(48, -1)
    features = F.normalize(torch.stack([1 - share, share]), dim=0)
    picture = torch.where(x < 32, -0.5, 0.5).expand(3, 48, -1)
    membership = torch.stack([1 - share, share])
    refined = segmentation.refine(membership, segmentation.edge_weights(features, picture), 0.0)
    assert ((membership.argmax(dim=0) == 1).sum(dim=1) == 28).all()
    assert ((refined.argmax(dim=0) == 1).sum(dim=1) == 32).all()


def test_a_group_that_smoothing_would_swallow_keeps_its_pixels():
    membership = torch.zeros(2, 30, 30)
    membership[0], membership[1, 15, 15] = 0.4, 0.6
    weights = segmentation.EdgeWeights(torch.ones(30, 30), torch.zeros(30, 30), torch.zeros(30, 30))
    refined = segmentation.refine(membership, weights, 0.01)
    assert refined.argmax(dim=0).unique().tolist() == [0, 1]


def test_islands_are_small_parts_but_never_the_last_of_a_region():
    found = np.zeros((20, 20), int)
    found[2:4, 2:4] = 1  # the only part of region 1
    found[10:16, 10:16] = 2
    found[18, 1] = 2
    gone = labels.islands(found, 10)
    assert gone.sum() == 1
    assert gone[18, 1]


def test_large_pictures_are_decided_in_strips_as_if_at_once():
    membership = torch.rand(3, 11, 17, generator=torch.Generator().manual_seed(0)).softmax(dim=0)
    whole = F.interpolate(membership[None], size=(50, 60), mode="bilinear", align_corners=False)[0]
    best = whole.topk(2, dim=0).values
    found, clear = segmentation.decide(membership, 50, 60, strip=7)
    assert (found == whole.argmax(dim=0).numpy()).all()
    np.testing.assert_allclose(clear, 1 - best[1] / best[0], atol=1e-5)


# --- segmentation ---


def test_textures_are_found(quarters, found):
    made, looked = quarters
    scores = texture.agreement(found, made.labels)
    assert scores["mean IoU"] > 0.85
    assert scores["adjusted Rand index"] > 0.85
    assert texture.regions_of(looked).regions == 4


def test_a_segmentation_is_ordered_and_complete(found):
    assert found.labels.dtype == np.int32
    assert found.labels.shape == found.confidence.shape == (128, 128)
    assert found.confidence.dtype == np.float32
    assert found.confidence.min() >= 0
    assert found.confidence.max() <= 1
    assert np.bincount(found.labels.ravel()).tolist() == [0, *(round(share * 128 * 128) for share in found.areas)]
    assert found.area(1) == found.areas[0]
    assert list(found.areas) == sorted(found.areas, reverse=True)
    assert sum(found.areas) == pytest.approx(1)
    edge, middle = labels.borders(found.labels), labels.interior_point(found.labels == 1)
    assert found.confidence[edge].mean() < found.confidence[~edge].mean()
    assert found.labels[middle] == 1


def test_the_same_picture_gives_the_same_regions(quarters, found):
    again = imgstudio.segment(GABOR, quarters[0].image, regions=4)
    assert (again.labels == found.labels).all()
    assert (again.confidence == found.confidence).all()


@each_row("regions", [1, 2, 7, 14, 25])
def test_the_number_asked_for_is_the_number_there_is(quarters, regions):
    assert texture.regions_of(quarters[1], regions).regions == regions


def test_another_number_needs_no_net(quarters, monkeypatch):
    def no_net(*_):
        raise AssertionError("the net ran again")

    monkeypatch.setattr(texture, "open_model", no_net)
    assert texture.regions_of(quarters[1], 3).regions == 3


def test_labels_have_the_size_of_the_picture_whatever_the_net_saw():
    picture = mosaic(2, regions=2, size=128).image.resize((300, 170))
    looked = texture.embed(GABOR, picture, size=96)
    assert looked.features.shape[1:] == (54, 96)
    assert texture.regions_of(looked, 2).labels.shape == (170, 300)


@each_row("size", [(1, 1), (1, 40), (3, 2), (17, 16)])
def test_tiny_pictures_have_regions_too(size):
    picture = Image.effect_noise(size, 50)
    segmentation = imgstudio.segment(GABOR, picture)
    assert segmentation.labels.shape == size[::-1]
    assert imgstudio.overlay(picture, segmentation).size == size


def test_a_flat_picture_is_one_region_and_cannot_be_divided():
    flat = Image.new("RGB", (40, 30), "tomato")
    assert imgstudio.segment(GABOR, flat).areas == (1.0,)
    assert imgstudio.segment(GABOR, flat, regions=1).areas == (1.0,)
    with pytest.raises(StudioError, match="only one texture that can be told apart: choose fewer"):
        imgstudio.segment(GABOR, flat, regions=3)


def test_a_picture_has_no_more_regions_than_pixels():
    with pytest.raises(StudioError, match="choose at most 6"):
        imgstudio.segment(GABOR, Image.new("RGB", (3, 2)), regions=9)


def test_a_model_for_something_else_is_refused():
    with pytest.raises(StudioError, match="choose one of .*gabor/texture"):
        imgstudio.segment("features/vgg-small", Image.new("RGB", (32, 32)))


def test_forty_megapixels_are_shrunk_for_the_net_only():
    wide = Image.new("RGB", (8000, 5000), "white")
    wide.paste(Image.effect_noise((4000, 5000), 80), (0, 0))
    segmentation = imgstudio.segment(GABOR, wide, regions=2)
    assert segmentation.labels.shape == (5000, 8000)
    assert segmentation.areas == pytest.approx((0.5, 0.5), abs=0.02)


# --- merging ---


def test_merging_joins_two_regions_and_orders_anew(found):
    merged = texture.merge(found, 4, 3)
    assert merged.regions == 3
    assert max(merged.areas) == merged.areas[0]
    together = (found.labels == 3) | (found.labels == 4)
    (name,) = np.unique(merged.labels[together])
    assert (merged.mask(int(name)) == together).all()


@each_row(("a", "b", "message"), [(1, 1, "Two different"), (1, 5, "1 to 4"), (0, 1, "1 to 4")])
def test_regions_that_cannot_be_merged(found, a, b, message):
    with pytest.raises(StudioError, match=message):
        texture.merge(found, a, b)


# --- the overlay ---


def test_colours_are_distinct_and_stay_the_same():
    colours = texture.palette(40)
    assert len(set(colours)) == 40
    assert texture.palette(5) == colours[:5]
    apart = min(sum((a - b) ** 2 for a, b in zip(one, other)) for i, one in enumerate(colours[:12]) for other in colours[:i])
    assert apart > 40**2


def test_views(quarters, found):
    picture = quarters[0].image
    shown = {view: imgstudio.overlay(picture, found, view=view, numbers=False) for view in texture.VIEWS}
    assert shown["original"].tobytes() == picture.tobytes()
    assert shown["side by side"].size == (256, 128)
    assert shown["side by side"].crop((128, 0, 256, 128)).tobytes() == shown["overlay"].tobytes()
    inside = ~labels.borders(found.labels)
    colours = np.array([(0, 0, 0), *texture.palette(4)])[found.labels]
    assert (np.asarray(shown["labels"])[inside] == colours[inside]).all()
    assert (np.asarray(shown["borders"])[inside] == np.asarray(picture)[inside]).all()
    assert (np.asarray(shown["borders"])[~inside] == 255).all()
    half = (np.asarray(picture, float) + colours) / 2
    assert np.abs(np.asarray(shown["overlay"], float) - half)[inside].max() <= 1


def test_numbers_and_opacity(quarters, found):
    picture = quarters[0].image
    assert imgstudio.overlay(picture, found, numbers=True).tobytes() != imgstudio.overlay(picture, found, numbers=False).tobytes()
    clear, full = (imgstudio.overlay(picture, found, opacity=o, numbers=False) for o in (0.0, 1.0))
    assert clear.tobytes() == imgstudio.overlay(picture, found, view="borders", numbers=False).tobytes()
    assert full.tobytes() == imgstudio.overlay(picture, found, view="labels", numbers=False).tobytes()


def test_regions_of_another_picture_are_noticed(found):
    for function in (
        imgstudio.overlay,
        lambda p, s: export.table(s, p),
        lambda p, s: export.cutouts(p, s, "x.zip"),
    ):
        with pytest.raises(StudioError, match="another picture"):
            function(Image.new("RGB", (5, 5)), found)


# --- exports ---


def test_a_label_map_is_lossless(found, tmp_path):
    path = image.save_png(export.label_map(found), tmp_path / "map.png")
    assert (export.read_label_map(path) == found.labels).all()
    with Image.open(path) as opened:
        assert opened.mode == "P"
        seen = np.asarray(opened.convert("RGB"))
    assert (seen == np.array([(0, 0, 0), *texture.palette(4)])[found.labels]).all()


def test_any_whole_numbers_are_regions_from_1_and_a_map_from_0_is_one_from_1(found):
    ordered = texture.from_labels(np.array([[-3, 0, 0], [7, 7, 7]]))
    assert ordered.labels.tolist() == [[3, 2, 2], [1, 1, 1]]
    written = Image.fromarray((found.labels - 1).astype(np.uint8))  # as older versions did
    assert (texture.from_labels(export.read_label_map(written)).labels == found.labels).all()


def test_what_is_no_label_map_is_refused(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "rgb.png")
    (tmp_path / "text.png").write_text("no picture")
    for name in ("rgb.png", "text.png", "missing.png"):
        with pytest.raises(StudioError, match="label map"):
            export.read_label_map(tmp_path / name)


def test_cutouts_make_up_the_picture_again(quarters, found, tmp_path):
    picture = quarters[0].image
    path = export.cutouts(picture, found, tmp_path / "cut.zip")
    with zipfile.ZipFile(path) as archive:
        *names, records = archive.namelist()
        assert names == [f"region-0{i}.png" for i in (1, 2, 3, 4)]
        assert json.loads(archive.read(records))["regions"]["operation"] == "regions_of"
        pieces = [Image.open(io.BytesIO(archive.read(name))) for name in names]
    again = Image.new("RGB", picture.size, "magenta")
    for region, piece in enumerate(pieces, start=1):
        assert piece.mode == "RGBA"
        assert np.count_nonzero(np.asarray(piece)[:, :, 3] == 255) == found.mask(region).sum()
        rows, columns = np.nonzero(found.mask(region))
        again.paste(piece, (int(columns.min()), int(rows.min())), piece)
    assert again.tobytes() == picture.tobytes()
    assert export.cutouts(picture, found, tmp_path / "again.zip").read_bytes() == path.read_bytes()


def test_the_table_counts_and_names_colours():
    truth = texture.from_labels(np.array([[5, 5, 5], [5, 9, 9]]))
    pixels = np.zeros((2, 3, 3), np.uint8)
    pixels[truth.labels == 2] = [(0, 0, 255), (0, 100, 255)]
    rows = export.table(truth, pixels)
    colours = ["#" + bytes(colour).hex() for colour in texture.palette(2)]
    assert [list(row.values()) for row in rows] == [
        [1, pytest.approx(4 / 6), 4, "#000000", colours[0]],
        [2, pytest.approx(2 / 6), 2, "#0032ff", colours[1]],
    ]
    read = list(csv.DictReader(io.StringIO(export.csv(truth, pixels))))
    assert tuple(read[0]) == export.COLUMNS
    assert [row["pixels"] for row in read] == ["4", "2"]


def decoded(rle: dict) -> np.ndarray:
    """A COCO mask from its uncompressed run lengths."""
    height, width = rle["size"]
    runs = [np.full(length, i % 2, bool) for i, length in enumerate(rle["counts"])]
    return np.concatenate(runs).reshape(width, height).T


def test_coco_keeps_its_own_rules(found):
    made = json.loads(json.dumps(export.coco(found, name="folder/cat.png")))
    (picture,) = made["images"]
    assert picture == {"id": 1, "file_name": "cat.png", "width": 128, "height": 128}
    categories = {category["id"] for category in made["categories"]}
    assert len(categories) == len(made["categories"]) == 4
    assert len({annotation["id"] for annotation in made["annotations"]}) == 4
    for region, annotation in enumerate(made["annotations"], start=1):
        assert annotation["image_id"] == picture["id"]
        assert annotation["id"] == annotation["category_id"] == region
        assert annotation["category_id"] in categories
        assert annotation["iscrowd"] == 1, "run lengths are for crowds, polygons for single things"
        counts = annotation["segmentation"]["counts"]
        assert sum(counts) == 128 * 128
        assert all(count > 0 for count in counts[1:])
        mask = decoded(annotation["segmentation"])
        assert (mask == found.mask(region)).all()
        assert annotation["area"] == mask.sum()
        left, top, width, height = annotation["bbox"]
        assert mask[top : top + height, left : left + width].sum() == mask.sum()
        for line in (mask[top], mask[top + height - 1], mask[:, left], mask[:, left + width - 1]):
            assert line.any()


# --- scores ---


def test_scores_do_not_care_for_names():
    truth = np.random.default_rng(0).integers(0, 4, (30, 40))
    renamed = np.array([7, 3, 0, 12])[truth]
    assert mean_iou(renamed, truth) == adjusted_rand(renamed, truth) == 1.0


def test_mean_iou_by_hand():
    truth = np.array([[0, 0, 0, 0, 1, 1]])
    assert mean_iou(np.array([[0, 0, 0, 1, 1, 1]]), truth) == pytest.approx((3 / 4 + 2 / 3) / 2)
    assert mean_iou(np.array([[0, 0, 2, 2, 1, 1]]), truth) == pytest.approx((2 / 4 + 1) / 2), "a divided region counts half"
    assert mean_iou(np.zeros((1, 6), int), truth) == pytest.approx((4 / 6 + 0) / 2), "an overlooked region counts 0"


def test_adjusted_rand_is_that_of_scikit_learn():
    random = np.random.default_rng(1)
    for classes in (1, 2, 5):
        a, b = random.integers(0, classes, (20, 9)), random.integers(0, 3, (20, 9))
        a[:10] = b[:10]
        assert adjusted_rand(a, b) == pytest.approx(adjusted_rand_score(b.ravel(), a.ravel()))
    assert adjusted_rand(np.zeros((3, 3), int), np.ones((3, 3), int)) == 1.0


def test_maps_of_two_sizes_have_no_score(found):
    with pytest.raises(StudioError, match="one size"):
        texture.agreement(found, np.zeros((3, 3), int))


# --- the command line ---


def test_the_verbs_write_everything(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["mosaic", "--seed", "3", "--regions", "3", "--size", "96", "--truth", "truth.png"]) == 0
    made = mosaic(3, regions=3, size=96)
    assert image.read("mosaic.png").tobytes() == made.image.tobytes()
    assert (export.read_label_map("truth.png") == made.labels).all()
    files = {"labels": "map.png", "cutouts": "cut.zip", "csv": "table.csv", "coco": "coco.json", "truth": "truth.png"}
    options = ["--regions", "3", *(word for name, file in files.items() for word in (f"--{name}", file))]
    capsys.readouterr()
    assert main(["segment", "mosaic.png", "--model", GABOR, *options]) == 0
    said = capsys.readouterr().out
    found = imgstudio.segment(GABOR, "mosaic.png", regions=3)
    assert (export.read_label_map("map.png") == found.labels).all()
    assert image.read("segment.png").tobytes() == imgstudio.overlay("mosaic.png", found).tobytes()
    assert json.loads((tmp_path / "coco.json").read_text())["images"][0]["file_name"] == "mosaic.png"
    assert (tmp_path / "table.csv").read_text() in said
    assert f"mean IoU {texture.agreement(found, made.labels)['mean IoU']:.3f}" in said


def test_a_failure_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (8, 8)).save("flat.png")
    assert main(["segment", "flat.png", "--model", GABOR, "--regions", "5"]) == 2
    assert (
        capsys.readouterr().err == "imgstudio: This picture has only one texture that can be told apart: choose fewer regions.\n"
    )


def test_bench_measures_segmentation_beside_felzenszwalb(monkeypatch, capsys):
    monkeypatch.setattr(catalog, "SPECS", (catalog.find(GABOR),))
    monkeypatch.setattr(bench, "SIZE", 64)
    assert main(["bench", "--repeats", "2"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith(GABOR)]
    assert [line[22:42].strip() for line in lines] == ["picture to regions", "another number"]
    for line in lines:
        studio, plain, ratio = map(float, line[42:].split())
        assert studio >= 0 and plain >= 0 and ratio > 0
