# The runner of one workload: sourced by `load.ps1 run ID`, which has set $Base, $Root, $Id and $Grace.

Add-Type -TypeDefinition @'
using System;
using System.Runtime.InteropServices;

/// A job object that ends with its last handle, and takes all its processes along.
public sealed class LabJob {
    [StructLayout(LayoutKind.Sequential)] struct Basic {
        public long ProcessTime, JobTime; public uint Flags; public UIntPtr Least, Most;
        public uint Processes; public UIntPtr Affinity; public uint Priority, Scheduling;
    }
    [StructLayout(LayoutKind.Sequential)] struct Transfers { public ulong R, W, O, RB, WB, OB; }
    [StructLayout(LayoutKind.Sequential)] struct Extended {
        public Basic Limits; public Transfers Io; public UIntPtr Process, Job, PeakProcess, PeakJob;
    }
    [StructLayout(LayoutKind.Sequential)] struct Accounting {
        public long User, Kernel, UserNow, KernelNow; public uint Faults, Total, Active, Ended;
    }
    [DllImport("kernel32.dll", CharSet = CharSet.Unicode, SetLastError = true)]
    static extern IntPtr CreateJobObject(IntPtr security, string name);
    [DllImport("kernel32.dll", SetLastError = true)]
    static extern bool SetInformationJobObject(IntPtr job, int kind, ref Extended value, int size);
    [DllImport("kernel32.dll", SetLastError = true)]
    static extern bool AssignProcessToJobObject(IntPtr job, IntPtr process);
    [DllImport("kernel32.dll", SetLastError = true)]
    static extern bool QueryInformationJobObject(IntPtr job, int kind, ref Accounting value, int size, IntPtr used);
    [DllImport("kernel32.dll")] static extern IntPtr GetCurrentProcess();
    [DllImport("advapi32.dll", CharSet = CharSet.Unicode, SetLastError = true)]
    static extern bool LogonUser(string user, string domain, string password, int kind, int provider, out IntPtr token);
    [DllImport("kernel32.dll")] static extern bool CloseHandle(IntPtr handle);
    readonly IntPtr job;
    public LabJob() {
        job = CreateJobObject(IntPtr.Zero, null);
        Extended limits = new Extended();
        limits.Limits.Flags = 0x2000; // JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
        if (job == IntPtr.Zero || !SetInformationJobObject(job, 9, ref limits, Marshal.SizeOf(limits))
            || !AssignProcessToJobObject(job, GetCurrentProcess()))
            throw new System.ComponentModel.Win32Exception();
    }
    /// Hundredths of a second of CPU time, and processes that are alive.
    public string Used() {
        Accounting used = new Accounting();
        QueryInformationJobObject(job, 1, ref used, Marshal.SizeOf(used), IntPtr.Zero);
        return (used.User + used.Kernel) / 100000 + " " + used.Active;
    }
    [DllImport("kernel32.dll")] static extern IntPtr OpenProcess(uint access, bool inherit, int id);
    [DllImport("ntdll.dll")] static extern int NtSuspendProcess(IntPtr process);
    [DllImport("ntdll.dll")] static extern int NtResumeProcess(IntPtr process);
    /// Suspends processes, or lets them go on; those that did. Protected ones cannot be opened.
    public static int[] Hold(int[] ids, bool hold) {
        var done = new System.Collections.Generic.List<int>();
        foreach (int id in ids) {
            IntPtr process = OpenProcess(0x0800, false, id); // PROCESS_SUSPEND_RESUME
            if (process == IntPtr.Zero) continue;
            if ((hold ? NtSuspendProcess(process) : NtResumeProcess(process)) == 0) done.Add(id);
            CloseHandle(process);
        }
        return done.ToArray();
    }
    /// An interactive logon and its end; what the system says when it refuses.
    public static string Logon(string user, string password) {
        IntPtr token;
        if (!LogonUser(user, ".", password, 2, 0, out token))
            return new System.ComponentModel.Win32Exception(Marshal.GetLastWin32Error()).Message;
        CloseHandle(token);
        return "";
    }
}
'@

# One worker: operations until the round ends; its times as a histogram of 1000 steps per decade.
$Worker = {
    param($Ops, $Order, $Me, $UntilNs, $Stop)
    $op = (. ([scriptblock]::Create($Ops)))[$Order.op]
    $tick = 1e9 / [Diagnostics.Stopwatch]::Frequency
    $bins = @{}; $said = @{}; $done = 0; $errors = 0; $worst = 0; $sum = 0
    $state = @{ me = $Me; order = $Order; dir = $Order.dir; off_us = 0 }
    while (-not [IO.File]::Exists($Stop) -and [Diagnostics.Stopwatch]::GetTimestamp() * $tick -lt $UntilNs) {
        $state.off_us = 0
        $begun = [Diagnostics.Stopwatch]::GetTimestamp()
        $failure = $null
        try { & $op.one $state | Out-Null } catch { $failure = $_.Exception.Message }
        $us = [long][Math]::Max(0, ([Diagnostics.Stopwatch]::GetTimestamp() - $begun) * $tick / 1000 - $state.off_us)
        if ($failure) { $errors++; $said[$failure] = 1 + $said[$failure] }
        else {
            $done++; $sum += $us; if ($us -gt $worst) { $worst = $us }
            $step = [long]1
            while ($us / $step -ge 1000) { $step *= 10 }
            $edge = if ($step -eq 1) { $us } else { ([long][Math]::Floor($us / $step) + 1) * $step }
            $bins[$edge] = 1 + $bins[$edge]
        }
        $rest = $Order.pace_us / 1000 + $us / 1000 * $Order.idle / 100
        if ($rest -ge 1) { [Threading.Thread]::Sleep([int]$rest) }
    }
    @{ done = $done; errors = $errors; worst = $worst; sum = $sum; bins = $bins; said = $said }
}

function Start-Tool($Order, [int]$Seconds, [string]$Out) {
    $start = New-Object Diagnostics.ProcessStartInfo
    $start.FileName = Join-Path $Root "tools\$($Order.tool)"
    $start.Arguments = $Order.command.Replace('{seconds}', "$Seconds").Replace('{dir}', $Order.dir).Replace('{id}', $Id)
    $start.UseShellExecute = $false
    $start.RedirectStandardOutput = $true
    $start.RedirectStandardError = $true
    $process = [Diagnostics.Process]::Start($start)
    @{ process = $process; out = $process.StandardOutput.ReadToEndAsync(); err = $process.StandardError.ReadToEndAsync() }
}

function Invoke-Round($Order, [int]$Number, [int]$Seconds) {
    $begin = Get-Now
    $until = $begin + $Seconds * 1e9
    $limit = $begin + ($Seconds * 2 + $Grace) * 1e9
    $stop = Join-Path $Base 'stop'
    $running = @(for ($me = 1; $me -le $Order.workers; $me++) {
        $shell = [PowerShell]::Create().AddScript($Worker).AddArgument($OpsText).AddArgument($Order)
        $shell = $shell.AddArgument($me).AddArgument($until).AddArgument($stop)
        @{ shell = $shell; handle = $shell.BeginInvoke() }
    })
    $tool = if ($Order.command) { Start-Tool $Order $Seconds $Base } else { $null }
    $finish = $null
    $available = $null
    $turn = 0
    while (@($running | Where-Object { -not $_.handle.IsCompleted }).Count -or ($tool -and -not $tool.process.HasExited)) {
        try { Write-Whole (Join-Path $Base 'cpu') @($Job.Used()) } catch { } # somebody is looking at it just now
        if ($turn++ % 4 -eq 0) {
            $free = (Get-CimInstance Win32_OperatingSystem).FreePhysicalMemory
            if ($null -eq $available -or $free -lt $available) { $available = $free }
        }
        if ((Test-Path -LiteralPath $stop) -and $tool -and -not $finish) {
            # diskspd ends, and reports what it did until now, when this event is set (option -yp)
            $finish = New-Object Threading.EventWaitHandle($false, 'ManualReset', "lab-load-$Id")
            [void]$finish.Set()
        }
        if ((Get-Now) -gt $limit) { if ($tool -and -not $tool.process.HasExited) { $tool.process.Kill() }; break }
        Start-Sleep -Milliseconds 500
    }
    $lines = New-Object Collections.Generic.List[string]
    $lines.Add("round $Number"); $lines.Add("begin_ns $begin"); $lines.Add("end_ns $(Get-Now)")
    $lines.Add("seconds $Seconds"); $lines.Add("available_kib $available")
    $code = if ($tool) { if ($tool.process.HasExited) { $tool.process.ExitCode } else { -1 } } else { 0 }
    $lines.Add("exit_code $code")
    Add-Operations $lines $running
    if ($tool) {
        foreach ($line in ($tool.err.Result -split "`r?`n" | Select-Object -Last 20)) { if ($line) { $lines.Add("text $line") } }
        foreach ($line in ($tool.out.Result -split "`r?`n")) { if ($line) { $lines.Add("report $line") } }
    }
    $lines.Add("end $Number")
    Write-Whole (Join-Path $Base "rounds\$Number") $lines.ToArray()
    $code
}

function Add-Operations($Lines, $Running) {
    $done = 0; $errors = 0; $worst = 0; $sum = 0; $bins = @{}; $said = @{}
    foreach ($one in $Running) {
        if (-not $one.handle.IsCompleted) { $one.shell.BeginStop($null, $null) | Out-Null; $errors++; $said['an operation hangs'] = 1; continue }
        try { $told = $one.shell.EndInvoke($one.handle)[0] } catch { $errors++; $said[$_.Exception.Message] = 1; continue }
        $done += $told.done; $errors += $told.errors; $sum += $told.sum
        if ($told.worst -gt $worst) { $worst = $told.worst }
        foreach ($edge in $told.bins.Keys) { $bins[$edge] = $told.bins[$edge] + $bins[$edge] }
        foreach ($words in $told.said.Keys) { $said[$words] = $told.said[$words] + $said[$words] }
        $one.shell.Dispose()
    }
    $Lines.Add("ops $done"); $Lines.Add("errors $errors"); $Lines.Add("worst_us $worst"); $Lines.Add("sum_us $sum")
    foreach ($edge in $bins.Keys) { $Lines.Add("bin $edge $($bins[$edge])") }
    $most = $said.GetEnumerator() | Sort-Object -Property Value -Descending | Select-Object -First 5
    foreach ($entry in $most) { $Lines.Add("said $($entry.Value) $($entry.Key -replace '\s+', ' ')") }
}

function Invoke-Load {
    $order = Get-Content -Raw -LiteralPath (Join-Path $Base 'order') | ConvertFrom-Json
    New-Item -ItemType Directory -Force -Path (Join-Path $Base 'rounds'), $order.dir | Out-Null
    Write-Whole (Join-Path $Base 'boot') @(Get-Boot)
    Write-Whole (Join-Path $Base 'pid') @("$PID")
    $state = @{ me = 0; order = $order; dir = $order.dir; off_us = 0 }
    $op = if ($order.op) { (. ([scriptblock]::Create($OpsText)))[$order.op] } else { $null }
    $reason = 'killed'
    try {
        if ($order.op -and -not $op) { throw "no such operation: $($order.op)" }
        $reason = 'unusable'
        if ($op -and $op['prepared']) { & $op['prepared'] $state | Out-Null }
        $deadline = (Get-Now) + $order.for_s * 1e9
        $number = 0
        $reason = 'deadline'
        while ($true) {
            if (Test-Path (Join-Path $Base 'stop')) { $reason = 'stopped'; break }
            $left = [int][Math]::Floor(($deadline - (Get-Now)) / 1e9 + 0.5)
            if ($left -le 0) { break }
            $seconds = if ($left -lt $order.round_s * 3 / 2) { $left } else { $order.round_s }
            $number++
            $begun = Get-Now
            $code = Invoke-Round $order $number $seconds
            if ($code -ne 0 -and -not (Test-Path (Join-Path $Base 'stop')) -and (Get-Now) - $begun -lt $seconds * 5e8) {
                $reason = "failed exit code $code of $($order.tool) after $([int](((Get-Now) - $begun) / 1e6)) ms"
                break
            }
        }
    }
    catch { $reason = "$(if ($reason -eq 'unusable') { $reason } else { 'failed' }) $($_.Exception.Message -replace '\s+', ' ')" }
    finally {
        if ($op -and $op['ended']) { try { & $op['ended'] $state | Out-Null } catch { Add-Content (Join-Path $Base 'log') "$_" } }
        Remove-Item -Recurse -Force -ErrorAction SilentlyContinue -LiteralPath $order.dir
        Write-Whole (Join-Path $Base 'ended') @($reason)
    }
}

$OpsText = [IO.File]::ReadAllText((Join-Path $Root 'ops.ps1'))
$Job = New-Object LabJob
Invoke-Load
