"""The deployment of dataflow-poller to Azure, as a Pulumi program."""
