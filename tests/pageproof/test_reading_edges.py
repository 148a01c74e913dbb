"""Where what the site shows, what is run and what a sentence says nearly part ways."""

import pytest

from pageproof.page import PageError
from pageproof.reading import Reader

MARK = "<!--pytest-codeblocks:expected-output-->"
RAISES = "<!--pytest.mark.raises({})-->"
BLOCK = "```python\nx\n```\n"
OUTPUT = "```text\n1\n```\n"
OTHER = (
    "the site shows this fence, but pytest-codeblocks reads {!r} here: is it closed?"
)
LONG = "prose\n" * 10_001
SKIP = '<!--pytest.mark.skip(reason="a")-->'
TIMED = "<!--pytest.mark.timed(figure)-->"
NOTE = "<!-- note: one\n<!--pytest-codeblocks:{}-->"  # a remark, to the site


@pytest.fixture
def reader(project):
    return Reader(project.root / "mkdocs.yml")


@pytest.fixture
def read(project, reader):
    return lambda text: reader.read(project.page(text))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\n\none ` <pre>x</pre> ` two\nthree\nfour ` five\n\nb", 3),
        ("one ` two\nthree ` <pre>x</pre> ` four", 2),
        ("one ` <pre>x</pre> ` two\nthree ` four", 1),
        ("one ` two\nthree\nfour ` <pre>x</pre> ` five", 3),
    ],
)
def test_a_backtick_without_a_partner_pairs_with_one_of_another_line(read, text, line):
    with pytest.raises(PageError) as caught:
        read(text)
    assert (caught.value.line, caught.value.message) == (
        line,
        "<pre> in a page: use a fence",
    )


def test_a_backtick_without_a_partner_leaves_other_paragraphs_alone(read):
    text = "One `<pre>` in a line.\n\none ` two\n\nThree `<pre>` four.\n"
    assert read(text).blocks == []


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a\n\nb ```python", 3, "``` without a partner on its line"),
        (
            "<!--pytest.mark.raises\n```python\nx\n```\n-->",
            1,
            "'<!--pytest.mark.raises\\n\\n\\n\\n-->' must stand on a line of its own",
        ),
        (
            f"{RAISES.format('`A`')}\n{BLOCK}",
            1,
            "expected pytest.mark.raises(ValueError), got raises()",
        ),
        (
            f"{BLOCK}\n{RAISES.format('A')}\n{MARK}\n{BLOCK}",
            5,
            "raises: expected a block right below",
        ),
        (
            f"{SKIP}\n{BLOCK}\n{MARK}\n{OUTPUT}",
            2,
            "a skipped block cannot show an output",
        ),
        (
            f"{TIMED}\n{BLOCK}",
            2,
            "timed(figure): expected a figure below the block",
        ),
    ],
)
def test_a_page_is_refused_in_these_words(read, text, line, says):
    with pytest.raises(PageError) as caught:
        read(text)
    assert (caught.value.line, caught.value.message) == (line, says)


def test_a_second_output_names_the_block(read):
    said = r"page\.md:12: a second output of the block .*page\.md:3$"
    with pytest.raises(PageError, match=said):
        read(f"a\n\n{BLOCK}\n{MARK}\n{OUTPUT}\n{MARK}\n{OUTPUT}")


def test_a_mark_stands_right_below_its_block_or_further_down(read):
    for blank in ("", "\n", "\n\n", "\n\n\n"):
        (block,) = read(f"{BLOCK}{blank}{MARK}\n{OUTPUT}").blocks
        assert block.output.text == "1\n"


def test_what_a_shell_says_may_be_in_any_script(read):
    (block,) = read("```sh\necho λ\n```\n").blocks
    assert block.code == "echo λ\n"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (f"a\n\n{NOTE.format('no')}\n\nb", 4, 'Unknown pytest-codeblocks keyword "no"'),
        (f"a\n\n{NOTE.format('no')}", 4, 'Unknown pytest-codeblocks keyword "no"'),
        (
            f"~~~ html\n\n{MARK}\n~~~\n",
            3,
            "Found <!--pytest-codeblocks-expected-output--> "
            "but no previous code block.",
        ),
    ],
)
def test_what_pytest_codeblocks_does_not_understand_is_named(read, text, line, says):
    with pytest.raises(PageError) as caught:
        read(text)
    assert (caught.value.line, caught.value.message) == (line, says)


@pytest.mark.parametrize(
    ("text", "line", "got"),
    [
        ("a\n\n~~~ toml\n```\n~~~\n", 3, "~~~"),
        ("a\n\n~~~ toml\n`````````\n~~~", 3, "~~~"),
        (f"a\n\n~~~ toml\n{'`' * 30}\n~~~", 3, "~~~"),
        (f"{LONG}~~~ toml\n```\n~~~\n", 10_002, "~~~"),
        ("a\n\n```python\nx\n```y\nz\n```\n", 3, "x"),  # they begin on the same line
        ("~~~ json\n{}\n~~~\n\n```json\n{}\n```\n", 1, "{}"),  # they hold the same
    ],
)
def test_a_fence_that_is_read_otherwise_than_shown_is_refused(read, text, line, got):
    with pytest.raises(PageError) as caught:
        read(text)
    assert (caught.value.line, caught.value.message) == (line, OTHER.format(got))


@pytest.mark.parametrize(
    ("extensions", "expected"),
    [
        ("[pymdownx.superfences]", "pymdownx.snippets: expected check_paths: true"),
        (
            "[{pymdownx.snippets: {check_paths: true}}, pymdownx.superfences]",
            "pymdownx.superfences: expected disable_indented_code_blocks: true",
        ),
    ],
)
def test_an_extension_without_settings_is_refused(project, extensions, expected):
    config = project.root / "mkdocs.yml"
    settings = f"docs_dir: docs/en\nmarkdown_extensions: {extensions}\n"
    config.write_text(f"site_name: Trial\n{settings}")
    with pytest.raises(PageError) as caught:
        Reader(config)
    assert (caught.value.line, caught.value.message) == (1, expected)


LAB = """\
# ---
# description: A lab.
# ---

# %% [markdown]
# # Title { #title }

# %%
from s import a

# %% [markdown]
# Prose
# of two lines.
"""


def test_a_lab_is_made_of_its_record_and_of_what_it_imports(project, reader):
    source = project.write("src/s.py", "a = 1\n")
    told = []
    page = reader.read(project.write("docs/en/labs/a.py", LAB), told.append)
    assert told == [str(project.root / "docs/labs/a.json"), str(source)]
    assert list(page.lab.files) == ["src/s.py"]


def test_a_fault_in_what_is_appended_to_a_lab_is_named_by_its_last_line(project):
    project.write("below.md", "<pre>1</pre>\n")
    config = project.root / "mkdocs.yml"
    appended = "auto_append: [below.md]\n    check_paths"
    config.write_text(config.read_text().replace("check_paths", appended))
    path = project.write("docs/en/labs/a.py", LAB)
    with pytest.raises(PageError, match=r"a\.py:13: <pre> in a page"):
        Reader(config).read(path)
