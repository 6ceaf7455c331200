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
    "E-CFG-010": ErrorCode("usage", "Two results would be written to the same place.", "Give each its own folder."),
    "E-CFG-011": ErrorCode("usage", "`--shard slurm` was used outside a regular Slurm array.", "Submit with `sbatch --array=1-N`, or name the part yourself: `--shard 3/16`."),
    # Files
    "E-FILE-001": ErrorCode("input", "A file or folder does not exist.", "Check the path."),
    "E-FILE-002": ErrorCode("input", "A text file is not UTF-8.", "Save it as UTF-8."),
    "E-FILE-003": ErrorCode("input", "A file, or one entry of it, is larger than is read.", "Split it; CSV annotations are streamed and have no limit."),
    "E-FILE-004": ErrorCode("input", "An XML file has a document type, which could load other files.", "Remove the DTD; annotation tools never write one."),
    "E-FILE-005": ErrorCode("usage", "The file that would be written exists.", "Choose another name, or remove it."),
    # Ids
    "E-ID-001": ErrorCode("input", "Two files, rows or tasks hold the annotations of one video.", "Keep one of them."),
    "E-ID-002": ErrorCode("input", "Two ids differ only in case or Unicode form, so some file systems take them for one.", "Rename one."),
    "E-ID-003": ErrorCode("input", "An id or path leads out of the dataset folder.", "Use names and paths inside the folder."),
    "E-ID-004": ErrorCode("input", "An id names a video that the dataset does not have.", "Correct the id, or add the video."),
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
    "E-ANN-010": ErrorCode("finding", "An event ends long after its video.", "It is dropped. If there are many, check the frame rate and that it is the same video."),
    "E-ANN-011": ErrorCode("finding", "An event ends a little after its video.", "It is clipped to the video; nothing needs to be done."),
    "E-ANN-012": ErrorCode("finding", "An event starts before 0.", "It is dropped; correct its time if it is needed."),
    "E-ANN-013": ErrorCode("finding", "An event starts after its video has ended.", "It is dropped. If there are many, check the frame rate and that it is the same video."),
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
    # Splits and roles
    "E-SPL-001": ErrorCode("usage", "The dataset has no split with this name.", "Take one of the names in the message."),
    "E-SPL-002": ErrorCode("input", "Videos that something is trained or chosen on are also test videos.", "Use a split whose roles do not overlap."),
    "E-SPL-003": ErrorCode("input", "A split names a video that the dataset does not have.", "Correct the id, or remove it from the split."),
    # Videos
    "E-VID-001": ErrorCode("input", "A file is not a video, or was cut off before its index.", "Copy or download it again."),
    "E-VID-002": ErrorCode("input", "A file has no video stream, or a video stream without frames.", "Use a file with video; cover art does not count."),
    "E-VID-003": ErrorCode("input", "A video breaks off or is damaged.", "Copy or download it again, re-encode it, or keep its beginning with `--partial-video keep-prefix`."),
    "E-VID-004": ErrorCode("input", "There is no decoder for the codec of a video.", "Re-encode it as H.264."),
    "E-VID-005": ErrorCode("input", "A folder holds no video.", "Check the path and the endings of the files."),
    "E-VID-006": ErrorCode("input", "Too many frames of a video have no time.", "Re-encode it with a constant frame rate."),
    "E-VID-007": ErrorCode("input", "A file exists but the system does not let it be read.", "Check its permissions, and the disk or network drive."),
    "E-VID-008": ErrorCode("input", "The dataset names no video or pose file for a video.", "Add `file` or `poses` to the video in dataset.json."),
    "E-VID-010": ErrorCode("input", "The frames of a video are too large.", "Scale the video down."),
    "E-VID-012": ErrorCode("input", "A frame that was passed to a detector is not an RGB array of bytes.", "Pass NumPy arrays (H, W, 3) of uint8, in RGB order."),
    "E-VID-018": ErrorCode("finding", "Two videos have the same bytes.", "Remove one, or keep both in the same role."),
    "E-VID-020": ErrorCode("quarantine", "A batch finished, but more items were refused than allowed.", "Fix or remove the refused items and run the command again, or raise `--allow-failures`."),
    # Features and cached frames
    "E-FEA-001": ErrorCode("usage", "A modality is used for which no features are given.", "Name its feature folder, for example `data.features.rgb=FOLDER`."),
    "E-FEA-002": ErrorCode("input", "Features of a video or a whole folder are missing.", "Run `augrgb extract`, or allow missing videos with `data.allow_missing`."),
    "E-FEA-003": ErrorCode("input", "Features are not an array (T, C) with at least one snippet.", "Average crops and other extra axes first; declare the width of arrays stored as (C, T)."),
    "E-FEA-004": ErrorCode("input", "The time bases of features, scores or videos disagree.", "Declare the clock with which they were extracted, or extract them again."),
    "E-FEA-005": ErrorCode("input", "Features hold NaN or infinite values.", "Extract them again; check the encoder's weights."),
    "E-FEA-006": ErrorCode("input", "A video is too short for one snippet.", "Leave it out, or use a clock with a shorter window."),
    "E-FEA-007": ErrorCode("input", "A feature file is cut off, or changed since it was written.", "Extract or copy it again."),
    "E-FEA-008": ErrorCode("input", "A pose or skeleton file, or a skeleton, cannot be used.", "Correct what the message names."),
    "E-FEA-009": ErrorCode("input", "An array file holds pickled Python objects, which can run code when they are read.", "Save plain arrays: `np.save(path, array, allow_pickle=False)`."),
    "E-FEA-010": ErrorCode("input", "Features in one folder were made with different settings.", "Use one folder per setting, or remove the old features."),
    "E-FEA-011": ErrorCode("finding", "Features of a video do not vary.", "Check the video and the encoder."),
    "E-FEA-012": ErrorCode("finding", "Features of a video end at another time than the video.", "Check the clock and that it is the same video."),
    "E-FEA-014": ErrorCode("finding", "A feature folder holds features of a video that the dataset does not have.", "Nothing needs to be done; they are not used."),
    # Encoders
    "E-ENC-001": ErrorCode("input", "The weights for `init` are of another encoder.", "Name the same encoder, or other weights."),
    "E-ENC-002": ErrorCode("input", "The weights for `init` have other shapes.", "Use the same options, or set `init.classifier=false` for another number of classes."),
    "E-ENC-003": ErrorCode("usage", "`init.freeze` matches no parameter.", "Use one of the names in the message."),
    "E-ENC-004": ErrorCode("usage", "Poses cannot be mirrored: the joints would change sides.", "Set `augment.flip=0`."),
    "E-ENC-005": ErrorCode("usage", "The features of a teacher stream cannot be made from the recipe.", "Give them: `distill.features.NAME`."),
    "E-ENC-006": ErrorCode("input", "No training video has what a teacher sees.", "Check the teacher's modality and the files of the dataset."),
    "E-ENC-011": ErrorCode("environment", "The package `transformers` is not installed or cannot be imported.", "Install it with the command in the message."),
    "E-ENC-012": ErrorCode("input", "The configuration of a Hugging Face model is not one of a plain backbone that can be built.", "Use a plain vision backbone with one `hidden_size`."),
    "E-ENC-013": ErrorCode("input", "The folder of a Hugging Face model lacks a file.", "Download the files in the message as well."),
    "E-ENC-014": ErrorCode("input", "The preprocessor of a Hugging Face model asks for a step that is not supported.", "Use another model, or one without this step."),
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
    "E-MOD-030": ErrorCode("usage", "Tensors given to a loss or a `Batch` do not fit together.", "Give features (B, T, C), a bool mask (B, T) and labels (B, T, K) of the same B and T."),
    "E-MOD-031": ErrorCode("usage", "A loss needs labels, and the batch has none.", "Pass `labels`; videos without labels have zeros there and `labelled=False`."),
    "E-MOD-032": ErrorCode("usage", "A loss needs class logits besides features.", "Pass `StreamOutput(features, logits)` for student and teacher."),
    "E-MOD-033": ErrorCode("usage", "A loss was built without a size that it needs, or with sizes given twice.", "Pass `student=`, `teacher=` and `classes=`, or a `StreamDims`."),
    "E-MOD-034": ErrorCode("usage", "A loss that learns parameters or keeps a memory was called as a function.", "Build its class once, and optimize its parameters with the student."),
    # Training
    "E-TRN-002": ErrorCode("usage", "There is no sample to train on.", "Check the roles of the split."),
    "E-TRN-003": ErrorCode("usage", "The batch is too small to hold both labelled and unlabelled samples.", "Raise `train.batch_size`."),
    "E-TRN-005": ErrorCode("usage", "The weights of the teachers cannot be learned from these data.", "Give `distill.teacher_mixing` as numbers."),
    # Run folders
    "E-RUN-001": ErrorCode("usage", "Another process trains into the run folder.", "Wait for it, or use another folder; remove the lock only if no such process exists."),
    "E-RUN-002": ErrorCode("usage", "The folder was started with other settings.", "Use another folder, or the same settings."),
    "E-RUN-003": ErrorCode("other", "Training was stopped by a signal and has been saved.", "Run the same command to resume."),
    "E-RUN-004": ErrorCode("other", "Too many training steps in a row were not finite.", "Lower `train.learning_rate` or the weight of the loss in the message, or check the features."),
    "E-RUN-005": ErrorCode("input", "The run is not finished.", "Give the command that began it again."),
    "E-RUN-006": ErrorCode("input", "A folder is not the run of a stream.", "Give the run folder of `augrgb train`."),
    "E-RUN-007": ErrorCode("usage", "The runs to evaluate together are of different datasets.", "Evaluate them one by one."),
    "E-RUN-008": ErrorCode("input", "Some cells of a comparison failed.", "Fix the errors in the message and run the command again; finished cells are kept."),
    "E-RUN-009": ErrorCode("input", "The protocol of the search is not defined on the validation videos.", "Choose another `search.protocol` or `search.split`."),
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
    # Report
    "E-REP-001": ErrorCode("input", "Times or durations cannot be drawn.", "Check that they are finite seconds, in order, and not frame numbers."),
    "E-REP-002": ErrorCode("input", "A frame for the report is not a JPEG data URI or an image (H, W, 3) of uint8.", "Make frames with `film_strip`."),
    # Synthetic dataset
    "E-WLD-001": ErrorCode("input", "The folder holds another synthetic dataset, or videos of unknown origin.", "Choose another folder, remove this one, or use its settings."),
    "E-WLD-002": ErrorCode("usage", "A setting of the synthetic dataset is out of range.", "Give a value as the message says."),
    "E-WLD-003": ErrorCode("usage", "The synthetic dataset has no such setting.", "Correct its spelling; `augrgb world make --help` lists the settings."),
    "E-WLD-010": ErrorCode("input", "A body part has no joint among the joint names of a motion file.", "Rename the joints, for example UpperArm_L, LowerArm_L, Hand_L."),
    "E-WLD-011": ErrorCode("input", "A BVH file has a syntax error.", "Export it as BVH again."),
    "E-WLD-012": ErrorCode("input", "A packed motion library lacks arrays, or holds arrays that do not fit together.", "Pack it again."),
    "E-WLD-013": ErrorCode("input", "There are too few motion clips to fill the videos.", "Add clips, or make fewer videos."),
    # Dry run
    "E-DRY-001": ErrorCode("input", "The dataset does not have the published numbers of videos, classes or events.", "Complete the download, or leave `data.published` out."),
    "E-DRY-002": ErrorCode("input", "The loss of the first training step is not finite.", "Lower the weights of the losses."),
    # Processes
    "E-JOB-001": ErrorCode("input", "The process that reads a file crashed, several times.", "Check the file or encode it again, or leave it out."),
    "E-JOB-002": ErrorCode("input", "A file needs more memory than one file may take.", "Scale it down, raise the limit (`--memory-mib`), or leave it out."),
    "E-JOB-003": ErrorCode("input", "A file was not finished within its time limit.", "Check the file, raise the limit (`--time-factor`), or leave it out."),
    "E-JOB-004": ErrorCode("environment", "A worker process was killed, most often because memory ran out.", "Free memory or use fewer `--workers`; the same command resumes."),
    "E-JOB-005": ErrorCode("environment", "The memory of this machine is not enough.", "Free memory or use fewer `--workers`; the same command resumes."),
    # Machine
    "E-ENV-001": ErrorCode("environment", "The disk is full, or the folder cannot be written to.", "Free some space or choose another folder; finished files are kept, and the same command resumes."),
    "E-ENV-002": ErrorCode("environment", "The requested device is not present, or PyTorch does not support it.", "Use `--device cpu`, or install a PyTorch build for this GPU."),
    "E-ENV-003": ErrorCode("environment", "An optional package is not installed or cannot be imported.", "Install it with the command in the message."),
    "E-ENV-004": ErrorCode("environment", "The memory of the GPU, or the memory that a run would need, is not enough.", "Lower the batch size, cut the videos shorter, or use another device."),
    "E-ENV-005": ErrorCode("environment", "No Ray cluster can be reached.", "Start one with `ray start --head`, or use the local engine."),
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
        "| 1 | a bug, or training that was stopped or did not converge |",
        "| 2 | a wrong recipe, option or command |",
        "| 3 | a video, annotation, feature or model file that cannot be used |",
        "| 4 | a batch finished, but more items were refused than allowed |",
        "| 5 | disk, memory, device or a missing optional package |",
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
