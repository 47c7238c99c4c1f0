"""Log Analytics, Application Insights, diagnostic settings, and a budget."""

from datetime import UTC, datetime

import pulumi
from pulumi_azure_native import applicationinsights, consumption, monitor, operationalinsights, resources

from deployment.components.storage import HostStorage, JobStorage
from deployment.components.vault import Vault
from deployment.config import DeploymentConfig
from deployment.names import Names

RETENTION_DAYS = 90


class Monitoring(pulumi.ComponentResource):
    """Where logs go, and who is told of the cost."""

    def __init__(
        self,
        name: str,
        names: Names,
        group: resources.ResourceGroup,
        config: DeploymentConfig,
        jobs: JobStorage,
        host: HostStorage,
        vault: Vault,
    ) -> None:
        super().__init__("dataflow-poller:monitoring:Monitoring", name)
        self._parent = pulumi.ResourceOptions(parent=self)
        self.workspace = operationalinsights.Workspace(
            name,
            workspace_name=names.of("log", 63),
            resource_group_name=group.name,
            sku={"name": "PerGB2018"},
            retention_in_days=RETENTION_DAYS,
            opts=self._parent,
        )
        self.insights = applicationinsights.Component(
            name,
            resource_name_=names.of("appi", 255),
            resource_group_name=group.name,
            application_type="web",
            kind="web",
            ingestion_mode="LogAnalytics",
            workspace_resource_id=self.workspace.id,
            disable_local_auth=True,
            retention_in_days=RETENTION_DAYS,
            opts=self._parent,
        )
        self._diagnose(f"{name}-queues", pulumi.Output.concat(jobs.id, "/queueServices/default"), "allLogs")
        self._diagnose(f"{name}-tables", pulumi.Output.concat(jobs.id, "/tableServices/default"), "allLogs")
        self._diagnose(f"{name}-blobs", pulumi.Output.concat(host.id, "/blobServices/default"), "allLogs")
        self._diagnose(f"{name}-vault", vault.id, "audit")
        self._budget(name, names, group, config)
        self.register_outputs({})

    def _diagnose(self, name: str, resource_id: pulumi.Input[str], logs: str) -> None:
        monitor.DiagnosticSetting(
            name,
            name="to-log-analytics",
            resource_uri=resource_id,
            workspace_id=self.workspace.id,
            logs=[{"category_group": logs, "enabled": True}],
            opts=self._parent,
        )

    def _budget(self, name: str, names: Names, group: resources.ResourceGroup, config: DeploymentConfig) -> None:
        def told(threshold_type: str) -> consumption.NotificationArgs:
            emails = [config.alert_email]
            return consumption.NotificationArgs(
                enabled=True,
                operator="GreaterThan",
                threshold=100,
                threshold_type=threshold_type,
                contact_emails=emails,
            )

        # Azure wants the first of a month that is not over; which one it was does not matter later.
        this_month = datetime.now(UTC).strftime("%Y-%m-01T00:00:00Z")
        consumption.Budget(
            name,
            budget_name=names.of("budget", 63),
            scope=group.id,
            category="Cost",
            amount=config.monthly_budget,
            time_grain="Monthly",
            time_period={"start_date": this_month},
            notifications={"reached": told("Actual"), "forecast": told("Forecasted")},
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["timePeriod"]),
        )
