"""The VM seen from outside: hosts, domains, power, screen, events. Holds no opinion about guests.

`driver` is the only module of the lab that calls libvirt; `xml` says what a machine looks like;
`machine` owns one guest from overlay to destruction; `leases` remembers whose it is; `host`,
`probe` and `doctor` say what a host can do.
"""
