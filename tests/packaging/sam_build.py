"""The output of `sam build`: which functions it holds, where Lambda looks for their modules, what surrounds them."""

import functools
import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[2]
SAM = ROOT / ".venv-sam" / "bin" / "sam"
NATIVE = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
FUNCTIONS = re.findall(
    r"^  (\w+Function):\n    Type: AWS::Serverless::Function$", (ROOT / "template.yaml").read_text(), re.M
)


@dataclass(frozen=True)
class Build:
    """The output of one `sam build`."""

    folder: Path
    architecture: str

    @property
    def template_file(self) -> Path:
        return self.folder / "template.yaml"

    @functools.cached_property
    def template(self) -> dict[str, Any]:
        document: dict[str, Any] = yaml_parse(self.template_file.read_text())
        return document

    def functions(self) -> dict[str, dict[str, Any]]:
        """Properties of each function, with those of Globals."""
        common = self.template["Globals"]["Function"]
        found = {}
        for name, resource in self.template["Resources"].items():
            if resource["Type"] == "AWS::Serverless::Function":
                own = resource["Properties"]
                variables = {**common["Environment"]["Variables"], **own.get("Environment", {}).get("Variables", {})}
                layers = [*common["Layers"], *own.get("Layers", [])]
                found[name] = {**common, **own, "Variables": variables, "Layers": [layer["Ref"] for layer in layers]}
        return found

    def search_path(self, function: str) -> list[Path]:
        """Where Lambda looks for the function's modules: its code, then its layers."""
        layers = self.functions()[function]["Layers"]
        return [self.folder / function, *(self.folder / layer / "python" for layer in layers)]

    def environment(self, function: str) -> dict[str, str]:
        """The function's environment variables, with the parameters' defaults and made-up names of resources."""
        variables = self.functions()[function]["Variables"]
        return {key: self._resolved(value) for key, value in variables.items()}

    def _resolved(self, value: Any) -> str:
        match value:
            case {"Ref": name}:
                return str(self.template["Parameters"].get(name, {"Default": name.lower()})["Default"])
            case {"Fn::GetAtt": _}:
                return "arn:aws:iam::123456789012:role/service"
            case {"Fn::Join": [_, inner]}:
                return self._resolved(inner)
        return str(value)
