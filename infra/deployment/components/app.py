"""The plan and the function app."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_azure_native import web

from dataflow_poller.master_keys import key_setting
from deployment.components.identity import Identity
from deployment.components.monitoring import Monitoring
from deployment.components.storage import HostStorage, JobStorage
from deployment.names import Names

PYTHON_VERSION = "3.13"
MAX_INSTANCES = 40
"""The least that Flex Consumption allows; a timer runs on one instance at a time, so `POLLERS` bounds it before."""

# checkov:skip=CKV_AZURE_225: a plan of Flex Consumption over zones needs three instances; a missed tick fires once
# checkov:skip=CKV_AZURE_212: instances are the platform's business on Flex Consumption; a timer needs one
# checkov:skip=CKV_AZURE_213: a health check is an HTTP function; this app has timers only, and an alert for no run
# checkov:skip=CKV_AZURE_17: nobody sends requests to it, so nobody has a client certificate
# checkov:skip=CKV_AZURE_78: there is no FTPS on Flex Consumption, and Azure refuses the property
# checkov:skip=CKV_AZURE_222: 'pulumi up' must reach the publish endpoint from where it runs, with a token


@dataclass(frozen=True)
class FunctionAppArgs:
    """What the app is made of.

    Attributes:
        app_settings: those that are no connection and no key.
        key_references: key name -> the reference to its secret.
        subnet_id: of the private network, where there is one.
    """

    names: Names
    group: pulumi.Input[str]
    instance_memory: int
    app_settings: Mapping[str, str]
    key_references: Mapping[str, pulumi.Output[str]]
    host_storage: HostStorage
    job_storage: JobStorage
    monitoring: Monitoring
    identity: Identity
    subnet_id: pulumi.Input[str] | None


class FunctionApp(pulumi.ComponentResource):
    """A Flex Consumption app in Python, with the app's settings."""

    def __init__(self, name: str, args: FunctionAppArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dataflow-poller:components:FunctionApp", name, None, opts)
        child = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(parent=self))
        plan = web.AppServicePlan(
            name,
            name=args.names.of("plan", 60),
            resource_group_name=args.group,
            kind="functionapp",
            reserved=True,
            sku={"name": "FC1", "tier": "FlexConsumption"},
            opts=child,
        )
        # A dictionary, for SiteConfigArgs adds netFrameworkVersion, which some regions refuse here.
        site_config: Any = {
            "appSettings": [{"name": setting, "value": value} for setting, value in _settings(args).items()],
            "minTlsVersion": "1.2",
            "http20Enabled": True,
            "remoteDebuggingEnabled": False,
        }
        self.app = web.WebApp(
            name,
            name=args.names.of("app", 60),
            resource_group_name=args.group,
            kind="functionapp,linux",
            reserved=True,
            server_farm_id=plan.id,
            https_only=True,
            public_network_access="Enabled",
            identity={
                "type": web.ManagedServiceIdentityType.USER_ASSIGNED,
                "user_assigned_identities": [args.identity.id],
            },
            key_vault_reference_identity=args.identity.id,
            virtual_network_subnet_id=args.subnet_id,
            function_app_config={
                "runtime": {"name": "python", "version": PYTHON_VERSION},
                "scale_and_concurrency": {
                    "instance_memory_mb": args.instance_memory,
                    "maximum_instance_count": MAX_INSTANCES,
                },
                "deployment": {
                    "storage": {
                        "type": "blobContainer",
                        "value": args.host_storage.package_url,
                        "authentication": {
                            "type": web.AuthenticationType.USER_ASSIGNED_IDENTITY,
                            "user_assigned_identity_resource_id": args.identity.id,
                        },
                    }
                },
            },
            site_config=site_config,
            opts=child,
        )
        # No passwords for publishing: it takes a token of Azure.
        web.WebAppScmAllowed(f"{name}-scm", name=self.app.name, resource_group_name=args.group, allow=False, opts=child)
        web.WebAppFtpAllowed(f"{name}-ftp", name=self.app.name, resource_group_name=args.group, allow=False, opts=child)
        self.id, self.name = self.app.id, self.app.name
        self.scm_host = pulumi.Output.concat(self.app.name, ".scm.azurewebsites.net")
        self.register_outputs({})


def _settings(args: FunctionAppArgs) -> dict[str, pulumi.Input[str]]:
    """The app's settings: the keys as references, storage and telemetry by identity."""
    client_id = args.identity.client_id
    return {
        **args.app_settings,
        **{key_setting(key): reference for key, reference in args.key_references.items()},
        "JobStorage__queueServiceUri": args.job_storage.queue_endpoint,
        "JobStorage__tableServiceUri": args.job_storage.table_endpoint,
        "JobStorage__credential": "managedidentity",
        "JobStorage__clientId": client_id,
        "AzureWebJobsStorage__accountName": args.host_storage.name,
        "AzureWebJobsStorage__credential": "managedidentity",
        "AzureWebJobsStorage__clientId": client_id,
        "APPLICATIONINSIGHTS_CONNECTION_STRING": args.monitoring.insights.connection_string,
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": pulumi.Output.concat("ClientId=", client_id, ";Authorization=AAD"),
    }
