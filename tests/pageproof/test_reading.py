"""One reading of a page: each block with its place, whatever holds the fence."""

import pytest

from pageproof.page import PageError
from pageproof.reading import Reader


@pytest.fixture
def reader(project):
    return Reader(project.root / "mkdocs.yml")


def test_the_good_page_reads_as_its_blocks(project, reader):
    page = reader.read(project.good("good"))
    roles = [(b.language, b.indent, bool(b.output), b.raises) for b in page.blocks]
    assert roles == [
        ("python", "", False, None),
        ("python", "", False, None),
        ("python", "", True, None),
        ("python", "", False, None),
        ("python", "", True, "ZeroDivisionError"),
        ("python", "", True, None),
        ("python", "    ", True, None),
        ("python", "    ", True, None),
        ("sh", "    ", True, None),
    ]
    assert page.meta == {"description": "A page on which all holds."}


def test_a_block_in_a_list_keeps_its_blank_lines(project, reader):
    page = reader.read(project.good("good"))
    assert page.blocks[6].code == "y = double(x)\n\nprint(y)\n"


def test_each_line_knows_the_file_it_came_from(project, reader):
    path = project.good("good")
    included = reader.read(path).blocks[1]
    source = project.root / "src/good.py"
    lines = source.read_text().split("\n")
    for place, line in zip(
        included.places[1:], included.code.split("\n"), strict=False
    ):
        assert place.path == source
        assert lines[place.line - 1].strip() == line.strip()
    assert path.read_text().split("\n")[included.line - 1] == "```python"


def test_an_output_knows_its_lines(project, reader):
    path = project.good("good")
    output = reader.read(path).blocks[2].output
    lines = path.read_text().split("\n")
    assert "\n".join(lines[output.first - 1 : output.last]) + "\n" == output.text


def test_a_page_of_another_language_shows_the_same_figures(project, reader):
    english = project.good("good")
    chinese = project.write("docs/zh/part/good.md", english.read_text())
    figures = [
        reader.read(path).blocks[3].figures[0].light for path in (english, chinese)
    ]
    assert figures[0] == figures[1]
    assert figures[0] == project.root / "docs/assets/figures/part/good/lines.svg"


def test_settings_that_would_let_a_fault_pass_are_refused(project):
    config = project.root / "mkdocs.yml"
    good = config.read_text()
    config.write_text(good.replace("check_paths: true", "check_paths: false"))
    with pytest.raises(PageError, match=r"mkdocs.yml:1: .*check_paths: true"):
        Reader(config)
    config.write_text(good.replace("{disable_indented_code_blocks: true}", "{}"))
    with pytest.raises(PageError, match="disable_indented_code_blocks"):
        Reader(config)
    with pytest.raises(PageError, match=r"expected the site's mkdocs.yml"):
        Reader(project.root / "none.yml")


def test_what_the_site_appends_to_every_page_is_read_once(project):
    project.write("below.md", "```python\nprint(1)\n```\n")
    config = project.root / "mkdocs.yml"
    text = config.read_text()
    config.write_text(
        text.replace("check_paths", "auto_append: [below.md]\n    check_paths")
    )
    page = Reader(config).read(project.good("good"))
    assert [block.code for block in page.blocks].count("print(1)\n") == 1


def test_code_in_a_sentence_is_no_directive_and_no_html(project, reader):
    path = project.good("good")
    words = (
        "Write `<!--pytest.mark.skip-->`, ``<pre>`` or `![a](../assets/figures/x.svg)`."
    )
    path.write_text(path.read_text().replace("A line of prose", f"{words} A line"))
    assert len(reader.read(path).blocks) == 9


def test_an_escaped_include_is_shown_as_it_is_written(project, reader):
    path = project.page('```toml\n;--8<-- "no.py:f"\n```\n\n```python\nx = 1\n```\n')
    (block,) = reader.read(path).blocks
    assert block.line == 5


def test_a_whole_file_can_be_included(project, reader):
    source = project.write("src/s.py", "\nx = 1\n\ny = 2\n")
    path = project.page('```python\n--8<-- "src/s.py"\n```\n')
    (block,) = reader.read(path).blocks
    lines = source.read_text().split("\n")
    assert block.code.split("\n")[: len(lines)] == lines
    assert [place.line for place in block.places[1:5]] == [1, 2, 3, 4]


def test_a_page_outside_the_docs_shows_the_same_figures(project, reader):
    text = "```python\nx\n```\n\n![a](docs/assets/figures/part/a.svg)\n\n![b](b.svg)\n"
    page = reader.read(project.write("README.md", text))
    figures = [figure.light for figure in page.blocks[0].figures]
    assert figures == [project.root / "docs/assets/figures/part/a.svg"]


def test_a_fault_in_what_is_appended_is_named_by_the_last_line(project):
    project.write("below.md", "<pre>1</pre>\n")
    config = project.root / "mkdocs.yml"
    text = config.read_text()
    config.write_text(
        text.replace("check_paths", "auto_append: [below.md]\n    check_paths")
    )
    path = project.page("one\n\nthree")
    with pytest.raises(PageError, match=r"page\.md:3: <pre>"):
        Reader(config).read(path)


@pytest.mark.parametrize("bad", [b"\xff", b"\r", b"\t", b"\xef\xbb\xbf"])
def test_a_byte_that_is_not_plain_text_is_named_by_its_line(project, reader, bad):
    path = project.page("")
    path.write_bytes(b"one\n\nthree " + bad + b"\n")
    with pytest.raises(PageError, match=r"page\.md:3: "):
        reader.read(path)


def test_a_block_may_have_several_marks(project, reader):
    marks = "<!--pytest.mark.requires(cuda)-->\n\n<!--pytest.mark.raises(ValueError)-->"
    (block,) = reader.read(project.page(f"{marks}\n```python\nx\n```\n")).blocks
    assert (block.requires, block.raises) == ("cuda", "ValueError")
