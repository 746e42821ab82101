"""Running cells: one attempt, its own process, the fleet of them, and the clean-up.

A cell only records. Nothing here judges a guest; `detect` and `verdict` read the recording.

- a run: `session` from its directory (`rundir`, `lock`, `ending`) to its last cell, seen in `live`; gone
  on with by `taking_over`
- the fleet: `fleet`; where a cell runs (`placing`), when there is room for it (`admission`,
  `admission_desk`, `admission_line`, `admission_demand`, `admission_pace`), how often (`repeating`), what
  is compiled before (`artefacts`)
- how a guest starts: `starting`, `template_request`, `templating`, `falling_back`, `boot_times`
- a cell's process: `order` is what it is told, `spawn` and `child` its parent's side, `cell`, `owner` and
  `lifeline` its own; `forkserver`, `forkserver_client` and `preloading` make it quick
- an attempt: `attempt`, with `reach` into the guest, `sensing`, `suspicion` and `watch` on it, and
  `closing`
- what scenarios use of this room: `update`, `sweeping`, `escaping`
- what is taken from a guest before it is destroyed: `evidence`, `asking`, `dumping`, `dump_slots`,
  `captures`
- afterwards: `records` for judging, `repro`, `tidying`
"""
