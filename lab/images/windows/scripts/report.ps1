# Tells what this Windows is, as JSON: to the console, to a file, or to a serial port in lines that can be checked.
# Reads only. Windows PowerShell 5.1. A part that cannot be read is reported under `unread`, with the reason.
param([string]$Port = '', [string]$File = '')
$ErrorActionPreference = 'Stop'
$facts = [ordered]@{ schema = 1 }
$unread = @()

function Read-Part([string]$name, [scriptblock]$how) {
    try { $script:facts[$name] = & $how } catch { $script:unread += "${name}: $($_.Exception.Message)" }
}

$current = 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion'
$control = 'HKLM:\SYSTEM\CurrentControlSet\Control'
Read-Part 'os' {
    $v = Get-ItemProperty $current
    $shown = if ($v.DisplayVersion) { $v.DisplayVersion } else { $v.ReleaseId }
    [ordered]@{ product = $v.ProductName; edition = $v.EditionID; version = $shown; build = [int]$v.CurrentBuildNumber
                revision = [int]$v.UBR; installation = $v.InstallationType; language = (Get-Culture).Name }
}
Read-Part 'hotfixes' { @(Get-CimInstance Win32_QuickFixEngineering | ForEach-Object HotFixID | Sort-Object) }
Read-Part 'drivers' {
    $found = [ordered]@{}
    foreach ($name in 'viostor', 'vioscsi', 'netkvm', 'vioserial', 'VirtioSerial', 'viorng', 'balloon', 'pvpanic') {
        $service = Get-ItemProperty "HKLM:\SYSTEM\CurrentControlSet\Services\$name" -ErrorAction SilentlyContinue
        if ($service) { $found[$name] = [int]$service.Start }
    }
    $found
}
Read-Part 'services' {
    $found = [ordered]@{}
    foreach ($name in 'QEMU-GA', 'sshd', 'WinRM', 'wuauserv', 'UsoSvc') {
        $one = Get-CimInstance Win32_Service -Filter "Name='$name'"
        if ($one) { $found[$name] = "$($one.StartMode)/$($one.State)" }
    }
    $found
}
Read-Part 'ssh_host_key' {
    $key = "$env:ProgramData\ssh\ssh_host_ed25519_key.pub"
    if (Test-Path $key) { ((Get-Content -Raw $key).Trim() -split ' ')[0..1] -join ' ' } else { '' }
}
Read-Part 'ssh_keys' {
    $path = "$env:ProgramData\ssh\administrators_authorized_keys"
    if (Test-Path $path) { @(Get-Content $path | Where-Object { $_ -match '^(ssh-|ecdsa-|sk-)' } | ForEach-Object { ($_ -split ' ')[0..1] -join ' ' }) } else { @() }
}
Read-Part 'winrm_thumbprint' {
    $https = Get-ChildItem WSMan:\localhost\Listener | Where-Object { $_.Keys -contains 'Transport=HTTPS' } | Select-Object -First 1
    if ($https) { (Get-ChildItem $https.PSPath | Where-Object Name -eq 'CertificateThumbprint').Value } else { '' }
}
Read-Part 'registry' {
    $found = [ordered]@{}
    $list = 'C:\lab\settings.json'
    if (Test-Path $list) {
        foreach ($one in Get-Content -Raw -Encoding UTF8 $list | ConvertFrom-Json) {
            $key = $one.key -replace '^HKLM\\', 'HKLM:\'
            $value = (Get-ItemProperty $key -ErrorAction SilentlyContinue).($one.name)
            $found["$($one.key)|$($one.name)"] = if ($null -eq $value) { $null } else { @($value) -join "`n" }
        }
    }
    $found
}
Read-Part 'crash' {
    $v = Get-ItemProperty "$control\CrashControl"
    [ordered]@{ type = $v.CrashDumpEnabled; auto_reboot = $v.AutoReboot; dedicated = $v.DedicatedDumpFile; nmi = $v.NMICrashDump }
}
Read-Part 'boot' { (& bcdedit.exe /enum '{default}' | Out-String).Trim() }
Read-Part 'boot_settings' { (& bcdedit.exe /enum '{emssettings}' | Out-String).Trim() }
Read-Part 'disks' {
    @(Get-Disk | ForEach-Object { [ordered]@{ number = $_.Number; bus = "$($_.BusType)"; style = "$($_.PartitionStyle)"; mib = [int64]($_.Size / 1MB) } })
}
Read-Part 'volumes' {
    @(Get-Volume | Where-Object DriveLetter | ForEach-Object { [ordered]@{ letter = "$($_.DriveLetter)"; file_system = "$($_.FileSystem)"; label = $_.FileSystemLabel } })
}
Read-Part 'secure_boot' { try { [bool](Confirm-SecureBootUEFI) } catch [System.PlatformNotSupportedException] { $false } }
Read-Part 'firmware' { if ($env:firmware_type) { $env:firmware_type } else { (Get-ItemProperty $control).PEFirmwareType } }
Read-Part 'tpm' {
    $tpm = Get-CimInstance -Namespace root\cimv2\Security\MicrosoftTpm -ClassName Win32_Tpm
    if ($tpm) { "$($tpm.SpecVersion)" } else { '' }
}
Read-Part 'memory_integrity' {
    $guard = Get-CimInstance -Namespace root\Microsoft\Windows\DeviceGuard -ClassName Win32_DeviceGuard
    [ordered]@{ vbs = [int]$guard.VirtualizationBasedSecurityStatus; running = @($guard.SecurityServicesRunning) }
}
Read-Part 'verifier' { (& verifier.exe /querysettings | Out-String).Trim() }
Read-Part 'pending_restart' { Test-Path 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending' }
Read-Part 'time' {
    $zone = Get-ItemProperty "$control\TimeZoneInformation"
    [ordered]@{ zone = (Get-TimeZone).Id; universal = [int]$zone.RealTimeIsUniversal; now = (Get-Date).ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ssZ') }
}
Read-Part 'evaluation_minutes' {
    $licence = Get-CimInstance SoftwareLicensingProduct -Filter "ApplicationID='55c92734-d682-4d71-983e-d6ec3f16059f' AND PartialProductKey IS NOT NULL" | Select-Object -First 1
    if ($licence -and $licence.Description -match 'EVAL') { [int64]$licence.GracePeriodRemaining } else { -1 }
}
$facts['unread'] = $unread
$json = $facts | ConvertTo-Json -Depth 6 -Compress
if ($File) { [System.IO.File]::WriteAllText($File, $json, (New-Object System.Text.UTF8Encoding $false)) }
if (-not $Port) { if (-not $File) { $json }; return }
$bytes = [System.Text.Encoding]::UTF8.GetBytes($json)
$hash = -join ([System.Security.Cryptography.SHA256]::Create().ComputeHash($bytes) | ForEach-Object { $_.ToString('x2') })
$text = [Convert]::ToBase64String($bytes)
$serial = New-Object System.IO.Ports.SerialPort $Port, 115200
$serial.Open()
for ($at = 0; $at -lt $text.Length; $at += 96) {
    $serial.Write("lab-report: $($text.Substring($at, [Math]::Min(96, $text.Length - $at)))`r`n")
}
$serial.Write("lab-report-end: $hash`r`n")
$serial.Close()
