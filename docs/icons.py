"""Make the icons' PNG pictures again from their SVG drawings: ``python docs/icons.py``.

The pictures are kept in the repository, so that a hub needs no renderer.
"""

from pathlib import Path

import vl_convert

ICONS = Path(__file__).parents[1] / "src/harken/web/static/icons"
MADE = (
    ("harken.svg", "harken-192.png", 192),
    ("harken.svg", "harken-512.png", 512),
    ("harken-maskable.svg", "harken-maskable-192.png", 192),
    ("harken-maskable.svg", "harken-maskable-512.png", 512),
    ("harken-badge.svg", "harken-badge.png", 96),
)
"""Drawing, picture, and its side in pixels; every drawing is 64 units wide."""


def main() -> None:
    """Render every picture beside its drawing."""
    for drawing, picture, side in MADE:
        svg = (ICONS / drawing).read_text("utf-8")
        (ICONS / picture).write_bytes(vl_convert.svg_to_png(svg, scale=side / 64, ppi=72))


if __name__ == "__main__":
    main()
