"""Watches Bing Maps load data source jobs until they end.

A run claims messages of the job queue, asks the status endpoint about each job and either writes the
job's end to the data source table or lets the message reappear later. Gather, decide, apply: what to do
with a job is a pure function between thin edges. To read it in the order of the data:

    run.py          one invocation: settings in, edges made, summary line out
    settings.py     app settings -> Settings, or one error that names every wrong one
    app_settings.py the table of them; their kinds and the forms of their values are in setting_kinds.py, pasted.py,
                    connection_string.py and ncrontab.py; local_settings.py reads a developer's file of them
    master_keys.py  the keys; redaction.py hides them in any text
    poll.py         the loop that claims, and the way of each message
    queues.py       job, poison and completion queue (edge)
    job.py          message text -> DataflowJob | InvalidMessage
    key_marks.py    what looks like a key in a message, by its name
    poison_text.py  what is kept of a message that is no job
    urls.py         the service's URLs
    asking.py       which keys rest, and when the endpoint is given up
    bing_maps.py    asks the status endpoint (edge)
    answer.py       HTTP response -> Answer
    body.py         JSON or XML -> one kind of document; status.py makes the JobStatus of it
    policy.py       when to poll again
    decide.py       Answer, age and expiry -> Record | Defer
    outcome.py      what can become of a message
    row.py          Record -> row of the table
    table.py        the data source table, and rows in batches (edge)
    completion.py   row -> completion event
    storage.py      what queues and table have in common: connections, tries, errors (edge)
    deadline.py     connections that carry a deadline (edge)
    reasons.py      a library's error -> why there was no answer
    verdict.py      when an invocation fails
    log.py          log lines; tally.py those that count jobs; texts.py cuts what is too long
    errors.py       all that can be raised
"""

__version__ = "1.0.0"
"""That of pyproject.toml, which is not deployed."""
