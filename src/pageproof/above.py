"""The site's root, above its languages, filled in with where the site lies."""

import shutil
from pathlib import Path
from urllib.parse import urlsplit

import jinja2

from pageproof.policy import with_policy


def write(templates: Path, site: Path, address: str) -> None:
    """Write the templates' pages to the folder `site`, found at `address`, or at /."""
    base = urlsplit(address).path.rstrip("/") + "/"
    for path in sorted(templates.iterdir()):
        if path.suffix not in (".html", ".txt"):
            shutil.copyfile(path, site / path.name)
            continue
        template = jinja2.Template(path.read_text("utf-8"))
        text = template.render(base=base, address=f"{address}/")
        text = with_policy(text) if path.suffix == ".html" else text + "\n"
        (site / path.name).write_text(text, encoding="utf-8")
