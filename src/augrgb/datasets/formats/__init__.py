"""Annotation formats. The import line is the registration."""

from augrgb.core.catalog import catalog
from augrgb.datasets.formats.activitynet_json import ActivityNetJson
from augrgb.datasets.formats.annotation_format import AnnotatedVideo, AnnotationFormat, AnnotationSet, Finding
from augrgb.datasets.formats.charades_csv import CharadesCsv
from augrgb.datasets.formats.charades_json import CharadesJson
from augrgb.datasets.formats.cvat import Cvat
from augrgb.datasets.formats.dataset_json import DatasetJson
from augrgb.datasets.formats.elan import Elan
from augrgb.datasets.formats.label_studio import LabelStudio
from augrgb.datasets.formats.multithumos_json import MultiThumosJson
from augrgb.datasets.formats.pku_mmd import PkuMmd
from augrgb.datasets.formats.plain_csv import PlainCsv
from augrgb.datasets.formats.subtitles import SubRip, WebVtt
from augrgb.datasets.formats.thumos_txt import ThumosTxt
from augrgb.datasets.formats.tsu_csv import TsuCsv
from augrgb.datasets.formats.tsu_json import TsuJson
from augrgb.datasets.formats.via import Via

FORMATS = catalog(AnnotationFormat, globals())  # type: ignore[type-abstract]

__all__ = [
    "FORMATS",
    "ActivityNetJson",
    "AnnotatedVideo",
    "AnnotationFormat",
    "AnnotationSet",
    "CharadesCsv",
    "CharadesJson",
    "Cvat",
    "DatasetJson",
    "Elan",
    "Finding",
    "LabelStudio",
    "MultiThumosJson",
    "PkuMmd",
    "PlainCsv",
    "SubRip",
    "ThumosTxt",
    "TsuCsv",
    "TsuJson",
    "Via",
    "WebVtt",
]
