"""The VM seen from outside: hosts, domains, power, screen, events. Holds no opinion about guests.

- libvirt: `driver` alone calls it, `embedded` runs it inside our process, `xml` says what a machine looks
  like (`windows` what a Windows guest's has beside)
- one guest: `machine` owns it from overlay to destruction, `freezing` writes its state down,
  `blockfilter` and `netfilter` stand between it and its disk or network
- looking at one: `vitals`, `registers`, `weight`, `peek`, `console`; what a silent or crashed one is
  asked: `witness`, `sysrq`, `kdump`
- whose it is, and its end: `leases`, `leftovers`, `reaping`
- what a host can do: `host`, `probe`, `room`
"""
