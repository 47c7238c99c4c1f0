"""The people, groups and programs that work with the queues and the table."""

from collections.abc import Iterable
from dataclasses import dataclass

import pulumi

from deployment.components.storage import JobStorage
from deployment.readers import Principal
from deployment.roles import Right, give


@dataclass(frozen=True)
class PeopleArgs:
    job_storage: JobStorage
    submitters: Iterable[Principal]
    operators: Iterable[Principal]


class People(pulumi.ComponentResource):
    """Submitters send jobs and read rows; operators work with both queues besides."""

    def __init__(self, name: str, args: PeopleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dataflow-poller:components:People", name, None, opts)
        child = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(parent=self))
        jobs = args.job_storage
        submit = {
            "send": Right("Storage Queue Data Message Sender", jobs.queue.id),
            "read": Right("Storage Table Data Reader", jobs.table.id),
        }
        operate = submit | {
            "jobs": Right("Storage Queue Data Contributor", jobs.queue.id),
            "poison": Right("Storage Queue Data Contributor", jobs.poison_queue.id),
        }
        # Who is both is an operator: Azure refuses to give a right twice.
        rights = dict.fromkeys(args.submitters, submit) | dict.fromkeys(args.operators, operate)
        for principal, given in rights.items():
            for purpose, right in given.items():
                give(f"{name}-{purpose}-{principal.id}", right, principal.id, principal.type, child)
        self.register_outputs({})
