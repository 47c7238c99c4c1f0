"""Runs the whole deployment program under Pulumi's mocks and prints what it registers, as JSON.

python -m tests.infra.record '{"privateNetwork": "true"}'
"""

import json
import runpy
import sys
import time
from pathlib import Path
from typing import Any

import pulumi
from google.protobuf import json_format
from pulumi.runtime import mocks, rpc

INFRA = Path(__file__).parents[2] / "infra"
SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
KEY = "S3cret-master-key-1"
DEFAULTS = {"alertEmail": "ops@contoso.com", "masterKeys": json.dumps({"default": KEY})}


class Cloud(pulumi.runtime.Mocks):
    """Gives each resource the outputs that the program reads."""

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        assert args.token == "azure-native:authorization:getClientConfig", args.token
        return {"subscriptionId": SUBSCRIPTION, "tenantId": "tenant", "clientId": "client", "objectId": "object"}, []

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        inputs = dict(args.inputs)
        name = next((inputs[key] for key in NAME_INPUTS if isinstance(inputs.get(key), str)), args.name)
        if args.typ == "azure-native:resources:ResourceGroup":
            name = inputs["resourceGroupName"]
        outputs: dict[str, Any] = {**inputs, "name": name}
        match args.typ:
            case "azure-native:storage:StorageAccount":
                outputs["primaryEndpoints"] = {
                    kind: f"https://{name}.{kind}.core.windows.net/" for kind in ("blob", "queue", "table")
                }
            case "azure-native:keyvault:Secret":
                outputs["properties"] = {"secretUriWithVersion": f"https://vault.example/secrets/{name}/v1"}
            case "azure-native:managedidentity:UserAssignedIdentity":
                outputs |= {"principalId": "principal-id", "clientId": "client-id"}
            case "azure-native:applicationinsights:Component":
                outputs["connectionString"] = "InstrumentationKey=of-insights"
            case "azure-native:web:WebApp":
                outputs["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {}}
            case "command:local:Command":
                outputs["stdout"] = "Published 1a2b3c at 2026-01-02T03:04:05Z; the app lists its timers."
        return f"/id/{args.typ.rpartition(':')[2]}/{name}", outputs


NAME_INPUTS = (
    "queueName", "tableName", "containerName", "secretName", "vaultName", "accountName", "resourceName", "workspaceName",
    "name",
)  # fmt: skip


class Recorder(mocks.MockMonitor):
    """Keeps every request to register a resource, as it is on the wire."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        self.requests: list[dict[str, Any]] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        inputs = json_format.MessageToDict(request.object)
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call] # Pulumi has no types for it
        self.requests.append(
            {
                "type": request.type,
                "name": request.name,
                "inputs": _plain(inputs),
                "secrets": _secrets(inputs, ()),
                "id": response.id,
                "urn": response.urn,
                "parent": request.parent,
                "depends_on": list(request.dependencies),
                "protected": request.protect,
                "deleted_with": request.deletedWith,
                "kept": request.retainOnDelete,
            }
        )
        return response


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        if rpc._special_sig_key in value and value[rpc._special_sig_key] == rpc._special_secret_sig:
            return _plain(value["value"])
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _secrets(value: Any, path: tuple[str, ...]) -> list[str]:
    """The paths of all that is marked secret."""
    if isinstance(value, dict):
        if value.get(rpc._special_sig_key) == rpc._special_secret_sig:
            return [".".join(path)]
        return [found for key, item in value.items() for found in _secrets(item, (*path, key))]
    if isinstance(value, list):
        return [found for index, item in enumerate(value) for found in _secrets(item, (*path, str(index)))]
    return []


def record(config: dict[str, str], stack: str = "dev") -> dict[str, Any]:
    """Run the program with this configuration: its resources, its outputs, and how long it took."""
    recorder = Recorder(Cloud())
    pulumi.runtime.set_mocks(Cloud(), project="dataflow-poller", stack=stack, preview=False, monitor=recorder)
    settings = {f"dataflow-poller:{name}": value for name, value in {**DEFAULTS, **config}.items() if value}
    location = settings.pop("dataflow-poller:location", "westeurope")
    pulumi.runtime.set_all_config({"azure-native:location": location, **settings}, ["dataflow-poller:masterKeys"])
    sys.path.insert(0, str(INFRA))
    outputs: dict[str, Any] = {}
    began = time.perf_counter()

    @pulumi.runtime.test  # type: ignore[untyped-decorator] # Pulumi has no types for it
    def program() -> Any:
        runpy.run_path(str(INFRA / "__main__.py"), run_name="__main__")
        stack: Any = pulumi.runtime.get_root_resource()
        return pulumi.Output.all(**stack.outputs).apply(outputs.update)

    program()
    return {"resources": recorder.requests, "outputs": outputs, "seconds": time.perf_counter() - began}


if __name__ == "__main__":
    try:
        print(json.dumps(record(json.loads(sys.argv[1]), *sys.argv[2:3])))
    except pulumi.RunError as error:
        sys.exit(str(error))
