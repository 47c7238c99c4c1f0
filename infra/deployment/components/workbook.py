"""The workbook: what a person looks at."""

import json
import uuid
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_azure_native import applicationinsights

from deployment.names import Names
from deployment.queries import WORKBOOK


@dataclass(frozen=True)
class WorkbookArgs:
    names: Names
    group: pulumi.Input[str]
    workspace_id: pulumi.Input[str]


class Workbook(pulumi.ComponentResource):
    """A picture a query, over a span of time that can be chosen."""

    def __init__(self, name: str, args: WorkbookArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dataflow-poller:components:Workbook", name, None, opts)
        workbook = applicationinsights.Workbook(
            name,
            resource_name_=str(uuid.uuid5(uuid.NAMESPACE_URL, args.names.of("workbook", 260))),  # Azure wants a GUID.
            resource_group_name=args.group,
            kind="shared",
            category="workbook",
            display_name=f"Load jobs ({args.names.slug})",
            source_id=args.workspace_id,
            serialized_data=json.dumps(_content()),
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(parent=self)),
        )
        self.id = workbook.id
        self.register_outputs({})


def _content() -> dict[str, Any]:
    span = {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, "span")),
        "version": "KqlParameterItem/1.0",
        "name": "span",
        "label": "Time",
        "type": 4,
        "value": {"durationMs": 86_400_000},
        "typeSettings": {"selectableValues": [{"durationMs": hours * 3_600_000} for hours in (1, 12, 24, 168, 720)]},
    }
    parameters = {"type": 9, "name": "parameters", "content": {"version": "KqlParameterItem/1.0", "parameters": [span]}}
    return {
        "version": "Notebook/1.0",
        "items": [parameters, *(_item(title, *drawn) for title, drawn in WORKBOOK.items())],
    }


def _item(title: str, drawing: str, query: str) -> dict[str, Any]:
    return {
        "type": 3,
        "name": title,
        "content": {
            "version": "KqlItem/1.0",
            "title": title,
            "query": query,
            "size": 0,
            "timeContextFromParameter": "span",
            "queryType": 0,
            "resourceType": "microsoft.operationalinsights/workspaces",
            "visualization": drawing,
        },
    }
