"""What roles are allowed and no test in a local cloud can use, each with its reason.

A finding is expected when role, policy, action and what is said of it match the patterns of a row. A row that expects
nothing any more has to go, which a test makes sure of; but not those of paths that only some runs of the tests take.
That the code of a function can call what its role is allowed is proven apart, from the code (test_permissions.py).
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
    what: str = "*never used"
    sometimes: bool = False
    """Whether some runs of the tests use it."""

    def __contains__(self, finding: Finding) -> bool:
        pairs = (
            (finding.role, self.role),
            (finding.policy, self.policy),
            (finding.action, self.action),
            (finding.what, self.what),
        )
        return all(fnmatchcase(text, pattern) for text, pattern in pairs)


SAM = "SAM attaches it to every function's role; the functions' boundary keeps it from creating groups"
TRACES = "there is no X-Ray here: traces are switched off in the local cloud"
SCHEDULES = "the local scheduler keeps schedules and starts nothing"
SCALING = "there is no Application Auto Scaling here, and the local cloud says so to a request that asks for it"
AUTOPILOT = (
    "Autopilot's own work in an account, from AWS's documented minimum (docs/decisions/0008): here it is our engine's"
)
SYNC = "Step Functions follows nested executions by events of its own; the local engine looks at them"
MAP = "Step Functions runs a Distributed Map as executions and uploads what they say; the local engine does not"
DELIVERY = "Step Functions delivers logs of state machines itself; the local engine has none"

ENDINGS = "taken when something has gone wrong, or is there already: the tests of faults do, of which CI runs a sample"
INSTANCES = "only an endpoint on instances has alarms, is updated under their eyes and captures data"

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
    Expected(MAP, role="ScoringStateMachineRole", action="s3:GetObject"),
    Expected(MAP, role="ScoringStateMachineRole", action="s3:PutObject", what="*/map-runs/[*] was …/manifest.json *"),
    Expected(SCALING, policy="autoflow-<ScaleEndpointsPolicy>", sometimes=True),
    Expected(SCALING, policy="autoflow-<EndScalingPolicy>", sometimes=True),
    Expected(SCALING, policy="autoflow-<EndScalingPolicy>", what="*alarm:TargetTracking-endpoint/*", sometimes=True),
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
    Expected(INSTANCES, action="cloudwatch:*Alarm*", sometimes=True),
    Expected(INSTANCES, role="SageMakerRole", action="s3:PutObject", what="*/capture/*", sometimes=True),
    Expected(ENDINGS, role="CleanUpFunctionRole", action="s*:*", sometimes=True),
    Expected(ENDINGS, role="SettleExecutionFunctionRole", action="s*:*", sometimes=True),
    Expected(ENDINGS, role="RollBackEndpointFunctionRole", action="sagemaker:UpdateEndpoint", sometimes=True),
    Expected(ENDINGS, role="RetireModelFunctionRole", action="sagemaker:*", sometimes=True),
    Expected(ENDINGS, role="Stop*JobFunctionRole", sometimes=True),
    Expected(ENDINGS, action="lambda:InvokeFunction", what="*<Stop*JobFunction> never used", sometimes=True),
    Expected(ENDINGS, action="lambda:GetFunctionConfiguration", sometimes=True),
    Expected(ENDINGS, role="*FunctionRole", action="*s3:DeleteObject", sometimes=True),
    Expected(ENDINGS, role="PrepareRowsFunctionRole", action="s3:DeleteObject", what="*but for a name", sometimes=True),
    Expected(ENDINGS, role="CreateEndpointFunctionRole", action="sagemaker:DeleteEndpointConfig", sometimes=True),
    Expected(ENDINGS, role="CreateTransformJobFunctionRole", action="s3:PutObject", sometimes=True),
    Expected(ENDINGS, role="SageMakerRole", action="s3:*", what="*/transform* never used", sometimes=True),
    Expected(ENDINGS, role="Find*ModelFunctionRole", action="*sagemaker:*", sometimes=True),
    Expected(ENDINGS, role="Find*FunctionRole", policy="autoflow-<CreateModelsPolicy>", sometimes=True),
    Expected(ENDINGS, role="WaitForApprovalFunctionRole", sometimes=True),
    Expected(ENDINGS, role="AnswerApprovalFunctionRole", action="sqs:SendMessage", sometimes=True),
)


def unexpected(findings: Iterator[Finding]) -> list[str]:
    """Findings that no row expects, for people."""
    return sorted({str(finding) for finding in findings if not any(finding in row for row in EXPECTED)})
