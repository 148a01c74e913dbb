"""The server that stands in for a host."""

import gzip
import threading
from http.client import HTTPConnection

import pytest

from pageproof.serving import recommended, serving

HOSTING = """# Hosting

```console
$ mkdocs build
```

```text
X-One: a; b
X-Two: 'none'
```
"""


@pytest.fixture
def ask(tmp_path):
    """Ask a server of a small site for a path; get status, headers and content."""
    (tmp_path / "part").mkdir()
    (tmp_path / "part/index.html").write_text("<p>a page</p>" * 99, "utf-8")
    (tmp_path / "font.woff2").write_bytes(b"packed already")
    (tmp_path / "404.html").write_text("nothing here", "utf-8")
    with serving(tmp_path, {"X-One": "a; b"}) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def ask(path, **headers):
            connection = HTTPConnection(*server.server_address, timeout=5)
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("GET", path, headers=names)
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            assert answer.headers["X-One"] == "a; b"
            return answer.status, answer.headers, content

        yield ask
        server.shutdown()


def test_text_is_compressed_for_those_who_can_read_it(ask):
    status, headers, content = ask("/part/", Accept_Encoding="gzip, br")
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert headers["Content-Type"] == "text/html"
    assert gzip.decompress(content) == b"<p>a page</p>" * 99
    status, headers, content = ask("/part/")
    assert (headers["Content-Encoding"], content) == (None, b"<p>a page</p>" * 99)


def test_a_font_is_sent_as_it_is(ask):
    _, headers, content = ask("/font.woff2", Accept_Encoding="gzip")
    assert (headers["Content-Type"], headers["Content-Encoding"]) == (
        "font/woff2",
        None,
    )
    assert content == b"packed already"


def test_a_file_that_the_browser_has_is_not_sent_again(ask):
    tag = ask("/part/")[1]["ETag"]
    assert ask("/part/", If_None_Match=tag)[::2] == (304, b"")
    assert ask("/part/", If_None_Match='"other"')[0] == 200


def test_a_folder_without_its_slash_leads_to_the_folder(ask):
    status, headers, _ = ask("/part")
    assert (status, headers["Location"]) == (301, "/part/")


def test_what_leads_nowhere_says_so_as_the_site_does(ask):
    assert ask("/part/none")[::2] == (404, b"nothing here")


def test_the_headers_are_those_of_the_block_of_names_and_values(tmp_path):
    file = tmp_path / "HOSTING.md"
    assert recommended(file) == {}
    file.write_text(HOSTING, "utf-8")
    assert recommended(file) == {"X-One": "a; b", "X-Two": "'none'"}


@pytest.mark.parametrize("text", ["# Hosting\n", HOSTING + HOSTING])
def test_a_file_with_no_block_of_headers_or_two_is_refused(text, tmp_path):
    (tmp_path / "HOSTING.md").write_text(text, "utf-8")
    with pytest.raises(ValueError, match=r"expected one block of headers, got [02]"):
        recommended(tmp_path / "HOSTING.md")
