"""The worker: django-q2's own command, told to stop in time and to ring a first bell."""

from __future__ import annotations

import signal
from typing import Any

from django_q.cluster import Cluster
from django_q.management.commands.qcluster import Command as QCluster

from exports import doorbell


class Command(QCluster):
    help = "Runs export attempts until stopped. Any number of machines may run it against one database."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = Cluster.sig_handler

        def stop_in_time(cluster: Cluster, signum: int, frame: Any) -> None:
            doorbell.stopping.set()  # drain loops claim nothing more and end with what they have
            stop(cluster, signum, frame)

        Cluster.sig_handler = stop_in_time
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        doorbell.install_schedule()
        doorbell.ring()
        super().handle(*args, **options)
