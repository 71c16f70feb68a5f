"""Colours, fonts and shapes: white in light mode and bottle green in dark mode; the pictures dominate.

The accent colour, vermilion, is kept for the primary button of each tab.
What Gradio's theme variables cannot say stands in assets/theme.css.
"""

from __future__ import annotations

import gradio as gr
from gradio.themes.utils.colors import Color

from ... import resources

ASSETS = resources.folder("assets")
STYLESHEET = ASSETS / "theme.css"
SCRIPT = ASSETS / "accessible.js"
ICON = ASSETS / "icon.svg"

VERMILION = Color(
    "#fff3ef", "#ffe2d9", "#fdc3b3", "#f79c84", "#ec6f52", "#d8391b", "#bf2e13", "#9d2610", "#7c2010", "#5f1a0f", "#3b0f08",
    name="vermilion",
)  # fmt: skip
PLASTER = Color(
    "#f6f7f5", "#ecefeb", "#dce1db", "#c2cac3", "#96a29b", "#6b7872", "#4f5b56", "#37433e", "#1f2b27", "#15201c", "#0d1613",
    name="plaster",
)  # fmt: skip


def head() -> str:
    """What stands in the head of the page. Not by css_paths: the page rewrites those rules, and breaks the ones inside @media and
    those with a comma in :is()."""
    return f"<style>{STYLESHEET.read_text(encoding='utf-8')}</style><script>{SCRIPT.read_text(encoding='utf-8')}</script>"


def theme() -> gr.themes.Base:
    """Every font in it is one that Gradio serves itself, so the page loads nothing from elsewhere."""
    # Regular and Bold only: the other weights that Gradio serves hold few letters.
    sans = (gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "system-ui", "sans-serif")
    mono = (gr.themes.LocalFont("IBM Plex Mono", weights=(400, 700)), "ui-monospace", "monospace")
    base = gr.themes.Base(
        primary_hue=VERMILION,
        secondary_hue=PLASTER,
        neutral_hue=PLASTER,
        font=sans,
        font_mono=mono,
        radius_size=gr.themes.sizes.radius_sm,
        spacing_size=gr.themes.sizes.spacing_md,
        text_size=gr.themes.sizes.text_md,
    )
    return base.set(**_surfaces(), **_controls())


def _surfaces() -> dict[str, str]:
    """Backgrounds, borders and texts. Blocks have no box of their own."""
    return {
        "body_background_fill": "*neutral_100",
        "body_background_fill_dark": "*neutral_950",
        "body_text_color": "*neutral_900",
        "body_text_color_dark": "#e6ebe7",
        "body_text_color_subdued": "#5b6862",
        "body_text_color_subdued_dark": "#9daaa3",
        "background_fill_primary": "*neutral_50",
        "background_fill_primary_dark": "*neutral_900",
        "background_fill_secondary": "*neutral_100",
        "background_fill_secondary_dark": "*neutral_950",
        "border_color_primary": "*neutral_300",
        "border_color_primary_dark": "#33413b",
        "border_color_accent": "*neutral_800",
        "border_color_accent_dark": "*neutral_300",
        "color_accent": "*neutral_800",
        "color_accent_soft": "*neutral_200",
        "color_accent_soft_dark": "*neutral_800",
        "block_background_fill": "transparent",
        "block_background_fill_dark": "transparent",
        "block_border_width": "0px",
        "block_shadow": "none",
        "block_padding": "0px",
        "block_title_text_weight": "600",
        "block_title_text_size": "*text_sm",
        "block_title_text_color": "*body_text_color",
        "block_info_text_size": "*text_xs",
        "block_info_text_color": "*body_text_color_subdued",
        "block_label_background_fill": "transparent",
        "block_label_background_fill_dark": "transparent",
        "block_label_border_width": "0px",
        "block_label_text_color": "*body_text_color_subdued",
        "layout_gap": "20px",
        "form_gap_width": "0px",
        "panel_background_fill": "transparent",
        "panel_background_fill_dark": "transparent",
        "link_text_color": "*body_text_color",
        "link_text_color_dark": "*body_text_color",
        "loader_color": "*body_text_color_subdued",
    }


def _controls() -> dict[str, str]:
    """Buttons, fields and sliders: dark on light, vermilion for the primary button alone."""
    return {
        "button_primary_background_fill": "*primary_500",
        "button_primary_background_fill_dark": "*primary_500",
        "button_primary_background_fill_hover": "*primary_600",
        "button_primary_background_fill_hover_dark": "*primary_600",
        "button_primary_text_color": "white",
        "button_primary_text_color_dark": "white",
        "button_primary_border_color": "*primary_500",
        "button_primary_border_color_dark": "*primary_500",
        "button_secondary_background_fill": "transparent",
        "button_secondary_background_fill_dark": "transparent",
        "button_secondary_background_fill_hover": "*neutral_200",
        "button_secondary_background_fill_hover_dark": "*neutral_800",
        "button_secondary_border_color": "*neutral_400",
        "button_secondary_border_color_dark": "*neutral_600",
        "button_secondary_text_color": "*body_text_color",
        "button_secondary_text_color_dark": "*body_text_color",
        "button_border_width": "1px",
        "button_large_text_weight": "600",
        "button_small_text_weight": "400",
        "input_background_fill": "white",
        "input_background_fill_dark": "*neutral_900",
        "input_border_color": "*neutral_300",
        "input_border_color_dark": "#3b4943",
        "input_border_color_focus": "*neutral_700",
        "input_border_color_focus_dark": "*neutral_300",
        "input_border_width": "1px",
        "input_shadow": "none",
        "input_shadow_focus": "0 0 0 2px *neutral_300",
        "input_shadow_focus_dark": "0 0 0 2px *neutral_700",
        "slider_color": "*neutral_700",
        "slider_color_dark": "*neutral_300",
        "checkbox_background_color_selected": "*neutral_800",
        "checkbox_background_color_selected_dark": "*neutral_400",
        "checkbox_border_color_selected": "*neutral_800",
        "checkbox_border_color_selected_dark": "*neutral_400",
        "checkbox_border_color_focus": "*neutral_700",
        "checkbox_border_color_focus_dark": "*neutral_300",
        "checkbox_label_background_fill": "transparent",
        "checkbox_label_background_fill_dark": "transparent",
        "checkbox_label_background_fill_hover": "*neutral_200",
        "checkbox_label_background_fill_hover_dark": "*neutral_800",
        "checkbox_label_background_fill_selected": "*neutral_200",
        "checkbox_label_background_fill_selected_dark": "*neutral_800",
        "checkbox_label_border_color": "*neutral_300",
        "checkbox_label_border_color_dark": "#3b4943",
        "checkbox_label_text_color_selected": "*body_text_color",
        "checkbox_label_text_color_selected_dark": "*body_text_color",
    }
