"""Annotation formats. The import line is the registration."""

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.formats.activitynet_json import ActivityNetJson
from augrgb.annotations.formats.bmn_json import BmnJson
from augrgb.annotations.formats.boris import Boris
from augrgb.annotations.formats.charades_csv import CharadesCsv
from augrgb.annotations.formats.charades_json import CharadesJson
from augrgb.annotations.formats.cvat import Cvat
from augrgb.annotations.formats.cvat_backup import CvatBackup
from augrgb.annotations.formats.dataset_json import DatasetJson
from augrgb.annotations.formats.elan import Elan
from augrgb.annotations.formats.elan_text import ElanText
from augrgb.annotations.formats.epic_kitchens import EpicKitchens
from augrgb.annotations.formats.event_list_json import EventListJson
from augrgb.annotations.formats.frame_wise import FrameWise
from augrgb.annotations.formats.label_studio import LabelStudio
from augrgb.annotations.formats.label_studio_min import LabelStudioMin
from augrgb.annotations.formats.multithumos_json import MultiThumosJson
from augrgb.annotations.formats.perception_test import PerceptionTest
from augrgb.annotations.formats.pku_mmd import PkuMmd
from augrgb.annotations.formats.plain_csv import PlainCsv
from augrgb.annotations.formats.subtitles import SubRip, WebVtt
from augrgb.annotations.formats.thumos_txt import ThumosTxt
from augrgb.annotations.formats.tsu_csv import TsuCsv
from augrgb.annotations.formats.tsu_json import TsuJson
from augrgb.annotations.formats.utkinect import UTKinect
from augrgb.annotations.formats.via import Via
from augrgb.core.catalog import catalog

FORMATS = catalog(AnnotationFormat, globals())  # type: ignore[type-abstract]

__all__ = [
    "FORMATS",
    "ActivityNetJson",
    "BmnJson",
    "Boris",
    "CharadesCsv",
    "CharadesJson",
    "Cvat",
    "CvatBackup",
    "DatasetJson",
    "Elan",
    "ElanText",
    "EpicKitchens",
    "EventListJson",
    "FrameWise",
    "LabelStudio",
    "LabelStudioMin",
    "MultiThumosJson",
    "PerceptionTest",
    "PkuMmd",
    "PlainCsv",
    "SubRip",
    "ThumosTxt",
    "TsuCsv",
    "TsuJson",
    "UTKinect",
    "Via",
    "WebVtt",
]
