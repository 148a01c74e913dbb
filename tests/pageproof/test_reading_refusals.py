"""What a page may not hold: each is refused with its line, and with what to write."""

import pytest

from pageproof.page import Output, PageError, Place
from pageproof.reading import Reader

MARK = "<!--pytest-codeblocks:expected-output-->"
FIGURE = "../assets/figures/part/page/a.svg"
BLOCK = "```python\nx\n```\n"
SEEN = "expected a text that says what is to be seen"
ALONE = f"a text fence is what a block prints: expected a block and {MARK} right above"


@pytest.fixture
def reader(project):
    return Reader(project.root / "mkdocs.yml")


@pytest.fixture
def read(project, reader):
    return lambda text: reader.read(project.page(text))


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (
            f"a\n\n   {BLOCK}",
            3,
            "'```python' opens or closes a fence that the site does not",
        ),
        ("a\n~~~~~~~~~~~~~~~~~~~~~~~~~\n", 2, f"{'~' * 20!r} opens or closes a fence"),
        (
            f"a\n\n{BLOCK}\n\n```python\nx\n",
            8,
            "unclosed, or indented unlike its partner",
        ),
        ("a\n\n<pre>1</pre>", 3, "<pre> in a page: use a fence"),
        ("a <CODE >1</code>", 1, "<CODE> in a page: use a fence"),
        ("a\n<template>", 2, "<template> in a page"),
        ("<style>", 1, "<style> in a page"),
        ("<script>", 1, "<script> in a page"),
        ("a\n\n<!-- b -->", 3, "means nothing here"),
        ("---\na: b\n---\n\n<!-- b -->", 5, "means nothing here"),
        ("a\n\n```c\n```", 3, "a fence '```c': expected one of"),
        ("a\n\n> ```python\n> x\n> ```", 3, "a block in a quotation cannot be run"),
        ("```python\nx = 1\nλ = x\n```", 3, "'λ': expected an ASCII name"),
        (f"{MARK}\n```text\n1\n```", 1, "expected the block that prints it above"),
        (f"{BLOCK}\n{MARK}\n\nprose", 5, "expected a ```text fence right below"),
        (f"{BLOCK}\n{MARK}", 5, "expected a ```text fence right below"),
        (f"{BLOCK}\n{MARK}\n```console\n1\n```", 5, "expected a ```text fence right"),
        (f"{BLOCK}\n\nprose\n\n{MARK}\n```text\n1\n```", 8, "expected the block that"),
        ("a\n\n```text\n1\n```", 3, ALONE),
        (f"{BLOCK}\n```text\n1\n```", 5, ALONE),
        (
            f"{BLOCK}\n{MARK}\n```text\n1\n```\n\n{MARK}\n```text\n1\n```",
            10,
            "a second output of the block ",
        ),
        ("a\n\n<!--pytest.mark.raises(A)-->\n\nb", 3, "raises: expected a block right"),
        ("<!--pytest.mark.raises(A)-->", 1, "raises: expected a block right below"),
        (
            f'<!--pytest.mark.skip(reason="a")-->\n{BLOCK}\n{MARK}\n```text\n1\n```',
            2,
            "a skipped block cannot show an output",
        ),
        (
            f"<!--pytest.mark.timed(figure)-->\n{BLOCK}",
            2,
            "timed(figure): expected a figure below the block",
        ),
        (f"{BLOCK}\n![ ]({FIGURE})", 5, SEEN),
        (f"a\n\n![b]({FIGURE})\n\n{BLOCK}", 3, f"{FIGURE}: expected right after its"),
        (f"{BLOCK}\nprose\n\n![b]({FIGURE})", 7, "expected right after its block"),
        (f"{BLOCK}\nin a line ![b]({FIGURE})", 5, "expected right after its block"),
        (f"{BLOCK}\n![b](other.svg)\n\n![b]({FIGURE})", 7, "expected right after its"),
        ('a\n\n```python\n--8<-- "src/no.py:f"\n```', 4, "no file 'src/no.py'"),
        (
            '---\na: b\n---\n```python\n--8<-- "src/no.py"\n```',
            5,
            "no file 'src/no.py'",
        ),
    ],
)
def test_a_page_is_refused_with_its_line(read, text, line, says):
    with pytest.raises(PageError) as caught:
        read(text)
    assert caught.value.line == line
    assert says in caught.value.message
    assert caught.value.path.name == "page.md"


@pytest.mark.parametrize(
    ("bytes_", "name"),
    [
        (b"\xef\xbb\xbf", "a byte-order mark: expected UTF-8, \\n, spaces"),
        (b"\r", "a Windows line end: expected UTF-8, \\n, spaces"),
        (b"\t", "a tab: expected UTF-8, \\n, spaces"),
        (b"\xff", "expected UTF-8: 'utf-8' codec can't decode byte 0xff"),
    ],
)
def test_what_is_not_plain_is_named(project, reader, bytes_, name):
    path = project.page("")
    path.write_bytes(b"one\n\ntwo" + bytes_)
    with pytest.raises(PageError) as caught:
        reader.read(path)
    assert caught.value.line == 3
    assert name in caught.value.message


def test_a_fault_in_an_included_file_is_named_there(project, read):
    source = project.write("src/s.py", "x = 1\ny = λ\n")
    with pytest.raises(PageError) as caught:
        read('a\n\n```python\n--8<-- "src/s.py"\n```\n')
    assert (caught.value.path, caught.value.line) == (source, 2)


def test_code_that_is_no_python_is_left_to_the_run(read):
    (block,) = read("```python\nλ = (\n```\n").blocks
    assert block.code == "λ = (\n"
    (block,) = read("```python\n  λ\n x\n```\n").blocks
    assert block.code == "  λ\n x\n"


def test_non_ascii_text_in_code_is_no_name(read):
    (block,) = read('```python\nx = "λ"  # λ\n```\n').blocks
    assert block.code == 'x = "λ"  # λ\n'


def test_a_block_has_its_places_its_end_and_its_output(project, read):
    page = read(
        f"---\na: b\n---\n\n1. c\n\n    {BLOCK}".replace("\nx\n```", "\n    x\n    ```")
        + f"\n    {MARK}\n\n    ```text\n    1\n\n    2\n    ```\n"
    )
    (block,) = page.blocks
    path = project.root / "docs/en/part/page.md"
    assert block.places == [Place(path, 7), Place(path, 8)]
    assert (block.line, block.end, block.indent) == (7, 9, "    ")
    assert block.output == Output("1\n\n2\n", first=14, last=16)
    assert (page.path, page.meta, page.lab) == (path, {"a": "b"}, None)
    assert page.source == path.read_bytes()
    assert page.text.startswith("1. c\n\n    ```python\n")


def test_an_output_may_be_empty(read):
    (block,) = read(f"{BLOCK}\n{MARK}\n```text\n```\n").blocks
    assert block.output.text == ""


def test_figures_belong_to_the_block_above_also_behind_its_output(project, read):
    images = f"![a]({FIGURE})\n\n![b]({FIGURE}){{ .wide }}\n"
    out = f"{MARK}\n```text\n1\n```\n"
    first, second = read(f"{BLOCK}\n{images}\n{BLOCK}\n{out}\n{images}").blocks
    light = project.root / "docs/assets/figures/part/page/a.svg"
    for block, lines in ((first, [5, 7]), (second, [18, 20])):
        assert [figure.line for figure in block.figures] == lines
        assert [figure.light for figure in block.figures] == [light, light]


def test_an_image_that_is_no_recorded_figure_is_none(read):
    text = f"![a](a.svg)\n\n{BLOCK}\n![b](../assets/b.svg)\n\n![c](figures/c.png)\n"
    (block,) = read(text).blocks
    assert block.figures == []


def test_a_page_is_told_the_files_it_is_made_of(project, reader):
    project.write("src/s.py", "x = 1\n")
    path = project.page('```python\n--8<-- "src/s.py"\n```\n')
    told = []
    reader.read(path, told.append)
    assert set(told) == {"src/s.py"}
    told.clear()
    reader.read(path)
    assert told == []


def test_what_a_page_is_made_of_is_found_and_read(project, reader):
    source = project.write("src/s.py", "λ = 1\n")
    found, data = reader.included("src/s.py")
    assert (source.samefile(found), data) == (True, "λ = 1\n".encode())
    assert reader.included(str(source)) == (str(source), "λ = 1\n".encode())
    assert reader.included("src/no.py") is None
    assert reader.included(str(source.parent)) is None
    assert reader.included(str(source.with_name("no.py"))) is None


def test_a_lab_has_its_record_among_those_of_the_docs(project, reader):
    docs = project.root / "docs"
    assert reader.record_path(docs / "zh/labs/a.py") == docs / "labs/a.json"
    with pytest.raises(PageError, match=rf"a\.py:1: expected a lab below {docs}$"):
        reader.record_path(project.root / "labs/a.py")


def test_what_is_below_every_page_can_be_asked_for_at_any_time(project):
    project.write("below.md", "one\n\ntwo\n")
    config = project.root / "mkdocs.yml"
    text = config.read_text()
    appended = "auto_append: [below.md]\n    check_paths"
    config.write_text(text.replace("check_paths", appended))
    reader = Reader(config)
    assert [line for line in reader.appended if line] == ["one", "two"]
    reader.read(project.page("three\n"))
    assert [line for line in reader.appended if line] == ["one", "two"]


def test_a_file_elsewhere_is_found_by_its_whole_name(reader, tmp_path_factory):
    path = tmp_path_factory.mktemp("elsewhere") / "a.txt"
    path.write_bytes(b"a")
    assert reader.included(str(path)) == (str(path), b"a")


def test_an_image_outside_of_the_docs_is_no_figure(read):
    (block,) = read(f"{BLOCK}\n![a](../../../../b.svg)\n").blocks
    assert block.figures == []


def test_the_sources_lie_beside_the_settings(project, reader):
    assert reader.sources == project.root / "src"
    assert reader.docs == project.root / "docs"


def test_settings_are_read_without_their_plugins_and_hooks(project):
    config = project.root / "mkdocs.yml"
    config.write_text(config.read_text() + "plugins: [no_such]\nhooks: [no.py]\n")
    assert Reader(config).read(project.page("one\n")).blocks == []


def test_settings_that_cannot_be_read_are_named(project):
    config = project.root / "mkdocs.yml"
    with pytest.raises(
        PageError, match=r"none\.yml:1: expected the site's mkdocs\.yml"
    ):
        Reader(config.with_name("none.yml"))
    config.write_text("site_name: [\n")
    with pytest.raises(PageError, match=r"mkdocs\.yml:1: .* parsing"):
        Reader(config)


LAB = """\
# ---
# description: A lab.
# ---

# %% [markdown]
# # Title { #title }

# %%
x = 1

y = 2

# %% [markdown]
# Prose.

# %% raises="ValueError"
int("x")
"""


def lab(project, text):
    return project.write("docs/en/labs/a.py", text)


def test_a_lab_without_a_record_is_read_with_the_lines_of_the_script(project, reader):
    told = []
    path = lab(project, LAB)
    page = reader.read(path, told.append)
    assert [block.code for block in page.blocks] == ["x = 1\n\ny = 2\n", 'int("x")\n']
    assert page.blocks[0].places == [Place(path, line) for line in (8, 9, 10, 11)]
    assert page.blocks[1].places == [Place(path, line) for line in (16, 17)]
    assert (page.blocks[0].end, page.blocks[1].end) == (11, 17)
    assert page.blocks[1].raises == "ValueError"
    assert page.meta == {"description": "A lab."}
    assert page.lab.markdown.startswith("---\ndescription: A lab.\n---\n\n# Title")
    assert told == [str(project.root / "docs/labs/a.json")]


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("y = 2", '--8<-- "src/no.py:f"', 11, "no file 'src/no.py' to include"),
        ("x = 1", '--8<-- "src/no.py:f"', 9, "no file 'src/no.py' to include"),
        ("# Prose.", "# <pre>", 14, "<pre> in a page"),
        ('int("x")', "λ = 1", 17, "expected an ASCII name"),
    ],
)
def test_a_fault_in_a_lab_is_named_by_the_line_of_the_script(
    project, reader, old, new, line, says
):
    path = lab(project, LAB.replace(old, new))
    with pytest.raises(PageError) as caught:
        reader.read(path)
    assert (caught.value.path, caught.value.line) == (path, line)
    assert says in caught.value.message


def test_an_include_in_a_lab_has_the_places_of_its_file(project, reader):
    source = project.write("src/s.py", "a = 1\nb = 2\n")
    path = lab(project, LAB.replace("y = 2", '--8<-- "src/s.py"'))
    places = reader.read(path).blocks[0].places
    assert places[:3] == [Place(path, 8), Place(path, 9), Place(path, 10)]
    assert places[3:5] == [Place(source, 1), Place(source, 2)]


UNREAD = "a fence that pytest-codeblocks does not read"
OTHER = "the site shows this fence, but pytest-codeblocks reads {} here: is it closed?"
TILDES = "~~~ json\n{}\n~~~\n"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (f"a\n\n{TILDES}", 3, UNREAD),
        (f"{BLOCK}\n{TILDES}", 5, UNREAD),
        (f"{BLOCK}\n{TILDES}\n{TILDES}", 5, UNREAD),
        ("a\n\n> ```toml\n> x\n> ```", 3, UNREAD),
        (f"a\n\n{TILDES}\n{BLOCK}", 3, OTHER.format("'x'")),
        (
            f"a\n\n{TILDES}\n```python\n{'y' * 70}\n```",
            3,
            OTHER.format(repr("y" * 60)),
        ),
    ],
)
def test_a_fence_that_only_the_site_reads_is_refused(read, text, line, says):
    with pytest.raises(PageError) as caught:
        read(text)
    assert (caught.value.line, caught.value.message) == (line, says)


def test_a_page_may_be_as_long_as_it_likes(read):
    (block,) = read("prose\n" * 10_001 + BLOCK).blocks
    assert block.line == 10_002


def test_the_first_of_two_bad_bytes_is_named(project, reader):
    path = project.page("")
    path.write_bytes(b"one\ntwo\t\nthree\t\n")
    with pytest.raises(PageError, match=r"page\.md:2: a tab"):
        reader.read(path)
