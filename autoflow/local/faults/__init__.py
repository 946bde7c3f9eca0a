"""Faults of AWS calls, made to happen on purpose in a local cloud.

Only a cloud that was started with ``AUTOFLOW_FAULTS`` in its environment has the door through which they are set; see
:mod:`autoflow.local.faults.door`.
"""

PATH = "/_autoflow/faults"
"""Where the gateway of such a cloud takes faults."""
