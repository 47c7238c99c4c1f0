"""What stands in for Azure and Bing Maps on a developer's machine: nothing of it is deployed.

azurite.py    Azurite: the queues and the table, on disk, on free ports
endpoint.py   the status endpoint, with jobs that end as told and faults as told
documents.py  ... its JSON and XML
faults.py     ... its faults
threaded_server.py   ... and its thread
host.py       the Functions host: indexes function_app.py, fires its timers
demo.py       `make run`: all of them, with a dozen jobs
"""
