"""Draw the picture that is shown with a shared link: the site's logo, name and subject.

Usage: python -m pageproof.card OUT.png. It draws what mkdocs.yml says, by Chromium; the
picture is then made small with no more colours than it needs.
"""

import html
import io
import re
import sys
from pathlib import Path

from mkdocs.config import load_config
from PIL import Image

from pageproof.browser import chromium, find
from pageproof.metadata import CARD_SIZE

PAGE = """<!doctype html><style>
body {{ background: #14202e; color: #e6e9ef; margin: 0; overflow: hidden;
        font: 38px/1.35 "DejaVu Sans", sans-serif; }}
svg {{ position: absolute; left: 590px; top: -70px; width: 760px; }}
svg g {{ stroke: #35485e; }}
h1 {{ font-size: 84px; line-height: 1; margin: 0; white-space: nowrap; }}
div {{ bottom: 64px; left: 72px; position: absolute; width: 600px; }}
p {{ margin: 30px 0 0; }}
</style><body>{logo}<div><h1>{name}</h1><p>{description}</p></div>"""


def page(logo: str, name: str, description: str) -> str:
    """Return the card as HTML; the logo's own ground is left out."""
    logo = re.sub(r"<rect[^>]*/>", "", logo)
    return PAGE.format(
        logo=logo, name=html.escape(name), description=html.escape(description)
    )


def small(picture: bytes) -> bytes:
    """Return a PNG with 64 colours."""
    out = io.BytesIO()
    image = Image.open(io.BytesIO(picture)).convert("RGB").quantize(64)
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def draw(card: str) -> bytes:
    """Return a card as a picture."""
    width, height = CARD_SIZE
    with chromium(find()) as browser:
        tab = browser.new_page(viewport={"width": width, "height": height})
        tab.set_content(card)
        return small(tab.screenshot())


if __name__ == "__main__":
    config = load_config("mkdocs.yml", plugins=[], hooks=[])
    icon = Path(config.docs_dir).parent / config.theme["favicon"]
    card = page(icon.read_text("utf-8"), config.site_name, config.site_description)
    Path(sys.argv[1]).write_bytes(draw(card))
