# Runs one workload in a Windows guest, in rounds, until its own deadline; Windows PowerShell 5.1.
#
#   load.ps1 size NAME...           what the guest has: CPUs, memory, free disk; then the programs of
#                                   these that are missing
#   load.ps1 start ID <ORDER        starts what ORDER (JSON) says, detached, until its deadline or `stop`
#   load.ps1 look ID N              how ID fares, and its finished rounds after number N
#   load.ps1 stop ID N PATIENCE     asks it to end, waits PATIENCE half seconds, kills what is left; then as look
#   load.ps1 tidy ID                removes everything of ID
#
# The runner is in a job object that dies with it, and takes every process of the load along. It is
# started through WMI, since a remote session's own job would end it with the session.
param(
    [Parameter(Position = 0)][string]$Verb,
    [Parameter(Position = 1, ValueFromRemainingArguments = $true)][string[]]$Words
)
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
$Script = $MyInvocation.MyCommand.Path
$Root = Split-Path -Parent $Script
$Id = if ($Words) { $Words[0] } else { 'none' }
$Base = Join-Path $Root $Id
$Grace = 20

# Nanoseconds of the monotonic clock.
function Get-Now {
    [long]([Diagnostics.Stopwatch]::GetTimestamp() * (1e9 / [Diagnostics.Stopwatch]::Frequency))
}

function Get-Boot {
    (Get-CimInstance Win32_OperatingSystem).LastBootUpTime.ToUniversalTime().ToString('yyyyMMddHHmmss')
}

function Write-Whole([string]$Path, [string[]]$Lines) {
    [IO.File]::WriteAllLines("$Path.part", $Lines)
    Move-Item -Force -LiteralPath "$Path.part" -Destination $Path
}

function Show-Size {
    [Environment]::ProcessorCount
    $os = Get-CimInstance Win32_OperatingSystem
    "$($os.TotalVisibleMemorySize) $($os.FreePhysicalMemory)"
    [long]((New-Object IO.DriveInfo $Root.Substring(0, 1)).AvailableFreeSpace / 1024)
    foreach ($name in $Words) {
        $ours = @(Get-ChildItem -Path (Join-Path $Root "tools\$name.*") -ErrorAction SilentlyContinue)
        if (-not $ours -and -not (Get-Command $name -ErrorAction SilentlyContinue)) { $name }
    }
}

function Start-Load {
    $order = [Console]::In.ReadToEnd()
    New-Item -ItemType Directory -Force -Path $Base | Out-Null
    Write-Whole (Join-Path $Base 'order') @($order)
    $line = "powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -File `"$Script`" run $Id"
    $made = Invoke-CimMethod -ClassName Win32_Process -MethodName Create -Arguments @{ CommandLine = $line }
    if ($made.ReturnValue -ne 0) { throw "the runner cannot be started: Win32_Process.Create returned $($made.ReturnValue)" }
}

function Get-Runner {
    $file = Join-Path $Base 'pid'
    if (-not (Test-Path -LiteralPath $file)) { return $null }
    $found = Get-CimInstance Win32_Process -Filter "ProcessId = $([int](Get-Content -LiteralPath $file))"
    if ($found -and $found.CommandLine -like "*run $Id*") { $found } else { $null }
}

function Show-Load([int]$After) {
    $ended = Join-Path $Base 'ended'
    if (Test-Path -LiteralPath $ended) { "state ended $(Get-Content -LiteralPath $ended)" }
    elseif (Get-Runner) { 'state running' }
    elseif ((Test-Path (Join-Path $Base 'order')) -and -not (Test-Path (Join-Path $Base 'pid'))) { 'state starting' }
    else { 'state gone' }
    foreach ($name in 'boot', 'cpu') {
        $file = Join-Path $Base $name
        if (Test-Path -LiteralPath $file) { "$name $(Get-Content -LiteralPath $file)" }
    }
    "now_ns $(Get-Now)"
    "available_kib $((Get-CimInstance Win32_OperatingSystem).FreePhysicalMemory)"
    $seen = $After
    $shown = 0
    while ((Test-Path (Join-Path $Base "rounds\$($seen + 1)")) -and $shown -lt 40) {
        Remove-Item -Force -ErrorAction SilentlyContinue (Join-Path $Base "rounds\$seen")
        $seen++
        $shown++
        Get-Content -LiteralPath (Join-Path $Base "rounds\$seen")
    }
    if (Test-Path (Join-Path $Base "rounds\$($seen + 1)")) { 'more' }
    $log = Join-Path $Base 'log'
    if (Test-Path -LiteralPath $log) { Get-Content -LiteralPath $log -Tail 5 | ForEach-Object { "log $_" } }
}

function Stop-Load([int]$After, [int]$Patience) {
    if (Test-Path -LiteralPath $Base) { Write-Whole (Join-Path $Base 'stop') @('') }
    for ($i = 0; $i -lt $Patience -and -not (Test-Path (Join-Path $Base 'ended')) -and (Get-Runner); $i++) { Start-Sleep -Milliseconds 500 }
    $runner = Get-Runner
    if ($runner) {
        Stop-Process -Force -Id $runner.ProcessId -ErrorAction SilentlyContinue
        Start-Sleep -Milliseconds 500
        if (Get-Runner) { "stuck $($runner.ProcessId)" }
    }
    Show-Load $After
}

switch ($Verb) {
    'size' { Show-Size }
    'start' { Start-Load }
    'run' { . (Join-Path $Root 'run.ps1') }
    'look' { Show-Load ([int]$Words[1]) }
    'stop' { Stop-Load ([int]$Words[1]) ([int]$Words[2]) }
    'tidy' { Remove-Item -Recurse -Force -ErrorAction SilentlyContinue -LiteralPath $Base }
    default { throw "no such verb: $Verb" }
}
