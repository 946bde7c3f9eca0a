"""Lambda for LocalStack without Docker: each execution environment is a process under AWS's ``awslambdaric``.

What a function can see or cause is as on AWS: its environment variables, ``/tmp`` of its own, timeouts, memory limit,
errors while it starts, crashes, the size limit of responses, and START / END / REPORT lines around its output.
"""

import fcntl
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from localstack import config
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from autoflow.local import function_process
from autoflow.local.function_process import FunctionProcess
from autoflow.local.runtime_api import Event, Outcome, RuntimeApi, error_document

RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
INIT_SECONDS = 10.0
"""How long a function may take to start on top of its timeout. AWS: 10 s, then once more within the timeout."""

_WATCH_SECONDS = 0.1


class SubprocessRuntimeExecutorPlugin(RuntimeExecutorPlugin):
    """Entry point ``localstack.lambda.runtime_executor``; chosen by ``LAMBDA_RUNTIME_EXECUTOR=subprocess``."""

    name = "subprocess"

    def load(self, *args: Any, **kwargs: Any) -> type[RuntimeExecutor]:
        """The executor's class."""
        return SubprocessRuntimeExecutor


class SubprocessRuntimeExecutor(RuntimeExecutor):
    """One execution environment. LocalStack invokes it from one thread at a time and may stop it from another."""

    def __init__(self, id: str, function_version: FunctionVersion) -> None:
        super().__init__(id, function_version)
        self.settings = function_version.config
        self.code = str(_code_folder(function_version))
        self.variables: dict[str, str] = {}
        self.output = tempfile.TemporaryFile()  # noqa: SIM115
        # Emptied after each invocation, while the function goes on writing: at the end, wherever that is by then.
        fcntl.fcntl(self.output, fcntl.F_SETFL, os.O_APPEND)
        self.scratch = ""
        self.process: FunctionProcess | None = None
        self.api: RuntimeApi | None = None
        self.spawned = 0.0
        self.init_seconds: float | None = None
        self.code_version = (0, 0)

    def start(self, env_vars: dict[str, str]) -> None:
        """Start the process; how its initialization went is told by the first invocation, as on AWS."""
        self.variables = _variables(env_vars, self.code)
        self._spawn()

    def stop(self) -> None:
        """End the process; an invocation that is under way ends with an error."""
        self._end_process()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        """Run the function once. ``payload`` has invoke-id, invoked-function-arn, payload and trace-id."""
        request_id = payload["invoke-id"]
        if self.process is None or self.process.exited.is_set() or self._code_changed():
            self._end_process()
            self._spawn()
        outcome = self._wait_for_init(request_id)
        started = time.monotonic()
        peak = 0
        if outcome is None and self.api:
            event = Event(
                request_id=request_id,
                payload=payload["payload"].encode(),
                function_arn=payload["invoked-function-arn"],
                trace_id=payload["trace-id"],
                deadline=time.time() + self.settings.timeout,
            )
            self.api.send(event)
            outcome, peak = self._wait_for_outcome(request_id, started)
        outcome = outcome or Outcome(error_document("ServiceException", "The environment was stopped."), failed=True)
        return InvocationResult(
            request_id,
            outcome.payload,
            is_error=outcome.failed,
            logs=self._log(request_id, time.monotonic() - started, peak),
        )

    def _spawn(self) -> None:
        layers = tuple(str(folder) for folder in _layer_folders(self.function_version))
        if not self.scratch:
            self.scratch = tempfile.mkdtemp(prefix="lambda-")
        self.code_version = _version_of(self.code)
        self.output.truncate(0)
        self.api = api = RuntimeApi()
        self.init_seconds = None
        self.spawned = time.monotonic()
        own = {"AWS_LAMBDA_RUNTIME_API": api.address, "TMPDIR": self.scratch, "HOME": self.scratch}
        self.process = function_process.server(layers, self.code).run(
            handler=self.variables["_HANDLER"],
            folder=self.code,
            environment={**self.variables, **own},
            path=[self.code, *layers],
            output=self.output.fileno(),
        )

    def _end_process(self) -> None:
        process, api, self.process, self.api = self.process, self.api, None, None
        if process:
            process.kill()
        if api:
            api.close()

    def _wait_for_init(self, request_id: str) -> Outcome | None:
        """None when the function is ready for an event, else how its start failed."""
        api, process = self.api, self.process
        if api is None or process is None:
            return None
        limit = INIT_SECONDS + self.settings.timeout
        while True:
            with api.changed:
                if not api.ready and api.init_error is None:
                    api.changed.wait(_WATCH_SECONDS)
            if api.init_error is not None:
                process.exited.wait(2)
                return Outcome(api.init_error, failed=True)
            if api.ready:
                if self.init_seconds is None:
                    self.init_seconds = time.monotonic() - self.spawned
                return None
            if process.exited.is_set():
                return Outcome(error_document("Runtime.ExitError", _exit_message(request_id, process.status)), True)
            if time.monotonic() - self.spawned > limit:
                self._end_process()
                return self._timed_out(request_id, limit)

    def _wait_for_outcome(self, request_id: str, started: float) -> tuple[Outcome, int]:
        """The invocation's outcome and the most memory seen, in bytes."""
        api, process = self.api, self.process
        peak = 0
        while api and process:
            with api.changed:
                if api.outcome is None:
                    api.changed.wait(min(_WATCH_SECONDS, max(0.0, started + self.settings.timeout - time.monotonic())))
                outcome = api.outcome
            used = _resident(process.pid)
            peak = max(peak, used)
            if outcome is not None:
                return outcome, peak
            if process.exited.is_set():
                message = _exit_message(request_id, process.status)
                return Outcome(error_document("Runtime.ExitError", message), failed=True), peak
            if used > self.settings.memory_size * 1024 * 1024:
                self._end_process()
                message = _exit_message(request_id, -signal.SIGKILL)
                return Outcome(error_document("Runtime.OutOfMemory", message), failed=True), peak
            if time.monotonic() - started >= self.settings.timeout:
                self._end_process()
                return self._timed_out(request_id, self.settings.timeout), peak
        return Outcome(error_document("ServiceException", "The environment was stopped."), failed=True), peak

    def _timed_out(self, request_id: str, seconds: float) -> Outcome:
        message = f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds"
        return Outcome(error_document("Sandbox.Timedout", message), failed=True)

    def _code_changed(self) -> bool:
        return bool(self.settings.code and self.settings.code.is_hot_reloading()) and (
            _version_of(self.code) != self.code_version
        )

    def _log(self, request_id: str, seconds: float, peak: int) -> str:
        """The invocation's log: AWS's frame around what the function printed since the last one."""
        printed = self.get_logs()
        self.output.truncate(0)
        report = [
            f"REPORT RequestId: {request_id}",
            f"Duration: {seconds * 1000:.2f} ms",
            f"Billed Duration: {int(seconds * 1000) + 1} ms",
            f"Memory Size: {self.settings.memory_size} MB",
            f"Max Memory Used: {peak // (1024 * 1024)} MB",
        ]
        if self.init_seconds:
            report.append(f"Init Duration: {self.init_seconds * 1000:.2f} ms")
            self.init_seconds = 0.0
        lines = [
            f"START RequestId: {request_id} Version: {self.function_version.id.qualifier}",
            printed.rstrip("\n"),
            f"END RequestId: {request_id}",
            "\t".join(report),
        ]
        return "\n".join(line for line in lines if line) + "\n"

    def get_logs(self) -> str:
        """What the function printed since its last invocation ended, at most 1 MiB."""
        return os.pread(self.output.fileno(), 1 << 20, 0).decode(errors="replace")

    def get_address(self) -> str:
        """Where the environment is."""
        return "127.0.0.1"

    def get_endpoint_from_executor(self) -> str:
        """Where the environment finds the cloud."""
        return "127.0.0.1"

    def get_runtime_endpoint(self) -> str:
        """Unused here: the process talks to its own :class:`RuntimeApi`."""
        return f"http://127.0.0.1:{config.GATEWAY_LISTEN[0].port}/_localstack_lambda/{self.id}"

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        """Unpack code and layers, and have the common packages imported by the time the function is invoked.

        Raises:
            ValueError: the function wants another runtime than this Python.
        """
        if function_version.config.runtime != RUNTIME:
            raise ValueError(f"runtime {function_version.config.runtime} is not {RUNTIME}, the only one of this cloud")
        for code in (function_version.config.code, *(layer.code for layer in function_version.config.layers)):
            if code:
                code.prepare_for_execution()
        layers = tuple(str(folder) for folder in _layer_folders(function_version))
        function_process.server(layers, str(_code_folder(function_version)))

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """Remove the unpacked code; layers may be used by other functions."""
        if function_version.config.code:
            function_version.config.code.destroy_cached()


def _code_folder(function_version: FunctionVersion) -> Path:
    code = function_version.config.code
    if code is None:
        raise ValueError(f"{function_version.id.function_name} has no code archive; images are not supported here")
    return Path(code.get_unzipped_code_location())


def _layer_folders(function_version: FunctionVersion) -> list[Path]:
    """``/opt/python`` of each layer; a later layer wins, as it is unpacked over the earlier ones on AWS."""
    archives = [layer.code for layer in reversed(function_version.config.layers) if layer.code]
    return [Path(code.get_unzipped_code_location()) / "python" for code in archives]


def _variables(env_vars: dict[str, str], code: str) -> dict[str, str]:
    """The function's environment: AWS's variables and its own, nothing of LocalStack or of this machine's user."""
    chosen = {name: str(value) for name, value in env_vars.items() if not name.startswith(("LOCALSTACK_", "EDGE_"))}
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "en_US.UTF-8",
        **chosen,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{RUNTIME}",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "LAMBDA_TASK_ROOT": code,
        "TZ": "UTC",
        # There is no X-Ray daemon here, and nothing but the cloud itself to reach.
        "POWERTOOLS_TRACE_DISABLED": "1",
        "NO_PROXY": "*",
    }


def _exit_message(request_id: str, status: int | None) -> str:
    if not status:
        return f"RequestId: {request_id} Error: Runtime exited without providing a reason"
    reason = f"exit status {status}" if status > 0 else f"signal: {(signal.strsignal(-status) or str(-status)).lower()}"
    return f"RequestId: {request_id} Error: Runtime exited with error: {reason}"


def _resident(pid: int) -> int:
    """Bytes of memory the process holds; 0 when it has ended."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def _version_of(folder: str) -> tuple[int, int]:
    """Number of source files and time of their last change in nanoseconds; compiled files don't count."""
    times = [
        path.stat().st_mtime_ns
        for parent, _, names in Path(folder).walk(follow_symlinks=True)
        for path in map(parent.joinpath, names)
        if path.suffix != ".pyc" and path.exists()
    ]
    return len(times), max(times, default=0)
