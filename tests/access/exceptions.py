"""What roles are allowed and no test in a local cloud can use, each with its reason.

A finding is expected when role, policy, action and what is said of it match the patterns of a row. A row that expects
nothing any more has to go, which a test makes sure of.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tests.access.policies_in_use import Finding


@dataclass(frozen=True)
class Expected:
    """A finding that is right, and why."""

    reason: str
    role: str = "*"
    policy: str = "*"
    action: str = "*"
    what: str = "never used"

    def __contains__(self, finding: Finding) -> bool:
        # In what is found, brackets and wildcards stand for themselves; in the patterns only * is one.
        pairs = (
            (finding.role, self.role),
            (finding.policy, self.policy),
            (finding.action, self.action),
            (finding.what, self.what),
        )
        return all(fnmatchcase(text, pattern.replace("[", "[[]")) for text, pattern in pairs)


SAM = "SAM attaches it to every function's role; the functions' boundary keeps it from creating groups"
TRACES = "there is no X-Ray here: traces are switched off in the local cloud"
SCHEDULES = "the local scheduler keeps schedules and starts nothing"
SCALING = "there is no Application Auto Scaling here, and the local cloud says so to a request that asks for it"
AUTOPILOT = (
    "Autopilot's own work in an account, from AWS's documented minimum (docs/decisions/0008): here it is our engine's"
)
SYNC = "Step Functions follows nested executions by events of its own; the local engine looks at them"
MAP = (
    "Step Functions runs a Distributed Map as executions and uploads what they say; the local engine does not"
)
DELIVERY = "Step Functions delivers logs of state machines itself; the local engine has none"

EXPECTED = (
    Expected(SAM, policy="AWSLambdaBasicExecutionRole", action="logs:CreateLogGroup"),
    Expected(TRACES, policy="AWSXrayWriteOnlyAccess"),
    Expected(SCHEDULES, role="*ScheduleRole", action="states:StartExecution"),
    Expected(SCHEDULES, role="*RetrainingRole", action="states:StartExecution"),
    Expected(DELIVERY, policy="autoflow-<WriteMachineLogsPolicy>", action="logs:*"),
    Expected(SYNC, role="*StateMachineRole", action="events:*"),
    Expected(SYNC, role="*StateMachineRole", policy="*StateMachineRolePolicy*", action="states:StopExecution"),
    Expected(MAP, policy="ScoreParts", action="states:*"),
    Expected(MAP, role="ScoringStateMachineRole", action="s3:*MultipartUpload*"),
    Expected(SCALING, policy="autoflow-<ScaleEndpointsPolicy>"),
    Expected(SCALING, policy="autoflow-<EndScalingPolicy>"),
    Expected(AUTOPILOT, role="SageMakerRole", action="ecr:*"),
    Expected(AUTOPILOT, role="SageMakerRole", action="sagemaker:*"),
    Expected(AUTOPILOT, role="SageMakerRole", action="logs:DescribeLogStreams"),
    Expected(AUTOPILOT, role="SageMakerRole", action="cloudwatch:PutMetricData"),
    Expected(AUTOPILOT, role="SageMakerRole", policy="PassItself"),
    Expected(
        "whose role looks up the digest of a registered image is not documented",
        role="RegisterModelFunctionRole",
        action="ecr:*",
    ),
)


def unexpected(findings: Iterator[Finding]) -> list[str]:
    """Findings that no row expects, for people."""
    return sorted({str(finding) for finding in findings if not any(finding in row for row in EXPECTED)})
