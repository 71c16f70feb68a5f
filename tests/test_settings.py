"""Limits of a server, as read from the environment."""

from __future__ import annotations

import pytest

from imgstudio.errors import StudioError
from imgstudio.ui.server import settings as module


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    for name in ("IMGSTUDIO_PUBLIC", "SPACE_ID", "IMGSTUDIO_STEPS", "IMGSTUDIO_SECONDS"):
        monkeypatch.delenv(name, raising=False)
    module.settings.cache_clear()
    yield
    module.settings.cache_clear()


def test_a_private_server_allows_more_than_a_public_one(monkeypatch):
    private = module.settings()
    module.settings.cache_clear()
    monkeypatch.setenv("IMGSTUDIO_PUBLIC", "1")
    public = module.settings()
    assert public.public and not private.public
    assert all(getattr(public, name) <= getattr(private, name) for name in module.PUBLIC)


@pytest.mark.parametrize(("setting", "expected"), [(None, True), ("0", False), ("1", True)])
def test_a_space_is_public_unless_its_owner_says_otherwise(monkeypatch, setting, expected):
    monkeypatch.setenv("SPACE_ID", "owner/name")
    if setting is not None:
        monkeypatch.setenv("IMGSTUDIO_PUBLIC", setting)
    assert module.settings().public is expected


def test_single_limits_are_replaced(monkeypatch):
    monkeypatch.setenv("IMGSTUDIO_STEPS", "70")
    monkeypatch.setenv("IMGSTUDIO_SECONDS", "2.5")
    assert (module.settings().steps, module.settings().seconds) == (70, 2.5)


@pytest.mark.parametrize("text", ["many", "0", "-3", "1e9", "2.5", "٣", "99999999999"])
def test_what_is_no_number_is_a_sentence(monkeypatch, text):
    monkeypatch.setenv("IMGSTUDIO_STEPS", text)
    with pytest.raises(StudioError, match="IMGSTUDIO_STEPS"):
        module.settings()
