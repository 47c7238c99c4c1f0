"""The deployment program: what it registers, for each variant."""

import json
import re
import sys

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow_poller.settings import Settings

from .conftest import ROOT, VARIANTS, Recording, recorded, run_program
from .record import DEFAULTS, Cloud

sys.path.append(str(ROOT / "infra"))
from deployment.components.identity import ROLES
from deployment.config import APP_SETTINGS, DeploymentConfig
from deployment.names import Names

pytestmark = pytest.mark.xdist_group("program")  # Its recordings are made once a process.
ROLE_NAMES = {role: name for name, role in ROLES.items()}


def test_shared_keys_and_public_containers_are_off(recording: Recording) -> None:
    """On both storage accounts, with TLS 1.2 and nothing but HTTPS."""
    accounts = [account["inputs"] for account in recording.of("StorageAccount")]
    assert len(accounts) == 2
    for account in accounts:
        assert account["allowSharedKeyAccess"] is False
        assert account["allowBlobPublicAccess"] is False
        assert account["enableHttpsTrafficOnly"] is True
        assert account["minimumTlsVersion"] == "TLS1_2"
    for blobs in recording.of("BlobServiceProperties"):
        assert blobs["inputs"]["deleteRetentionPolicy"]["enabled"] is True
    assert recording.one("BlobContainer")["publicAccess"] == "None"


def test_the_vault_asks_for_roles_and_keeps_what_is_deleted(recording: Recording) -> None:
    """RBAC, soft delete, purge protection."""
    vault = recording.one("Vault", "vault")["properties"]
    assert vault["enableRbacAuthorization"] is True
    assert vault["enableSoftDelete"] is True
    assert vault["enablePurgeProtection"] is True


def test_the_app_takes_https_and_tokens_only(recording: Recording) -> None:
    """No passwords for publishing, no old TLS, no FTP, no remote debugging."""
    app = recording.one("WebApp")
    assert app["httpsOnly"] is True
    assert {k: v for k, v in app["siteConfig"].items() if k != "appSettings"} == {
        "minTlsVersion": "1.2", "http20Enabled": True, "ftpsState": "Disabled", "remoteDebuggingEnabled": False,
    }  # fmt: skip
    assert recording.one("WebAppScmAllowed")["allow"] is False
    assert recording.one("WebAppFtpAllowed")["allow"] is False
    assert recording.one("Component")["disableLocalAuth"] is True


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_right_is_at_its_scope_and_there_is_no_other(variant: str) -> None:
    """The table of rights, as small as it can be."""
    recording = recorded(variant)
    queue, table = ("loads", "Loads") if variant == "several pollers" else ("load-jobs", "DataSources")
    keys = ["default", "contoso-1"] if variant == "several keys" else ["default"]
    rights = {
        (ROLE_NAMES[right["inputs"]["roleDefinitionId"].rpartition("/")[2]], right["inputs"]["scope"])
        for right in recording.of("RoleAssignment")
    }
    [host] = [account["id"] for account in recording.of("StorageAccount") if account["name"] == "host-storage"]
    assert rights == {
        ("Storage Queue Data Contributor", f"/id/Queue/{queue}"),
        ("Storage Queue Data Message Sender", f"/id/Queue/{queue}-poison"),
        ("Storage Table Data Contributor", f"/id/Table/{table}"),
        ("Storage Blob Data Owner", host),
        ("Monitoring Metrics Publisher", recording.of("Component")[0]["id"]),
        *(("Key Vault Secrets User", f"/id/Secret/bing-maps-master-key-{key}") for key in keys),
    }
    for right in recording.of("RoleAssignment"):
        assert right["inputs"]["principalType"] == "ServicePrincipal"
        assert right["inputs"]["principalId"] == "principal-id"


def test_master_keys_are_secrets_and_nowhere_in_plain(recording: Recording) -> None:
    """In the vault's secret, marked as one; in no other input, no output."""
    for resource in recording.resources:
        text = json.dumps(resource["inputs"])
        if resource["type"].endswith(":Secret"):
            assert resource["secrets"] == ["properties.value"]
            assert resource["inputs"]["properties"]["value"].startswith("S3cret")
        else:
            assert "S3cret" not in text, resource["name"]
    assert "S3cret" not in json.dumps(recording.outputs)


def test_the_settings_are_the_contracts_and_the_app_takes_them(recording: Recording) -> None:
    """All of them, keys as references to a version; none that Flex Consumption refuses."""
    settings = recording.settings()
    assert {setting for setting, _ in APP_SETTINGS.values()} <= set(settings)
    accepted = Settings.from_env({**settings, "BING_MAPS_MASTER_KEY": "x"})
    assert accepted.account.managed_identity
    assert accepted.account.client_id == "client-id"
    keys = {name: value for name, value in settings.items() if name.startswith("BING_MAPS_MASTER_KEY")}
    assert len(keys) == len(recording.of("Secret"))
    assert all(
        re.fullmatch(r"@Microsoft\.KeyVault\(SecretUri=https://vault\.example/secrets/[a-z0-9-]+/v1\)", value)
        for value in keys.values()
    )
    refused = (
        "AzureWebJobsStorage",
        "FUNCTIONS_WORKER_RUNTIME",
        "FUNCTIONS_EXTENSION_VERSION",
        "WEBSITE_",
        "SCM_DO_BUILD",
        "ENABLE_ORYX",
    )
    assert not [name for name in settings if name == refused[0] or name.startswith(refused[1:])]
    assert recording.one("WebApp")["keyVaultReferenceIdentity"] == recording.of("UserAssignedIdentity")[0]["id"]


def test_the_plan_is_flex_consumption_with_python(recording: Recording) -> None:
    """FC1, Python 3.13, the package from the host account by identity."""
    assert recording.one("AppServicePlan")["sku"] == {"name": "FC1", "tier": "FlexConsumption"}
    config = recording.one("WebApp")["functionAppConfig"]
    assert config["runtime"] == {"name": "python", "version": "3.13"}
    storage = config["deployment"]["storage"]
    assert re.fullmatch(r"https://dfphost\w+\.blob\.core\.windows\.net/package", storage["value"])
    assert storage["authentication"]["type"] == "UserAssignedIdentity"


def test_the_order_is_rights_then_app_then_code(recording: Recording) -> None:
    """An app that is created before its rights fails to read its package and its keys."""
    [app] = recording.of("WebApp")
    rights = {right["urn"] for right in recording.of("RoleAssignment")}
    assert rights <= set(app["depends_on"])
    [command] = recording.of("Command")
    assert app["urn"] in command["depends_on"]
    assert command["inputs"]["create"] == app["id"]
    pollers = recording.settings()["POLLERS"]
    assert command["inputs"]["interpreter"][1:] == [
        "-m", "deployment.tools.publish", "--pollers", pollers, "--scm-host", f"{recording.outputs['appName']}.scm.azurewebsites.net", "--app-id",
    ]  # fmt: skip


def test_everything_that_matters_is_logged(recording: Recording) -> None:
    """Queues, tables, blobs and vault go to Log Analytics; the budget tells somebody."""
    targets = {
        setting["inputs"]["resourceUri"].rpartition("/")[0].rpartition("/")[2]
        for setting in recording.of("DiagnosticSetting")
    }
    assert targets == {"queueServices", "tableServices", "blobServices", "Vault"}
    budget = recording.one("Budget")
    assert budget["amount"] == 20
    assert {told["contactEmails"][0] for told in budget["notifications"].values()} == {"you@example.com"}


def test_each_alert_says_what_to_do_and_tells_somebody(recording: Recording) -> None:
    """Five of them, to the action group."""
    alerts = recording.of("ScheduledQueryRule")
    assert {alert["name"] for alert in alerts} == {
        f"alert-{kind}" for kind in ("poison", "no-run", "key", "old", "failed")
    }
    [group] = recording.of("ActionGroup")
    for alert in alerts:
        assert len(alert["inputs"]["description"]) > 80
        assert alert["inputs"]["actions"]["actionGroups"] == [group["id"]]
    [no_run] = [alert["inputs"] for alert in alerts if alert["name"] == "alert-no-run"]
    assert no_run["windowSize"] == "PT15M"
    assert (no_run["criteria"]["allOf"][0]["operator"], no_run["criteria"]["allOf"][0]["threshold"]) == ("LessThan", 1)


def test_the_plain_variant_has_no_network(plain: Recording) -> None:
    """Nobody pays for private endpoints that nobody asked for."""
    assert not plain.of("VirtualNetwork")
    assert not plain.of("PrivateEndpoint")
    assert "virtualNetworkSubnetId" not in plain.one("WebApp")


def test_the_private_variant_closes_storage_and_vault(private: Recording) -> None:
    """Public access off, network default deny, an endpoint and a zone for each service."""
    for account in private.of("StorageAccount"):
        assert account["inputs"]["publicNetworkAccess"] == "Disabled"
        assert account["inputs"]["networkRuleSet"]["defaultAction"] == "Deny"
    vault = private.one("Vault", "vault")["properties"]
    assert (vault["publicNetworkAccess"], vault["networkAcls"]["defaultAction"]) == ("disabled", "Deny")
    services = [
        endpoint["inputs"]["privateLinkServiceConnections"][0]["groupIds"][0]
        for endpoint in private.of("PrivateEndpoint")
    ]
    assert sorted(services) == ["blob", "queue", "table", "vault"]
    assert (
        len(private.of("PrivateZone"))
        == len(private.of("VirtualNetworkLink"))
        == len(private.of("PrivateDnsZoneGroup"))
        == 4
    )
    subnets = {subnet["inputs"]["subnetName"]: subnet for subnet in private.of("Subnet")}
    assert subnets["app"]["inputs"]["delegations"][0]["serviceName"] == "Microsoft.App/environments"
    assert private.one("WebApp")["virtualNetworkSubnetId"] == subnets["app"]["id"]
    assert len({endpoint["inputs"]["privateEndpointName"] for endpoint in private.of("PrivateEndpoint")}) == 4


def test_the_outputs_are_what_a_person_needs_next(recording: Recording) -> None:
    """Endpoints, the app, the portal, and the two commands."""
    outputs = recording.outputs
    assert set(outputs) == {
        "appName",
        "appPortal",
        "workbookPortal",
        "queueEndpoint",
        "tableEndpoint",
        "submitCommand",
        "listCommand",
        "published",
    }
    assert outputs["submitCommand"].startswith("az storage message put --queue-name lo")
    assert outputs["listCommand"].startswith("az storage entity query --table-name ")


@pytest.mark.parametrize(("config", "named"), [
    ({"masterKeys": "{}"}, ["masterKeys"]),
    ({"masterKeys": "S3cret"}, ["masterKeys"]),
    ({"masterKeys": '{"a-b": "S3cret"}'}, ["masterKeys"]),
    ({"masterKeys": '{"a": "S3cret", "A": "S3cret"}'}, ["masterKeys"]),
    ({"masterKeys": '{"a": ""}'}, ["masterKeys"]),
    ({"alertEmail": "nobody", "location": ""}, ["alertEmail"]),
    ({"pollers": "21", "pollConcurrency": "0", "pollMinDelaySeconds": "0", "jobQueue": "Wrong!"},
     ["pollers", "pollConcurrency", "pollMinDelaySeconds", "jobQueue"]),
    ({"pollMinDelaySeconds": "1000"}, ["pollMaxDelaySeconds"]),
    ({"pollSchedule": "* * *", "bingMapsUrl": "http://example.com", "instanceMemory": "1024", "monthlyBudget": "0", "privateNetwork": "yes"},
     ["pollSchedule", "bingMapsUrl", "instanceMemory", "monthlyBudget", "privateNetwork"]),
])  # fmt: skip
@pytest.mark.filterwarnings("ignore:There is no current event loop")  # Pulumi's mocks ask for one.
def test_wrong_configuration_is_named_whole(config: dict[str, str], named: list[str]) -> None:
    """Every wrong value at once, and no key."""
    pulumi.runtime.set_mocks(Cloud(), project="dataflow-poller")
    given = {"location": "westeurope", **DEFAULTS, **config}
    location = {"azure-native:location": given.pop("location")}
    values = {f"dataflow-poller:{name}": value for name, value in given.items()}
    pulumi.runtime.set_all_config(location | values, ["dataflow-poller:masterKeys"])
    with pytest.raises(pulumi.RunError) as caught:
        DeploymentConfig.load()
    for name in named:
        assert f"  {name}:" in str(caught.value)
    assert "S3cret" not in str(caught.value)


def test_wrong_configuration_is_refused_before_anything_is_registered() -> None:
    """The program ends with the one error, no traceback, no resource."""
    run = run_program({"pollers": "21", "masterKeys": "{}"})
    assert run.returncode != 0
    assert run.stdout == ""
    assert "  pollers: expected a whole number from 1 to 20" in run.stderr
    assert "Traceback" not in run.stderr


@given(st.text(min_size=1), st.text())
def test_names_are_within_azures_rules_for_any_stack(stack: str, unique: str) -> None:
    """Storage accounts, vault and app are the strictest."""
    names = Names.of_parts(stack, unique)
    for kind in ("host", "jobs", "kv"):
        assert re.fullmatch("[a-z][a-z0-9]{2,23}", names.compact(kind))
    for kind, longest in (
        ("app", 60),
        ("rg", 90),
        ("log", 63),
        ("ag", 260),
        ("alert-no-run", 260),
        ("pe-queue", 64),
        ("plan", 60),
    ):
        assert re.fullmatch("(?!.*--)[a-z][a-z0-9-]*[a-z0-9]", names.of(kind, longest))
        assert len(names.of(kind, longest)) <= longest
    with pytest.raises(ValueError, match="choose a shorter kind"):
        names.of("x" * 60, 60)


def test_two_stacks_share_no_name() -> None:
    """A second environment stands beside the first."""
    assert Names.of_parts("dev", "s/p/dev").compact("jobs") != Names.of_parts("dev", "other/p/dev").compact("jobs")
