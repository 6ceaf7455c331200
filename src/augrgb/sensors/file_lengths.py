"""Whether the pose and sensor files of a video cover it: nothing may be trained on other moments than it shows."""

from __future__ import annotations

from augrgb.core.errors import AugrgbError
from augrgb.core.types import VideoRecord
from augrgb.poses.pose_lengths import pose_length_faults
from augrgb.sensors.files import MODALITIES, read_sensor, sensor_frames


def file_length_faults(record: VideoRecord) -> list[AugrgbError]:
    """The faults of pose and sensor files of a video that cannot be read or are of another length.

    Of a video whose duration is not known, only what cannot be read is a fault.
    """
    faults = pose_length_faults(record)
    for modality in MODALITIES:
        path = record.source(modality)
        if path is None:
            continue
        try:
            sensor_frames(path, read_sensor(path, modality), 1.0, record.duration_s)
        except AugrgbError as fault:
            faults.append(fault)
    return faults
