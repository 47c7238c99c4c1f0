"""Alerts: who is told, and rules over the app's log lines."""

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import monitor

from deployment.alert_rules import AlertRule, alert_rules, no_run_rule
from deployment.names import Names
from deployment.windows import AlertWindows, iso


@dataclass(frozen=True)
class AlertsArgs:
    """What is watched, and who is told.

    Attributes:
        published_at: since when there can be runs; ISO 8601, None where it is not known.
        email, action_group_id: empty where not given; where neither is, alerts are seen in the portal only.
    """

    names: Names
    group: pulumi.Input[str]
    workspace_id: pulumi.Input[str]
    windows: AlertWindows
    job_queue: str
    oldest_job_hours: int
    published_at: pulumi.Output[str | None]
    email: str
    action_group_id: str


class Alerts(pulumi.ComponentResource):
    """The rules; they are to be made after the code is published, for before that there is no run."""

    def __init__(self, name: str, args: AlertsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dataflow-poller:components:Alerts", name, None, opts)
        self._args = args
        self._child = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(parent=self))
        self._told = self._whom_to_tell(name)
        for rule in alert_rules(args.windows, args.job_queue, args.oldest_job_hours):
            self._make(rule, rule.query)
        # The time before the code was there is no time without a run: else the first evaluation would alert.
        no_run = args.published_at.apply(lambda since: no_run_rule(args.windows, since).query)
        self._make(no_run_rule(args.windows, None), no_run)
        self.register_outputs({})

    def _whom_to_tell(self, name: str) -> list[pulumi.Input[str]]:
        """The ids of action groups."""
        told: list[pulumi.Input[str]] = [self._args.action_group_id] if self._args.action_group_id else []
        if self._args.email:
            by_mail = monitor.ActionGroup(
                name,
                action_group_name=self._args.names.of("ag", 260),
                resource_group_name=self._args.group,
                location="global",
                group_short_name="dataflow",
                enabled=True,
                email_receivers=[
                    {"name": "alerts", "email_address": self._args.email, "use_common_alert_schema": True}
                ],
                opts=self._child,
            )
            told.append(by_mail.id)
        return told

    def _make(self, rule: AlertRule, query: pulumi.Input[str]) -> monitor.ScheduledQueryRule:
        return monitor.ScheduledQueryRule(
            f"alert-{rule.kind}",
            rule_name=self._args.names.of(f"alert-{rule.kind}", 260),
            resource_group_name=self._args.group,
            kind="LogAlert",
            display_name=f"dataflow-poller: {rule.title}",
            description=rule.advice,
            enabled=True,
            severity=rule.severity,
            scopes=[self._args.workspace_id],
            evaluation_frequency=iso(self._args.windows.every),
            window_size=iso(rule.window.size),
            override_query_time_range=iso(rule.looks_back) if rule.looks_back else None,
            auto_mitigate=True,
            skip_query_validation=True,  # The tables come to be with the first line.
            criteria={
                "all_of": [
                    {
                        "query": query,
                        "time_aggregation": rule.measure.aggregation,
                        "metric_measure_column": rule.measure.column,
                        "operator": rule.measure.operator,
                        "threshold": rule.measure.threshold,
                        "failing_periods": {
                            "number_of_evaluation_periods": rule.window.times,
                            "min_failing_periods_to_alert": rule.window.times,
                        },
                    }
                ]
            },
            actions={"action_groups": self._told},
            opts=self._child,
        )
