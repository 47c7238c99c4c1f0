"""Watches Bing Maps load data source jobs until they end.

A run claims messages of the job queue, asks the status endpoint about each job and either writes the
job's end to the data source table or lets the message reappear later. Gather, decide, apply: what to do
with a job is a pure function between thin edges. To read it in the order of the data:

    run.py          one invocation: settings in, summary line out
    settings.py     app settings -> Settings, or one error that names every wrong one
    master_keys.py  the keys
    redaction.py    hides keys in any text
    drain.py        the loop: claim, ask, decide, settle
    queues.py       job queue and poison queue (edge)
    job.py          message text -> DataflowJob | InvalidMessage
    key_marks.py    what looks like a key in a message, by its name
    poison_text.py  what is kept of a message that is no job
    urls.py         the service's URLs
    bing_maps.py    asks the status endpoint (edge)
    answer.py       HTTP response -> Answer
    status.py       JSON or XML body -> JobStatus
    outcome.py      what can become of a message
    policy.py       when to poll again
    decide.py       Answer, age and expiry -> Record | Defer
    row.py          Record -> row of the table
    settle.py       applies decisions, counts what became of each message
    table.py        the data source table (edge)
    storage.py      what queues and table have in common: connections, tries, errors (edge)
    log.py          log lines
    errors.py       all that can be raised
"""
