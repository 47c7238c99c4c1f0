"""The whole deployment, in the order in which it comes to be."""

import pulumi
from pulumi_azure_native import resources

from deployment.components.alerts import Alerts
from deployment.components.app import FunctionApp
from deployment.components.identity import Identity
from deployment.components.monitoring import Monitoring
from deployment.components.network import Network
from deployment.components.publication import Published
from deployment.components.storage import HostStorage, JobStorage
from deployment.components.vault import Vault
from deployment.components.workbook import Workbook
from deployment.config import DeploymentConfig
from deployment.names import Names

config = DeploymentConfig.load()
names = Names.of_stack()

group = resources.ResourceGroup("group", resource_group_name=names.of("rg", 90))
network = Network("network", names, group.name, config.location) if config.private_network else None
host_storage = HostStorage("host-storage", names, group.name, network)
job_storage = JobStorage("job-storage", names, group.name, config, network)
vault = Vault("vault", names, group.name, config.master_keys, network)
monitoring = Monitoring("monitoring", names, group, config, job_storage, host_storage, vault)
identity = Identity("identity", names, group.name, host_storage, job_storage, vault, monitoring)
app = FunctionApp("app", names, group.name, config, host_storage, job_storage, vault, monitoring, identity, network)
alerts = Alerts("alerts", names, group.name, config, monitoring)
workbook = Workbook("workbook", names, group.name, monitoring)
published = Published("published", app, config)

portal = "https://portal.azure.com/#@/resource"
pulumi.export("appName", app.name)
pulumi.export("appPortal", pulumi.Output.concat(portal, app.id))
pulumi.export("workbookPortal", pulumi.Output.concat(portal, workbook.id, "/workbook"))
pulumi.export("queueEndpoint", pulumi.Output.concat(job_storage.queue_endpoint, config.job_queue))
pulumi.export("tableEndpoint", pulumi.Output.concat(job_storage.table_endpoint, config.table))
pulumi.export(
    "submitCommand",
    job_storage.command("message put --queue-name", config.job_queue, '--content \'{"jobId": "<job id>"}\''),
)
pulumi.export("listCommand", job_storage.command("entity query --table-name", config.table, "--output table"))
pulumi.export("published", published.summary)
