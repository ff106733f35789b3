"""Metrics of the driver app, beside those of every program (`pitbox.metrics`)."""

from typing import Final

from prometheus_client import Counter, Gauge

kept: Final = Counter("pitbox_drive_chunks", "chunks kept in the spool")
sent: Final = Counter("pitbox_drive_sent", "chunks sent, also those sent again", ["route"])
refused: Final = Counter("pitbox_drive_refused", "chunks that the disk did not take")
refusing: Final = Gauge("pitbox_drive_disk_refuses", "1 while the disk keeps no chunks")
rotten: Final = Counter(
    "pitbox_drive_rotten", "chunks that were on the disk and came back damaged or not at all"
)
salvaged: Final = Counter("pitbox_drive_salvaged", "damaged spools that were written anew")
dropped: Final = Counter("pitbox_drive_dropped", "chunks dropped from the spool", ["receipted"])
left_out: Final = Counter(
    "pitbox_drive_left_out", "datagrams and rows of games that were not used", ["reason"]
)
waiting: Final = Gauge("pitbox_drive_waiting", "chunks that Postgres may still get")
spool_bytes: Final = Gauge("pitbox_drive_spool_bytes", "how much of the spool is in use")
fenced: Final = Gauge("pitbox_drive_fenced", "1 while a newer app of this driver is live")
offset_s: Final = Gauge("pitbox_drive_clock_offset_seconds", "hub clock minus driver clock")
unstored_s: Final = Gauge(
    "pitbox_drive_unstored_seconds", "time for which the hub has taken chunks and stored none"
)
