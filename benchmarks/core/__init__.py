"""What all benches share: figures, the run's record, tables, the machine, scratch room, child processes."""
