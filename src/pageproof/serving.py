"""Serve a built site as a host does, for tests and measurements.

    python -m pageproof.serving FOLDER PORT

Text goes out compressed, a file that the browser has is not sent again, what leads
nowhere is answered by a 404.html above it, and each file has the headers that
HOSTING.md recommends, if such a file is there.
"""

import functools
import gzip
import io
import re
import sys
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

TEXT = (".html", ".css", ".js", ".json", ".svg", ".xml", ".txt", ".md", ".ipynb")
TYPES = {".woff2": "font/woff2", ".md": "text/markdown", ".ipynb": "application/json"}
FENCE = re.compile(r"^```\w*\n((?:[A-Za-z-]+: \S.*\n)+)```$", re.MULTILINE)


def recommended(hosting: Path) -> dict[str, str]:
    """Return the headers of the one fenced block of `Name: value` lines in a file."""
    if not hosting.is_file():
        return {}
    blocks = FENCE.findall(hosting.read_text("utf-8"))
    if len(blocks) != 1:
        raise ValueError(f"{hosting}: expected one block of headers, got {len(blocks)}")
    return dict(line.split(": ", 1) for line in blocks[0].splitlines())


@functools.cache
def _packed(path: Path, changed: int) -> tuple[bytes, bool]:
    """Return what is sent of a file, and whether that is compressed."""
    packs = path.suffix in TEXT
    content = path.read_bytes()
    return (gzip.compress(content, 6, mtime=0) if packs else content), packs


class Handler(SimpleHTTPRequestHandler):
    """Answers as a host would; a connection stays open for the next file."""

    protocol_version = "HTTP/1.1"
    extensions_map = SimpleHTTPRequestHandler.extensions_map | TYPES

    def __init__(self, *args, headers: dict[str, str], **options) -> None:
        self.always = headers
        super().__init__(*args, **options)

    def send_head(self) -> io.BytesIO | None:
        path = Path(self.translate_path(self.path))
        if path.is_dir():
            if not urlsplit(self.path).path.endswith("/"):
                return super().send_head()  # leads to the address with the slash
            path /= "index.html"
        status = HTTPStatus.OK
        if not path.is_file():
            pages = (folder / "404.html" for folder in path.parents)
            path = next((page for page in pages if page.is_file()), path)
            status = HTTPStatus.NOT_FOUND
        if not path.is_file():
            self.send_error(status)
            return None
        changed = path.stat().st_mtime_ns
        tag = f'"{changed:x}"'
        if status == HTTPStatus.OK and self.headers.get("If-None-Match") == tag:
            self.send_response(HTTPStatus.NOT_MODIFIED)
            self.end_headers()
            return None
        content, packed = _packed(path, changed)
        if packed and "gzip" not in self.headers.get("Accept-Encoding", ""):
            content, packed = path.read_bytes(), False
        self.send_response(status)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", tag)
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        return io.BytesIO(content)

    def end_headers(self) -> None:
        for name, value in self.always.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *args) -> None:
        """Say nothing of what was asked for."""


def serving(
    folder: Path, headers: dict[str, str], port: int = 0
) -> ThreadingHTTPServer:
    """Return a server of a folder, to be started; port 0 is any free one."""
    handler = functools.partial(Handler, directory=str(folder), headers=headers)
    return ThreadingHTTPServer(("127.0.0.1", port), handler)


if __name__ == "__main__":
    served, number = sys.argv[1:]
    with serving(Path(served), recommended(Path("HOSTING.md")), int(number)) as server:
        print(f"http://127.0.0.1:{number}/")
        server.serve_forever()
