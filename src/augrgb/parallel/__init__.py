"""Everything that starts a process, and the three ways to use one.

* `child`: one guarded process for calls on untrusted input, such as `augrgb detect`. A file that crashes or hangs it,
  or wants too much memory, takes only its own call with it. `walled_child` is the same for pickles: nothing that comes
  out of it is unpickled. `run_children` is the plain form: a function over many jobs, the results as they end.
* `batch`: one call per item (a video, a skeleton file), each in a guarded process: finished ones are kept, bad ones are
  listed in `report.json`, and the command fails if there are more than allowed.
* `jobs`: a graph of trusted work, such as training and evaluating the cells of a comparison: jobs that depend on each
  other, with progress and costs.

Batches and job graphs run on an `engine`: processes of this machine (`LocalEngine`) or a Ray cluster (`RayEngine`). The
bytes that they write are the same on both, and a worker or a machine that dies costs only time.

`workers` means one thing everywhere: the number of processes. None = one per core; 0 = in this process, without any
protection: for tests, and for code that is already inside a worker (workers start no workers).
"""
