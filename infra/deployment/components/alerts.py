"""Alerts: who is woken, why, and what to do."""

import pulumi
from pulumi_azure_native import monitor

from deployment.components.monitoring import Monitoring
from deployment.config import DeploymentConfig
from deployment.names import Names
from deployment.queries import FAILED_RUNS, KEY_TROUBLE, OLDEST, POISONED, RUNS


class Alerts(pulumi.ComponentResource):
    """An action group, and rules over the app's log lines."""

    def __init__(
        self, name: str, names: Names, group: pulumi.Input[str], config: DeploymentConfig, monitoring: Monitoring
    ) -> None:
        super().__init__("dataflow-poller:alerts:Alerts", name)
        self._names, self._group, self._workspace = names, group, monitoring.workspace
        self._actions = monitor.ActionGroup(
            name,
            action_group_name=names.of("ag", 260),
            resource_group_name=group,
            location="global",
            group_short_name="dataflow",
            enabled=True,
            email_receivers=[{"name": "alerts", "email_address": config.alert_email, "use_common_alert_schema": True}],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._rule(
            "poison", POISONED, "A message was not a job",
            f"Read it in the queue {config.job_queue}-poison; the log line 'message poisoned' says why it was refused. "
            "Send it again, corrected, then delete it there. If it held a master key, change that key at Bing Maps.",
        )  # fmt: skip
        self._rule(
            "no-run", RUNS, "No run for 15 minutes",
            "Look at the function app: is it stopped, does it list its timers, what does its log stream say? "
            "Jobs are safe in the queue until their messages expire. 'pulumi up' publishes the code again.",
            severity=1, fewer_than=1,
        )  # fmt: skip
        self._rule(
            "key", KEY_TROUBLE, "A master key is refused or not configured",
            "The log line names the key. Set it: pulumi config set --secret --path 'masterKeys.<name>', then "
            "pulumi up. If it did not resolve, look at the vault's secret and the identity's right. Its jobs wait.",
            severity=1,
        )  # fmt: skip
        self._rule(
            "old", OLDEST, f"A job is in the queue for over {config.oldest_job_hours} hours",
            "Loads take up to 12 hours. Look at the workbook's errors by kind: is the endpoint unavailable, a key "
            "refused, storage failing? The job ends as TimedOut when it is older than jobMaxAgeHours.",
            column="oldest", more_than=config.oldest_job_hours * 3600,
        )  # fmt: skip
        self._rule(
            "failed", FAILED_RUNS, "Runs fail",
            "The exception says what is wrong: an app setting (mend it by 'pulumi up'), or storage that refuses "
            "(look at its health and at the identity's role assignments). Nothing is deleted whose row is not safe.",
            severity=1,
        )  # fmt: skip
        self.register_outputs({})

    def _rule(
        self, kind: str, query: str, what: str, what_to_do: str, *,
        severity: int = 2, column: str | None = None, more_than: float = 0, fewer_than: float | None = None,
    ) -> None:  # fmt: skip
        monitor.ScheduledQueryRule(
            f"alert-{kind}",
            rule_name=self._names.of(f"alert-{kind}", 260),
            resource_group_name=self._group,
            kind="LogAlert",
            display_name=f"dataflow-poller: {what}",
            description=what_to_do,
            enabled=True,
            severity=severity,
            scopes=[self._workspace.id],
            evaluation_frequency="PT5M",
            window_size="PT15M",
            auto_mitigate=True,
            skip_query_validation=True,  # The tables come to be with the first line.
            criteria={
                "all_of": [
                    {
                        "query": query,
                        "time_aggregation": "Maximum" if column else "Count",
                        "metric_measure_column": column,
                        "operator": "GreaterThan" if fewer_than is None else "LessThan",
                        "threshold": more_than if fewer_than is None else fewer_than,
                        "failing_periods": {"number_of_evaluation_periods": 1, "min_failing_periods_to_alert": 1},
                    }
                ]
            },
            actions={"action_groups": [self._actions.id]},
            opts=pulumi.ResourceOptions(parent=self),
        )
