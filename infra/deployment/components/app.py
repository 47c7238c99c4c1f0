"""The plan and the function app."""

from typing import Any

import pulumi
from pulumi_azure_native import web

from deployment.components.identity import Identity
from deployment.components.monitoring import Monitoring
from deployment.components.network import Network
from deployment.components.storage import HostStorage, JobStorage
from deployment.components.vault import Vault
from deployment.config import DeploymentConfig, key_setting
from deployment.names import Names

PYTHON_VERSION = "3.13"
MAX_INSTANCES = 40
"""The least that Flex Consumption allows; a timer runs on one instance at a time, so `POLLERS` bounds it before."""

# checkov:skip=CKV_AZURE_225: a plan of Flex Consumption over zones needs three instances; a missed tick fires once
# checkov:skip=CKV_AZURE_212: instances are the platform's business on Flex Consumption; a timer needs one
# checkov:skip=CKV_AZURE_213: a health check is an HTTP function; this app has timers only, and an alert for no run
# checkov:skip=CKV_AZURE_17: nobody sends requests to it, so nobody has a client certificate
# checkov:skip=CKV_AZURE_222: 'pulumi up' must reach the publish endpoint from where it runs, with a token


class FunctionApp(pulumi.ComponentResource):
    """A Flex Consumption app in Python, with the contract's settings."""

    def __init__(
        self, name: str, names: Names, group: pulumi.Input[str], config: DeploymentConfig, host: HostStorage,
        jobs: JobStorage, vault: Vault, monitoring: Monitoring, identity: Identity, network: Network | None,
    ) -> None:  # fmt: skip
        super().__init__("dataflow-poller:app:FunctionApp", name)
        parent = pulumi.ResourceOptions(parent=self)
        plan = web.AppServicePlan(
            name,
            name=names.of("plan", 60),
            resource_group_name=group,
            kind="functionapp",
            reserved=True,
            sku={"name": "FC1", "tier": "FlexConsumption"},
            opts=parent,
        )
        settings = _settings(config, host, jobs, vault, monitoring, identity)
        # A dictionary, for SiteConfigArgs adds netFrameworkVersion, which some regions refuse here.
        site_config: Any = {
            "appSettings": [{"name": setting, "value": value} for setting, value in settings.items()],
            "minTlsVersion": "1.2",
            "http20Enabled": True,
            "ftpsState": "Disabled",
            "remoteDebuggingEnabled": False,
        }
        self.app = web.WebApp(
            name,
            name=names.of("app", 60),
            resource_group_name=group,
            kind="functionapp,linux",
            reserved=True,
            server_farm_id=plan.id,
            https_only=True,
            public_network_access="Enabled",
            identity={"type": web.ManagedServiceIdentityType.USER_ASSIGNED, "user_assigned_identities": [identity.id]},
            key_vault_reference_identity=identity.id,
            virtual_network_subnet_id=network.app_subnet_id if network else None,
            function_app_config={
                "runtime": {"name": "python", "version": PYTHON_VERSION},
                "scale_and_concurrency": {
                    "instance_memory_mb": config.instance_memory,
                    "maximum_instance_count": MAX_INSTANCES,
                },
                "deployment": {
                    "storage": {
                        "type": "blobContainer",
                        "value": host.package_url,
                        "authentication": {
                            "type": web.AuthenticationType.USER_ASSIGNED_IDENTITY,
                            "user_assigned_identity_resource_id": identity.id,
                        },
                    }
                },
            },
            site_config=site_config,
            # Created before its rights, it would fail to read its package and its keys, and remember that.
            opts=pulumi.ResourceOptions(parent=self, depends_on=identity.rights),
        )
        # No passwords for publishing: it takes a token of Azure.
        web.WebAppScmAllowed(f"{name}-scm", name=self.app.name, resource_group_name=group, allow=False, opts=parent)
        web.WebAppFtpAllowed(f"{name}-ftp", name=self.app.name, resource_group_name=group, allow=False, opts=parent)
        self.id, self.name = self.app.id, self.app.name
        self.scm_host = pulumi.Output.concat(self.app.name, ".scm.azurewebsites.net")
        self.register_outputs({})


def _settings(
    config: DeploymentConfig,
    host: HostStorage,
    jobs: JobStorage,
    vault: Vault,
    monitoring: Monitoring,
    identity: Identity,
) -> dict[str, pulumi.Input[str]]:
    """The contract's settings, the keys as references, storage and telemetry by identity."""
    return {
        **config.app_settings,
        **{key_setting(key): reference for key, reference in vault.references().items()},
        "JobStorage__queueServiceUri": jobs.queue_endpoint,
        "JobStorage__tableServiceUri": jobs.table_endpoint,
        "JobStorage__credential": "managedidentity",
        "JobStorage__clientId": identity.client_id,
        "AzureWebJobsStorage__accountName": host.name,
        "AzureWebJobsStorage__credential": "managedidentity",
        "AzureWebJobsStorage__clientId": identity.client_id,
        "APPLICATIONINSIGHTS_CONNECTION_STRING": monitoring.insights.connection_string,
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": pulumi.Output.concat(
            "ClientId=", identity.client_id, ";Authorization=AAD"
        ),
    }
