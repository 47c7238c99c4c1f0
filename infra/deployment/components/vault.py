"""The Key Vault with one secret a master key."""

from collections.abc import Mapping

import pulumi
from pulumi_azure_native import authorization, keyvault

from deployment.components.network import Network
from deployment.names import Names

# checkov:skip=CKV_AZURE_41: a master key has no expiry at Bing Maps; one here would stop the app on a day nobody chose


class Vault(pulumi.ComponentResource):
    """The vault, and the reference to the current version of each key."""

    def __init__(
        self,
        name: str,
        names: Names,
        group: pulumi.Input[str],
        master_keys: Mapping[str, pulumi.Output[str]],
        network: Network | None,
    ) -> None:
        super().__init__("dataflow-poller:vault:Vault", name)
        parent = pulumi.ResourceOptions(parent=self)
        default = keyvault.NetworkRuleAction.DENY if network else keyvault.NetworkRuleAction.ALLOW
        self.vault = keyvault.Vault(
            name,
            vault_name=names.compact("kv"),
            resource_group_name=group,
            properties={
                "tenant_id": authorization.get_client_config().tenant_id,
                "sku": {"family": keyvault.SkuFamily.A, "name": keyvault.SkuName.STANDARD},
                "enable_rbac_authorization": True,
                "enable_soft_delete": True,
                "soft_delete_retention_in_days": 90,
                "enable_purge_protection": True,
                # checkov:skip=CKV_AZURE_189: without privateNetwork, the app comes from a public address, with a right
                # checkov:skip=CKV_AZURE_109: the default is deny where privateNetwork is on
                "public_network_access": "disabled" if network else "enabled",
                "network_acls": {"default_action": default, "bypass": "AzureServices"},
            },
            opts=parent,
        )
        self.id = self.vault.id
        self.secrets = {
            key_name: keyvault.Secret(
                f"{name}-{key_name}",
                secret_name="bing-maps-master-key-" + key_name.replace("_", "-"),
                vault_name=self.vault.name,
                resource_group_name=group,
                properties={"value": value, "content_type": "Bing Maps master key", "attributes": {"enabled": True}},
                opts=parent,
            )
            for key_name, value in master_keys.items()
        }
        if network:
            network.connect(f"{name}-vault", self.vault.id, "vault")
        self.register_outputs({})

    def references(self) -> dict[str, pulumi.Output[str]]:
        """Key name -> what its app setting says: a reference to this very version, so that a rotation is a change.

        The address of a secret is none, and a change of it is to be seen in a preview: so it is not marked as one.
        """
        addresses = {
            key_name: pulumi.Output.unsecret(secret.properties.apply(lambda said: said.secret_uri_with_version))
            for key_name, secret in self.secrets.items()
        }
        return {name: pulumi.Output.format("@Microsoft.KeyVault(SecretUri={})", uri) for name, uri in addresses.items()}
