"""What each block of a small page needs, found without running it."""

from pathlib import Path
from textwrap import dedent

import pytest

from pageproof.needs import Sources, copies, needs
from pageproof.page import Block, Page, Place


def block(code: str, language: str = "python", **marks: str) -> Block:
    """Return a block as a page has it."""
    text = dedent(code).strip() + "\n"
    places = [Place(Path("page.md"), n) for n in range(text.count("\n") + 1)]
    return Block(text, language, places, len(places), **marks)


def page(*codes: str | Block) -> list[Block]:
    return [code if isinstance(code, Block) else block(code) for code in codes]


def none_of_ours(module: str) -> None:
    """No imported module is the project's own."""


def needed(*codes: str | Block, source_of=none_of_ours) -> list[int]:
    """Return what the last of some blocks needs."""
    return needs(page(*codes), source_of)[-1]


CASES = {
    # Names
    "a_block_that_reads_no_name_needs_nothing": (["x = 1", "print(2)"], []),
    "a_name_needs_the_block_that_gave_it": (["x = 1", "y = 2", "print(y)"], [1]),
    "what_a_needed_block_needs_is_needed": (
        ["x = 1", "y = x", "z = 3", "print(y)"],
        [0, 1],
    ),
    "the_last_of_two_values_counts": (["x = 1", "x = 2", "print(x)"], [1]),
    "a_value_computed_from_the_old_one_needs_both": (
        ["x = 1", "x = x + 1", "print(x)"],
        [0, 1],
    ),
    "a_value_that_may_have_been_replaced_needs_both": (
        ["x = 1", "import os\nif os.sep:\n    x = 2", "print(x)"],
        [0, 1],
    ),
    "each_name_of_an_unpacking_is_given": (["a, (b, *c) = 1, (2, 3)", "print(c)"], [0]),
    "an_import_is_needed_by_whoever_uses_it": (
        ["import torch", "import math", "print(torch.ones(1))"],
        [0],
    ),
    "a_name_in_an_annotation_is_read": (
        ["from torch import Tensor", "def f(x: Tensor): return x", "print(f(1))"],
        [0, 1],
    ),
    "a_name_in_an_f_string_is_read": (["x = 1", "print(f'{x:.2f}')"], [0]),
    "the_target_of_a_walrus_is_given": (["print(n := 3)", "print(n)"], [0]),
    "the_names_of_a_comprehension_stay_in_it": (
        ["i = 1", "a = [i for i in range(3)]", "print(i)"],
        [0],
    ),
    "they_are_no_names_of_the_page": (
        ["a = [i for i in range(3)]", "print(i)"],
        [],
    ),
    "a_deleted_name_is_no_longer_known": (["x = 1", "del x", "print(x)"], []),
    # No others
    "what_only_read_a_value_is_not_needed": (
        ["x = [1]", "print(x)", "y = len(x)", "z = x == [1]", "print(x)"],
        [0],
    ),
    "a_pure_function_that_was_called_elsewhere_adds_nothing": (
        ["def f(x): return x + 1", "x = 1", "print(f(x))", "print(x)"],
        [1],
    ),
    "a_function_used_elsewhere_brings_its_definition_only": (
        ["def f(x): return x + 1", "x = 1", "y = f(x)", "print(f(2))"],
        [0],
    ),
    "a_parameter_hides_a_name_of_the_page": (
        ["x = 1", "def f(x): return x", "print(f(2))"],
        [1],
    ),
    "a_name_local_to_a_function_is_not_one_of_the_page": (
        ["total = 5", "def f(a):\n    total = a\n    return total", "print(f(2))"],
        [1],
    ),
    "a_loss_computed_from_weights_leaves_them_as_they_were": (
        [
            "import torch",
            "w = torch.ones(2)",
            "loss = ((w - 1)**2).mean()",
            "print(loss)",
            "print(w)",
        ],
        [0, 1],
    ),
    "a_shape_does_not_change_with_its_tensor": (
        ["import torch", "x = torch.ones(2)", "n = x.shape", "x.add_(1)", "print(n)"],
        [0, 1, 2],
    ),
    "a_loop_over_a_list_leaves_it": (
        ["x = [1, 2]", "for one in x: print(one)", "print(x)"],
        [0],
    ),
    # Functions read late
    "a_function_reads_a_name_that_is_bound_after_it": (
        ["def f(): return k", "other = 1", "k = 2", "print(f())"],
        [0, 2],
    ),
    "a_function_reads_the_last_value_of_a_name": (
        ["k = 1", "def f(): return k", "k = 2", "print(f())"],
        [1, 2],
    ),
    "a_function_calls_another_that_is_defined_after_it": (
        ["def f(): return g()", "def g(): return k", "k = 1", "print(f())"],
        [0, 1, 2],
    ),
    "two_functions_that_call_each_other_end": (
        ["def f(): return g()", "def g(): return f()", "print(f())"],
        [0, 1],
    ),
    "a_default_is_read_where_the_function_is_defined": (
        ["k = 1", "def f(x=k): return x", "k = 2", "print(f())"],
        [0, 1],
    ),
    "a_decorator_is_needed": (
        ["from functools import cache", "@cache\ndef f(): return 1", "print(f())"],
        [0, 1],
    ),
    "a_lambda_reads_late_what_it_names": (
        ["k = 1", "f = lambda x: x * k", "print(f(2))"],
        [0, 1],
    ),
    "a_lambda_that_is_handed_on_is_called": (
        ["k = 1", "print(max([1, 2], key=lambda x: x * k))"],
        [0],
    ),
    "a_closure_brings_what_its_maker_was_given": (
        [
            "k = [1]",
            "def maker(k):\n    def inner(): return k\n    return inner",
            "f = maker(k)",
            "print(f())",
        ],
        [0, 1, 2],
    ),
    "what_a_function_appends_to_is_changed": (
        ["seen = []", "def f(x): seen.append(x)", "f(1)", "print(seen)"],
        [0, 1, 2],
    ),
    "what_a_function_changes_of_its_argument_is_changed": (
        ["def f(a): a.append(1)", "x = []", "y = []", "f(x)", "f(y)", "print(y)"],
        [0, 2, 4],
    ),
    # Classes
    "a_class_brings_its_base": (
        ["class A:\n    k = 1", "class B(A): pass", "print(B().k)"],
        [0, 1],
    ),
    "a_change_of_its_base_changes_a_class": (
        ["class A:\n    k = 1", "class B(A): pass", "A.k = 2", "print(B.k)"],
        [0, 1, 2],
    ),
    "a_method_reads_a_name_that_is_bound_after_its_object_is_made": (
        ["class A:\n    def f(self): return k", "a = A()", "k = 1", "print(a.f())"],
        [0, 1, 2],
    ),
    "an_object_brings_its_class_and_what_its_methods_read": (
        [
            "k = 1",
            "class A:\n    def f(self): return k",
            "a = A()",
            "print(a.f())",
        ],
        [0, 1, 2],
    ),
    "a_method_that_changes_its_object_is_needed": (
        [
            "class A:\n    def put(self, x): self.x = x",
            "a = A()",
            "a.put(1)",
            "print(a.x)",
        ],
        [0, 1, 2],
    ),
    "a_method_that_only_reads_its_object_is_not": (
        [
            "class A:\n    x = 1\n    def get(self): return self.x",
            "a = A()",
            "b = a.get()",
            "print(a.x)",
        ],
        [0, 1],
    ),
    # Changes in place
    "an_item_that_was_set_is_needed": (["x = [1]", "x[0] = 2", "print(x)"], [0, 1]),
    "an_attribute_that_was_set_is_needed": (
        ["class A: pass", "a = A()", "a.x = 2", "print(a.x)"],
        [0, 1, 2],
    ),
    "a_deleted_item_is_needed": (["x = [1]", "del x[0]", "print(x)"], [0, 1]),
    "a_sum_in_place_is_needed": (["x = 1", "x += 1", "print(x)"], [0, 1]),
    "append_is_needed": (["x = []", "x.append(1)", "print(x)"], [0, 1]),
    "a_method_with_an_underscore_is_needed": (
        ["import torch", "x = torch.ones(2)", "x.add_(1)", "print(x)"],
        [0, 1, 2],
    ),
    "its_like_without_one_is_not": (
        ["import torch", "x = torch.ones(2)", "x.add(1)", "print(x)"],
        [0, 1],
    ),
    "an_initialisation_of_weights_is_needed": (
        [
            "import torch",
            "x = torch.ones(2)",
            "torch.nn.init.zeros_(x)",
            "print(x)",
        ],
        [0, 1, 2],
    ),
    "a_step_changes_the_weights_and_needs_their_gradients": (
        [
            "import torch",
            "w = torch.ones(2, requires_grad=True)",
            "optimiser = torch.optim.SGD([w])",
            "loss = w.sum()",
            "loss.backward()",
            "optimiser.step()",
            "print(w)",
        ],
        [0, 1, 2, 3, 4, 5],
    ),
    "a_loaded_state_is_needed_and_where_it_is_from": (
        [
            "from torch import nn",
            "a = nn.Linear(1, 1)",
            "b = nn.Linear(1, 1)",
            "b.load_state_dict(a.state_dict())",
            "print(b.weight)",
        ],
        [0, 1, 2, 3],
    ),
    "a_change_reaches_whoever_reads_it_later_only": (
        ["x = [1]", "y = x[0]", "x.append(2)", "print(y)"],
        [0, 1, 2],  # what an item is, the code does not say: it may hold the change
    ),
    # Aliases and views
    "a_change_by_another_name_is_a_change": (
        ["x = [1]", "y = x", "y.append(2)", "print(x)"],
        [0, 1, 2],
    ),
    "a_change_of_a_list_leaves_what_is_in_it": (
        ["x = [1]", "y = [x]", "y.append(2)", "print(x)"],
        [0],
    ),
    "a_change_of_a_view_changes_its_base": (
        [
            "import torch",
            "x = torch.ones(4)",
            "v = x.view(2, 2)",
            "v[0] = 2",
            "x.sum()",
        ],
        [0, 1, 2, 3],
    ),
    "a_change_of_a_row_changes_its_base": (
        ["import torch", "x = torch.ones(2, 2)", "r = x[0]", "r.zero_()", "print(x)"],
        [0, 1, 2, 3],
    ),
    "a_change_of_a_fresh_result_leaves_what_it_is_from": (
        ["import torch", "x = torch.ones(2)", "y = x * 2", "y.zero_()", "print(x)"],
        [0, 1],
    ),
    "a_change_of_a_clone_leaves_the_original": (
        ["import torch", "x = torch.ones(2)", "y = x.clone()", "y[0] = 2", "print(x)"],
        [0, 1],
    ),
    "a_change_of_the_base_after_a_copy_leaves_the_copy": (
        ["import torch", "x = torch.ones(2)", "y = x.clone()", "x[0] = 2", "print(y)"],
        [0, 1, 2],
    ),
    # Gradients
    "a_gradient_needs_the_backward_that_made_it": (
        [
            "import torch\nw = torch.ones(2, requires_grad=True)",
            "loss = w.sum()",
            "loss.backward()",
            "print(w.grad)",
        ],
        [0, 1, 2],
    ),
    "a_loss_has_no_gradients_of_its_own": (
        [
            "import torch\nloss = torch.nn.MSELoss()",
            "w = torch.ones(2, requires_grad=True)",
            "loss(w, 1).backward()",
            "v = torch.ones(2, requires_grad=True)",
            "loss(v, 2).backward()\nprint(v.grad)",
        ],
        [0, 3],
    ),
    "a_function_that_goes_backward_through_what_it_is_given_is_needed": (
        [
            "import torch\nw = torch.ones(2, requires_grad=True)",
            "def fit(w): (w * w).sum().backward()",
            "fit(w)",
            "print(w.grad)",
        ],
        [0, 1, 2],
    ),
    "a_function_that_goes_backward_through_what_it_names_is_needed": (
        [
            "import torch\nw = torch.ones(2, requires_grad=True)",
            "def fit(): (w * w).sum().backward()",
            "fit()",
            "print(w.grad)",
        ],
        [0, 1, 2],
    ),
    "a_weight_may_ask_for_gradients_later": (
        [
            "import torch",
            "w = torch.ones(2).requires_grad_()",
            "w.sum().backward()",
            "print(w.grad)",
        ],
        [0, 1, 2],
    ),
    "a_weight_may_be_made_by_a_function": (
        [
            "import torch\ndef make(): return torch.ones(2, requires_grad=True)",
            "w = make()",
            "w.sum().backward()",
            "print(w.grad)",
        ],
        [0, 1, 2],
    ),
    "gradients_add_up": (
        [
            "import torch\nw = torch.ones(2, requires_grad=True)",
            "w.sum().backward()",
            "w.sum().backward()",
            "print(w.grad)",
        ],
        [0, 1, 2],
    ),
    "a_block_that_reads_no_gradient_needs_no_backward": (
        [
            "import torch\nw = torch.ones(2, requires_grad=True)",
            "w.sum().backward()",
            "print(w)",
        ],
        [0],
    ),
    "a_gradient_that_was_set_needs_none_of_those_before": (
        [
            "import torch\nw = torch.ones(2, requires_grad=True)",
            "w.sum().backward()",
            "w.grad = None",
            "w.sum().backward()",
            "print(w.grad)",
        ],
        [0, 2, 3],
    ),
    "a_gradient_that_is_set_first_is_not_read": (
        [
            "import torch\nw = torch.ones(2, requires_grad=True)",
            "w.sum().backward()",
            "w.grad = None\nw.sum().backward()\nprint(w.grad)",
        ],
        [0],
    ),
    "a_gradient_that_is_perhaps_set_is_read": (
        [
            "import torch\nw = torch.ones(2, requires_grad=True)",
            "w.sum().backward()",
            "if w.sum() > 5:\n    w.grad = None\nprint(w.grad)",
        ],
        [0, 1],
    ),
    "a_gradient_that_was_set_is_that_of_one_weight": (
        [
            "from torch import nn\nnet = nn.Linear(1, 1)",
            "net(1).sum().backward()",
            "net.weight.grad = None",
            "print(net.bias.grad)",
        ],
        [0, 1, 2],
    ),
    "a_gradient_that_is_added_to_is_read": (
        [
            "import torch\nw = torch.ones(2, requires_grad=True)",
            "w.sum().backward()",
            "w.grad += 1",
            "print(w.grad)",
        ],
        [0, 1, 2],
    ),
    "zeroed_gradients_are_needed": (
        [
            "from torch import nn\nnet = nn.Linear(1, 1)",
            "net.weight.sum().backward()",
            "net.zero_grad()",
            "print(net.weight.grad)",
        ],
        [0, 1, 2],
    ),
    "data_without_gradients_is_not_changed_by_backward": (
        [
            "import torch\nX = torch.ones(2)",
            "w = torch.ones(2, requires_grad=True)",
            "(X * w).sum().backward()",
            "print(X.grad)",
        ],
        [0],
    ),
    # Random numbers
    "each_draw_changes_a_generator": (
        [
            "import torch",
            "g = torch.Generator().manual_seed(0)",
            "a = torch.rand(2, generator=g)",
            "b = torch.rand(2, generator=g)",
        ],
        [0, 1, 2],
    ),
    "a_generator_is_drawn_from_by_a_function_that_is_given_it": (
        [
            "import torch\ndef noise(n, g): return torch.rand(n, generator=g)",
            "g = torch.Generator().manual_seed(0)",
            "a = noise(2, g)",
            "b = noise(2, g)",
        ],
        [0, 1, 2],
    ),
    "draws_from_another_generator_stay_out": (
        [
            "import torch",
            "g = torch.Generator().manual_seed(0)",
            "h = torch.Generator().manual_seed(1)",
            "a = torch.rand(2, generator=g)",
            "b = torch.rand(2, generator=h)",
        ],
        [0, 2],
    ),
    "a_loader_draws_from_the_generator_it_holds": (
        [
            "import torch\nfrom torch.utils.data import DataLoader",
            "g = torch.Generator().manual_seed(0)",
            "loader = DataLoader([1, 2, 3], shuffle=True, generator=g)",
            "for x in loader: print(x)",
            "print(torch.rand(1, generator=g))",
        ],
        [0, 1, 2, 3],
    ),
    "a_dict_gives_away_the_generator_it_holds": (
        [
            "import torch",
            "g = torch.Generator().manual_seed(0)",
            "with_g = dict(generator=g)",
            "torch.rand(2, **with_g)",
            "print(torch.rand(1, generator=g))",
        ],
        [0, 1, 2, 3],
    ),
    "an_object_draws_from_the_generator_it_holds": (
        [
            """
            import torch

            class Noise:
                def __init__(self, g):
                    self.g = g

                def __call__(self, n):
                    return torch.rand(n, generator=self.g)
            """,
            "g = torch.Generator().manual_seed(0)",
            "noise = Noise(g)",
            "noise(2)",
            "print(torch.rand(1, generator=g))",
        ],
        [0, 1, 2, 3],
    ),
    "draws_without_a_generator_follow_the_last_seed": (
        [
            "import torch",
            "torch.manual_seed(0)",
            "torch.rand(1)",
            "torch.manual_seed(1)",
            "torch.rand(2)",
            "print(torch.rand(1))",
        ],
        [0, 3, 4],
    ),
    "a_function_may_seed": (
        [
            "import torch\ndef seed(): torch.manual_seed(0)",
            "seed()",
            "torch.rand(1)",
            "print(torch.rand(1))",
        ],
        [0, 1, 2],
    ),
    "draws_with_a_generator_leave_those_without_alone": (
        [
            "import torch",
            "torch.manual_seed(0)",
            "torch.rand(2, generator=torch.Generator())",
            "print(torch.rand(1))",
        ],
        [0, 1],
    ),
    "weights_are_drawn_where_a_layer_is_made": (
        [
            "from torch import nn, manual_seed",
            "import torch\ntorch.manual_seed(0)",
            "a = nn.Linear(1, 1)",
            "b = nn.Linear(1, 1)",
        ],
        [0, 1, 2],
    ),
    # Iterators
    "next_uses_an_iterator_up": (
        ["it = iter([1, 2])", "next(it)", "print(next(it))"],
        [0, 1],
    ),
    "a_generator_function_is_used_up": (
        [
            "def f():\n    yield 1\n    yield 2",
            "it = f()",
            "next(it)",
            "print(next(it))",
        ],
        [0, 1, 2],
    ),
    "a_list_is_not_used_up": (["x = list(range(3))", "sum(x)", "print(sum(x))"], [0]),
    # Settings and state
    "a_default_type_is_needed_by_what_torch_makes_after_it": (
        [
            "import torch",
            "torch.set_default_dtype(torch.float64)",
            "print(torch.ones(1))",
        ],
        [0, 1],
    ),
    "a_default_type_is_not_needed_without_torch": (
        ["import torch", "torch.set_default_dtype(torch.float64)", "print(1)"],
        [],
    ),
    "batch_norm_is_changed_by_what_goes_through_it": (
        [
            "import torch\nfrom torch import nn",
            "norm = nn.BatchNorm1d(2)",
            "x = torch.ones(3, 2)",
            "norm(x)",
            "print(norm.running_mean)",
        ],
        [0, 1, 2, 3],
    ),
    "a_linear_layer_is_not": (
        [
            "import torch\nfrom torch import nn",
            "layer = nn.Linear(2, 1)",
            "x = torch.ones(3, 2)",
            "layer(x)",
            "print(layer.weight)",
        ],
        [0, 1],
    ),
    "a_change_of_mode_is_needed": (
        ["from torch import nn", "net = nn.Dropout()", "net.eval()", "print(net(1))"],
        [0, 1, 2],
    ),
    # Files
    "a_file_that_is_read_needs_who_wrote_it": (
        [
            "from pathlib import Path",
            "Path('a.txt').write_text('a')",
            "Path('b.txt').write_text('b')",
            "print(Path('a.txt').read_text())",
        ],
        [0, 1],
    ),
    "a_file_that_was_only_read_adds_nothing": (
        [
            "from pathlib import Path\nPath('a.txt').write_text('a')",
            "print(open('a.txt').read())",
            "print(open('a.txt').read())",
        ],
        [0],
    ),
    # Blocks of other kinds
    "others_do_without_a_block_for_a_gpu": (
        ["x = 1", block("x = 2", requires="cuda"), "print(x)"],
        [0],
    ),
    "others_do_without_a_skipped_block": (
        ["x = [1]", block("x.append(2)", skip="slow"), "print(x)"],
        [0],
    ),
    "a_block_for_a_gpu_needs_what_it_reads": (
        ["x = 1", "y = 1", block("print(x)", requires="cuda")],
        [0],
    ),
    "a_shell_block_needs_nothing": (["x = 1", block("echo x", "sh")], []),
    "a_shell_block_gives_no_names": ([block("x = 1", "sh"), "print(x)"], []),
    "a_block_that_is_no_python_is_passed_over": (["x = 1", "x = =", "print(x)"], [0]),
}


@pytest.mark.parametrize("case", CASES)
def test_needs(case):
    codes, expected = CASES[case]
    assert needed(*codes) == expected


MODULE = """
import torch

STATE = []


def noise(n, generator):
    return torch.rand(n, generator=generator)


def weights(n):
    return torch.rand(n)


def double(x):
    return 2 * x


def state():
    return STATE


def add_one(x):
    x += 1
"""


@pytest.mark.parametrize(
    ("use", "expected"),
    [("noise(1, g)", [0, 1, 2]), ("double(g)", [0, 1]), ("add_one(g)", [0, 1, 2])],
)
def test_what_a_function_of_the_project_does_is_read_in_its_source(use, expected):
    found = needed(
        "from ours.random import add_one, double, noise\nimport torch",
        "g = torch.Generator().manual_seed(0)",
        use,
        "print(noise(1, g))",
        source_of={"ours.random": MODULE}.get,
    )
    assert found == expected


def test_a_function_of_the_project_that_draws_from_torch_follows_the_seed():
    found = needed(
        "from ours import weights\nimport torch",
        "torch.manual_seed(0)",
        "weights(1)",
        "print(weights(1))",
        source_of={"ours": MODULE}.get,
    )
    assert found == [0, 1, 2]


def test_a_name_of_a_module_of_the_project_is_not_one_of_the_page():
    codes = ["from ours import state", "STATE = [1]", "print(state())"]
    assert needed(*codes, source_of={"ours": MODULE}.get) == [0]


def test_sources_are_those_of_the_folder_and_no_others(tmp_path):
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours/__init__.py").write_text("a = 1")
    (tmp_path / "ours/part.py").write_text("b = 2")
    source = Sources(tmp_path)
    assert source("ours") == "a = 1"
    assert source("ours.part") == "b = 2"
    assert (source("torch"), source("ours.other"), source("")) == (None, None, None)


def test_what_a_page_needs_is_said_of_each_of_its_blocks_none_where_no_copy_is():
    blocks = page("x = 1", block("echo", "sh"), "print(x)", "print(1)")
    read = Page(Path("page.md"), b"", "", {}, blocks)
    assert copies(read, none_of_ours) == [[], None, [0], []]
