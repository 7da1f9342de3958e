"""Colours and fonts of the pictures, readable on a light and on a dark page.

The page shows through, so what lies on it directly has a middle tone, and text stands on boxes of its own.
"""

from blueprints.flow_pictures.outcomes import ABORTED, CAUGHT, ELSEWHERE, FAILED, NOT_REACHED, RUNNING, SUCCEEDED

FONTS = "-apple-system, 'Segoe UI', Helvetica, Arial, 'Noto Sans', 'Noto Sans CJK JP', sans-serif"
LINE = "#848d97"
"""Arrows and frames."""
ERROR_LINE = "#d1623f"
TAKEN_LINE = "#2f6fd0"
NAME_TEXT, DETAIL_TEXT, WAIT_TEXT, ERROR_TEXT = "#1f2328", "#57606a", "#8250df", "#a63d1f"
BOX_FILL, BOX_LINE = "#ffffff", "#b6bec7"
FRAME_FILL = "#8b949e"
FRAME_FILL_OPACITY = "0.12"
CHIP = ("#f6f8fa", "#c4ccd4", NAME_TEXT)
ERROR_CHIP = ("#fdeee9", "#f0b8a4", ERROR_TEXT)
"""Fill, border and text of the labels of arrows."""

ACCENTS = {
    "Task": "#2f6fd0",
    "Choice": "#bf8700",
    "Wait": "#8250df",
    "Pass": "#848d97",
    "Parallel": "#12819a",
    "Map": "#12819a",
    "Succeed": "#1f8a46",
    "Fail": "#cf222e",
}

OUTCOMES = {
    SUCCEEDED: ("#dff5e5", "#1f8a46"),
    CAUGHT: ("#fff1d6", "#bf8700"),
    FAILED: ("#ffe3e1", "#cf222e"),
    ABORTED: ("#e9e3f7", "#8250df"),
    RUNNING: ("#ddebff", "#2f6fd0"),
    ELSEWHERE: ("#ffffff", "#848d97"),
    NOT_REACHED: ("#f6f8fa", "#b6bec7"),
}
"""Fill and border of a box by its state's outcome."""
