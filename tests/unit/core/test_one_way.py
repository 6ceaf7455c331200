"""One way to open, parse and write files: no module of the package goes round it. Judged by its syntax tree."""

from __future__ import annotations

import ast
from pathlib import Path

import augrgb

SOURCE = Path(augrgb.__file__).parent

FUNCTIONS = {
    "open": "core.opening.open_regular or core.files.atomic_file",
    "safe_open": "core.arrays.open_tensors",
    "load_file": "core.weights.read_weights",
    "save_file": "core.files.write_bytes",
    "iterparse": "annotations.reading.xml_reader",
}
METHODS = {
    "read_text": "core.plain_data.read_text",
    "read_bytes": "core.opening.read_bytes",
    "write_text": "core.files.write_text",
    "write_bytes": "core.files.write_bytes",
    "mkdir": "core.files.make_folder",
    "safe_open": "core.arrays.open_tensors",
    "load_file": "core.weights.read_weights",
    "save_file": "core.files.write_bytes",
    "touch": "core.files",
    "resolve": "core.opening.resolved",
    "iterdir": "core.searching",
    "glob": "core.searching",
    "rglob": "core.searching",
}
QUALIFIED = {
    ("np", "load"): "core.arrays",
    ("np", "save"): "core.files.atomic_file",
    ("np", "memmap"): "core.arrays",
    ("np", "fromfile"): "core.opening",
    ("np", "loadtxt"): "core.plain_data",
    ("np", "genfromtxt"): "core.plain_data",
    ("json", "load"): "core.plain_data.parse_json",
    ("json", "loads"): "core.plain_data.parse_json",
    ("json", "dump"): "core.files.write_json",
    ("json", "JSONDecoder"): "core.plain_data.json_decoder",
    ("yaml", "load"): "core.plain_data.parse_yaml",
    ("yaml", "safe_load"): "core.plain_data.parse_yaml",
    ("yaml", "full_load"): "core.plain_data.parse_yaml",
    ("yaml", "unsafe_load"): "core.plain_data.parse_yaml",
    ("torch", "load"): "parallel.walled_child",
    ("torch", "save"): "core.files.write_bytes",
    ("os", "open"): "core.opening",
    ("os", "replace"): "core.files.atomic_path",
    ("os", "rename"): "core.files.atomic_path",
    ("os", "makedirs"): "core.files.make_folder",
    ("os", "mkdir"): "core.files.make_folder",
    ("os", "scandir"): "core.searching",
    ("os", "walk"): "core.searching",
    ("os", "listdir"): "core.searching",
    ("io", "open"): "core.opening",
    ("pickle", "load"): "nothing: pickles can run code",
    ("pickle", "loads"): "nothing: pickles can run code",
    ("shutil", "copy"): "core.files.write_bytes",
    ("shutil", "copyfile"): "core.files.write_bytes",
    ("shutil", "move"): "core.files.atomic_path",
    ("av", "open"): "video.container.open_video",
    ("zipfile", "ZipFile"): "core.arrays.open_arrays",
    ("tarfile", "open"): "nothing: no archive is unpacked",
    ("gzip", "open"): "nothing: no archive is unpacked",
    ("onnxruntime", "InferenceSession"): "inference.export.folder.onnx_session",
    ("sqlite3", "connect"): "server.database",
}
ALLOWED = {
    "core/opening.py": {"os.open", "open"},
    "core/files.py": {"open", "os.open", "os.replace", "mkdir", "write_bytes", "rglob"},  # our temporary files
    "core/searching.py": {"os.scandir"},
    "core/locks.py": {"os.open"},
    "core/plain_data.py": {"json.JSONDecoder", "yaml.load"},
    "core/arrays.py": {"np.load", "safe_open", "zipfile.ZipFile"},
    "annotations/reading/archives.py": {
        "zipfile.ZipFile",
        "iterdir",
    },  # a handle of `open_regular`; what it unpacked
    "poses/files.py": {"zipfile.ZipFile"},  # of a handle of `open_regular`
    "poses/formats/lcrnet.py": {"zipfile.ZipFile"},
    "poses/networks/onnx_model.py": {"onnxruntime.InferenceSession"},  # after `regular_file`
    "sensors/files.py": {"zipfile.ZipFile"},
    "server/database.py": {"sqlite3.connect"},
    "server/annotations/exports.py": {"zipfile.ZipFile"},  # in memory
    "inference/export/folder.py": {"onnxruntime.InferenceSession"},  # after `regular_file`
    "core/weights.py": {"load_file"},
    "annotations/reading/xml_reader.py": {"iterparse"},
    "video/container.py": {"av.open"},
    "video/live/open_stream.py": {"av.open"},  # a webcam or an RTSP address, with a protocol whitelist
    "pipelines/fitting/reuse.py": {"iterdir"},  # folders of our own
    "video/live/file_clips.py": {"av.open"},  # to write, inside `atomic_path`
    "video/live/packet_ring.py": {"av.open"},  # to write, inside `atomic_path`
    "video/mp4.py": {"av.open"},  # to write, inside `atomic_path`
    "parallel/limits.py": {"open", "read_text"},  # /proc
    "parallel/walled_child.py": {"torch.load", "save_file"},  # behind the wall
    "parallel/ray.py": {"pickle.loads"},  # what this program itself sent to its own workers
    "cli/main.py": {"os.open"},  # /dev/null
    "server/api/page_files.py": {"read_bytes", "iterdir"},  # files of the package
    "server/jobs/results.py": {"np.save", "glob"},  # into memory; its own folder
    "server/videos/uploads.py": {"open"},  # inside `atomic_path`, without a buffer
    "weights/address.py": {"open"},  # a part of a download, in the cache folder of this program
    "weights/cache.py": {"mkdir", "os.replace"},  # the same
    "weights/wheel.py": {"open", "zipfile.ZipFile", "glob"},  # in a temporary folder of its own
    "encoders/import_hf.py": {"iterdir"},  # names alone; each file is opened by `open_regular`
    "video/folder.py": {"glob"},  # patterns of the command line; what they fit is opened like a file that is named
    "workflows/sensors_beside.py": {"os.scandir"},  # a guess, which looks; what it finds is searched by `own_files`
    "recipe/builtin.py": {"rglob"},  # files of the package
    # Below: folders that this program makes and fills itself.
    "inference/export/write.py": {"iterdir"},
    "pipelines/fitting/result.py": {"rglob"},
    "pipelines/info/projects.py": {"glob"},
    "server/teaching/loop.py": {"glob"},
    "server/teaching/project.py": {"glob"},
    "server/teaching/worth.py": {"glob"},
    "server/teaching/rounds.py": {"glob"},
    "training/run/checkpoints.py": {"glob"},
    "training/run/folder.py": {"iterdir", "glob"},
    "watching/clips.py": {"glob"},
    "workflows/dry_run.py": {"rglob"},
}


def calls_of(source: str) -> set[str]:
    """The calls of a module that open, parse or write a file by themselves."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Name) and called.id in FUNCTIONS:
            found.add(called.id)
        if isinstance(called, ast.Attribute):
            owner = called.value.id if isinstance(called.value, ast.Name) else ""
            if (owner, called.attr) in QUALIFIED:
                found.add(f"{owner}.{called.attr}")
            elif called.attr in METHODS:
                found.add(called.attr)
            elif called.attr == "open" and owner in ("path", "file", "source", "target"):
                found.add("path.open")
    return found


def test_no_module_opens_parses_or_writes_a_file_by_itself() -> None:
    found: list[str] = []
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        wrong = calls_of(path.read_text("utf-8")) - ALLOWED.get(name, set())
        found += [f"{name}: {call}" for call in sorted(wrong)]
    assert not found, "\n".join([*found, "", "Use:", *(f"  {k}: {v}" for k, v in {**FUNCTIONS, **METHODS}.items())])


def test_one_place_imports_onnxruntime_and_turns_its_telemetry_off() -> None:
    importing = []
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text("utf-8")
        names = {
            alias.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import) for alias in node.names
        }
        names |= {node.module or "" for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)}
        if any(name.split(".")[0] == "onnxruntime" for name in names):
            importing.append(path.relative_to(SOURCE).as_posix())
    assert importing == ["core/onnx_runtime.py"]


def test_what_is_allowed_is_used() -> None:
    for name, calls in ALLOWED.items():
        assert calls <= calls_of((SOURCE / name).read_text("utf-8")), f"{name} no longer uses all of {sorted(calls)}"


def test_the_guard_sees_each_way_round() -> None:
    text = "open(p); json.loads(t); p.read_text(); np.load(p); yaml.safe_load(t); os.replace(a, b); p.mkdir()"
    assert calls_of(text) == {"open", "json.loads", "read_text", "np.load", "yaml.safe_load", "os.replace", "mkdir"}
