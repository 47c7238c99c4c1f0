"""The Key Vault with one secret a master key."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import authorization, keyvault

# checkov:skip=CKV_AZURE_41: a master key has no expiry at Bing Maps; one here would stop the app on a day nobody chose


@dataclass(frozen=True)
class VaultArgs:
    """What the vault is made of.

    Attributes:
        master_keys: by name as in messages, lower case.
        private: whether it is reached through a private endpoint only.
    """

    group: pulumi.Input[str]
    master_keys: Mapping[str, pulumi.Output[str]]
    private: bool


class Vault(pulumi.ComponentResource):
    """The vault, and the reference to the current version of each key."""

    def __init__(self, name: str, args: VaultArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dataflow-poller:components:Vault", name, None, opts)
        child = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(parent=self))
        self.vault = keyvault.Vault(
            name,
            # It has no name here, and the provider gives it another one each time: under purge protection, a vault
            # keeps its name for 90 days after its end.
            resource_group_name=args.group,
            properties={
                "tenant_id": authorization.get_client_config().tenant_id,
                "sku": {"family": keyvault.SkuFamily.A, "name": keyvault.SkuName.STANDARD},
                "enable_rbac_authorization": True,
                "enable_soft_delete": True,
                "soft_delete_retention_in_days": 90,
                "enable_purge_protection": True,
                # checkov:skip=CKV_AZURE_189: without privateNetwork, the app comes from a public address, with a right
                # checkov:skip=CKV_AZURE_109: the default is deny where privateNetwork is on
                "public_network_access": "disabled" if args.private else "enabled",
                "network_acls": {
                    "default_action": keyvault.NetworkRuleAction.DENY
                    if args.private
                    else keyvault.NetworkRuleAction.ALLOW,
                    "bypass": "AzureServices",
                },
            },
            opts=child,
        )
        self.id, self.name = self.vault.id, self.vault.name
        # The provider would delete a secret through the data plane, where whoever deploys has no role and should have
        # none, for it could read the keys. So a secret ends with its vault, and one that is not wanted stays there.
        kept = pulumi.ResourceOptions.merge(
            child, pulumi.ResourceOptions(deleted_with=self.vault, retain_on_delete=True)
        )
        self.secrets = {
            key_name: keyvault.Secret(
                f"{name}-{key_name}",
                secret_name="bing-maps-master-key-" + key_name.replace("_", "-"),
                vault_name=self.vault.name,
                resource_group_name=args.group,
                properties={"value": value, "content_type": "Bing Maps master key", "attributes": {"enabled": True}},
                opts=kept,
            )
            for key_name, value in args.master_keys.items()
        }
        self.register_outputs({})

    def references(self) -> dict[str, pulumi.Output[str]]:
        """Key name -> what its app setting says: a reference to this very version, so that a rotation is a change.

        Where a secret lies is no secret, and a preview must show when it changes: so it is not marked as one.
        """
        addresses = {
            key_name: pulumi.Output.unsecret(secret.properties.apply(lambda said: said.secret_uri_with_version))
            for key_name, secret in self.secrets.items()
        }
        return {name: pulumi.Output.format("@Microsoft.KeyVault(SecretUri={})", uri) for name, uri in addresses.items()}
