"""Where a run keeps its files: ``s3://<bucket>/runs/<run>/``."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RunFiles:
    """URIs of a run's files. ``uri`` is the run's folder and ends with a slash."""

    uri: str

    @property
    def request(self) -> str:
        return f"{self.uri}request.json"

    @property
    def profile(self) -> str:
        return f"{self.uri}profile.json"

    @property
    def recipe(self) -> str:
        return f"{self.uri}recipe.json"

    @property
    def smoke_rows(self) -> str:
        """A few training rows as the endpoint takes them: features only, no header."""
        return f"{self.uri}smoke.csv"

    @property
    def data(self) -> str:
        return f"{self.uri}data/"

    def split(self, name: str) -> str:
        """Folder of one split: ``train``, ``calibration`` or ``test``."""
        return f"{self.data}{name}/"

    @property
    def autopilot(self) -> str:
        """S3OutputPath of the AutoML job; without a trailing slash, as the job appends its own name."""
        return f"{self.uri}autopilot"

    @property
    def capture(self) -> str:
        """SageMaker appends ``/<endpoint>/<variant>/yyyy/mm/dd/hh/<file>.jsonl``, so there is no slash at the end."""
        return f"{self.uri}capture"

    @property
    def candidate(self) -> str:
        return f"{self.uri}candidate.json"

    @property
    def leaderboard(self) -> str:
        return f"{self.uri}leaderboard.json"

    @property
    def model(self) -> str:
        return f"{self.uri}model.json"

    @property
    def result(self) -> str:
        return f"{self.uri}result.json"

    @property
    def calibration(self) -> str:
        return f"{self.uri}calibration.json"

    @property
    def evaluation(self) -> str:
        return f"{self.uri}evaluation.json"

    @property
    def previous(self) -> str:
        return f"{self.uri}previous.json"

    @property
    def approval(self) -> str:
        """The task token of a run that waits for approval; deleted when it was answered."""
        return f"{self.uri}approval.json"

    @property
    def report(self) -> str:
        return f"{self.uri}report.html"

    def proof_of(self, name: str) -> str:
        """Output folder of one scoring that proves the model: ``calibration``, ``test`` (only when the run also
        scores other rows), ``champion`` or ``former-test``."""
        return f"{self.uri}proof/{name}/"


@dataclass(frozen=True)
class ScoringFiles:
    """URIs of one scoring's files below its output folder, which ends with a slash."""

    uri: str

    @property
    def features_folder(self) -> str:
        return f"{self.uri}rows/features/"

    def features(self, part: int) -> str:
        """Features in training order, CSV without header, one record per line; absent when no row is sent."""
        return f"{self.features_folder}part-{part:05d}.csv"

    @property
    def keys_folder(self) -> str:
        return f"{self.uri}rows/keys/"

    def keys(self, part: int) -> str:
        """CSV with header ``Row,Id,Truth``, one record per line of :meth:`features`."""
        return f"{self.keys_folder}part-{part:05d}.csv"

    @property
    def skipped_folder(self) -> str:
        return f"{self.uri}rows/skipped/"

    def skipped(self, part: int) -> str:
        """CSV with header ``Row,Id,Truth,Reason``: rows that are not sent to the endpoint."""
        return f"{self.skipped_folder}part-{part:05d}.csv"

    @property
    def rows(self) -> str:
        """What Prepare Rows decided, for whoever reads the folder without the execution."""
        return f"{self.uri}rows.json"

    @property
    def parts(self) -> str:
        """The numbers of the parts to score, a JSON list: items of the Distributed Map."""
        return f"{self.uri}parts.json"

    @property
    def finished_folder(self) -> str:
        return f"{self.uri}parts/"

    def finished(self, part: int) -> str:
        """What a part came to; written last, so a part that has it is finished."""
        return f"{self.finished_folder}part-{part:05d}.json"

    @property
    def failures_folder(self) -> str:
        return f"{self.uri}failures/"

    def failure(self, part: int) -> str:
        """``Part``, ``Error`` and ``Cause`` of the last attempt that failed."""
        return f"{self.failures_folder}part-{part:05d}.json"

    @property
    def transform_manifest(self) -> str:
        """The feature files of a transform job that has not to read them all."""
        return f"{self.uri}transform.manifest"

    @property
    def transform_folder(self) -> str:
        """S3OutputPath of a transform job, which appends ``.out`` to the names of its input objects."""
        return f"{self.uri}transform/"

    def transformed(self, part: int) -> str:
        return f"{self.transform_folder}part-{part:05d}.csv.out"

    @property
    def results(self) -> tuple[str, ...]:
        """Folders that belong to one scoring alone, which empties them before it begins."""
        return (
            f"{self.uri}rows/",
            self.predictions_folder,
            self.accepted_folder,
            self.review_folder,
            self.finished_folder,
            self.failures_folder,
            self.transform_folder,
        )

    @property
    def summary(self) -> str:
        """``result.json``; in a run's folder that is the run's, and a scoring's is ``scoring.json``."""
        top = self.uri.split("/")[3]
        return f"{self.uri}{'scoring' if top == 'runs' else 'result'}.json"

    @property
    def predictions_folder(self) -> str:
        return f"{self.uri}predictions/"

    def predictions(self, part: int) -> str:
        """CSV with header ``Row,Id,Truth,<response keys>``: the endpoint's raw answers."""
        return f"{self.predictions_folder}part-{part:05d}.csv"

    @property
    def accepted_folder(self) -> str:
        return f"{self.uri}accepted/"

    def accepted(self, part: int) -> str:
        return f"{self.accepted_folder}part-{part:05d}.csv"

    @property
    def review_folder(self) -> str:
        return f"{self.uri}review/"

    def review(self, part: int) -> str:
        return f"{self.review_folder}part-{part:05d}.csv"
