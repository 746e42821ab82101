"""The pulse of a silent guest: samples of CPUs, disks and host become one diagnosis, with what was measured.

Samples come from outside (libvirt's statistics, registers read by the monitor), so they work when
nothing inside answers. Refuses to say whether a guest is silent; that is silence.py's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from lab.model import Diagnosis, MachineSample, VcpuSample

HOST_CAUSES = frozenset({Diagnosis.STOPPED_BY_HOST, Diagnosis.HOST_OVERLOADED})
"""Not the guest's doing, and so nobody's fault but the lab's."""

NARROW = 0x400
"""Bytes: a loop that waits is shorter. A spin lock's slow path in Linux has about 0x300."""
FULL = 0.7
"""Share of a CPU from which it counts as running all the time; software emulation loses some."""
QUIET = 0.15
WAITING = 0.3
"""Share of a CPU below which disk traffic is what the guest waits for."""
BUSY_DISK_HZ = 20.0
"""Requests per second of a guest that lives on its disk (swapping, scanning)."""
STALLED_HOST = 0.75
"""Share of time in which some task of the host waited for a CPU (`some avg10`), from which the host is
the likely cause. A host that is merely well used shows up to 0.5."""
LATE_S = 2.0
VERY_LATE_S = 5.0
"""How late a sample is taken on a host that cannot even run the lab itself."""
ENOUGH_S = 1.0
"""Shortest time over which shares of a CPU mean something."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A diagnosis and the figures it rests on, one sentence without its end."""

    diagnosis: Diagnosis
    measured: str


@dataclass(frozen=True, slots=True)
class _Cpu:
    """One virtual CPU over the whole time."""

    number: int
    use: float | None
    """Share of the time that it ran; None when nobody counted."""
    halted: int
    """Samples in which it waited for an interrupt, of `looks`."""
    looks: int
    near: int
    """Most instruction pointers within `NARROW` bytes, of `pointers`."""
    pointers: int
    low: int
    high: int
    """The ends of that range."""

    @property
    def idle(self) -> bool:
        if self.looks:
            return self.halted * 3 >= self.looks * 2
        return self.use is not None and self.use < QUIET

    @property
    def spins(self) -> bool:
        runs = self.use >= FULL if self.use is not None else self.looks > 0 and not self.halted
        return runs and self.pointers >= 3 and self.near * 3 >= self.pointers * 2


def diagnose(samples: Sequence[MachineSample]) -> Reading | None:
    """Why a guest was silent while these samples were taken; None when they are too few to tell."""
    if not samples:
        return None
    last, span = samples[-1], samples[-1].t_s - samples[0].t_s
    if last.state == "paused":
        return Reading(Diagnosis.STOPPED_BY_HOST, f"the machine was paused at {last.t_s:.1f} s")
    if last.state == "pmsuspended":
        return Reading(Diagnosis.IDLE, "the guest had put itself to sleep")
    if len(samples) < 2 or span < ENOUGH_S:
        return None
    cpus = _cpus(samples)
    told = "; ".join(part for part in (_use(cpus, span), _traffic(samples)) if part)
    for reading in (_host(samples, cpus), _spin(cpus), _disk(samples, cpus)):
        if reading is not None:
            return Reading(reading.diagnosis, "; ".join(part for part in (reading.measured, told) if part))
    known = [cpu for cpu in cpus if cpu.use is not None or cpu.looks]
    if not known:
        return None
    diagnosis = Diagnosis.IDLE if all(cpu.idle for cpu in known) else Diagnosis.BUSY
    return Reading(diagnosis, told)


def _cpus(samples: Sequence[MachineSample]) -> list[_Cpu]:
    numbers = sorted({vcpu.cpu for sample in samples for vcpu in sample.vcpus})
    return [_cpu(number, samples) for number in numbers]


def _cpu(number: int, samples: Sequence[MachineSample]) -> _Cpu:
    seen = [(sample.t_s, vcpu) for sample in samples for vcpu in sample.vcpus if vcpu.cpu == number]
    looks = [vcpu.halted for _, vcpu in seen if vcpu.halted is not None]
    pointers = sorted(vcpu.ip for _, vcpu in seen if vcpu.ip is not None)
    near, low, high = _densest(pointers)
    return _Cpu(
        number=number,
        use=_share(seen),
        halted=sum(looks),
        looks=len(looks),
        near=near,
        pointers=len(pointers),
        low=low,
        high=high,
    )


def _share(seen: Sequence[tuple[float, VcpuSample]]) -> float | None:
    """CPU time over wall time; a counter that fell (the machine was restored) starts anew."""
    times = [(t_s, vcpu.time_s) for t_s, vcpu in seen if vcpu.time_s is not None]
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(times) if b[1] >= a[1]]
    wall = sum(step[0] for step in steps)
    return sum(step[1] for step in steps) / wall if wall >= ENOUGH_S / 2 else None


def _densest(pointers: Sequence[int]) -> tuple[int, int, int]:
    """(how many, lowest, highest) of the most of the sorted `pointers` that lie within `NARROW` bytes."""
    best, start = (0, 0, 0), 0
    for end, high in enumerate(pointers):
        while high - pointers[start] > NARROW:
            start += 1
        if end - start + 1 > best[0]:
            best = (end - start + 1, pointers[start], high)
    return best


def _host(samples: Sequence[MachineSample], cpus: Sequence[_Cpu]) -> Reading | None:
    """A host that does not let the guest run; one that does is not to blame however loaded it is."""
    late, stall = _median(samples, "late_s"), _median(samples, "stall_share")
    ran = any(cpu.use is not None and cpu.use >= FULL for cpu in cpus)
    halted = bool(cpus) and all(cpu.looks and cpu.idle for cpu in cpus)
    if late >= VERY_LATE_S or ((late >= LATE_S or stall >= STALLED_HOST) and not ran and not halted):
        words = [f"samples were {late:.1f} s late"] if late >= LATE_S else []
        words += [f"tasks of the host waited for a CPU {stall:.0%} of the time"] if stall else []
        return Reading(Diagnosis.HOST_OVERLOADED, " and ".join(words))
    return None


def _median(samples: Sequence[MachineSample], name: str) -> float:
    """Over the samples that were due: those of a burst are never late."""
    regular = [sample for sample in samples if all(vcpu.ip is None for vcpu in sample.vcpus)]
    values = [sample.host[name] for sample in regular if name in sample.host]
    return median(values) if values else 0.0


def _spin(cpus: Sequence[_Cpu]) -> Reading | None:
    spinning = next((cpu for cpu in cpus if cpu.spins), None)
    if spinning is None:
        return None
    width = max(0x10, (spinning.high - spinning.low + 0xF) // 0x10 * 0x10)
    used = f" while vCPU {spinning.number} used {spinning.use:.0%}" if spinning.use is not None else ""
    near = f"{spinning.near} of {spinning.pointers} samples within 0x{width:x} bytes"
    return Reading(Diagnosis.SPINNING, f"{near} of {spinning.low:016x}{used}")


def _disk(samples: Sequence[MachineSample], cpus: Sequence[_Cpu]) -> Reading | None:
    """Requests that do not come back, or nothing but requests."""
    if any(cpu.use is not None and cpu.use >= WAITING for cpu in cpus):
        return None
    waiting = [sample.block["in_flight"] for sample in samples if "in_flight" in sample.block]
    done = _grown(samples, "rd_reqs", "wr_reqs")
    span = samples[-1].t_s - samples[0].t_s
    stuck = sum(1 for number in waiting if number > 0)
    if waiting and stuck * 3 >= len(waiting) * 2:
        return Reading(
            Diagnosis.BLOCKED_ON_IO,
            f"{max(waiting)} disk requests in flight in {stuck} of {len(waiting)} samples, {done} ended",
        )
    if done / span >= BUSY_DISK_HZ:
        return Reading(Diagnosis.BLOCKED_ON_IO, f"{done / span:.0f} disk requests per second and little else")
    return None


def _grown(samples: Sequence[MachineSample], *names: str) -> int:
    """How much the named disk counters grew together."""
    first, last = samples[0].block, samples[-1].block
    return sum(max(0, last.get(name, 0) - first.get(name, 0)) for name in names if name in first)


def _use(cpus: Sequence[_Cpu], span: float) -> str:
    words = [f"vCPU {cpu.number} used {cpu.use:.0%}" for cpu in cpus[:4] if cpu.use is not None]
    words += [
        f"vCPU {cpu.number} was halted in {cpu.halted} of {cpu.looks} looks" for cpu in cpus[:4] if cpu.looks
    ]
    return f"{', '.join(words)} in {span:.0f} s" if words else ""


def _traffic(samples: Sequence[MachineSample]) -> str:
    words = []
    if samples[0].block:
        words.append(f"the disks did {_grown(samples, 'rd_reqs', 'wr_reqs')} requests")
    if samples[0].network:
        words.append(f"the network carried {_carried(samples[0].network, samples[-1].network)} bytes")
    return ", ".join(words)


def _carried(first: Mapping[str, int], last: Mapping[str, int]) -> int:
    return sum(max(0, last.get(name, 0) - first[name]) for name in first if name.endswith("_bytes"))
