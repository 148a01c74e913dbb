"""Which fences the site shows, where they stand, and which a page may show."""

from dataclasses import FrozenInstanceError

import markdown
import pytest

from pageproof.fences import LIKE_A_FENCE, Fence, FenceFinder

EXTENSIONS = ["admonition", "pymdownx.details", "pymdownx.superfences"]


@pytest.fixture
def find():
    settings = {"pymdownx.superfences": {"disable_indented_code_blocks": True}}
    md = markdown.Markdown(extensions=EXTENSIONS, extension_configs=settings)
    finder = FenceFinder(md)
    return lambda text: finder.find(text.split("\n"))


PAGE = """\
# Title

```python
x = 1

y = 2
```

    ~~~ sh
    echo
    ~~~
> ````
> ```
> ````
"""
FOUND = [
    Fence("python", "x = 1\n\ny = 2", "```python", 2, 6),
    Fence("sh", "echo", "    ~~~ sh", 8, 10),
    Fence("", "```", "> ````", 11, 13),
]


def test_fences_are_found_in_order_with_language_source_and_lines(find):
    assert find(PAGE) == FOUND
    assert [fence.indent for fence in FOUND] == ["", "    ", ""]


def test_a_finder_forgets_the_page_before(find):
    find(PAGE)
    assert find("```text\na\n```") == [Fence("text", "a", "```text", 0, 2)]
    assert find("no fence") == []


def test_a_fence_that_was_found_does_not_change():
    with pytest.raises(FrozenInstanceError):
        FOUND[0].start = 3


def test_an_unclosed_fence_is_none(find):
    assert find("```python\nx = 1") == []


def fence(header, language):
    return Fence(language, "", header, 0, 1)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("```python", "python"),
        ("    ````python", "python"),
        ("```sh", "sh"),
        ("```bash", "bash"),
        *((f"```{inert}", inert) for inert in ("text", "console", "toml", "yaml")),
        *((f"```{inert}", inert) for inert in ("json", "markdown", "html", "css")),
        ("~~~ json title='a'", "json"),
        ("> ```toml", "toml"),
    ],
)
def test_a_fence_that_a_page_may_show(header, language):
    assert fence(header, language).objection() is None


RUN = "is shown as {0} but would not be run: write ```{0} and nothing else"
KNOWN = "python, sh, bash, text, console, toml, yaml, json, markdown, html, css"


@pytest.mark.parametrize(
    ("header", "language", "says"),
    [
        ("~~~python", "python", "'~~~python' " + RUN.format("python")),
        ("  ``` sh", "sh", "'``` sh' " + RUN.format("sh")),
        ("> ```python x", "python", "'```python x' " + RUN.format("python")),
        ("```py", "py", "'```py' " + RUN.format("python")),
        ("```pycon", "pycon", "'```pycon' " + RUN.format("python")),
        ("> ```bash", "bash", "a block in a quotation cannot be run"),
        ("```c", "c", f"a fence '```c': expected one of {KNOWN}"),
        ("  ```pythn", "pythn", f"a fence '```pythn': expected one of {KNOWN}"),
        ("```", "", f"a fence '```': expected one of {KNOWN}"),
    ],
)
def test_a_fence_that_a_page_may_not_show_says_why(header, language, says):
    assert fence(header, language).objection() == says


@pytest.mark.parametrize(
    ("line", "like"),
    [
        ("```", True),
        (" > ~~~~x", True),
        ("``", False),
        ("~~", False),
        ("x ```", False),
        ("", False),
    ],
)
def test_a_line_that_looks_like_a_fence(line, like):
    assert bool(LIKE_A_FENCE.match(line)) is like
