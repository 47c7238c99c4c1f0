"""Log Analytics and Application Insights; where they are wanted, the logs of storage and vault, and a budget."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pulumi
from pulumi_azure_native import applicationinsights, consumption, monitor, operationalinsights

from deployment.components.storage import HostStorage, JobStorage
from deployment.components.vault import Vault
from deployment.names import Names

RETENTION_DAYS = 90


@dataclass(frozen=True)
class MonitoringArgs:
    names: Names
    group: pulumi.Input[str]


class Monitoring(pulumi.ComponentResource):
    """Where logs go."""

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dataflow-poller:components:Monitoring", name, None, opts)
        child = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(parent=self))
        self.workspace = operationalinsights.Workspace(
            name,
            workspace_name=args.names.of("log", 63),
            resource_group_name=args.group,
            sku={"name": "PerGB2018"},
            retention_in_days=RETENTION_DAYS,
            opts=child,
        )
        self.insights = applicationinsights.Component(
            name,
            resource_name_=args.names.of("appi", 255),
            resource_group_name=args.group,
            application_type="web",
            kind="web",
            ingestion_mode="LogAnalytics",
            workspace_resource_id=self.workspace.id,
            disable_local_auth=True,
            retention_in_days=RETENTION_DAYS,
            opts=child,
        )
        self.register_outputs({})


@dataclass(frozen=True)
class DiagnosticLogsArgs:
    workspace_id: pulumi.Input[str]
    host_storage: HostStorage
    job_storage: JobStorage
    vault: Vault


class DiagnosticLogs(pulumi.ComponentResource):
    """Who did what at storage and vault.

    Azure refuses it in a subscription that has not registered the provider microsoft.insights.
    """

    def __init__(self, name: str, args: DiagnosticLogsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dataflow-poller:components:DiagnosticLogs", name, None, opts)
        child = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(parent=self))
        sources = {
            "queues": (pulumi.Output.concat(args.job_storage.id, "/queueServices/default"), "allLogs"),
            "tables": (pulumi.Output.concat(args.job_storage.id, "/tableServices/default"), "allLogs"),
            "blobs": (pulumi.Output.concat(args.host_storage.id, "/blobServices/default"), "allLogs"),
            "vault": (args.vault.id, "audit"),
        }
        for purpose, (resource_id, logs) in sources.items():
            monitor.DiagnosticSetting(
                f"{name}-{purpose}",
                name="to-log-analytics",
                resource_uri=resource_id,
                workspace_id=args.workspace_id,
                logs=[{"category_group": logs, "enabled": True}],
                opts=child,
            )
        self.register_outputs({})


@dataclass(frozen=True)
class BudgetArgs:
    """What is not to be passed.

    Attributes:
        scope: the resource id of what is paid for.
        amount: a month, in the subscription's currency.
        email, action_group_id: who is told; empty where not given.
    """

    names: Names
    scope: pulumi.Input[str]
    amount: int
    email: str
    action_group_id: str


class Budget(pulumi.ComponentResource):
    """Tells when a month costs more, or is about to. Azure may refuse it in a subscription younger than two days."""

    def __init__(self, name: str, args: BudgetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dataflow-poller:components:Budget", name, None, opts)

        def told(threshold_type: str) -> consumption.NotificationArgs:
            return consumption.NotificationArgs(
                enabled=True,
                operator="GreaterThan",
                threshold=100,
                threshold_type=threshold_type,
                contact_emails=[args.email] if args.email else [],
                contact_groups=[args.action_group_id] if args.action_group_id else [],
            )

        # Azure wants the first of a month that is not over; which one it was does not matter later.
        this_month = datetime.now(UTC).strftime("%Y-%m-01T00:00:00Z")
        consumption.Budget(
            name,
            budget_name=args.names.of("budget", 63),
            scope=args.scope,
            category="Cost",
            amount=args.amount,
            time_grain="Monthly",
            time_period={"start_date": this_month},
            notifications={"reached": told("Actual"), "forecast": told("Forecasted")},
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(parent=self, ignore_changes=["timePeriod"])),
        )
        self.register_outputs({})
