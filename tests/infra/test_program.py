"""The deployment program: what it registers, for each variant."""

import ast
import json
import re
import subprocess
import sys
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow_poller.settings import Settings

from .conftest import A_GROUP, A_PROGRAM, ACTION_GROUP, ROOT, SOMEBODY, VARIANTS, Recording, recorded, run_program

sys.path.append(str(ROOT / "infra"))
from deployment.config import APP_SETTINGS
from deployment.names import Names
from deployment.roles import ROLES

pytestmark = pytest.mark.xdist_group("program")  # Its recordings are made once a process.
ROLE_NAMES = {role: name for name, role in ROLES.items()}
NOT_ON_FLEX_CONSUMPTION = {
    *("linuxFxVersion", "windowsFxVersion", "netFrameworkVersion", "phpVersion", "pythonVersion", "nodeVersion"),
    *("javaVersion", "javaContainer", "javaContainerVersion", "powerShellVersion", "alwaysOn", "ftpsState"),
    *("use32BitWorkerProcess", "preWarmedInstanceCount", "functionAppScaleLimit"),
    "functionsRuntimeScaleMonitoringEnabled",
}
"""Of a site's configuration; Azure answers with error 51021.

https://learn.microsoft.com/azure/azure-functions/functions-app-settings#flex-consumption-plan-deprecations
"""

OFF_ON_FLEX_CONSUMPTION = {
    *("isXenon", "containerSize", "vnetRouteAllEnabled", "vnetImagePullEnabled", "vnetContentShareEnabled"),
}
"""Of a site, likewise; the provider itself says that some are off, which Azure takes."""


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
        "minTlsVersion": "1.2", "http20Enabled": True, "remoteDebuggingEnabled": False,
    }  # fmt: skip
    assert not NOT_ON_FLEX_CONSUMPTION & app["siteConfig"].keys()
    assert not [name for name in OFF_ON_FLEX_CONSUMPTION if app.get(name)]
    assert recording.one("WebAppScmAllowed")["allow"] is False
    assert recording.one("WebAppFtpAllowed")["allow"] is False
    assert recording.one("Component")["disableLocalAuth"] is True


def rights_of(recording: Recording, principal_id: str, principal_type: str) -> set[tuple[str, str]]:
    return {
        (ROLE_NAMES[right["inputs"]["roleDefinitionId"].rpartition("/")[2]], right["inputs"]["scope"])
        for right in recording.of("RoleAssignment")
        if (right["inputs"]["principalId"], right["inputs"]["principalType"]) == (principal_id, principal_type)
    }


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_right_of_the_app_is_at_its_scope_and_there_is_no_other(variant: str) -> None:
    """The table of rights, as small as it can be."""
    recording = recorded(variant)
    queue, table = ("loads", "Loads") if variant == "several pollers" else ("load-jobs", "DataSources")
    keys = ["default", "contoso-1"] if variant == "several keys" else ["default"]
    completion = [("Storage Queue Data Message Sender", "/id/Queue/ended-loads")] if variant == "everything" else []
    [host] = [account["id"] for account in recording.of("StorageAccount") if account["name"] == "host-storage"]
    assert rights_of(recording, "principal-id", "ServicePrincipal") == {
        ("Storage Queue Data Contributor", f"/id/Queue/{queue}"),
        ("Storage Queue Data Message Sender", f"/id/Queue/{queue}-poison"),
        ("Storage Table Data Contributor", f"/id/Table/{table}"),
        ("Storage Blob Data Owner", host),
        ("Monitoring Metrics Publisher", recording.of("Component")[0]["id"]),
        *(("Key Vault Secrets User", f"/id/Secret/bing-maps-master-key-{key}") for key in keys),
        *completion,
    }
    if variant != "everything":
        assert {right["inputs"]["principalId"] for right in recording.of("RoleAssignment")} == {"principal-id"}


def test_people_get_what_their_work_needs(everything: Recording) -> None:
    """Submitters send and read; operators work with both queues besides; who is both gets nothing twice."""
    submit = {
        ("Storage Queue Data Message Sender", "/id/Queue/load-jobs"),
        ("Storage Table Data Reader", "/id/Table/DataSources"),
    }
    operate = submit | {
        ("Storage Queue Data Contributor", "/id/Queue/load-jobs"),
        ("Storage Queue Data Contributor", "/id/Queue/load-jobs-poison"),
    }
    assert rights_of(everything, SOMEBODY, "User") == submit
    assert rights_of(everything, A_GROUP, "Group") == operate
    assert rights_of(everything, A_PROGRAM, "ServicePrincipal") == operate
    given = [
        (right["inputs"]["principalId"], right["inputs"]["roleDefinitionId"], right["inputs"]["scope"])
        for right in everything.of("RoleAssignment")
    ]
    assert len(set(given)) == len(given)


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
    assert {setting.name for setting in APP_SETTINGS.values()} - set(settings) <= {"COMPLETION_QUEUE"}
    accepted = Settings.from_env(settings)
    assert accepted.unknown == ()
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


def test_publishing_is_the_same_wherever_the_program_lies(recording: Recording) -> None:
    """Nothing absolute is kept: another folder, or a link to it, would be a change, and the code published again."""
    [app], command = recording.of("WebApp"), recording.one("Command")
    assert command["create"] == app["id"]
    pollers = recording.settings()["POLLERS"]
    assert command["interpreter"][1:] == [
        "-m", "deployment.tools.publish", "--pollers", pollers, "--scm-host", f"{recording.outputs['appName']}.scm.azurewebsites.net", "--app-id",
    ]  # fmt: skip
    python = command["interpreter"][0]
    assert not PurePosixPath(python).is_absolute()
    assert not PureWindowsPath(python).is_absolute()
    assert "dir" not in command
    assert str(ROOT) not in json.dumps(command)


def test_the_logs_of_storage_and_vault_are_kept_where_wanted(plain: Recording, everything: Recording) -> None:
    """A new subscription may refuse it, and the logs cost, so it is a step of its own."""
    assert not plain.of("DiagnosticSetting")
    targets = {
        setting["inputs"]["resourceUri"].rpartition("/")[0].rpartition("/")[2]
        for setting in everything.of("DiagnosticSetting")
    }
    assert targets == {"queueServices", "tableServices", "blobServices", "Vault"}


def test_a_budget_tells_somebody_where_one_is_wanted(plain: Recording, everything: Recording) -> None:
    """A new subscription may refuse one."""
    assert not plain.of("Budget")
    budget = everything.one("Budget")
    assert budget["amount"] == 20
    assert {notification["contactEmails"][0] for notification in budget["notifications"].values()} == {
        "ops@contoso.com"
    }
    assert {notification["contactGroups"][0] for notification in budget["notifications"].values()} == {ACTION_GROUP}


def test_rows_and_messages_do_not_go_by_mistake(recording: Recording) -> None:
    """Table and queues are protected, and nothing else: the rest is made again by `up`."""
    protected = {resource["id"] for resource in recording.resources if resource["protected"]}
    assert protected == {resource["id"] for resource in (*recording.of("Queue"), *recording.of("Table"))}
    assert len(protected) == (4 if recording is recorded("everything") else 3)


def test_the_stack_can_be_taken_away_and_made_again_on_the_same_day(recording: Recording) -> None:
    """The vault has another name each time; its secrets go with it, without a right to delete them."""
    [vault] = recording.of("Vault")
    assert "vaultName" not in vault["inputs"]
    for secret in recording.of("Secret"):
        assert secret["deleted_with"] == vault["urn"]
        assert secret["kept"]


def test_storage_is_in_each_region_unless_more_is_wanted(plain: Recording, everything: Recording) -> None:
    """Not each region has zones, or a second region."""
    assert {account["inputs"]["sku"]["name"] for account in plain.of("StorageAccount")} == {"Standard_LRS"}
    assert {account["inputs"]["sku"]["name"] for account in everything.of("StorageAccount")} == {"Standard_GZRS"}


def test_everything_that_takes_tags_has_them(plain: Recording, everything: Recording) -> None:
    """The project and the stack, so that a bill can be read; the user's own go before ours."""
    untagged = {"BlobContainer", "BlobServiceProperties", "Queue", "Table", "RoleAssignment", "WebAppScmAllowed"}
    untagged |= {"WebAppFtpAllowed", "Subnet", "PrivateDnsZoneGroup", "DiagnosticSetting", "Budget"}
    for recording, tags in (
        (plain, {"project": "dataflow-poller", "stack": "dev"}),
        (everything, {"project": "dataflow-poller", "Stack": "ours", "costCenter": "4711"}),
    ):
        for resource in recording.resources:
            if resource["type"].startswith("azure-native:"):
                expected = None if resource["type"].rpartition(":")[2] in untagged else tags
                assert resource["inputs"].get("tags") == expected, resource["name"]


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
    """Endpoints, the app, the portal, scopes of roles, and the two commands."""
    outputs = recording.outputs
    assert set(outputs) == {
        "resourceGroup",
        "appName",
        "appId",
        "appPortal",
        "workbookPortal",
        "vaultName",
        "jobStorageAccount",
        "queueEndpoint",
        "tableEndpoint",
        "jobQueueScope",
        "poisonQueueScope",
        "tableScope",
        "submitCommand",
        "listCommand",
        "published",
        *(["completionQueueScope"] if recording is recorded("everything") else []),
    }
    assert outputs["tableScope"] == recording.of("Table")[0]["id"]
    assert outputs["submitCommand"].startswith("az storage message put --queue-name lo")
    assert outputs["listCommand"].startswith("az storage entity query --table-name ")


@given(st.text(min_size=1), st.text())
def test_names_are_within_azures_rules_for_any_stack(stack: str, unique: str) -> None:
    """Storage accounts and the app are the strictest."""
    names = Names.of_parts(stack, unique)
    for kind in ("host", "jobs"):
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


def test_an_older_python_is_told_which_one_is_needed() -> None:
    """Before it stumbles over what it does not know."""
    program = ROOT / "infra/__main__.py"
    ast.parse(program.read_text("utf-8"), feature_version=(3, 7))
    pretend = "import runpy, sys; sys.version_info = (3, 12, 1); runpy.run_path(sys.argv[1])"
    run = subprocess.run([sys.executable, "-c", pretend, program], capture_output=True, text=True, check=False)
    assert "Python 3.13 or later is needed, and this is" in run.stderr


def test_the_longest_stack_name_is_none_too_long() -> None:
    """Pulumi takes 100 characters."""
    assert run_program({}, "a" * 100).returncode == 0


def test_two_stacks_share_no_name() -> None:
    """A second environment stands beside the first."""
    assert Names.of_parts("dev", "s/p/dev").compact("jobs") != Names.of_parts("dev", "other/p/dev").compact("jobs")
