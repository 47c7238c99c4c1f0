"""Measurements, and the peers they are measured against. `make bench` runs all of them.

peers.py    a sequential loop, and an asyncio poller of the same storage semantics
rig.py      Azurite, the stand-in endpoint and a counting proxy, fresh for every measurement
policy.py   polling policies, by simulation
report.py   the table, the JSON and the picture
__main__.py what is measured
"""
