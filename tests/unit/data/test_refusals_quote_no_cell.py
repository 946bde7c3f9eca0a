"""A refusal says where the flaw is, and never what a cell holds: it goes to logs, notifications and histories."""

from typing import Any

import pytest

from automl.errors import InvalidDataset
from tests.unit.data.house_prices import HEADER, houses, transform

ROWS = 900
FLAWED: dict[str, tuple[str, dict[str, Any]]] = {
    "a cell too many": ('x,CANARY,1,2,"CANARY, more",3,CANARY', {}),
    "a cell too few": ("x,CANARY,1,2,CANARY", {}),
    "a quote in a cell": ('x,"CANARY" CANARY,1,2,1990-01-31,3', {}),
    "a quote that stays open": ('x,"CANARY,1,2,1990-01-31,3', {}),
    "a NUL byte": ("x,CANARY\0,1,2,1990-01-31,3", {}),
    "bytes that are no text": ("x,CANARY\udcff,1,2,1990-01-31,3", {}),
    "a mark in the middle": ("\ufeffCANARY,CANARY,1,2,1990-01-31,3", {}),
    "a lone CR": ("x,CANARY\rCANARY,1,2,1990-01-31,3", {}),
    "a number that a filter casts": ("x,Oslo,CANARY,2,1990-01-31,3", {"Filter": "CAST(size AS DOUBLE) > 30"}),
    "a text that a derived column casts": ("x,CANARY,1,2,1990-01-31,3", {"Derive": {"day": "CAST(city AS DATE)"}}),
    "a target that is no number": ("x,Oslo,1,2,1990-01-31,CANARY", {"Problem": "Regression"}),
    "a target of very many texts": ("x,Oslo,1,2,1990-01-31,CANARY", {"Target": "id"}),
}
"""What is wrong with the last row, and what the request asks for."""


@pytest.mark.parametrize("flaw", FLAWED)
def test_a_refusal_quotes_no_cell(data_bucket: Any, capsys: pytest.CaptureFixture[str], flaw: str) -> None:
    row, asked = FLAWED[flaw]
    rows = [",".join(f'"{one[name].replace(chr(34), chr(34) * 2)}"' for name in HEADER) for one in houses(ROWS)]
    text = "\n".join([",".join(HEADER), *rows, row, ""])
    data_bucket.put_object(Bucket="data-bucket", Key="in/houses.csv", Body=text.encode(errors="surrogateescape"))
    sections: dict[str, Any] = {"Transform": {key: asked[key] for key in ("Filter", "Derive") if key in asked}}
    if "Problem" in asked:
        sections["Problem"] = {"Type": asked["Problem"]}
    if "Target" in asked:
        sections["Dataset"] = {"TargetColumn": asked["Target"]}

    with pytest.raises(InvalidDataset) as refused:
        transform(data_bucket, **sections)

    assert "CANARY" not in str(refused.value)
    assert "CANARY" not in "".join(capsys.readouterr())
    assert "houses.csv" in str(refused.value)
