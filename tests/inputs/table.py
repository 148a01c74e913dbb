"""All tables, and the parts of the site that they cover.

Drawings (`figures` in each part) are not covered: they answer with a picture.
"""

from tests.inputs import (
    table_deep,
    table_estimation,
    table_optimisation,
    table_regression,
    table_tools,
)

PARTS = {
    "tools": table_tools,
    "regression": table_regression,
    "estimation": table_estimation,
    "optimisation": table_optimisation,
    "deep": table_deep,
}
CASES = [case for table in PARTS.values() for case in table.CASES]
RECORDS = [name for table in PARTS.values() for name in table.RECORDS]
WITHOUT_INPUT = [name for table in PARTS.values() for name in table.WITHOUT_INPUT]
