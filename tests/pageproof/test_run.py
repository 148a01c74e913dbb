"""The run as a contributor meets it: updating, selecting, isolating, devices."""

import os
import stat

import pytest

MARKER = "<!--pytest-codeblocks:expected-output-->"
PRINTING = f"```python\nprint(1)\n```\n\n{MARKER}\n```text\n2\n```\n"


def contents(root):
    """Every file below the docs, to the byte."""
    files = sorted((root / "docs").rglob("*"))
    return {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in files if p.is_file()}


def test_the_good_page_passes_once_its_figures_are_recorded(project):
    project.good("good")
    assert project.run("--update").status == 0
    run = project.run()
    assert (run.status, run.passed) == (0, 9), run.text


def test_update_lists_what_it_changed_and_then_changes_nothing(project):
    page = project.good("good")
    page.write_text(page.read_text().replace("3.142 pi", "3.1 pi"))
    run = project.run("--update", "-q")
    assert "docs/en/part/good.md:18: output" in run.text
    assert "docs/assets/figures/part/good/lines.svg" in run.text
    assert "docs/assets/figures/part/good/lines.dark.svg" in run.text
    before = contents(project.root)
    again = project.run("--update", "-q")
    assert "updated" not in again.text
    assert contents(project.root) == before


@pytest.mark.parametrize("mark", ["", "<!--pytest.mark.timed(figure)-->\n"])
def test_a_figure_of_times_alone_may_lie_elsewhere_at_each_run(project, mark):
    """The curve comes from a file that counts the runs: no clock is needed."""
    count = project.root / "count"
    count.write_text("1")
    image = "![Up](../assets/figures/part/timed/up.svg)"
    code = f"""import matplotlib.pyplot as plt
from pathlib import Path

height = int(Path({str(count)!r}).read_text())
plt.plot([0, 1], [0, height])
plt.axis((0, 1, 0, 9))"""
    project.page(f"# T\n\n{mark}```python\n{code}\n```\n\n{image}\n", "timed")
    assert project.run("--update").status == 0
    count.write_text("7")
    before = contents(project.root)
    assert project.run().status == (0 if mark else 1)
    project.run("--update")
    assert (contents(project.root) == before) == bool(mark)


def test_update_restores_the_page_to_the_byte(project):
    page = project.good("good")
    good = page.read_text()
    page.write_text(
        good.replace("3.142 pi", "3.1 pi").replace("    7.0", "    1\n    2")
    )
    assert project.run("--update", "-q").status == 0
    assert page.read_text() == good


def test_update_gives_an_output_to_a_block_that_has_none(project):
    page = project.page("??? note\n\n    ```python\n    print('a')\n    ```\n")
    assert project.run("--update", "-q").status == 0
    text = page.read_text()
    assert f"    ```\n\n    {MARKER}\n    ```text\n    a\n    ```\n" in text
    assert project.run("-q").status == 0


@pytest.mark.parametrize(
    "fault", ["1 / 0", "x = = 1", "import warnings\nwarnings.warn('')"]
)
def test_update_leaves_a_page_that_fails_otherwise_as_it_was(project, fault):
    page = project.page(f"{PRINTING}\n```python\n{fault}\n```\n")
    before = contents(project.root)
    run = project.run("--update", "-q")
    assert run.status == 1
    assert contents(project.root) == before
    assert str(page.name) in run.text


@pytest.mark.parametrize("text", ["a\\tb", "50%\\r", "\\x1b[1mbold", "```", "\\xa0"])
def test_a_block_may_not_print_what_a_page_cannot_show(project, text):
    page = project.page(f"```python\nprint('{text}')\n```\n")
    before = page.read_bytes()
    run = project.run("--update", "-q")
    assert run.status == 1
    assert "page.md:1: prints" in run.text
    assert page.read_bytes() == before


def test_update_leaves_a_page_that_changed_meanwhile_as_it_is(project):
    path = project.root / "docs/en/part/page.md"
    edit = f"p = Path({str(path)!r})\n_ = p.write_text(p.read_text() + 'A word.')"
    code = f"from pathlib import Path\n{edit}"
    page = project.page(f"{PRINTING}\n```python\n{code}\n```\n")
    before = page.read_text()
    run = project.run("--update", "-q")
    assert run.status == 1
    assert "changed while it was run" in run.text
    assert page.read_text() == f"{before}A word."


def test_update_leaves_a_page_with_a_fault_at_its_end_as_it_was(project):
    stray = (
        "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True)"
    )
    page = project.page(f"{PRINTING}\n```python\n{stray}.start()\n```\n")
    before = page.read_text()
    assert project.run("--update", "-q").status == 1
    assert page.read_text() == before


def test_a_figure_that_cannot_be_drawn_names_its_block(project):
    draw = "import matplotlib.pyplot as plt\nplt.title('\\u4e2d')"
    project.page(f"```python\n{draw}\n```\n\n```python\nx = 1\n```\n")
    run = project.run("-q")
    assert run.status == 1
    assert "page.md:1: its figure cannot be drawn: Glyph" in run.text
    assert "page.md:6: not reached" in run.text


def test_an_error_is_told_before_the_warnings_on_its_way(project):
    project.page("```python\nimport warnings\nwarnings.warn('w')\n1 / 0\n```\n")
    assert "page.md:4: ZeroDivisionError" in project.run("-q").text


def test_a_last_line_without_its_end_is_shown_as_a_line(project):
    page = project.page("```python\nprint('a', end='')\n```\n")
    assert project.run("--update", "-q").status == 0
    assert "```text\na\n```" in page.read_text()
    assert project.run("-q").status == 0


@pytest.mark.parametrize(
    "fault", ["```python\nx = 1", '```python\n--8<-- "no.py:f"\n```', "```py\nx\n```"]
)
def test_update_leaves_a_page_that_cannot_be_read_as_it_was(project, fault):
    project.page(f"{PRINTING}\n{fault}\n")
    before = contents(project.root)
    run = project.run("--update", "-q")
    assert run.status == 1
    assert "docs/en/part/page.md:" in run.text
    assert contents(project.root) == before


def test_update_keeps_the_mode_of_a_file_and_leaves_no_scraps(project):
    page = project.page(PRINTING)
    page.chmod(0o640)
    project.run("--update", "-q")
    assert stat.S_IMODE(page.stat().st_mode) == 0o640
    assert [p.name for p in page.parent.iterdir()] == ["page.md"]


def test_update_works_in_several_processes(project):
    for name in "abc":
        project.page(PRINTING, name)
    run = project.run("--update", "-n2")
    assert run.status == 0, run.text
    assert run.text.count(": output") == 3


def test_selecting_one_block_runs_what_it_needs(project):
    project.good("good")
    project.run("--update", "-q")
    run = project.run("docs/en/part/good.md::line 18")
    assert (run.status, run.passed) == (0, 1), run.text


def test_a_block_below_a_broken_one_is_not_reached_and_fails(project):
    project.page("```python\n1 / 0\n```\n\n```python\nx = 1\n```\n")
    run = project.run("docs/en/part/page.md::line 5")
    assert run.status == 1
    assert "page.md:5: not reached: the block at docs/en/part/page.md:1" in run.text


def test_a_wrong_output_does_not_hide_what_is_below(project):
    project.page(f"{PRINTING}\n```python\nx = 1\n```\n")
    run = project.run()
    assert (run.status, run.passed) == (1, 1)


def test_a_broken_page_leaves_the_others_unharmed(project):
    project.page("```python\nx = 1\n", "broken")
    project.good("good")
    project.run("--update")
    run = project.run("-q")
    assert (run.status, run.passed) == (1, 9), run.text
    assert "broken.md:1" in run.text


def test_tracebacks_point_at_the_page_and_at_the_source(project):
    project.write(
        "src/s.py",
        "# --8<-- [start:f]\ndef f():\n    return 1 / 0\n    # --8<-- [end:f]\n",
    )
    project.page('```python\n--8<-- "src/s.py:f"\n```\n\n```python\nx = 1\nf()\n```\n')
    run = project.run("-q")
    assert "docs/en/part/page.md:7: ZeroDivisionError" in run.text
    assert 'File "src/s.py", line 3' in run.text


def test_what_a_page_defines_can_be_pickled_and_inspected(project):
    code = """
import inspect, pickle
from dataclasses import dataclass

@dataclass
class Point:
    x: int

print(pickle.loads(pickle.dumps(Point(1))), __name__)
print(inspect.getsource(Point).split()[1])
"""
    text = f"```python{code}```\n\n{MARKER}\n```text\nPoint(x=1) __main__\nclass\n```\n"
    project.page(text)
    run = project.run("-q")
    assert run.status == 0, run.text


def test_all_of_standard_output_counts(project):
    code = "import os, sys\nos.write(1, b'a\\n')\nprint('b')\nos.system('echo c')"
    project.page(f"```python\n{code}\nsys.stdout.write('d\\n')\n```\n")
    assert project.run("--update", "-q").status == 0
    text = (project.root / "docs/en/part/page.md").read_text()
    assert "```text\na\nb\nc\nd\n```" in text


LEAKS = {
    "directory": ("import os\nos.chdir('/')", "import os\nassert os.getcwd() != '/'"),
    "environment": (
        "import os\nos.environ['LEAK'] = '1'",
        "import os\nassert 'LEAK' not in os.environ",
    ),
    "dtype": (
        "import torch\ntorch.set_default_dtype(torch.float64)",
        "import torch\nassert torch.zeros(1).dtype == torch.float32",
    ),
    "torch device": (
        "import torch\ntorch.set_default_device('meta')",
        "import torch\nassert torch.zeros(1).device.type == 'cpu'",
    ),
    "grad mode": (
        "import torch\ntorch.set_grad_enabled(False)",
        "import torch\nassert torch.is_grad_enabled()",
    ),
    "printing": (
        "import torch\ntorch.set_printoptions(precision=1)",
        "import torch\nassert '0.1234' in str(torch.tensor(0.1234))",
    ),
    "threads of torch": (
        "import torch\nn = torch.get_num_threads()\ntorch.set_num_threads(n + 1)",
        "import torch, os\nassert torch.get_num_threads() <= (os.cpu_count() or 1)",
    ),
    "figures": (
        "import matplotlib.pyplot as plt\nplt.rcParams['lines.linewidth'] = 9",
        "import matplotlib.pyplot as plt\nassert plt.rcParams['lines.linewidth'] == 2",
    ),
    "warnings": (
        "import warnings\nwarnings.simplefilter('ignore')",
        "import warnings\nassert warnings.filters[0][0] != 'ignore'",
    ),
    "path": (
        "import sys\nsys.path.insert(0, 'leak')",
        "import sys\nassert sys.path[0] != 'leak'",
    ),
    "built-ins": (
        "import builtins\nbuiltins.leak = builtins.ascii = 1",
        "assert callable(ascii) and 'leak' not in dir(__builtins__)",
    ),
    "streams": (
        "import sys\nsys.stdout = sys.stderr = None",
        "import sys\nassert sys.stderr is not None",
    ),
}


def test_what_a_page_does_to_the_process_ends_with_it(project):
    for i, (leak, check) in enumerate(LEAKS.values()):
        project.page(f"```python\n{leak}\n```\n", f"p{i:02}a")
        project.page(f"```python\n{check}\n```\n", f"p{i:02}b")
    run = project.run("-q")
    assert run.status == 0, run.text


def test_a_page_that_forgets_to_seed_cannot_print_the_same_twice(project):
    draw = "import random\nimport torch\nprint(random.random(), torch.rand(1).item())"
    project.page(f"```python\n{draw}\n```\n")
    assert project.run("--update", "-q").status == 0
    assert project.run("-q").status == 1


def test_what_python_says_of_forked_workers_is_no_warning_of_the_page(project):
    """From Python 3.12 on; a reader's own filters hide it."""
    said = "This process (pid=1) is multi-threaded, use of fork() may lead to deadlocks"
    warn = f"import warnings\nwarnings.warn({said!r}, DeprecationWarning)"
    project.page(f"```python\n{warn}\n```\n")
    assert project.run("-q").status == 0
    project.page(f"```python\n{warn.replace('fork', 'spoon')}\n```\n")
    assert project.run("-q").status == 1


def test_a_page_that_leaves_a_thread_running_fails(project):
    project.page(
        "```python\nimport threading\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n```\n"
    )
    assert "leaves threads running" in project.run("-q").text


def test_a_thread_that_is_about_to_end_is_waited_for(project):
    project.page(
        "```python\nimport threading\nimport time\n"
        "threading.Thread(target=time.sleep, args=[0.3]).start()\n```\n"
    )
    assert project.run("-q").status == 0


def test_a_stray_file_of_a_page_does_not_land_in_the_project(project):
    project.page("```python\nopen('scrap', 'w').close()\n```\n")
    assert project.run("-q").status == 0
    assert not list(project.root.rglob("scrap"))


def test_with_n_each_process_has_one_thread(project):
    project.page(
        "```python\nimport torch\n\nassert torch.get_num_threads() == 1\n```\n"
    )
    env = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    assert project.run("-q", "-n", "1", env=env).status == 0
    asked = {**env, "OMP_NUM_THREADS": "2"}
    assert project.run("-q", "-n", "1", env=asked).status == 1


def test_a_page_stays_in_one_worker(project):
    chain = "\n".join(f"```python\nx{i} = x{i - 1} + 1\n```\n" for i in range(1, 9))
    for name in "abcd":
        project.page(f"```python\nimport os\nx0 = os.getpid()\n```\n\n{chain}", name)
    run = project.run("-n2", "-v")
    assert run.status == 0, run.text
    for name in "abcd":
        lines = [x for x in run.text.split("\n") if f"{name}.md::" in x and "[gw" in x]
        assert len({line[:5] for line in lines}) == 1


def test_a_needed_device_skips_with_its_reason_and_nothing_is_shown(project):
    project.page("<!--pytest.mark.requires(cuda)-->\n```python\n1 / 0\n```\n")
    run = project.run("-rs")
    assert (run.status, run.skipped) == (0, 1)
    assert "needs --device cuda" in run.text


def test_cuda_without_a_gpu_is_one_sentence_and_a_failure(project):
    project.good("good")
    env = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    run = project.run("--device", "cuda", env=env)
    assert run.status != 0
    assert "expected a CUDA device" in run.text
    assert "Traceback" not in run.text


def test_the_cpu_run_hides_the_gpus(project):
    project.page(
        "```python\nimport os\nprint(os.environ['CUDA_VISIBLE_DEVICES'])\n```\n"
    )
    env = {**os.environ, "CUDA_VISIBLE_DEVICES": "0"}
    project.page(
        f"```python\nimport os\nprint(repr(os.environ['CUDA_VISIBLE_DEVICES']))\n```\n"
        f"\n{MARKER}\n```text\n''\n```\n"
    )
    run = project.run("-q", env=env)
    assert run.status == 0, run.text


def test_update_is_refused_off_the_reference(project):
    settings = project.root / "pyproject.toml"
    settings.write_text(settings.read_text() + 'pageproof_reference = ["pytest"]\n')
    project.write("constraints.txt", "pytest==1.0\n")
    page = project.page(PRINTING)
    run = project.run("--update")
    assert run.status != 0
    assert "instead of 1.0" in run.text
    assert page.read_text() == PRINTING


def test_off_the_reference_a_last_digit_is_forgiven(project):
    project.page(PRINTING)
    assert project.run("-q").status == 1
    settings = project.root / "pyproject.toml"
    settings.write_text(settings.read_text() + 'pageproof_reference = ["pytest"]\n')
    project.write("constraints.txt", "pytest==1.0\n")
    run = project.run()
    assert run.status == 0, run.text
    assert "within one unit in the last printed place" in run.text


def test_a_figure_that_a_failed_test_has_left_open_is_not_the_pages(project):
    project.write(
        "tests/test_draws.py",
        "def test_draws():\n"
        "    import matplotlib.pyplot as plt\n"
        "    plt.figure()\n"
        "    raise AssertionError\n",
    )
    project.page("```python\nx = 1\n```\n")
    run = project.run("tests", "docs")
    assert (run.status, run.passed, len(run.failures)) == (1, 1, 1), run.text
