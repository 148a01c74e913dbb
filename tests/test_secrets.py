"""No secret lies in a file that git tracks, nor in any version of one.

A few shapes and no scanner: detect-secrets 1.5.0 took 51 s for the files of one version
and named 46 hashes.
"""

import math
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHAPES = {  # what a key begins with, by which it is looked for, and how it goes on
    b"-----BEGIN ": rb"[A-Z ]*PRIVATE KEY-----",
    b"AKIA": rb"[A-Z0-9]{16}\b",  # AWS, and the next
    b"ASIA": rb"[A-Z0-9]{16}\b",
    b"gh": rb"[oprsu]_[A-Za-z0-9]{36}",  # GitHub, and the next
    b"github_pat_": rb"\w{40}",
    b"glpat-": rb"[\w-]{20}",  # GitLab
    b"xox": rb"[abeoprs]-[\w-]{10}",  # Slack
    b"pypi-": rb"[\w-]{50}",
    b"npm_": rb"[A-Za-z0-9]{36}",
    b"hf_": rb"[A-Za-z0-9]{30}",
    b"AIza": rb"[\w-]{35}",  # Google
    b"sk-": rb"[\w-]{20}",
    b"sk_live_": rb"\w{20}",
    b"eyJ": rb"[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10}",  # a JSON web token
    b"//": rb"[^\s/:@]+:[^\s/:@{}$<]{6,}@[\w.-]+\.\w",  # an address with a password
}
NAMES = (b"token", b"secret", b"passw", b"api_key", b"apikey")
GIVEN = re.compile(rb"\w*[\"']?\s*[:=]\s*[\"']?([\w+/=~.-]{16,})")


def secrets(text: bytes) -> Iterator[bytes]:
    """Yield what has the shape of a key, and what is given as one and looks random."""
    for start, rest in SHAPES.items():
        if start in text:
            found = re.finditer(rb"(?<![\w-])" + re.escape(start) + rest, text)
            yield from (match[0] for match in found)
    lower = text.lower()
    for name in filter(lower.__contains__, NAMES):
        for named in re.finditer(name, lower):
            given = GIVEN.match(text, named.end())
            if given and bits(given[1]) > 3.7:
                yield given[1]


def bits(value: bytes) -> float:
    """Return the entropy of a value's characters, in bits a character."""
    counts = Counter(value).values()
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts)


def git(root: Path, *command: str, given: bytes = b"") -> bytes:
    command = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *command]
    return subprocess.run(
        command, cwd=root, input=given, check=True, capture_output=True
    ).stdout


def versions(root: Path) -> Iterator[tuple[str, bytes]]:
    """Yield what is tracked, as it lies there and in all history; commits, too."""
    for name in git(root, "ls-files", "-z").decode().split("\0")[:-1]:
        if (root / name).is_file():
            yield name, (root / name).read_bytes()
    listed = git(root, "rev-list", "--objects", "--all").splitlines()
    paths = dict(line.partition(b" ")[::2] for line in listed)
    packed = git(root, "cat-file", "--batch", given=b"\n".join(paths) + b"\n")
    at = 0
    while at < len(packed):
        end = packed.index(b"\n", at)
        name, kind, size = packed[at:end].split()
        at = end + 1 + int(size) + 1
        if kind != b"tree":
            where = paths[name].decode(errors="replace")
            yield f"{name[:9].decode()} {where}", packed[end + 1 : at - 1]


def test_no_file_and_no_commit_holds_a_secret():
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone: nothing here is tracked")
    found, read = [], 0
    for name, text in versions(ROOT):
        found += [(name, secret) for secret in secrets(text)]
        read += 1
    assert found == []
    assert read > 100


def test_a_secret_that_a_later_commit_takes_out_is_found(tmp_path):
    git(tmp_path, "init", "--quiet")
    for text in ("AKIA" + "Q7" * 8, "nothing"):
        (tmp_path / "notes.txt").write_text(text)
        git(tmp_path, "add", "notes.txt")
        git(tmp_path, "commit", "--quiet", "--message", text[:3])
    found = [name for name, text in versions(tmp_path) if list(secrets(text))]
    assert len(found) == 1 and found[0].endswith(" notes.txt")
    (tmp_path / "notes.txt").write_text("AKIA" + "Q7" * 8)  # not yet committed
    found = [name for name, text in versions(tmp_path) if list(secrets(text))]
    assert found[0] == "notes.txt" and len(found) == 2


@pytest.mark.parametrize(
    "start, rest",
    [
        ("-----BEGIN RSA PRIVATE", " KEY-----"),
        ("AKIA", "Q7" * 8),
        ("ASIA", "Q7" * 8),
        ("ghp", "_" + "a1B2" * 9),
        ("github", "_pat_" + "a1B2_" * 8),
        ("glpat", "-" + "a1B2_" * 4),
        ("xoxb", "-" + "1234567890"),
        ("pypi", "-" + "AgEIcHlwaS5vcmc" * 4),
        ("npm", "_" + "a1B2" * 9),
        ("hf", "_" + "a1B2C3" * 5),
        ("AIza", "SyA1b" * 7),
        ("sk", "-" + "a1B2c" * 4),
        ("sk_", "live_" + "a1B2c" * 4),
        ("eyJhbGciOiJI", "UzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmN"),
        ("https://me:", "hunter2hunter2@example.org"),
        ("API_TOKEN = ", '"q7Zr0XvPe2LmKd9TbYw4"'),
        ("password: ", "q7Zr0XvPe2LmKd9TbYw4"),
        ("'client_secret': ", "'q7Zr0XvPe2LmKd9TbYw4'"),
        ("api_key=", "q7Zr0XvPe2LmKd9TbYw4"),
        ("apiKey=", "q7Zr0XvPe2LmKd9TbYw4"),
    ],
)
def test_a_planted_secret_is_found(start, rest):
    assert list(secrets(f"a line\n{start}{rest}\n".encode()))


@pytest.mark.parametrize(
    "text",
    [
        "token: ${{ github.token }}",
        "GH_TOKEN: ${{ secrets.PUBLISHING_TOKEN }}",
        "secret_number = generator.initial_seed()",
        "password = aaaaaaaaaaaaaaaaaaaaaaaa",
        "http://127.0.0.1:8000/en/",
        "https://example.org/a:b@c",
        "risk-weighted-averages-of-losses",
        "AKIA is how such a key begins; so do ghp_ and xoxb-",
    ],
)
def test_what_is_no_secret_is_not_taken_for_one(text):
    assert list(secrets(text.encode())) == []
