"""Windows seen from outside: stop codes in events, and EMS, kernel-debugger and boot-manager text."""
