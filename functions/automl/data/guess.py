"""Splitting while the types are still being found: on the guess that all rows are like those that were seen so far."""

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from automl.data.ahead import Behind
from automl.data.dataset import Batch, Dataset
from automl.data.profile import Profile
from automl.data.recipe import Recipe, from_request
from automl.data.spelling import Spellings
from automl.data.splitter import Split, Splitter, new_splitter
from automl.errors import InvalidDataset, InvalidRequest
from automl.run_files import RunFiles
from automl.storage import delete_prefix

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Guess:
    """A split of the rows as they stream by; given up as soon as a row shows that it is wrong.

    It relies on the types of the target and of the columns that expressions use, and on a target without spellings to
    correct. A recipe or a row that is refused ends it, too: who splits again says why.
    """

    def __init__(self, s3: "S3Client", run: RunFiles, request: Mapping[str, Any], dataset: Dataset) -> None:
        self._s3, self._run, self._request, self._dataset = s3, run, request, dataset
        self._splitter: Splitter | None = None
        self._types: dict[str, str] = {}
        self._wrong = False
        self._writing: Behind[Split] = Behind(self._write)

    def __enter__(self) -> "Guess":
        self._writing.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._writing.__exit__(kind, error, traceback)

    def add(self, batch: Batch, profile: Profile, spellings: Spellings) -> None:
        """Split some more rows.

        Args:
            batch: the rows.
            profile: of all rows up to these.
            spellings: of the target in all rows up to these.
        """
        if self._wrong:
            return
        try:
            if self._splitter is None:
                recipe = from_request(self._request, profile.types)
                self._types = _types_that_matter(recipe, profile.types)
                self._splitter = new_splitter(self._s3, self._run, self._request, self._dataset, recipe, spellings)
            if not self._holds(self._splitter, profile.types, spellings):
                self._wrong = True
                return
            self._writing.add(self._splitter.split(batch, profile.types))
        except (InvalidDataset, InvalidRequest):
            self._wrong = True

    def result(self, recipe: Recipe, spellings: Spellings) -> Splitter | None:
        """The splitter, when it did what one that knew all rows would have done; else None, and no files."""
        splitter, self._splitter = self._splitter, None
        if self._wrong or splitter is None or not self._holds(splitter, recipe.types, spellings):
            delete_prefix(self._s3, self._run.data)
            return None
        splitter.recipe = recipe
        return splitter

    def _holds(self, splitter: Splitter, types: Mapping[str, str], spellings: Spellings) -> bool:
        corrections = spellings.corrections(types[splitter.recipe.target])
        return not corrections and self._types == _types_that_matter(splitter.recipe, types)

    def _write(self, split: Split) -> None:
        assert self._splitter is not None
        if not self._wrong:
            self._splitter.write(split)


def _types_that_matter(recipe: Recipe, types: Mapping[str, str]) -> dict[str, str]:
    """Those that change what becomes of a row."""
    expressions = [*recipe.derived.values(), *([recipe.condition] if recipe.condition else [])]
    names = {recipe.target, *(name for expression in expressions for name in expression.columns)}
    return {name: types[name] for name in names}
