from pageproof.compact import without_indentation


def test_a_page_loses_its_indentation_and_empty_lines():
    page = "<ul>\n    <li>a\n      b</li>\n\n  \n</ul>\n"
    assert without_indentation(page) == "<ul>\n<li>a\nb</li>\n</ul>\n"


def test_a_space_that_parts_words_stays():
    assert without_indentation("<b>a</b> <i>b</i>\n  c") == "<b>a</b> <i>b</i>\nc"


def test_code_scripts_styles_and_what_is_typed_stay_as_they_are():
    kept = [
        f"<{name} class='x'>a\n\n    b <b>\n  c</b></{name}>"
        for name in ("pre", "script", "style", "textarea")
    ]
    page = "\n  ".join(["<p>", *kept, "</p>"])
    assert without_indentation(page) == "\n".join(["<p>", *kept, "</p>"])
