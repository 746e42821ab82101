"""Other programs that boot a guest, run a command and tear it down; installed for one run, then removed."""
