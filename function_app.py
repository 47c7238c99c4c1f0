"""The function app: `POLLERS` timer functions, each of which polls every job that is due."""

import os

import azure.functions as func

from dataflow_poller.settings import pollers

app = func.FunctionApp()


def poll(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the host binds it by name
    """Poll every job that is due. A missed tick needs no care: the queue knows what is due."""
    from dataflow_poller.run import run  # noqa: PLC0415 - the SDKs take 0.2 s to import, which indexing need not wait for

    run()


for number in range(1, pollers(os.environ) + 1):
    name = "poll" if number == 1 else f"poll_{number}"
    timer_trigger = app.timer_trigger(arg_name="timer", schedule="%POLL_SCHEDULE%", run_on_startup=False)
    app.function_name(name)(timer_trigger(poll))
