"""Search finds what readers type: the page that teaches a thing among the first."""

import gzip
import re

RESULTS = """items => items.map(item => item.querySelector("a").pathname)"""
QUERIES = {
    # names in code
    "zero_grad": "regression/concise",
    "lstsq": "regression/rank_deficiency",
    "torch.linalg.solve": "regression/conditioning",
    "requires_grad": "tools/autograd",
    "no_grad": "tools/autograd",
    "DataLoader": "tools/dataloader",
    "num_workers": "tools/loader_workers",
    "CrossEntropyLoss": "deep/softmax",
    "weight_decay": "deep/weight_decay",
    # terms, in the plural and with hyphens
    "Newton": "optimisation/gd_vs_newton",
    "Hessian": "tools/autograd_deeper",
    "hessians": "tools/autograd_deeper",
    "learning rate": "optimisation/learning_rate",
    "learning-rates": "optimisation/learning_rate",
    "mini batches": "optimisation/minibatch",
    "minibatch": "optimisation/minibatch",
    "cross entropy": "deep/softmax",
    "cross-validation": "deep/kfold_houses",
    "condition number": "regression/conditioning",
    "maximum likelihood": "estimation/gaussian_mle",
    "backpropagation": "deep/backprop",
    # Chinese names
    "反向传播": "deep/backprop",
    "学习率": "optimisation/learning_rate",
    "小批量": "regression/from_scratch",
    # claims
    "C05": "reference/claims",
    "stores the expression of the derivative": "reference/claims",
}


def test_search_finds_the_page_that_teaches_what_is_typed(visit, url):
    tab = visit(f"{url}en/reference/notation/", viewport={"width": 1440, "height": 900})
    field, said = (
        tab.locator(".md-search__input"),
        tab.locator(".md-search-result__meta"),
    )
    items = tab.locator(".md-search-result__item")
    missed = {}
    field.click()
    for typed, page in QUERIES.items():
        field.fill("")
        field.press("End")  # the theme listens to keys
        said.filter(has_text="Type to start").wait_for()
        field.fill(typed)
        field.press("End")
        said.filter(has_text=re.compile(r"\bmatching\b")).wait_for()
        first = [
            path.split("/en/")[1].strip("/") for path in items.evaluate_all(RESULTS)
        ]
        if page not in first[:3]:
            missed[typed] = first[:3]
    assert not missed
    assert not tab.complaints


def test_the_search_index_stays_light(built):
    index = (built / "en/search/search_index.json").read_bytes()
    weight = len(gzip.compress(index))
    assert weight < 400_000
