"""A table with gaps and words, read from CSV, and the matrix that is learnt from it.

Page: docs/en/deep/house_table.md
"""

import csv
import io
import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from importlib.resources import files
from numbers import Real
from pathlib import Path
from statistics import fmean, median

import torch
from torch import Generator, Tensor

from firstdescent.regression.house_prices import standardise
from firstdescent.regression.rank_deficiency import ridge

# --8<-- [start:Row]
Row = dict[str, float | str | None]  # a number, a word, or None: a gap
# --8<-- [end:Row]

# --8<-- [start:HOUSES]
HOUSES = files("firstdescent.deep") / "houses.csv"
# --8<-- [end:HOUSES]

# --8<-- [start:NEIGHBOURHOODS]
NEIGHBOURHOODS = {  # share of the houses, effect on the log price
    "Harbour": (0.02, 0.35),
    "Hills": (0.20, 0.20),
    "Meadows": (0.20, -0.05),
    "Old Town": (0.30, 0.10),
    "Station": (0.28, 0.00),
}
# --8<-- [end:NEIGHBOURHOODS]

# --8<-- [start:HEATINGS]
HEATINGS = {  # share of the houses, effect on the log price
    "district": (0.20, 0.05),
    "gas": (0.50, 0.00),
    "wood": (0.20, -0.05),
    None: (0.10, -0.20),  # a house without heating
}
# --8<-- [end:HEATINGS]


# --8<-- [start:fair_log_price]
def fair_log_price(row: Row) -> float:
    """Return the logarithm of what a house is worth in this made-up market.

    Bedrooms alone add nothing. No garage: None. The frontage must be known.

    Units:  log of euros; areas in square metres, frontage in metres.
    Raises: ValueError if the frontage is a gap, the area not positive, a column is
            missing or a word unknown.
    """
    if lost := {"area", "bathrooms", "built", "garage", "frontage"} - row.keys():
        raise ValueError(f"expected columns {sorted(lost)}, got {list(row)}")
    if row["frontage"] is None or not row["area"] > 0:
        got = f"{row['frontage']} and {row['area']}"
        raise ValueError(f"expected a known frontage and an area > 0, got {got}")
    for name, known in (("neighbourhood", NEIGHBOURHOODS), ("heating", HEATINGS)):
        if row.get(name, "") not in known:
            got = repr(row.get(name, ""))
            raise ValueError(f"expected {name} among {list(known)}, got {got}")
    value = 8.4 + 0.8 * math.log(row["area"]) + 0.03 * row["bathrooms"]
    value += 0.02 * row["frontage"] - 0.004 * (2024 - row["built"])
    if row["garage"] is not None:
        value += 0.05 + 0.005 * row["garage"]
    value += NEIGHBOURHOODS[row["neighbourhood"]][1]
    return value + HEATINGS[row["heating"]][1]
    # --8<-- [end:fair_log_price]


# --8<-- [start:draw_words]
def draw_words(shares: dict, n: int, generator: Generator) -> list[str | None]:
    """Return n words, each drawn with its share; the value holds the share first.

    Raises: ValueError if a share is negative, or they do not add up to 1.
    """
    chances = [share for share, _ in shares.values()]
    if min(chances, default=0) < 0 or not math.isclose(sum(chances), 1):
        raise ValueError(f"expected shares >= 0 that add up to 1, got {chances}")
    u = torch.rand(n, generator=generator, dtype=torch.float64)
    edges = torch.tensor(chances, dtype=torch.float64).cumsum(0)[:-1]
    words = list(shares)
    return [words[i] for i in torch.bucketize(u, edges, right=True).tolist()]
    # --8<-- [end:draw_words]


# --8<-- [start:make_complete]
def make_complete(n: int, generator: Generator) -> list[Row]:
    """Return n houses and their prices, every frontage known.

    The log of the price is the fair one plus normal noise; prices are rounded to
    100. A gap under heating or garage says that the house has none.

    Units:  price in euros; the noise of its log has a standard deviation of 0.2.
    Raises: ValueError if n < 1.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    z = torch.randn(5, n, generator=generator, dtype=torch.float64)
    u = torch.rand(3, n, generator=generator, dtype=torch.float64)
    area = (4.7 + 0.35 * z[0]).exp().round()
    bedrooms = (area / 35 + 0.7 * z[1]).round().clamp(1, 6)
    numbers = {
        "area": area,
        "bedrooms": bedrooms,
        "bathrooms": (bedrooms / 2 + u[0]).round().clamp(min=1),
        "built": 2024 - (90 * u[1] ** 1.5).floor(),
        "garage": (22 + 6 * z[2]).round().clamp(min=10),
        "frontage": (18 * (0.3 * z[3]).exp()).round(),
    }
    columns = {name: v.tolist() for name, v in numbers.items()}
    has = (u[2] < 0.8).tolist()
    garages = zip(columns["garage"], has, strict=True)
    columns["garage"] = [v if yes else None for v, yes in garages]
    columns["neighbourhood"] = draw_words(NEIGHBOURHOODS, n, generator)
    columns["heating"] = draw_words(HEATINGS, n, generator)
    cells = zip(*columns.values(), strict=True)
    rows = [dict(zip(columns, values, strict=True)) for values in cells]
    for row, noise in zip(rows, (0.2 * z[4]).tolist(), strict=True):
        row["price"] = 100.0 * round(math.exp(fair_log_price(row) + noise) / 100)
    return rows
    # --8<-- [end:make_complete]


# --8<-- [start:lose_frontage]
def lose_frontage(
    rows: Sequence[Row], generator: Generator, at_random: bool = False
) -> list[Row]:
    """Return copies of the rows, some without their frontage.

    It is lost with probability 0.2 if at random, else with that of a wide plot:
    1 / (1 + exp((24 - frontage) / 2)), one half at 24 metres.

    Raises: ValueError if a frontage is a gap already.
    """
    if any(row.get("frontage") is None for row in rows):
        raise ValueError("expected a known frontage in each row, got None")
    u = torch.rand(len(rows), generator=generator, dtype=torch.float64)
    lost = []
    for row, chance in zip(rows, u.tolist(), strict=True):
        p = 0.2 if at_random else 1 / (1 + math.exp((24 - row["frontage"]) / 2))
        lost.append({**row, "frontage": None if chance < p else row["frontage"]})
    return lost
    # --8<-- [end:lose_frontage]


# --8<-- [start:make_table]
def make_table(n: int, generator: Generator) -> list[Row]:
    """Return n houses with prices, wide plots often without their frontage.

    Units:  as `make_complete`.
    Raises: ValueError if n < 1.
    """
    return lose_frontage(make_complete(n, generator), generator)
    # --8<-- [end:make_table]


# --8<-- [start:as_csv]
def as_csv(rows: Sequence[Row]) -> str:
    """Return the rows as the text of a CSV file, a gap as an empty cell.

    A word comes back without the spaces at its ends, and as a number or a gap if
    it reads as one. A whole number is written without its point.

    Raises: ValueError if there are no rows, their columns differ, or a number is
            not finite; TypeError if a cell is no number, word or None.
    """
    if not rows or any(row.keys() != rows[0].keys() for row in rows):
        raise ValueError(f"expected rows with the same columns, got {len(rows)} rows")
    for i, row in enumerate(rows):
        for name, cell in row.items():
            cell_kind(cell, f"row {i}, column {name!r}")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(rows[0])
    for row in rows:
        cells = [row[name] for name in rows[0]]
        whole = [isinstance(v, float) and v.is_integer() for v in cells]
        writer.writerow([int(v) if w else v for v, w in zip(cells, whole, strict=True)])
    return out.getvalue()
    # --8<-- [end:as_csv]


# --8<-- [start:as_number]
def as_number(cell: str) -> float | None:
    """Return the cell's number, or None if it is not a finite decimal number."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in cell else None
    # --8<-- [end:as_number]


# --8<-- [start:read_cells]
def read_cells(text: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the column names, and each row's line in the text with its cells.

    Raises: ValueError if a name is empty or comes twice, a row has more or fewer
            cells than there are names, a quote is not closed, or no row is there.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        found = [(reader.line_num, [c.strip() for c in row]) for row in reader if row]
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from error
    if len(found) < 2:
        raise ValueError(f"expected names and at least one row, got {len(found)} lines")
    (_, names), *rows = found
    if "" in names or len(set(names)) < len(names):
        raise ValueError(f"expected names, each different, got {names}")
    for line, cells in rows:
        if len(cells) != len(names):
            raise ValueError(
                f"line {line}: expected {len(names)} cells, got {len(cells)}"
            )
    return names, rows
    # --8<-- [end:read_cells]


# --8<-- [start:check_names]
def check_names(**collections: Collection[str]) -> None:
    """Return None if none is a single string, else raise: "NA" would be N and A.

    Raises: TypeError if one is a string.
    """
    for name, given in collections.items():
        if isinstance(given, str):
            raise TypeError(f"expected a list of strings for {name}, got {given!r}")
    # --8<-- [end:check_names]


# --8<-- [start:parse_table]
def parse_table(
    text: str,
    numbers: Collection[str] = (),
    words: Collection[str] = (),
    missing: Collection[str] = ("", "NA"),
) -> list[Row]:
    """Return the rows of a CSV text: numbers as float, words as str, gaps as None.

    A column named in neither `numbers` nor `words` holds numbers if each of its
    cells that is no gap reads as one, else words: one typing error decides.

    Raises: ValueError if a column of `numbers` has a cell that is none (line,
            column and cell are named), a declared column does not exist, is
            declared twice, or the text is not a table (as `read_cells`);
            TypeError as `check_names`.
    """
    check_names(numbers=numbers, words=words, missing=missing)
    names, rows = read_cells(text)
    declared = [*numbers, *words]
    if not set(declared) <= set(names) or len(set(declared)) < len(declared):
        raise ValueError(f"expected columns of {names}, each once, got {declared}")
    table = [{} for _ in rows]
    for j, name in enumerate(names):
        cells = [None if c[j] in missing else c[j] for _, c in rows]
        read = [None if c is None else as_number(c) for c in cells]
        bad = [i for i, c in enumerate(cells) if c is not None and read[i] is None]
        if name in numbers and bad:
            raise ValueError(
                f"line {rows[bad[0]][0]}, column {name!r}: "
                f"expected a number, got {cells[bad[0]]!r}"
            )
        column = cells if bad or name in words else read
        for row, value in zip(table, column, strict=True):
            row[name] = value
    return table
    # --8<-- [end:parse_table]


# --8<-- [start:read_table]
def read_table(
    path: str | Path,
    numbers: Collection[str] = (),
    words: Collection[str] = (),
    missing: Collection[str] = ("", "NA"),
) -> list[Row]:
    """Return the rows of a CSV file in UTF-8; the rest is `parse_table`'s.

    Raises: FileNotFoundError; ValueError and TypeError as `parse_table`.
    """
    text = Path(path).read_bytes().decode("utf-8-sig")  # Excel writes a mark first
    return parse_table(text, numbers, words, missing)
    # --8<-- [end:read_table]


# --8<-- [start:column_kinds]
def column_kinds(rows: Sequence[Row]) -> dict[str, str]:
    """Return "number", "word" or "empty" (only gaps) for each column.

    Raises: ValueError if there are no rows, a row has other columns than the
            first, a column mixes numbers and words, or a number is not finite;
            TypeError if a cell is neither a number nor a word nor None.
    """
    if not rows:
        raise ValueError("expected at least one row, got none")
    kinds = dict.fromkeys(rows[0], "empty")
    for i, row in enumerate(rows):
        if row.keys() != kinds.keys():
            raise ValueError(f"row {i}: expected {list(kinds)}, got {list(row)}")
        for name, cell in row.items():
            kind = cell_kind(cell, f"row {i}, column {name!r}")
            if "empty" not in (kind, kinds[name]) and kind != kinds[name]:
                said = f"expected a {kinds[name]}, as before, got {cell!r}"
                raise ValueError(f"row {i}, column {name!r}: {said}")
            if kind != "empty":
                kinds[name] = kind
    return kinds
    # --8<-- [end:column_kinds]


# --8<-- [start:cell_kind]
def cell_kind(cell: float | str | None, where: str) -> str:
    """Return "number", "word" or "empty" for one cell; `where` is for the error.

    Raises: TypeError if it is none of the three; ValueError if not finite.
    """
    if cell is None:
        return "empty"
    if isinstance(cell, str):
        return "word"
    if type(cell) is float and math.isfinite(cell):  # the usual cell, quickly
        return "number"
    if not isinstance(cell, Real) or isinstance(cell, bool):
        raise TypeError(f"{where}: expected a number, a word or None, got {cell!r}")
    if not math.isfinite(cell):
        raise ValueError(f"{where}: expected a finite number or None, got {cell}")
    return "number"
    # --8<-- [end:cell_kind]


# --8<-- [start:column]
def column(rows: Iterable[Row], name: str) -> Tensor:
    """Return one column of numbers without gaps, such as the labels.

    Shapes: result (n,), float64, on the CPU.
    Raises: ValueError if a row lacks it, or has a gap, a word, inf or nan there;
            TypeError if a cell is none of these.
    """
    values = []
    for i, row in enumerate(rows):
        if cell_kind(row.get(name), f"row {i}, column {name!r}") != "number":
            raise ValueError(
                f"row {i}, column {name!r}: expected a number, got {row.get(name)!r}"
            )
        values.append(float(row[name]))
    return torch.tensor(values, dtype=torch.float64)
    # --8<-- [end:column]


# --8<-- [start:Encoder]
class Encoder:
    """Return a matrix for rows, with numbers learnt from the rows of `fit` alone.

    Learnt: each column's kind; for numbers what fills a gap, and the mean and
    standard deviation after filling; for words the levels. Columns that do not
    vary in the rows of `fit` are left out of X. A `fit` that raises changes nothing.

    Shapes: X (n, d), float64, on the CPU: the standardised numbers, then 0/1
            columns: `name missing` for gaps, `name=word` for words.
    Raises: ValueError or TypeError as `column_kinds`; TypeError if `skip` is a
            string; ValueError if `fill` is not "mean" or "median", `fit` finds no
            column to leave out of that name (a misspelt label would become a
            feature), a column has no finite mean or deviation, two columns of X
            would share a name, or a later row lacks a column or has a cell of
            another kind; RuntimeError before `fit`.
    """

    def __init__(
        self,
        label: str,
        skip: Collection[str] = (),
        fill: str = "mean",
        indicators: bool = True,
    ) -> None:
        check_names(skip=skip)
        if fill not in ("mean", "median"):
            raise ValueError(f"expected fill 'mean' or 'median', got {fill!r}")
        self.left_out = {label, *skip}
        self.fill, self.indicators, self.fitted = fill, indicators, False

    def fit(self, rows: Iterable[Row]) -> "Encoder":
        rows = list(rows)
        kinds = column_kinds(rows)
        if not self.left_out <= kinds.keys():
            missing = sorted(self.left_out - kinds.keys())
            raise ValueError(f"expected columns {missing} to leave out, got none")
        kinds = {c: k for c, k in kinds.items() if c not in self.left_out}
        fills, scales, seen = {}, {}, {}
        for name, kind in kinds.items():
            cells = [row[name] for row in rows]
            seen[name] = {None} & set(cells) if kind == "number" else set(cells)
            if kind == "number":
                fills[name], scale = self.measure(name, cells)
                scales |= {name: scale} if scale else {}
        marks = self.mark(kinds, seen)
        names = [*scales, *(title for title, _, _ in marks)]
        if len(set(names)) < len(names):
            twice = [title for title, k in Counter(names).items() if k > 1]
            raise ValueError(f"expected other names: X would have two of {twice}")
        self.kinds, self.fills, self.scales, self.seen = kinds, fills, scales, seen
        self.marks, self.names, self.fitted = marks, names, True
        return self

    def measure(self, name: str, cells: list[float | None]) -> tuple:
        """Return what fills a gap, and (mean, deviation), or None if all are equal."""
        present = [float(c) for c in cells if c is not None]
        try:
            fill = fmean(present) if self.fill == "mean" else median(present)
            if min(present) == max(present):
                return fill, None
            filled = [fill if c is None else float(c) for c in cells]
            as_column = torch.tensor(filled, dtype=torch.float64)[:, None]
            _, mean, std = standardise(as_column)
        except (ValueError, OverflowError) as error:
            raise ValueError(f"column {name!r}: {error}") from error
        return fill, (mean.item(), std.item())

    def mark(self, kinds: dict[str, str], seen: dict[str, set]) -> list[tuple]:
        """Return (name in X, column, what is marked by a 1) for each 0/1 column."""
        marks = []
        for name, kind in kinds.items():
            many = kind == "word" and len(seen[name]) > 1
            words = sorted(seen[name] - {None}) if many else []
            marks += [(f"{name}={word}", name, word) for word in words]
            if None in seen[name] and (many or (kind == "number" and self.indicators)):
                marks.append((f"{name} missing", name, None))
        return marks

    def cells(self, rows: list[Row], name: str) -> list[float | str | None]:
        """Return a column's cells, if each is of the kind that `fit` saw."""
        expected = self.kinds[name]
        found = [row[name] for row in rows if name in row]
        usual = {{"number": float, "word": str}.get(expected), type(None)}
        numbers = [c for c in found if type(c) is float]
        fine = {*map(type, found)} <= usual and all(map(math.isfinite, numbers))
        if fine and len(found) == len(rows):
            return found
        for i, row in enumerate(rows):  # something is odd: say what
            where = f"row {i}, column {name!r}"
            if name not in row:
                raise ValueError(f"{where}: expected this column, got {list(row)}")
            kind = cell_kind(row[name], where)
            if "empty" not in (kind, expected) and kind != expected:
                raise ValueError(f"{where}: expected a {expected}, got {row[name]!r}")
        return found

    def transform(self, rows: Iterable[Row]) -> tuple[Tensor, list[str]]:
        if not self.fitted:
            raise RuntimeError("expected fit(rows) before transform(rows)")
        rows, columns = list(rows), []
        cells = {name: self.cells(rows, name) for name in self.kinds}
        for name, (mean, std) in self.scales.items():
            filled = [self.fills[name] if c is None else float(c) for c in cells[name]]
            columns.append([(value - mean) / std for value in filled])
        for _, name, marked in self.marks:
            columns.append([float(c == marked) for c in cells[name]])
        X = torch.tensor(columns, dtype=torch.float64)
        X = X.reshape(len(columns), len(rows)).T.contiguous()
        return X, list(self.names)

    def unseen(self, rows: Iterable[Row]) -> dict[str, int]:
        """Return how often new rows have words, or gaps, where `fit` saw none."""
        if not self.fitted:
            raise RuntimeError("expected fit(rows) before unseen(rows)")
        rows, count = list(rows), Counter()
        for name, kind in self.kinds.items():
            for cell in self.cells(rows, name):
                if cell is None and None not in self.seen[name]:
                    count[f"{name} missing"] += 1
                elif kind != "number" and cell not in self.seen[name]:
                    count[f"{name}={cell}"] += 1
        return dict(count)

    # --8<-- [end:Encoder]


# --8<-- [start:fit_ridge]
def fit_ridge(X: Tensor, y: Tensor, penalty: float) -> tuple[Tensor, Tensor]:
    """Return w and b with the least |y - Xw - b|^2 + penalty * |w|^2.

    The bias is not penalised: the columns and y are centred first.

    Shapes: X (n, d), y (n,), w (d,), b ().
    Units:  both squares are sums.
    Raises: TypeError if X or y holds no floating-point numbers; ValueError and
            TypeError as `ridge`: a penalty of 0 needs columns that are
            independent, also of the constant.
    """
    for name, values in (("X", X), ("y", y)):
        if not values.is_floating_point():
            raise TypeError(f"expected floating point in {name}, got {values.dtype}")
    mean, level = X.mean(dim=0), y.mean()
    w = ridge(X - mean, y - level, penalty)
    return w, level - mean @ w
    # --8<-- [end:fit_ridge]


# --8<-- [start:rmsle]
def rmsle(price_hat: Tensor, price: Tensor) -> Tensor:
    """Return the root of the mean squared difference of the logarithms.

    Some libraries take log(1 + price), which also allows 0.

    Shapes: price_hat (m,), price (m,), result ().
    Units:  a mean under the root; 0.1 is a typical factor of exp(0.1).
    Raises: ValueError if the shapes differ, are not (m,), m = 0, or a price is
            not positive and finite; TypeError if a tensor is complex.
    """
    if price.is_complex() or price_hat.is_complex():
        raise TypeError("expected real prices, got complex ones")
    if price.dim() != 1 or price_hat.shape != price.shape or len(price) == 0:
        raise ValueError(
            "expected two tensors of one shape (m,), m > 0, "
            f"got {tuple(price_hat.shape)} and {tuple(price.shape)}"
        )
    for values in (price_hat, price):
        if not ((values > 0) & values.isfinite()).all():
            bad = values[~((values > 0) & values.isfinite())]
            raise ValueError(f"expected positive, finite prices, got {bad[0].item()}")
    return (price_hat.log() - price.log()).square().mean().sqrt()
    # --8<-- [end:rmsle]


# --8<-- [start:smearing]
def smearing(log_hat: Tensor, log_price: Tensor) -> Tensor:
    """Return the mean of exp(log_price - log_hat), which turns medians into means.

    Use rows the model was fitted to, and enough of them that its fit is close.

    Shapes: log_hat (n,), log_price (n,), result ().
    Raises: ValueError if the shapes differ, are not (n,), n = 0, or the result
            is not positive and finite; TypeError if a tensor is complex.
    Source: Duan (1983), Smearing Estimate, Journal of the American Statistical
            Association 78(383), 605-610.
    """
    if log_price.is_complex() or log_hat.is_complex():
        raise TypeError("expected real logarithms, got complex ones")
    if log_hat.dim() != 1 or log_hat.shape != log_price.shape or len(log_hat) == 0:
        raise ValueError(
            "expected two tensors of one shape (n,), n > 0, "
            f"got {tuple(log_hat.shape)} and {tuple(log_price.shape)}"
        )
    factor = (log_price - log_hat).exp().mean()
    if not (factor.isfinite() and factor > 0):
        raise ValueError(
            f"expected logarithms with a finite, positive factor, got {factor.item()}"
        )
    return factor
    # --8<-- [end:smearing]


# --8<-- [start:read_kaggle]
def read_kaggle(folder: str | Path) -> tuple[list[Row], list[Row]]:
    """Return the rows of train.csv and test.csv, each column of one kind in both.

    For the files of "House Prices: Advanced Regression Techniques". MSSubClass is
    a number that names a class: it is read as a word. Only where train.csv has
    nothing but gaps, the cells of test.csv decide.

    Raises: FileNotFoundError; ValueError as `parse_table`, and if test.csv has
            not the columns of train.csv except SalePrice.
    """
    train = read_table(Path(folder) / "train.csv", ["SalePrice"], ["MSSubClass"])
    kinds = column_kinds(train)
    kinds.pop("SalePrice")
    numbers = [name for name, kind in kinds.items() if kind == "number"]
    words = [name for name, kind in kinds.items() if kind == "word"]
    test = read_table(Path(folder) / "test.csv", numbers, words)
    if test[0].keys() != kinds.keys():
        raise ValueError(f"test.csv: expected {list(kinds)}, got {list(test[0])}")
    return train, test
    # --8<-- [end:read_kaggle]
