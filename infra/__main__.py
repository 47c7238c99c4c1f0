"""The whole deployment, in the order in which it comes to be."""

import sys

import pulumi

if sys.version_info[:2] < (3, 13):  # Before anything is read that an older Python does not understand.
    raise pulumi.RunError(
        f"Python 3.13 or later is needed, and this is {sys.version.split()[0]} ({sys.executable}). Delete the folder "
        "'venv' beside Pulumi.yaml, name the right one in PULUMI_PYTHON_CMD, such as /usr/bin/python3.13, and run "
        "'pulumi install'."
    )

from pulumi_azure_native import resources

from deployment.components.alerts import Alerts, AlertsArgs
from deployment.components.app import FunctionApp, FunctionAppArgs
from deployment.components.identity import Identity, IdentityArgs
from deployment.components.monitoring import (
    Budget,
    BudgetArgs,
    DiagnosticLogs,
    DiagnosticLogsArgs,
    Monitoring,
    MonitoringArgs,
)
from deployment.components.network import PrivateNetwork, PrivateNetworkArgs
from deployment.components.people import People, PeopleArgs
from deployment.components.publication import Publication, PublicationArgs
from deployment.components.storage import AccountArgs, HostStorage, JobStorage, JobStorageArgs
from deployment.components.vault import Vault, VaultArgs
from deployment.components.workbook import Workbook, WorkbookArgs
from deployment.config import DeploymentConfig
from deployment.names import Names
from deployment.tags import tag_everything

config = DeploymentConfig.load()
names = Names.of_stack()
tag_everything(config.tags)

group = resources.ResourceGroup("group", resource_group_name=names.of("rg", 90))
account = AccountArgs(names, group.name, config.storage_redundancy, config.private_network)
host_storage = HostStorage("host-storage", account)
job_storage = JobStorage(
    "job-storage", JobStorageArgs(account, config.job_queue, config.completion_queue, config.table)
)
vault = Vault("vault", VaultArgs(group.name, config.master_keys, config.private_network))
monitoring = Monitoring("monitoring", MonitoringArgs(names, group.name))
workbook = Workbook("workbook", WorkbookArgs(names, group.name, monitoring.workspace.id))
identity = Identity("identity", IdentityArgs(names, group.name, host_storage, job_storage, vault, monitoring))
people = People("people", PeopleArgs(job_storage, config.submitters, config.operators))
network = None
if config.private_network:
    services = {"blob": host_storage.id, "queue": job_storage.id, "table": job_storage.id, "vault": vault.id}
    network = PrivateNetwork("network", PrivateNetworkArgs(names, group.name, config.location, services))

app = FunctionApp(
    "app",
    FunctionAppArgs(
        names=names,
        group=group.name,
        instance_memory=config.instance_memory,
        app_settings=config.app_settings,
        key_references=vault.references(),
        host_storage=host_storage,
        job_storage=job_storage,
        monitoring=monitoring,
        identity=identity,
        subnet_id=network.app_subnet_id if network else None,
    ),
    # Before its rights, or before it reaches storage and vault, it would fail to read its package and its keys.
    pulumi.ResourceOptions(depends_on=[identity, network] if network else [identity]),
)
published = Publication(
    "published", PublicationArgs(app.id, app.scm_host, config.pollers), pulumi.ResourceOptions(depends_on=[app])
)
alerts = Alerts(
    "alerts",
    AlertsArgs(
        names=names,
        group=group.name,
        workspace_id=monitoring.workspace.id,
        windows=config.windows,
        job_queue=config.job_queue,
        oldest_job_hours=config.oldest_job_hours,
        published_at=published.time,
        email=config.alert_email,
        action_group_id=config.action_group_id,
    ),
    pulumi.ResourceOptions(depends_on=[published]),
)
if config.diagnostic_logs:
    DiagnosticLogs("diagnostic-logs", DiagnosticLogsArgs(monitoring.workspace.id, host_storage, job_storage, vault))
if config.monthly_budget:
    Budget(
        "budget",
        BudgetArgs(names, group.id, config.monthly_budget, config.alert_email, config.action_group_id),
    )

portal = "https://portal.azure.com/#@/resource"
pulumi.export("resourceGroup", group.name)
pulumi.export("appName", app.name)
pulumi.export("appId", app.id)
pulumi.export("appPortal", pulumi.Output.concat(portal, app.id))
pulumi.export("workbookPortal", pulumi.Output.concat(portal, workbook.id, "/workbook"))
pulumi.export("vaultName", vault.name)
pulumi.export("jobStorageAccount", job_storage.name)
pulumi.export("queueEndpoint", pulumi.Output.concat(job_storage.queue_endpoint, config.job_queue))
pulumi.export("tableEndpoint", pulumi.Output.concat(job_storage.table_endpoint, config.table))
pulumi.export("jobQueueScope", job_storage.queue.id)
pulumi.export("poisonQueueScope", job_storage.poison_queue.id)
pulumi.export("tableScope", job_storage.table.id)
if job_storage.completion_queue:
    pulumi.export("completionQueueScope", job_storage.completion_queue.id)
pulumi.export(
    "submitCommand",
    job_storage.command("message put --queue-name", config.job_queue, '--content \'{"jobId": "<job id>"}\''),
)
pulumi.export("listCommand", job_storage.command("entity query --table-name", config.table, "--output table"))
pulumi.export("published", published.summary)
