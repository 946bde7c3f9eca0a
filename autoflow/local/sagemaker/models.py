"""Models and endpoint configs: immutable documents with rules."""

import copy
from collections.abc import Callable, Iterable
from typing import Any

from autoflow.local.sagemaker import model_packages, paging
from autoflow.local.sagemaker.errors import validation
from autoflow.local.sagemaker.state import Account, Document, now, tags_of

_ENVIRONMENT_BYTES = 32 * 1024
_NOT_EMULATED = ("AsyncInferenceConfig", "ExplainerConfig", "ShadowProductionVariants")
_MODEL_ECHO = (
    "ModelName",
    "PrimaryContainer",
    "Containers",
    "InferenceExecutionConfig",
    "ExecutionRoleArn",
    "VpcConfig",
    "EnableNetworkIsolation",
)
_CONFIG_ECHO = (
    "EndpointConfigName",
    "ProductionVariants",
    "DataCaptureConfig",
    "KmsKeyId",
    "ExecutionRoleArn",
    "VpcConfig",
    "EnableNetworkIsolation",
    "MetricsConfig",
)


def containers_of(account: Account, model: Document) -> list[Document]:
    """The containers of a model in the order of execution; a model package stands for its own.

    Raises:
        CommonServiceException: a model package does not exist.
    """
    found: list[Document] = []
    for container in _given_containers(model):
        if "ModelPackageName" not in container:
            found.append(container)
            continue
        for packaged in model_packages.containers(account, container["ModelPackageName"]):
            environment = packaged.get("Environment", {}) | container.get("Environment", {})
            found.append(packaged | ({"Environment": environment} if environment else {}))
    return found


def _given_containers(model: Document) -> list[Document]:
    return [model["PrimaryContainer"]] if "PrimaryContainer" in model else list(model.get("Containers", []))


def create_model(account: Account, request: Document) -> Document:
    """CreateModel."""
    name = request["ModelName"]
    arn = account.arn("model", name)
    if ("PrimaryContainer" in request) == bool(request.get("Containers")):
        raise validation("Exactly one of PrimaryContainer and Containers must be specified.")
    for container in _given_containers(request):
        if "ModelPackageName" in container:
            model_packages.require_approved(account, container["ModelPackageName"])
    size = 0
    for container in containers_of(account, request):
        if "Image" not in container:
            raise validation("Image must be specified for every container.")
        size += sum(len(f"{key}{value}".encode()) for key, value in container.get("Environment", {}).items())
    if size > _ENVIRONMENT_BYTES:
        raise validation(f"The environment variables of all containers take {size} bytes; the limit is 32 KB.")
    with account.lock:
        if name in account.models:
            raise validation(f'Cannot create already existing model "{arn}".')
        model = {key: request[key] for key in _MODEL_ECHO if key in request}
        model |= {"ModelArn": arn, "CreationTime": now()}
        model.setdefault("EnableNetworkIsolation", False)
        account.models[name] = model
        account.tags[arn] = tags_of(request)
    return {"ModelArn": arn}


def describe_model(account: Account, request: Document) -> Document:
    """DescribeModel."""
    with account.lock:
        return copy.deepcopy(find_model(account, request["ModelName"]))


def find_model(account: Account, name: str) -> Document:
    """The model's document.

    Raises:
        CommonServiceException: there is none.
    """
    try:
        return account.models[name]
    except KeyError:
        raise validation(f'Could not find model "{account.arn("model", name)}".') from None


def delete_model(account: Account, request: Document) -> Document:
    """DeleteModel. Endpoints that have loaded the model go on."""
    with account.lock:
        account.tags.pop(find_model(account, request["ModelName"])["ModelArn"], None)
        del account.models[request["ModelName"]]
    return {}


def create_endpoint_config(account: Account, request: Document) -> Document:
    """CreateEndpointConfig."""
    name = request["EndpointConfigName"]
    arn = account.arn("endpoint-config", name)
    with account.lock:
        if name in account.endpoint_configs:
            raise validation(f'Cannot create already existing endpoint configuration "{arn}".')
        for message in _broken_config_rules(account, request):
            raise validation(message)
        config = copy.deepcopy({key: request[key] for key in _CONFIG_ECHO if key in request})
        for variant in config["ProductionVariants"]:
            variant.setdefault("InitialVariantWeight", 1.0)
        config |= {"EndpointConfigArn": arn, "CreationTime": now()}
        account.endpoint_configs[name] = config
        account.tags[arn] = tags_of(request)
    return {"EndpointConfigArn": arn}


def _broken_config_rules(account: Account, request: Document) -> Iterable[str]:
    variants = request["ProductionVariants"]
    names = [variant["VariantName"] for variant in variants]
    if len(set(names)) < len(names):
        yield f"VariantName must be unique within an endpoint configuration; found {', '.join(names)}."
    for key in _NOT_EMULATED:
        if key in request:
            yield f"{key} is not supported in the local cloud."
    captures = request.get("DataCaptureConfig", {}).get("EnableCapture", "DataCaptureConfig" in request)
    serverless = any("ServerlessConfig" in variant for variant in variants)
    if captures and serverless:
        yield "Data capture is not supported for serverless endpoints."
    if serverless and len(variants) > 1:
        yield "Serverless endpoints support one production variant only."
    if serverless and "VpcConfig" in request:
        yield "VpcConfig is not supported for serverless endpoints."
    for variant in variants:
        if "ModelName" not in variant:
            yield f"ModelName must be specified for variant {variant['VariantName']}."
        else:
            model = find_model(account, variant["ModelName"])
            yield from _broken_variant_rules(account, variant, model)


def _broken_variant_rules(account: Account, variant: Document, model: Document) -> Iterable[str]:
    name = variant["VariantName"]
    serverless = variant.get("ServerlessConfig")
    if serverless is None:
        for key in ("InstanceType", "InitialInstanceCount"):
            if key not in variant:
                yield f"{key} must be specified for variant {name}, or ServerlessConfig."
        return
    for key in ("InstanceType", "InitialInstanceCount", "AcceleratorType", "VolumeSizeInGB", "ManagedInstanceScaling"):
        if key in variant:
            yield f"{key} must not be specified with ServerlessConfig (variant {name})."
    if serverless["MemorySizeInMB"] % 1024:
        yield (
            f"MemorySizeInMB {serverless['MemorySizeInMB']} is not supported; use 1024, 2048, 3072, 4096, 5120 or 6144."
        )
    if serverless.get("ProvisionedConcurrency", 0) > serverless["MaxConcurrency"]:
        yield "ProvisionedConcurrency must not be greater than MaxConcurrency."
    if len(containers_of(account, model)) > 1:
        yield f"Inference pipelines are not supported for serverless endpoints (model {model['ModelName']})."
    if "VpcConfig" in model:
        yield f"VpcConfig is not supported for serverless endpoints (model {model['ModelName']})."
    if model.get("EnableNetworkIsolation"):
        yield f"Network isolation is not supported for serverless endpoints (model {model['ModelName']})."


def describe_endpoint_config(account: Account, request: Document) -> Document:
    """DescribeEndpointConfig."""
    with account.lock:
        return copy.deepcopy(find_endpoint_config(account, request["EndpointConfigName"]))


def find_endpoint_config(account: Account, name: str) -> Document:
    """The endpoint config's document.

    Raises:
        CommonServiceException: there is none.
    """
    try:
        return account.endpoint_configs[name]
    except KeyError:
        arn = account.arn("endpoint-config", name)
        raise validation(f'Could not find endpoint configuration "{arn}".') from None


def delete_endpoint_config(account: Account, request: Document) -> Document:
    """DeleteEndpointConfig."""
    with account.lock:
        config = find_endpoint_config(account, request["EndpointConfigName"])
        account.tags.pop(config["EndpointConfigArn"], None)
        del account.endpoint_configs[request["EndpointConfigName"]]
    return {}


def _list(documents: Iterable[Document], request: Document, kind: str, summary: tuple[str, ...]) -> Document:
    keys: dict[str, Callable[[Document], Any]] = {
        "Name": lambda item: item[f"{kind}Name"],
        "CreationTime": lambda item: item["CreationTime"],
    }
    found = paging.within(({key: item[key] for key in summary} for item in documents), request, f"{kind}Name")
    items, more = paging.page(paging.ordered(found, request, keys, "CreationTime", "Descending"), request)
    return {f"{kind}s": items} | more


def list_models(account: Account, request: Document) -> Document:
    """ListModels."""
    with account.lock:
        return _list(account.models.values(), request, "Model", ("ModelName", "ModelArn", "CreationTime"))


def list_endpoint_configs(account: Account, request: Document) -> Document:
    """ListEndpointConfigs."""
    summary = ("EndpointConfigName", "EndpointConfigArn", "CreationTime")
    with account.lock:
        return _list(account.endpoint_configs.values(), request, "EndpointConfig", summary)
